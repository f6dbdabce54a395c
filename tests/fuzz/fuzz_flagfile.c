/* Any bytes as a configuration file: refused or read, never a crash. */
#include <config.h>

#include <stdint.h>
#include <string.h>

#include "base/config.h"
#include "base/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(nt_config) config = nt_config_new(nt_options);
    struct nt_err err = { 0 };

    /* Includes would read files of the machine. */
    if (memmem(data, size, "flagfile", 8)) {
        return 0;
    }
    if (!nt_config_parse(config, "fuzz", (const char *) data, size, &err)) {
        int rc = nt_config_finish(config, &err);

        (void) rc;
    }
    return 0;
}
