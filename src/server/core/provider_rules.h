/* Rules of the operator: what no guest may receive, whatever its groups let in.
 *
 * They reach compute hosts like the rules of a security group, under NT_PROVIDER_GROUP. */
#pragma once

#include "base/err.h"
#include "net/security_group.h"
#include "openvswitch/shash.h"
#include "server/core/changes.h"
#include "server/core/env.h"
#include "store/row.h"

#define PROVIDER_RULES_MAX 1000

/* What 'rule' says is normalized, id and number are made.  Fails with NT_INVALID (it is
 * wrong, names no protocol or no network), NT_CONFLICT (there is an equal one) or
 * NT_EXHAUSTED (there are PROVIDER_RULES_MAX).  Change: SECURITY_RULES. */
NT_NODISCARD int provider_rule_create(struct store *, const struct core_env *,
                                      struct nt_security_rule *rule, struct changes *,
                                      struct nt_err *);

/* By id or number.  Fails with NT_NOT_FOUND.  Change: SECURITY_RULES. */
NT_NODISCARD int provider_rule_delete(struct store *, const char *what, struct changes *,
                                      struct nt_err *);

/* In their order (struct nt_security_rule). */
NT_NODISCARD int provider_rule_list(struct store *, struct rows *out, struct nt_err *);

/* Adds to 'hosts' (names, without data) every compute host. */
NT_NODISCARD int provider_rule_hosts(struct store *, struct shash *hosts, struct nt_err *);
