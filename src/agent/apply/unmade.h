/* Ports of our own that the switch could not make.
 *
 * It tries them again only when something else in its database changes; so it is asked to go
 * through its configuration once more, at once and then after pauses that double.  Needed at the
 * latest when a tunnel's port gets another name: the switch refuses the new one while it is still
 * taking the old one away. */
#pragma once

#include "base/attr.h"
#include "base/clock.h"
#include "wire/ovs/ovsdb.h"

struct unmade;

struct unmade *unmade_new(struct nt_ovsdb *, const struct nt_clock *); /* Both borrowed. */
void unmade_free(struct unmade *);
NT_AUTO(unmade)

/* A port may have been made, not made, or gone; NULL: it is gone, or not on a bridge of ours. */
void unmade_port_seen(struct unmade *, const char *name, const struct nt_ovs_port *);

void unmade_run(struct unmade *); /* Before nt_ovsdb_commit(). */
void unmade_wait(struct unmade *);

size_t unmade_n_ports(const struct unmade *);
