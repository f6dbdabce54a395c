/* The configuration of this host's programs, for commands that look at it. */
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/config.h"

struct cli;

/* Reads what the programs would read, or what the options --config-file and
 * --config-dir name.  With 'collect' what is wrong is collected
 * (nt_config_collect_errors()). */
NT_NODISCARD int cli_settings_load(struct cli *, bool collect, struct nt_config **out,
                                   struct nt_err *);

/* Says the configuration's warnings on stderr. */
void cli_settings_warn(const struct nt_config *);
