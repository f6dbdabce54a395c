/* The rules of security groups, and what compute hosts are told of them. */
#pragma once

#include "base/err.h"
#include "net/security_group.h"
#include "openvswitch/shash.h"
#include "rpc/conductor.h"
#include "server/core/changes.h"
#include "server/core/env.h"
#include "server/core/security_groups.h"
#include "store/row.h"

extern const struct table security_rules_table; /* struct nt_security_rule */

/* Adds 'rule' to 'group'; what it says is normalized, id and number are made.  Fails with
 * NT_INVALID (a wrong rule, or one the group has already), NT_EXHAUSTED (quota).
 * Change: SECURITY_RULES. */
NT_NODISCARD int security_rule_create(struct store *, const struct core_env *,
                                      const struct security_group *group,
                                      struct nt_security_rule *rule, struct changes *,
                                      struct nt_err *);

/* By id or number.  Fails with NT_NOT_FOUND.  Change: SECURITY_RULES. */
NT_NODISCARD int security_rule_delete(struct store *, const char *project_id, const char *what,
                                      struct changes *, struct nt_err *);

/* Rules of a group in their order (struct nt_security_rule). */
NT_NODISCARD int security_rules_of_group(struct store *, const char *group_id, struct rows *out,
                                         struct nt_err *);

/* What 'host' needs of the groups 'ids' (n 0: all it needs): the rules of those that
 * instances there are in, and the addresses of those that such rules have as their
 * source; and the operator's rules (provider_rules.h), when all or NT_PROVIDER_GROUP was
 * asked for.  The caller clears '*out' with security_result_clear(). */
NT_NODISCARD int security_of_host(struct store *, const char *host, const struct nt_uuid_text *ids,
                                  size_t n, struct nt_security_result *out, struct nt_err *);
void security_result_clear(struct nt_security_result *);

/* Adds to 'hosts' (names, without data) those with instances in the group (every compute
 * host for NT_PROVIDER_GROUP); or those
 * with instances whose rules have the group as their source. */
NT_NODISCARD int security_hosts_in_group(struct store *, const char *group_id, struct shash *hosts,
                                         struct nt_err *);
NT_NODISCARD int security_hosts_using_group(struct store *, const char *group_id,
                                            struct shash *hosts, struct nt_err *);
