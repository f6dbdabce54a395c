/* Several networks cut out of one range, as nova-manage does it: how many and how large is
 * said by the wish, else by num_networks and network_size.
 *
 * Without a range of its own a wish takes fixed_range.  What each network would get is
 * capped at network_size where the wish itself says no size: when several are cut, when
 * the range is fixed_range, and whenever somebody set network_size.  One network of a
 * range named by the wish is otherwise that whole range. */
#pragma once

#include "server/core/networks.h"

struct network_carving {
    struct network_create wish; /* Of each; its label gets "_N" when there are several. */
    int64_t num_networks;       /* 0: the option. */
    int64_t network_size;       /* Addresses of each; 0: the option. */
};

struct network_carved {
    struct network_list list; /* Owned: network_list_clear(). */
    int capped;               /* The prefix length that network_size led to, else 0. */
};

/* Creates all or none.
 * A subnet that a network has already is passed over for the next free one of the range.
 * Fails like network_create(). */
NT_NODISCARD int networks_carve(struct store *, const struct core_env *,
                                const struct network_carving *, struct network_carved *out,
                                struct changes *, struct nt_err *);
