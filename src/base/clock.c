#include <config.h>

#include "base/clock.h"

#include "timeval.h"

static int64_t
system_mono_ms(const struct nt_clock *clock OVS_UNUSED)
{
    return time_msec();
}

static int64_t
system_wall_ms(const struct nt_clock *clock OVS_UNUSED)
{
    return time_wall_msec();
}

static const struct nt_clock system_clock = { system_mono_ms, system_wall_ms };

const struct nt_clock *
nt_clock_system(void)
{
    return &system_clock;
}
