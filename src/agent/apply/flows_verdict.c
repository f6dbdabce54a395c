/* What is to be done with a slot, decided in one place: for the bundle, for what others have
 * edited, and for people who ask. */
#include <config.h>

#include "agent/apply/flows_slots.h"

bool
flows_is_reserved(const struct flows *f, uint64_t cookie)
{
    for (size_t i = 0; i < f->n_reserved; i++) {
        if ((cookie & f->reserved[i].mask) == f->reserved[i].value) {
            return true;
        }
    }
    return false;
}

bool
flows_is_learned(const struct nt_flow *flow)
{
    return flow->hard_timeout
           && (flow->cookie == FLOWS_LEARN_COOKIE || (flow->table == 20 && flow->priority == 1));
}

enum flows_verdict
flows_verdict_of(const struct flows_slot *slot)
{
    const struct nt_flow *wanted = slot->top.flow;
    const struct nt_flow *installed = slot->installed;
    bool is_reserved = installed && flows_is_reserved(slot->bridge->flows, installed->cookie);
    bool is_given_up = slot->top.owner && !wanted;

    if (slot->is_left) {
        return FLOW_LEFT;
    }
    if (!wanted) {
        return !installed || is_reserved || flows_is_learned(installed) ? FLOW_RIGHT
               : is_given_up || slot->bridge->is_complete               ? FLOW_REMOVE
                                                                        : FLOW_EARLY;
    }
    return slot->is_refused                       ? FLOW_REFUSED
           : !installed                           ? FLOW_ADD
           : nt_flow_does_same(wanted, installed) ? FLOW_RIGHT
           : is_reserved                          ? FLOW_TAKEN
                                                  : FLOW_REPLACE;
}

const char *
flows_verdict_name(enum flows_verdict verdict)
{
    static const char *const names[FLOW_N_VERDICTS] = {
        [FLOW_ADD] = "add",
        [FLOW_REPLACE] = "replace",
        [FLOW_REMOVE] = "remove",
        [FLOW_EARLY] = "left until the server has told of every port",
        [FLOW_REFUSED] = "refused by the switch",
        [FLOW_TAKEN] = "left: a reserved cookie is in its place",
        [FLOW_LEFT] = "left as others changed it",
    };

    return names[verdict];
}
