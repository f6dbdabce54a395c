/* What is to be done with a slot, case by case, without a switch. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/apply/flows_slots.h"
#include "base/mem.h"

#define MATCH "table=5,priority=7,in_port=3,"
#define DROP MATCH "actions=drop"
#define OUT MATCH "actions=output:1"
#define RESERVED "cookie=0x1234," OUT
#define LEARNED "cookie=0x6e74010000000001,hard_timeout=300," OUT

struct scene {
    struct flows_cookie_mask reserved;
    struct flows flows;
    struct flows_bridge bridge;
    struct flows_owner *owner, *later;
    struct flows_slot slot;
};

static struct nt_flow *
flow(const char *text)
{
    struct nt_flow *out = NULL;
    struct nt_err err;

    if (text && nt_flow_parse(text, &out, &err) < 0) {
        fail_msg("%s: %s", text, err.msg);
    }
    return out;
}

static void
scene_init(struct scene *s, const char *wanted, const char *installed)
{
    memset(s, 0, sizeof *s);
    s->reserved = (struct flows_cookie_mask){ 0x1200, 0xff00 };
    s->flows.reserved = &s->reserved;
    s->flows.n_reserved = 1;
    s->owner = xzalloc(sizeof *s->owner);
    s->later = xzalloc(sizeof *s->later);
    s->bridge.flows = &s->flows;
    s->bridge.is_known = true;
    s->slot.bridge = &s->bridge;
    s->slot.top.owner = wanted ? s->owner : NULL;
    s->slot.top.flow = flow(wanted);
    s->slot.installed = flow(installed);
}

static void
scene_deinit(struct scene *s)
{
    struct flows_slot *slot = &s->slot;

    if (slot->installed != slot->top.flow) {
        nt_flow_free(slot->installed);
    }
    nt_flow_free(slot->top.flow);
    free(s->bridge.dirty);
    free(s->owner);
    free(s->later);
}

static void
expect_verdict(const struct scene *s, enum flows_verdict expected, const char *about)
{
    enum flows_verdict verdict = flows_verdict_of(&s->slot);

    if (verdict != expected) {
        fail_msg("%s: verdict %d, not %d", about, verdict, expected);
    }
}

static void
each_slot_has_one_verdict(void **state NT_UNUSED)
{
    static const struct {
        const char *about, *wanted, *installed;
        enum flows_verdict verdict;
        bool is_given_up, is_complete, is_refused, is_left;
    } cases[] = {
        { "nothing", NULL, NULL, FLOW_RIGHT },
        { "wanted and there", DROP, DROP, FLOW_RIGHT },
        { "wanted, not there", DROP, NULL, FLOW_ADD },
        { "another in its place", DROP, OUT, FLOW_REPLACE },
        { "a learned one in its place", DROP, LEARNED, FLOW_REPLACE },
        { "a reserved one in its place", DROP, RESERVED, FLOW_TAKEN },
        { "a reserved one that does the same", OUT, RESERVED, FLOW_RIGHT },
        { "refused", DROP, NULL, FLOW_REFUSED, .is_refused = true },
        { "refused in place of another", DROP, OUT, FLOW_REFUSED, .is_refused = true },
        { "nobody's", NULL, OUT, FLOW_REMOVE, .is_complete = true },
        { "nobody's yet", NULL, OUT, FLOW_EARLY },
        { "nobody's and reserved", NULL, RESERVED, FLOW_RIGHT, .is_complete = true },
        { "nobody's and learned", NULL, LEARNED, FLOW_RIGHT, .is_complete = true },
        { "learned by another agent", NULL, "table=20,priority=1,hard_timeout=300,actions=drop",
          FLOW_RIGHT, .is_complete = true },
        { "given up", NULL, OUT, FLOW_REMOVE, .is_given_up = true },
        { "given up and reserved", NULL, RESERVED, FLOW_RIGHT, .is_given_up = true },
        { "removed by others and left", DROP, NULL, FLOW_LEFT, .is_left = true },
        { "changed by others and left", DROP, OUT, FLOW_LEFT, .is_left = true },
        { "added by others and left", NULL, OUT, FLOW_LEFT, .is_complete = true, .is_left = true },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        struct scene s;

        scene_init(&s, cases[i].wanted, cases[i].installed);
        s.bridge.is_complete = cases[i].is_complete;
        s.slot.is_refused = cases[i].is_refused;
        s.slot.is_left = cases[i].is_left;
        if (cases[i].is_given_up) {
            s.slot.top.owner = s.owner;
        }
        expect_verdict(&s, cases[i].verdict, cases[i].about);
        scene_deinit(&s);
    }
}

static void
people_are_told_of_all_that_is_not_right(void **state NT_UNUSED)
{
    assert_null(flows_verdict_name(FLOW_RIGHT));
    for (int i = FLOW_RIGHT + 1; i < FLOW_N_VERDICTS; i++) {
        assert_non_null(flows_verdict_name((enum flows_verdict) i));
    }
}

/* What a dump shows in a place of which something else was known. */
static void
what_others_did_is_put_right_or_left(void **state NT_UNUSED)
{
    static const struct {
        const char *about, *wanted, *known, *seen;
        enum flows_verdict repaired; /* The verdict then... */
        size_t n_repaired;
        enum flows_verdict left; /* ...and when edits are left. */
    } cases[] = {
        { "as it was", DROP, DROP, DROP, FLOW_RIGHT, 0, FLOW_RIGHT },
        { "removed", DROP, DROP, NULL, FLOW_ADD, 1, FLOW_LEFT },
        { "changed", DROP, DROP, OUT, FLOW_REPLACE, 1, FLOW_LEFT },
        { "another cookie", OUT, OUT, "cookie=0x5," OUT, FLOW_RIGHT, 0, FLOW_RIGHT },
        { "a reserved one instead", DROP, DROP, RESERVED, FLOW_TAKEN, 1, FLOW_LEFT },
        { "added", NULL, NULL, OUT, FLOW_REMOVE, 0, FLOW_LEFT },
        { "a reserved one added", NULL, NULL, RESERVED, FLOW_RIGHT, 0, FLOW_RIGHT },
        { "added before ours", DROP, NULL, OUT, FLOW_REPLACE, 0, FLOW_REPLACE },
        { "removed before ours", DROP, OUT, NULL, FLOW_ADD, 0, FLOW_ADD },
        { "the same as ours before it", DROP, NULL, DROP, FLOW_RIGHT, 0, FLOW_RIGHT },
        { "a stale one removed", NULL, OUT, NULL, FLOW_RIGHT, 0, FLOW_RIGHT },
        { "a stale one changed", NULL, OUT, DROP, FLOW_REMOVE, 0, FLOW_REMOVE },
    };
    enum { REPAIRED, LEFT, FIRST, N_WAYS }; /* The first look at a connection has no edits. */

    for (size_t i = 0; i < NT_ARRAY_SIZE(cases) * N_WAYS; i++) {
        size_t way = i % N_WAYS, c = i / N_WAYS;
        AUTO(nt_flow) seen = flow(cases[c].seen);
        struct scene s;

        scene_init(&s, cases[c].wanted, cases[c].known);
        s.bridge.is_complete = true;
        s.bridge.is_check = way != FIRST;
        s.flows.leaves_edits = way != REPAIRED;
        flows_slot_see(&s.slot, seen);
        expect_verdict(&s, way == LEFT ? cases[c].left : cases[c].repaired, cases[c].about);
        assert_int_equal(s.flows.stats.n_repaired, way == REPAIRED ? cases[c].n_repaired : 0);
        scene_deinit(&s);
    }
}

static void
what_is_left_counts_as_settled_until_it_is_undone(void **state NT_UNUSED)
{
    AUTO(nt_flow) wanted = flow(DROP);
    AUTO(nt_flow) other = flow(OUT);
    struct scene s;

    scene_init(&s, DROP, DROP);
    s.bridge.is_check = s.flows.leaves_edits = true;
    assert_true(flows_slot_is_settled(&s.slot));
    flows_slot_see(&s.slot, NULL);
    flows_slot_mark(&s.slot); /* As after each dump. */
    assert_true(flows_slot_is_settled(&s.slot));
    flows_slot_see(&s.slot, other);
    expect_verdict(&s, FLOW_LEFT, "changed once more");
    flows_slot_see(&s.slot, wanted);
    expect_verdict(&s, FLOW_RIGHT, "undone");
    scene_deinit(&s);
}

static void
what_is_left_is_put_right_when_it_is_wanted_anew(void **state NT_UNUSED)
{
    AUTO(nt_flow) other = flow(OUT);
    struct scene s;

    scene_init(&s, DROP, DROP);
    s.bridge.is_check = s.flows.leaves_edits = true;
    flows_slot_see(&s.slot, other);
    expect_verdict(&s, FLOW_LEFT, "changed");
    flows_slot_claim(&s.slot, s.later, flow(MATCH "actions=output:2"));
    expect_verdict(&s, FLOW_REPLACE, "wanted otherwise");
    assert_false(flows_slot_is_settled(&s.slot));
    s.slot.is_left = true;
    flows_slot_give_up(&s.slot, s.later);
    expect_verdict(&s, FLOW_REPLACE, "given up: as the earlier owner wants it");
    s.slot.is_left = true;
    flows_slot_give_up(&s.slot, s.owner);
    expect_verdict(&s, FLOW_REMOVE, "given up by all");
    scene_deinit(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_slot_has_one_verdict),
        cmocka_unit_test(people_are_told_of_all_that_is_not_right),
        cmocka_unit_test(what_others_did_is_put_right_or_left),
        cmocka_unit_test(what_is_left_counts_as_settled_until_it_is_undone),
        cmocka_unit_test(what_is_left_is_put_right_when_it_is_wanted_anew),
    };

    return cmocka_run_group_tests_name("agent/apply/flows_verdict", tests, NULL, NULL);
}
