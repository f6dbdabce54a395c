/* The options that every program with iptables rules has: how its own stand to those of
 * others, and what becomes of packets it refuses. */
#pragma once

#include "base/attr.h"
#include "base/config.h"
#include "base/err.h"

struct nt_iptables_options {
    const char *top_regex, *bottom_regex; /* Empty: none.  Borrowed of the configuration. */
    const char *drop;
};

/* Fails with NT_INVALID. */
NT_NODISCARD int nt_iptables_options_read(const struct nt_config *, struct nt_iptables_options *out,
                                          struct nt_err *);
