/* The agent's own options: neutron-openvswitch-agent's by their names, sections and defaults,
 * and a few of ours.  nt_options_join() adds those of the bus. */
#pragma once

#include "base/option.h"

extern const struct nt_option agent_options[];

/* What is read when the command line names no file; NULL-terminated. */
extern const char *const agent_config_paths[];
