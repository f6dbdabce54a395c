/* The one table of options all daemons share: a deployment has one nova.conf, and
 * every program reads it whole.  Names and meanings are nova's where nova had
 * them.  The table also feeds --help and the manual. */
#pragma once

#include "base/config.h"

extern const struct nt_option nt_options[];
