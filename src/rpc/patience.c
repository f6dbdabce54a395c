#include <config.h>

#include "rpc/patience.h"

#include "base/mem.h"

#define FIRST_PAUSE_MS 1000
#define MAX_DOUBLINGS 5

void
nt_patience_init(struct nt_patience *p, int64_t timeout_ms, int64_t max_timeout_ms)
{
    p->timeout_ms = p->min_ms = timeout_ms;
    p->max_ms = MAX(timeout_ms, max_timeout_ms);
}

void
nt_patience_cap(struct nt_patience *p, int64_t timeout_ms)
{
    p->min_ms = MIN(p->min_ms, timeout_ms);
    p->max_ms = MIN(p->max_ms, timeout_ms);
    p->timeout_ms = MIN(p->timeout_ms, timeout_ms);
}

void
nt_patience_note(struct nt_patience *p, const struct nt_err *err)
{
    if (!err) {
        p->timeout_ms = MAX(p->timeout_ms / 2, p->min_ms);
    } else if (err->code == NT_TIMEOUT) {
        p->timeout_ms = MIN(p->timeout_ms * 2, p->max_ms);
    }
}

int64_t
nt_patience_draw_ms(struct nt_random *random, int64_t max_ms)
{
    uint32_t draw;

    nt_random_bytes(random, "jitter", &draw, sizeof draw);
    return max_ms > 0 ? draw % (max_ms + 1) : 0;
}

int64_t
nt_patience_pause_ms(struct nt_random *random, unsigned n_failed)
{
    unsigned doublings = n_failed ? MIN(n_failed - 1, MAX_DOUBLINGS) : 0;
    int64_t pause = (int64_t) FIRST_PAUSE_MS << doublings;

    return pause / 2 + nt_patience_draw_ms(random, pause / 2);
}
