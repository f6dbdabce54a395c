#include <config.h>

#include "host/ipset.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "host/ipset_table.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(ipset);

/*   IDLE --set, recheck--> SAVE (ipset save) --differs--> RESTORE --> IDLE
 *   IDLE --sweep, leftovers--> RESTORE (destroy) --> IDLE
 *
 * The kernel is read at the start, after a failure and for a recheck; otherwise
 * what was written last is what is installed. */
#define CHILD_LIMIT_MS 30000
#define MIN_BACKOFF_MS 200
#define MAX_BACKOFF_MS 30000

struct nt_ipsets {
    struct nt_children *children;
    const struct nt_clock *clock;
    struct nt_child *child; /* Under way. */
    bool dirty;             /* 'want' is not known to be installed. */
    bool read_again;        /* 'installed' is not to be trusted. */
    bool rechecking;        /* This difference would be somebody else's doing. */
    bool sweep;             /* Leftovers may go. */
    bool is_used;           /* Something was wanted once: else nothing is run at all. */
    struct nt_ipset_table want, installed;
    char *commands; /* Under way. */
    int64_t retry_at, backoff_ms;
    char error[256];
    struct nt_ipsets_stats stats;
};

struct nt_ipsets *
nt_ipsets_new(struct nt_children *children, const struct nt_clock *clock)
{
    struct nt_ipsets *s = xzalloc(sizeof *s);

    s->children = children;
    s->clock = clock;
    s->read_again = true;
    s->backoff_ms = MIN_BACKOFF_MS;
    nt_ipset_table_init(&s->want);
    nt_ipset_table_init(&s->installed);
    return s;
}

void
nt_ipsets_free(struct nt_ipsets *s)
{
    if (s) {
        if (s->child) {
            nt_child_forget(s->child);
        }
        nt_ipset_table_clear(&s->want);
        nt_ipset_table_clear(&s->installed);
        free(s->commands);
        free(s);
    }
}

void
nt_ipsets_set(struct nt_ipsets *s, struct nt_ipset_table *want)
{
    shash_swap(&s->want.sets, &want->sets);
    nt_ipset_table_clear(want);
    s->is_used = s->is_used || !shash_is_empty(&s->want.sets);
    s->dirty = s->is_used;
    s->sweep = false;
    s->rechecking = false;
    s->retry_at = 0;
    *s->error = '\0';
}

bool
nt_ipsets_is_ready(const struct nt_ipsets *s)
{
    return !s->dirty && (!s->child || s->rechecking || s->sweep);
}

const char *
nt_ipsets_error(const struct nt_ipsets *s)
{
    return *s->error ? s->error : NULL;
}

const struct nt_ipsets_stats *
nt_ipsets_stats(const struct nt_ipsets *s)
{
    return &s->stats;
}

void
nt_ipsets_sweep(struct nt_ipsets *s)
{
    s->sweep = s->is_used;
}

void
nt_ipsets_recheck(struct nt_ipsets *s)
{
    if (s->is_used && !s->child && !s->dirty) {
        s->read_again = true;
        s->rechecking = true;
    }
}

static void
fail(struct nt_ipsets *s, const char *what, const char *why)
{
    snprintf(s->error, sizeof s->error, "%s: %s", what, why);
    nt_error("sets of security group members not written", "why", s->error, NULL);
    s->stats.failures++;
    s->dirty = true;
    s->read_again = true;
    s->sweep = false;
    s->retry_at = nt_mono_ms(s->clock) + s->backoff_ms;
    s->backoff_ms = MIN(s->backoff_ms * 2, MAX_BACKOFF_MS);
}

static void
saved(void *s_, const struct nt_child_result *result)
{
    struct nt_ipsets *s = s_;
    char why[200];

    s->child = NULL;
    if (!nt_child_ok(result)) {
        nt_child_describe(result, why, sizeof why);
        fail(s, "ipset save", why);
        return;
    }
    nt_ipset_table_clear(&s->installed);
    nt_ipset_table_parse(result->out, &s->installed);
    s->read_again = false;
    s->dirty = true;
}

static void
restored(void *s_, const struct nt_child_result *result)
{
    struct nt_ipsets *s = s_;
    char why[200];

    s->child = NULL;
    if (!nt_child_ok(result)) {
        nt_child_describe(result, why, sizeof why);
        if (s->sweep && !s->dirty) {
            /* Somebody's rule still names one: a later sweep finds it again. */
            nt_warn_rl("sets of security group members left behind", "why", why, NULL);
            s->sweep = false;
            s->read_again = true;
        } else {
            fail(s, "ipset restore", why);
        }
        return;
    }
    nt_ipset_table_apply(&s->installed, s->commands);
    s->stats.restores++;
    s->backoff_ms = MIN_BACKOFF_MS;
    *s->error = '\0';
    s->dirty = true; /* 'want' may have changed meanwhile: the next run compares. */
}

static void
start(struct nt_ipsets *s, const char *const *argv, const char *input, nt_child_cb *cb)
{
    const struct nt_child_opts opts = {
        .argv = argv,
        .input = input,
        .input_len = input ? strlen(input) : 0,
        .timeout_ms = CHILD_LIMIT_MS,
    };
    struct nt_err err = { 0 };

    if (nt_child_start(s->children, &opts, cb, s, &s->child, &err) < 0) {
        s->child = NULL;
        fail(s, "ipset", err.msg);
    }
}

/* Takes 'commands'. */
static void
start_restore(struct nt_ipsets *s, char *commands)
{
    static const char *const argv[] = { "ipset", "restore", "-exist", NULL };

    free(s->commands);
    s->commands = commands;
    start(s, argv, commands, restored);
}

void
nt_ipsets_run(struct nt_ipsets *s)
{
    static const char *const save_argv[] = { "ipset", "save", NULL };

    if (s->child || !s->is_used || (!s->dirty && !s->read_again && !s->sweep)
        || nt_mono_ms(s->clock) < s->retry_at) {
        return;
    }
    if (s->read_again) {
        s->stats.saves++;
        start(s, save_argv, NULL, saved);
        return;
    }

    char *commands = nt_ipset_diff(&s->installed, &s->want);
    if (commands) {
        if (s->rechecking) {
            s->stats.repairs++;
            nt_warn("sets of security group members were changed by somebody else, repaired", NULL);
        }
        start_restore(s, commands);
        return;
    }
    s->dirty = false;
    s->rechecking = false;
    if (s->sweep) {
        commands = nt_ipset_leftovers(&s->installed, &s->want);
        if (commands) {
            start_restore(s, commands);
        } else {
            s->sweep = false;
        }
    }
}

void
nt_ipsets_wait(struct nt_ipsets *s)
{
    if (!s->child && s->is_used && (s->dirty || s->read_again || s->sweep)) {
        poll_timer_wait_until(s->retry_at);
    }
}
