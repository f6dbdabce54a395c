/* Makes the flows of each bridge what they are wanted to be: sends the difference.
 *
 * Wanted flows are told by owner (plan/plan.h).  What is installed is asked once per
 * connection, compared in canonical form, and then known: later changes cost what they
 * change.  A flow that is wanted and there is adopted whatever its cookie, and nothing is
 * sent.  Additions go before removals, in one bundle per bridge and turn.
 *
 * What an owner gives up goes at once.  A flow that was found and that nobody has wanted is
 * stale: such are removed only after flows_complete() said that everything is wanted that
 * will be, and never those that the switch learned, nor those of reserved cookies.
 *
 * What others do to flows is told by the switch; it is then asked for all of them, at most as
 * often as that costs little, and what differs is put right (or only counted: 'repairs').
 *
 * A flow that the switch refuses is logged once with its owner and left out; it is tried again
 * when the bridge has been asked again (a new connection, flows_check()). */
#pragma once

#include "agent/plan/plan.h"
#include "base/clock.h"
#include "base/err.h"
#include "wire/ovs/openflow.h"

struct flows;

struct flows_options {
    struct nt_switch *sw; /* Borrowed. */
    const struct nt_clock *clock;
    char *const *reserved_cookies; /* "0x12/0xff"; NULL-terminated, may be NULL. */
    bool leaves_edits;             /* What others change is counted and left. */

    /* The switch refuses a flow of 'owner'; wishes may be changed, from the next turn on.  May
     * be NULL. */
    void (*refused)(void *aux, const char *owner, const char *why);
    void *aux;
};
NT_NODISCARD int flows_new(const struct flows_options *, struct flows **, struct nt_err *);
void flows_free(struct flows *);
NT_AUTO(flows)
void flows_run(struct flows *);
void flows_wait(struct flows *);

/* Bridges that are ours; before flows are wanted on them. */
void flows_add_bridge(struct flows *, const char *bridge);

/* From now on 'owner' wants exactly these (an empty plan: nothing).  A line that is no flow
 * is our bug: it is logged and left out.  When two owners want the same match with
 * different actions, the later one has it; the other one again when that one gives it up.  To
 * want the same again is no later wish. */
void flows_want(struct flows *, const char *owner, const struct plan *);

/* Everything is wanted now: what nobody wants on 'bridge' may go from now on.  Whether that holds
 * for all bridges. */
void flows_complete(struct flows *, const char *bridge);
bool flows_is_complete(const struct flows *);

/* Asks the switch again for what is installed and repairs what differs. */
void flows_check(struct flows *, const char *bridge);

/* How often what is installed was told whole, and each flow of the last time and since (with
 * changes of ours that are under way). */
unsigned flows_n_looks(const struct flows *, const char *bridge);
void flows_each_installed(const struct flows *, const char *bridge,
                          void (*each)(void *aux, const struct nt_flow *), void *aux);

/* Whether all that was wanted up to now on all bridges (on one, or of 'owner') is installed
 * and confirmed by the switch, and what was given up is gone.  For bridges, flows that the
 * switch has refused do not count; their owner is not settled. */
bool flows_is_settled(const struct flows *);
bool flows_is_settled_on(const struct flows *, const char *bridge);
bool flows_is_settled_for(const struct flows *, const char *owner);

/* For people: the flows of an owner, or all with their owners, as text. */
struct ds;
void flows_format(const struct flows *, const char *owner, struct ds *);
/* The same of what is not (yet) as it shall be: what is to be done with each flow, or why not. */
void flows_format_plan(const struct flows *, const char *bridge, struct ds *out);

/* Edits: told by the switch.  Repairs: flows that somebody else had removed or changed.
 * Differing: those that are left so, at the last look. */
struct flows_stats {
    uint64_t n_wanted, n_installed, n_added, n_removed, n_adopted, n_repaired, n_refused;
    uint64_t n_edits, n_differing;
};
const struct flows_stats *flows_stats(const struct flows *);

/* Cookies of ours: 16 bits say whose, 8 the version of the layout, 40 the owner. */
#define FLOWS_COOKIE_MARK UINT64_C(0x6e74)
#define FLOWS_LAYOUT 1
uint64_t flows_cookie(const char *owner);
#define FLOWS_LEARN_COOKIE ((FLOWS_COOKIE_MARK << 48) | ((uint64_t) FLOWS_LAYOUT << 40) | 1)
