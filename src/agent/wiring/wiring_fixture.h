/* The last part: fixtures of cmocka.  *state is the recorder, of a world of its own. */
#pragma once

#include "agent/wiring/wiring_facts.h"

static inline int
set_up_world(void **state)
{
    struct world *w = xmalloc(sizeof *w);
    struct recorder *r = xmalloc(sizeof *r);

    world_init(w);
    recorder_init(r, w);
    *state = r;
    return 0;
}

static inline int
set_up(void **state)
{
    set_up_world(state);
    see_bridges(*state);
    return 0;
}

static inline int
tear_down(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    recorder_deinit(r);
    world_deinit(w);
    free(r);
    free(w);
    return 0;
}
