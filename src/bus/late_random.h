/* For tests: a source whose pauses are 2000 ms; the rest is random. */
#pragma once

#include <string.h>

#include "base/random.h"

struct late_random {
    struct nt_random up;
    struct nt_random *other; /* Borrowed. */
};

static inline void
late_random_bytes(struct nt_random *random, const char *purpose, void *out, size_t len)
{
    const uint32_t pause_ms = 2000;

    if (!strcmp(purpose, "jitter") && len == sizeof pause_ms) {
        memcpy(out, &pause_ms, len);
    } else {
        nt_random_bytes(((struct late_random *) random)->other, purpose, out, len);
    }
}

static inline struct nt_random *
late_random(struct late_random *late, struct nt_random *other)
{
    *late = (struct late_random){ { .bytes = late_random_bytes }, other };
    return &late->up;
}
