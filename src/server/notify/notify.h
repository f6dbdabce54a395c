/* Changes, after their commit, become messages to hosts.
 *
 *   fixed IP allocated   call put_fixed_ip on the network host; once all of an
 *                        instance's are answered: task "spawning", then cast
 *                        build_instance to the compute host
 *   fixed IP unused      call delete_fixed_ip, then settle the address
 *   instance deleting    cast terminate_instance
 *   network created      fan out networks_changed, so that its bridge's host claims it
 *   security groups      see security.h
 *   floating IPs         see floating.h
 *
 * A network host that is away is asked again until the boot's time is over; then
 * the boot fails with the reason.  After a restart of the server boots that were in
 * that state, and addresses that wait for their release, go on from the database.  Loop thread
 * only. */
#pragma once

#include "base/attr.h"
#include "bus/bus.h"
#include "server/core/env.h"
#include "server/op.h"
#include "store/store.h"

struct boot_times;
struct notify;
struct notify_floating;

/* Registers itself with 'ops'.  Everything is borrowed; 'reader' sees committed rows
 * only. */
struct notify *notify_new(struct store *reader, struct op_queue *ops, struct nt_bus *,
                          const struct core_env *);
void notify_free(struct notify *);
NT_AUTO(notify)

/* Takes up what an earlier process had begun: boots, and addresses whose network host may
 * not have heard that they are unused.  Fails with NT_FAULT. */
NT_NODISCARD int notify_resume(struct notify *, struct nt_err *);

/* How boots went, for monitoring; borrowed. */
const struct boot_times *notify_get_boot_times(const struct notify *);

/* For those who wait for the end of a floating IP's change; borrowed. */
struct notify_floating *notify_get_floating(struct notify *);

void notify_run(struct notify *);
void notify_wait(struct notify *);
