/* The kernel's table of connections (ctnetlink), as far as addresses of ours go that
 * change hands: what was translated to them must not live on. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/* Deletes every IPv4 connection of this network namespace that has 'ip' (host byte
 * order) for a source or destination, in either direction.  '*n' (may be NULL) is how
 * many.  Reads the whole table: milliseconds for ten thousand entries.  Negative errno;
 * a kernel without connection tracking has none to delete: success. */
NT_NODISCARD int nt_nl_conntrack_delete(uint32_t ip, size_t *n);
