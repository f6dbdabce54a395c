/* IPv6 addresses of a link, as far as a router needs one of its own. */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include "base/attr.h"

struct nt_nl;

/* A permanent global address.  -EEXIST when the link has it.  Negative errno. */
NT_NODISCARD int nt_nl_addr6_add(struct nt_nl *, int index, const struct in6_addr *, uint8_t len);
