/* Options of the network host, read once into the values the plan works with. */
#pragma once

#include "base/config.h"
#include "base/err.h"
#include "flat/plan.h"

struct flat_settings {
    struct flat_options plan;
    struct nt_cidr *dmz, *force_snat; /* Owned; 'plan' points here. */
    const char **forward;             /* The same; its texts are the configuration's. */
    uint32_t my_ip;
};

/* Fails with NT_INVALID, naming the option and where it was set. */
NT_NODISCARD int flat_settings_read(const struct nt_config *, struct flat_settings *,
                                    struct nt_err *);
void flat_settings_clear(struct flat_settings *);
