/* The one table of options all daemons share: a deployment has one nova.conf, and
 * every program reads it whole.  Names and meanings are nova's where nova had
 * them.  The table also feeds --help and the manual. */
#pragma once

#include "base/config.h"

extern const struct nt_option nt_options[];

/* The rows of 'own' and those of nt_options that every program on the bus has, unless 'own' has
 * one of the same section and name.  The caller frees the table, not its texts. */
struct nt_option *nt_options_join(const struct nt_option *own);
