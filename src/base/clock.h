/* Time, as an interface: the real clock in programs, a fake one in tests and in
 * the simulation.  All values are milliseconds. */
#pragma once

#include <stdint.h>

struct nt_clock {
    int64_t (*mono_ms)(const struct nt_clock *); /* Never steps; for deadlines. */
    int64_t (*wall_ms)(const struct nt_clock *); /* Since 1970 UTC; for records. */
};

/* The machine's clock.  Never freed. */
const struct nt_clock *nt_clock_system(void);

static inline int64_t
nt_mono_ms(const struct nt_clock *clock)
{
    return clock->mono_ms(clock);
}

static inline int64_t
nt_wall_ms(const struct nt_clock *clock)
{
    return clock->wall_ms(clock);
}
