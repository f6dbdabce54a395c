/* The objects of one kind that somebody wants: what is known of each, how new that is, and
 * what is to be asked.
 *
 * An object is pulled when it is wanted, after a new connection, and when somebody says that
 * it changed without saying how.  Of what is pulled and pushed the higher revision stays.
 * An object that was deleted is not brought back by a push: only an answer to a question
 * that was put later can do that.  The last TOMBSTONES of those are known even after
 * nobody wants them any more.
 *
 * Owned by struct neutron (neutron.c). */
#pragma once

#include "agent/observe/neutron.h"
#include "rpc/patience.h"

struct json;

/* What was known is lost when it is missing from two answers, so far apart. */
#define NEUTRON_MISSED_MS 5000

/* What the kinds differ in. */
struct neutron_kind {
    const struct nt_vo_type *type;
    size_t standard;          /* Offset of struct nt_vo_standard. */
    const char *const *needs; /* Fields that tell an object from a mere id; ends with NULL. */
    void (*put)(const struct neutron_watcher *, const struct nt_vo *);
    void (*gone)(const struct neutron_watcher *, const char *id);
};
extern const struct neutron_kind neutron_ports, neutron_networks, neutron_qos_policies;

/* What they have in common. */
struct neutron_shared {
    struct neutron_options o;
    struct neutron_stats stats;
    struct nt_patience patience; /* For pulls. */
    unsigned connection;         /* Counts them; answers to calls of an earlier one are old. */
    unsigned n_calls;            /* Pulls in flight, of this connection. */
    size_t n_owed;               /* Objects that have to be answered before "settled". */
    bool is_settling;            /* "settled" has not been said since the connection. */
};

struct neutron_objects;

struct neutron_objects *neutron_objects_new(const struct neutron_kind *, struct neutron_shared *);
void neutron_objects_free(struct neutron_objects *);

void neutron_objects_want(struct neutron_objects *, const char *id);
void neutron_objects_drop(struct neutron_objects *, const char *id);
const struct nt_vo *neutron_objects_get(const struct neutron_objects *, const char *id);

/* Everything wanted is to be asked for, not before 'not_before' (monotonic). */
void neutron_objects_ask_all(struct neutron_objects *, int64_t not_before);

/* One object of a push.  Fails with NT_INVALID and NT_UNSUPPORTED when it is wanted and not
 * readable, or no object at all. */
NT_NODISCARD int neutron_objects_push(struct neutron_objects *, const struct json *,
                                      const char *what, bool deleted, struct nt_err *);

/* The older notifications: the object has changed ('revision' 0: not said), or was deleted. */
void neutron_objects_changed(struct neutron_objects *, const char *id, int64_t revision);
void neutron_objects_deleted(struct neutron_objects *, const char *id);

bool neutron_objects_is_settled(const struct neutron_objects *);

/* Only while the bus is connected. */
void neutron_objects_run(struct neutron_objects *);
void neutron_objects_wait(struct neutron_objects *);
