/* How long a call to neutron-server may take, and how long to wait after it failed.
 *
 * As with neutron's own clients the time a call may take doubles with each time-out, so that
 * a slow server is not asked again for what it still works on; unlike theirs it shrinks
 * again with each answer.  The pause after a failure doubles, too, and is drawn between its
 * half and its whole, so that a thousand hosts that failed together come back apart. */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/random.h"

struct nt_patience {
    int64_t timeout_ms; /* For the next call. */
    int64_t min_ms, max_ms;
};

void nt_patience_init(struct nt_patience *, int64_t timeout_ms, int64_t max_timeout_ms);

/* No call shall take longer from now on. */
void nt_patience_cap(struct nt_patience *, int64_t timeout_ms);

/* A call has ended; 'err' NULL: it was answered. */
void nt_patience_note(struct nt_patience *, const struct nt_err *err);

/* After 'n_failed' failures one after the other: about 1 s, 2 s, ... 32 s. */
int64_t nt_patience_pause_ms(struct nt_random *, unsigned n_failed);

/* A time from 0 to 'max_ms'. */
int64_t nt_patience_draw_ms(struct nt_random *, int64_t max_ms);
