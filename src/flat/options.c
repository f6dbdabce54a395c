#include <config.h>

#include "flat/options.h"

#include <string.h>

#include "base/mem.h"

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
read_dmz(const struct nt_config *config, struct flat_settings *s, struct nt_err *err)
{
    size_t n = nt_config_n(config, "dmz_cidr");

    s->dmz = xcalloc(n + 1, sizeof *s->dmz);
    s->plan.dmz = s->dmz;
    for (s->plan.n_dmz = 0; s->plan.n_dmz < n; s->plan.n_dmz++) {
        if (!nt_cidr_parse(nt_config_item(config, "dmz_cidr", s->plan.n_dmz),
                           &s->dmz[s->plan.n_dmz])) {
            return wrong(config, "dmz_cidr", "a list of networks such as 10.128.0.0/24", err);
        }
    }
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
    s->plan.metadata_port = nt_config_int(config, "metadata_port");
    if (read_ip(config, "my_ip", &s->my_ip, err) < 0
        || read_ip(config, "routing_source_ip", &s->plan.routing_source_ip, err) < 0
        || read_ip(config, "metadata_host", &s->plan.metadata_host, err) < 0
        || read_dmz(config, s, err) < 0) {
        flat_settings_clear(s);
        return -1;
    }
    return 0;
}

void
flat_settings_clear(struct flat_settings *s)
{
    free(s->dmz);
    s->dmz = NULL;
}
