#include <config.h>

#include "host/iptables_options.h"

#include <regex.h>
#include <string.h>

static int
wrong(const struct nt_config *config, const char *name, const char *wanted, struct nt_err *err)
{
    return nt_fail(err, NT_INVALID, "%s: %s is '%.100s', must be %s",
                   nt_config_origin(config, name), name, nt_config_str(config, name), wanted);
}

static int
read_regex(const struct nt_config *config, const char *name, const char **out, struct nt_err *err)
{
    regex_t compiled;

    *out = nt_config_str(config, name);
    if (!**out) {
        return 0;
    }
    if (regcomp(&compiled, *out, REG_EXTENDED)) {
        return wrong(config, name, "an extended regular expression", err);
    }
    regfree(&compiled);
    return 0;
}

int
nt_iptables_options_read(const struct nt_config *config, struct nt_iptables_options *out,
                         struct nt_err *err)
{
    if (read_regex(config, "iptables_top_regex", &out->top_regex, err) < 0
        || read_regex(config, "iptables_bottom_regex", &out->bottom_regex, err) < 0) {
        return -1;
    }
    out->drop = nt_config_str(config, "iptables_drop_action");
    if (!*out->drop || strpbrk(out->drop, " \t\"'")) {
        return wrong(config, "iptables_drop_action", "the name of a target", err);
    }
    return 0;
}
