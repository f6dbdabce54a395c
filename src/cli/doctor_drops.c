#include <config.h>

#include "cli/doctor.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "host/drops.h"
#include "host/iptables.h"
#include "openvswitch/dynamic-string.h"

/* "source-MAC 12, DHCP-rate 3"; the caller frees. */
static char *
describe(const struct nt_drops_table *drops)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < drops->n; i++) {
        if (drops->values[i].packets) {
            ds_put_format(&out, "%s%s %" PRIu64,
                          out.length ? ", " : "packets refused: ", drops->values[i].reason,
                          drops->values[i].packets);
        }
    }
    return ds_steal_cstr(&out);
}

/* What guests were refused since their rules were made: no fault, but worth knowing. */
void
doctor_drops(struct doctor *d)
{
    const char *option = nt_config_str(d->config, "iptables_variant");
    enum nt_iptables_variant variant;
    struct nt_drops_table table = { .n = 0 };

    if (!d->is_compute || !nt_iptables_variant_parse(option, &variant)) {
        return;
    }

    AUTO(nt_drops)
    drops = nt_drops_new(NULL, nt_iptables_tool(variant, false), nt_iptables_tool(variant, true));
    const char *const *argv;
    for (size_t i = 0; (argv = nt_drops_command(drops, i)); i++) {
        AUTO_FREE char *text = doctor_run(argv);

        nt_drops_parse(i, text ? text : "", &table);
    }
    doctor_say(d, "refused to guests", DOCTOR_OK, describe(&table), NULL);
}
