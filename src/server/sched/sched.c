#include <config.h>

#include "server/sched/sched.h"

#include <inttypes.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"

/* Positive when 'a' is the better place. */
static int
compare(const struct sched_host *a, const struct sched_host *b)
{
    int64_t free_a = a->ram_mb - a->ram_used_mb;
    int64_t free_b = b->ram_mb - b->ram_used_mb;

    if (free_a != free_b) {
        return free_a > free_b ? 1 : -1;
    }
    if (a->instances != b->instances) {
        return a->instances < b->instances ? 1 : -1;
    }
    return strcmp(b->host, a->host);
}

/* Splits "ZONE:HOST"; '*host' is NULL when no host is asked for. */
static size_t
split_zone(const char *text, const char **host)
{
    const char *colon = strchr(text, ':');

    *host = colon && colon[1] ? colon + 1 : NULL;
    return colon ? (size_t) (colon - text) : strlen(text);
}

bool
sched_names_host(const struct sched_request *request)
{
    const char *host = NULL;

    if (request->availability_zone) {
        split_zone(request->availability_zone, &host);
    }
    return host != NULL;
}

static bool
is_zone(const char *text, size_t len, const char *zone)
{
    return !len || (zone && strlen(zone) == len && !memcmp(text, zone, len));
}

static int
fail_no_host(const struct ds *reasons, struct nt_err *err)
{
    return nt_fail(err, NT_UNAVAILABLE, "no valid host was found: %s",
                   reasons->length ? reasons->string : "no compute host has ever reported");
}

int
sched_choose(const struct sched_host *hosts, size_t n, const struct sched_request *request,
             const struct sched_host **out, struct nt_err *err)
{
    const char *zone = request->availability_zone ? request->availability_zone : "";
    const char *wanted;
    size_t zone_len = split_zone(zone, &wanted);
    struct ds reasons = DS_EMPTY_INITIALIZER;
    const struct sched_host *best = NULL;
    bool wanted_is_known = false;

    if (!is_zone(zone, zone_len, request->default_zone)) {
        return nt_fail(err, NT_UNAVAILABLE,
                       "no valid host was found: there is no availability zone %.*s",
                       (int) zone_len, zone);
    }
    for (size_t i = 0; i < n; i++) {
        const struct sched_host *h = &hosts[i];

        if (wanted && strcmp(h->host, wanted)) {
            continue;
        }
        wanted_is_known = true;
        if (!h->alive) {
            ds_put_format(&reasons, "%s%s has not reported for %" PRId64 " s",
                          reasons.length ? ", " : "", h->host, h->silent_s);
        } else if (!best || compare(h, best) > 0) {
            best = h;
        }
    }
    if (wanted && !wanted_is_known) {
        ds_put_format(&reasons, "%s is not a compute host", wanted);
    }

    int rc = 0;
    if (best) {
        *out = best;
    } else {
        rc = fail_no_host(&reasons, err);
    }
    ds_destroy(&reasons);
    return rc;
}
