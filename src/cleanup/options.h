/* What neutrino-cleanup reads of neutron's files: the options of neutron-ovs-cleanup by their
 * names, sections and defaults. */
#pragma once

#include "base/option.h"

extern const struct nt_option cleanup_options[];

/* What is read when the command line names no file; NULL-terminated. */
extern const char *const cleanup_config_paths[];
