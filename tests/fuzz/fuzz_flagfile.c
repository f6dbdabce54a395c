/* Any bytes as a configuration file: refused or read, never a crash. */
#include <config.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads it; '*refused' tells whether something was wrong. */
static void
read_config(const uint8_t *data, size_t size, bool collects, bool *refused)
{
    AUTO(nt_config) config = nt_config_new(nt_options);
    struct nt_err err = { 0 };

    if (collects) {
        nt_config_collect_errors(config);
    }
    *refused = nt_config_parse(config, "fuzz", (const char *) data, size, &err) < 0
               || nt_config_finish(config, &err) < 0 || nt_config_n_errors(config);
    for (const struct nt_option *o = nt_options; o->name && !*refused; o++) {
        free(nt_config_shown(config, o));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool at_once, collected;

    /* Includes would read files of the machine. */
    if (memmem(data, size, "flagfile", 8)) {
        return 0;
    }
    read_config(data, size, false, &at_once);
    read_config(data, size, true, &collected);
    if (at_once != collected) {
        abort();
    }
    return 0;
}
