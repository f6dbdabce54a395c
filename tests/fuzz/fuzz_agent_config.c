/* Any bytes as a configuration file of the agent: refused or read, never a crash. */
#include <config.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/model/config.h"
#include "agent/model/options.h"
#include "base/options.h"
#include "openvswitch/vlog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct nt_option *options;
    AUTO(agent_config) agent = NULL;
    struct nt_err err = { 0 };

    /* Includes would read files of the machine; a name of the host would be looked up. */
    if (memmem(data, size, "flagfile", 8) || memmem(data, size, "bandwidths", 10)) {
        return 0;
    }
    if (!options) {
        vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
        options = nt_options_join(agent_options);
    }

    AUTO(nt_config) config = nt_config_new(options);
    nt_config_be_lenient(config);
    if (nt_config_parse(config, "fuzz", (const char *) data, size, &err) < 0
        || nt_config_finish(config, &err) < 0) {
        return 0;
    }
    if (agent_config_load(config, &agent, &err) < 0 && !*err.msg) {
        abort();
    }
    return 0;
}
