#include <config.h>

#include "flat/options.h"

#include <string.h>

#include "base/mem.h"
#include "host/iptables_options.h"

static int
wrong(const struct nt_config *config, const char *name, const char *wanted, struct nt_err *err)
{
    return nt_fail(err, NT_INVALID, "%s: %s is '%.100s', must be %s",
                   nt_config_origin(config, name), name, nt_config_str(config, name), wanted);
}

static int
read_ip(const struct nt_config *config, const char *name, uint32_t *out, struct nt_err *err)
{
    const char *text = nt_config_str(config, name);

    *out = 0;
    return !*text || nt_ip4_parse(text, out) ? 0 : wrong(config, name, "an IPv4 address", err);
}

static int
read_cidrs(const struct nt_config *config, const char *name, struct nt_cidr **out, size_t *n_out,
           struct nt_err *err)
{
    size_t n = nt_config_n(config, name);

    *out = xcalloc(n + 1, sizeof **out);
    for (size_t i = 0; i < n; i++) {
        if (!nt_cidr_parse(nt_config_item(config, name, i), &(*out)[i])) {
            return wrong(config, name, "a list of networks such as 10.128.0.0/24", err);
        }
    }
    *n_out = n;
    return 0;
}

static int
read_ranges(const struct nt_config *config, struct flat_settings *s, struct nt_err *err)
{
    if (read_cidrs(config, "dmz_cidr", &s->dmz, &s->plan.n_dmz, err) < 0
        || read_cidrs(config, "force_snat_range", &s->force_snat, &s->plan.n_force_snat, err) < 0) {
        return -1;
    }
    s->plan.dmz = s->dmz;
    s->plan.force_snat = s->force_snat;
    return 0;
}

/* "all", "none" or names. */
static void
read_forward(const struct nt_config *config, struct flat_settings *s)
{
    size_t n = nt_config_n(config, "forward_bridge_interface");
    bool all = !n;

    s->forward = xcalloc(n + 1, sizeof *s->forward);
    s->plan.forward = s->forward;

    for (size_t i = 0; i < n; i++) {
        const char *name = nt_config_item(config, "forward_bridge_interface", i);

        all |= !strcmp(name, "all");
        if (*name && strcmp(name, "none")) {
            s->forward[s->plan.n_forward++] = name;
        }
    }
    s->plan.limits_forward = !all;
}

static int
read_iptables(const struct nt_config *config, struct flat_settings *s, struct nt_err *err)
{
    struct nt_iptables_options o;

    if (nt_iptables_options_read(config, &o, err) < 0) {
        return -1;
    }
    s->plan.top_regex = o.top_regex;
    s->plan.bottom_regex = o.bottom_regex;
    s->plan.drop = o.drop;
    return 0;
}

int
flat_settings_read(const struct nt_config *config, struct flat_settings *s, struct nt_err *err)
{
    const char *compat = nt_config_str(config, "compat");
    const char *range = nt_config_str(config, "fixed_range");
    const char *public = nt_config_str(config, "public_interface");

    memset(s, 0, sizeof *s);
    s->plan.golden = !strcmp(compat, "essex");
    if (!s->plan.golden && strcmp(compat, "latest")) {
        return wrong(config, "compat", "latest or essex", err);
    }
    s->plan.has_fixed_range = *range;
    if (*range && !nt_cidr_parse(range, &s->plan.fixed_range)) {
        return wrong(config, "fixed_range", "a network such as 10.0.0.0/24", err);
    }
    if (nt_config_bool(config, "snat_out_interface") && *public) {
        s->plan.snat_out_interface = public;
    }
    s->plan.public_interface = *public ? public : NULL;
    s->plan.use_ipv6 = nt_config_bool(config, "use_ipv6");
    read_forward(config, s);
    s->plan.metadata_port = nt_config_int(config, "metadata_port");
    if (read_ip(config, "my_ip", &s->my_ip, err) < 0
        || read_ip(config, "routing_source_ip", &s->plan.routing_source_ip, err) < 0
        || read_ip(config, "metadata_host", &s->plan.metadata_host, err) < 0
        || read_ranges(config, s, err) < 0 || read_iptables(config, s, err) < 0) {
        flat_settings_clear(s);
        return -1;
    }
    return 0;
}

void
flat_settings_clear(struct flat_settings *s)
{
    free(s->dmz);
    free(s->force_snat);
    free(s->forward);
    s->dmz = s->force_snat = NULL;
    s->forward = NULL;
}
