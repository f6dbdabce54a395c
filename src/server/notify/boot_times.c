#include <config.h>

#include "server/notify/boot_times.h"

#include <string.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "openvswitch/shash.h"

/* Boots that never end are forgotten beyond this many. */
#define MAX_PENDING 100000

struct boot_times {
    struct shash pending; /* Start of each boot, int64_t, by instance. */
    uint64_t n_started, n_failed;
    struct nt_histogram seconds;
};

struct boot_times *
boot_times_new(void)
{
    struct boot_times *times = xmalloc(sizeof *times);

    *times = (struct boot_times){ .seconds = NT_SECONDS_HISTOGRAM_INITIALIZER };
    shash_init(&times->pending);
    return times;
}

void
boot_times_free(struct boot_times *times)
{
    if (times) {
        shash_destroy_free_data(&times->pending);
        free(times);
    }
}

static void
end(struct boot_times *times, const char *instance_id, bool failed, int64_t now)
{
    int64_t *start = shash_find_and_delete(&times->pending, instance_id);

    if (start && failed) {
        times->n_failed++;
    } else if (start) {
        nt_histogram_add(&times->seconds, (now - *start) / 1000.0);
    }
    free(start);
}

void
boot_times_change(struct boot_times *times, const struct change *c, int64_t now)
{
    if (c->kind == CHANGE_INSTANCE_CREATED) {
        times->n_started++;
        if (shash_count(&times->pending) < MAX_PENDING) {
            int64_t *start = xmalloc(sizeof *start);

            *start = now;
            free(shash_replace(&times->pending, c->instance_id, start));
        }
    } else if (c->kind == CHANGE_INSTANCE_UPDATED && !strcmp(c->vm_state, "active")) {
        end(times, c->instance_id, false, now);
    } else if (c->kind == CHANGE_INSTANCE_UPDATED && !strcmp(c->vm_state, "error")) {
        end(times, c->instance_id, true, now);
    } else if (c->kind == CHANGE_INSTANCE_DELETED) {
        free(shash_find_and_delete(&times->pending, c->instance_id));
    }
}

void
boot_times_metrics(const struct boot_times *times, struct ds *out)
{
    nt_metric_counter(out, "neutrino_boots_total", "Instances asked for.", times->n_started);
    nt_metric_counter(out, "neutrino_boots_failed_total", "Of those, how many ended in error.",
                      times->n_failed);
    nt_metric_gauge(out, "neutrino_boots_pending", "Of those, how many are under way.",
                    shash_count(&times->pending));
    nt_metric_histogram(out, "neutrino_boot_seconds",
                        "From the request's commit until the compute host says it runs.",
                        &times->seconds);
}
