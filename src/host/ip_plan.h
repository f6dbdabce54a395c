/* Changing a device's IPv4 addresses without losing them.
 *
 * What is to be done is planned as data, from the addresses and routes observed,
 * and carried out afterwards.  Before the first step everything that must be there
 * in the end is written to a state file; the next run reads it, adds what is
 * missing and plans anew.  So a program killed half-way loses no address.  The
 * file is bound to the boot it was written in: after a reboot the distribution's
 * own configuration holds again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "wire/netlink/rtnl.h"

enum nt_ip_op { NT_IP_ADDR_ADD, NT_IP_ADDR_DEL, NT_IP_ROUTE_ADD, NT_IP_ROUTE_DEL };

struct nt_ip_step {
    enum nt_ip_op op;
    struct nt_nl_addr addr;   /* NT_IP_ADDR_*. */
    struct nt_nl_route route; /* NT_IP_ROUTE_*. */
};

/* The steps are owned. */
struct nt_ip_plan {
    struct nt_ip_step *steps;
    size_t n, allocated;
};

void nt_ip_plan_clear(struct nt_ip_plan *);

/* What the kernel has for one device, in its order.  The arrays are owned. */
struct nt_ip_facts {
    int index;
    char name[NT_NL_NAME_SIZE];
    struct nt_nl_addr *addrs;
    size_t n_addrs;
    struct nt_nl_route *routes;
    size_t n_routes;
};

/* Negative errno. */
NT_NODISCARD int nt_ip_observe(struct nt_nl *, const struct nt_nl_link *, struct nt_ip_facts *);
void nt_ip_facts_clear(struct nt_ip_facts *);

/* Moves global addresses, and all routes, from one device to another: what the new
 * device needs is added before the old one loses it.  Addresses are taken as
 * permanent and in order; routes the kernel makes itself for an address are left to
 * it.  Pure; no step when there is nothing to move. */
void nt_ip_plan_move(const struct nt_ip_facts *from, const struct nt_ip_facts *to,
                     struct nt_ip_plan *out);

/* Makes 'wanted' (its index is the device's) the first global address, the others
 * behind it in their order.  No step when its address, prefix and broadcast
 * are first already.  Pure. */
void nt_ip_plan_first(const struct nt_ip_facts *, const struct nt_nl_addr *wanted,
                      struct nt_ip_plan *out);

/* Carries a plan out.  "Is there already" and "is gone already" count as done.
 * After a step that fails what is to be added is still added, and nothing more is
 * deleted.  Fails with NT_FAULT, naming the first such step. */
NT_NODISCARD int nt_ip_plan_apply(struct nt_nl *, const struct nt_ip_plan *, struct nt_err *);

/* The same between writing and removing 'state_file' (NULL: without one); nothing
 * at all for an empty plan.  The file stays when a step fails. */
NT_NODISCARD int nt_ip_plan_apply_safely(struct nt_nl *, const struct nt_ip_plan *,
                                         const char *state_file, struct nt_err *);

/* Adds what an unfinished run of this boot noted in 'state_file' (NULL or absent:
 * nothing to do).  The file stays for nt_ip_finish().  Lines of devices that are
 * gone are passed over.  Fails with NT_FAULT. */
NT_NODISCARD int nt_ip_resume(struct nt_nl *, const char *state_file, struct nt_err *);

/* Removes the state file, once a plan made after nt_ip_resume() is in place. */
void nt_ip_finish(const char *state_file);
