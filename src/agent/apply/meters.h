/* Makes the meters of a bridge what they are wanted to be: sends the difference.
 *
 * A meter is there before a flow names it and goes when none does any more: run this before
 * flows_run(), in the same turn.  What is there is asked once per connection, and adopted; and
 * again when a change of ours shows that somebody else has changed it.
 * Meters have no mark of their owner; what nobody wants is removed after meters_complete(). */
#pragma once

#include "base/attr.h"
#include "base/clock.h"
#include "wire/ovs/openflow.h"

struct meters;

struct meters *meters_new(struct nt_switch *, const char *bridge); /* Both borrowed. */
void meters_free(struct meters *);
NT_AUTO(meters)

/* From now on; 'pps' 0: no meter of that number. */
void meters_want(struct meters *, const struct nt_meter *);

/* Everything is wanted now that will be: others may go. */
void meters_complete(struct meters *);

/* 'may_remove': no flow names a meter that is not wanted.  True: meters are back that somebody
 * else had removed, and with them the flows that named them. */
bool meters_run(struct meters *, bool may_remove);
void meters_wait(struct meters *);

/* Somebody else may have been at them: the switch is asked again, and what differs is put right. */
void meters_doubt(struct meters *);

/* The switch does not do meters: no flow shall name one. */
bool meters_are_refused(const struct meters *);
