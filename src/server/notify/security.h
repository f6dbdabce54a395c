/* Changes of security groups become casts to the compute hosts they concern:
 *
 *   rules of a group       security_groups_rule_updated to hosts with instances in it
 *   members of a group     security_groups_member_updated to hosts with instances whose
 *                          rules have it as their source
 *   groups of an instance  refresh_instance_security_rules to its host
 *
 * A cast only names groups; the host asks for what it needs of them.  What changes
 * while a cast was sent less than 100 ms ago is joined into the next one, so that a
 * burst of boots costs each host ten messages per second at most.  A host that is
 * away asks for everything when it comes back. */
#pragma once

#include "base/attr.h"
#include "bus/bus.h"
#include "server/core/changes.h"
#include "server/core/env.h"
#include "store/store.h"

struct security_notify;

/* Everything is borrowed; 'reader' sees committed rows only. */
struct security_notify *security_notify_new(struct store *reader, struct nt_bus *,
                                            const struct core_env *);
void security_notify_free(struct security_notify *);

/* Takes note of INSTANCE_GROUPS, SECURITY_RULES, SECURITY_MEMBERS. */
void security_notify_add(struct security_notify *, const struct change *);

void security_notify_run(struct security_notify *);
void security_notify_wait(struct security_notify *);
