/* What this host knows of security groups: the rules of those its guests are in, and
 * the addresses of those that such rules have as their source.  A value: no input
 * or output, and no opinion on which of it is needed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/security_group.h"
#include "openvswitch/shash.h"
#include "rpc/conductor.h"

struct security_rules {
    struct nt_security_rule *rules; /* Owned; normalized. */
    size_t n;
    struct json *source; /* Owned; as the server sent them. */
};

struct security {
    struct shash groups;  /* struct security_rules, by id. */
    struct shash members; /* struct nt_security_members, by id. */
    /* Another number after each change of any of them. */
    uint64_t groups_version, members_version;
};

void security_init(struct security *);
void security_deinit(struct security *);

/* NULL: not known. */
const struct security_rules *security_find(const struct security *, const char *group_id);
const struct nt_security_members *security_find_members(const struct security *,
                                                        const char *group_id);

/* Puts what the server answered.  A rule that is wrong is left out, alone, and
 * logged with its id.  'asked' are the groups of a partial answer: what it lacks
 * of them becomes empty; NULL: the answer is all there is.  True if anything changed. */
bool security_put(struct security *, const struct nt_security_result *,
                  const struct nt_uuid_text *asked, size_t n_asked);

/* Forgets groups that are not in 'used' (ids; NT_PROVIDER_GROUP always is), and members of groups
 * that no rule has as its source any more.  True if anything changed. */
bool security_prune(struct security *, const struct shash *used);

/* Whether the rules of the group and the members of all their sources are known;
 * what is not is added to 'missing' (ids). */
bool security_is_known(const struct security *, const char *group_id, struct shash *missing);

/* As text, for the file that outlives the program; the caller frees. */
char *security_to_text(const struct security *);
NT_NODISCARD int security_from_text(struct security *, const char *text, struct nt_err *);
