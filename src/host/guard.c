#include <config.h>

#include "host/guard.h"

#include <stdio.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "host/guard_plan.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(nt_guard);

/*   IDLE --set, recheck--> LIST (nft -s list) --differs--> APPLY (nft -f -) --> IDLE
 *
 * The kernel is read at the start, after a failure and for a recheck; otherwise
 * what was written last is what is installed. */
#define CHILD_LIMIT_MS 30000
#define MIN_BACKOFF_MS 500
#define MAX_BACKOFF_MS 30000

struct nt_guard {
    struct nt_children *children;
    const struct nt_clock *clock;
    struct nt_child *child; /* Under way. */
    bool has_want;
    bool dirty;      /* 'want' is not known to be installed. */
    bool read_again; /* 'installed' is not to be trusted. */
    bool rebuild;    /* Writing the difference failed: a new table is tried. */
    bool rechecking; /* This difference would be somebody else's doing. */
    struct nt_guard_table want, installed;
    struct nt_guard_table applying; /* Being written. */
    int64_t retry_at, backoff_ms;
    char error[256];
    struct nt_guard_stats stats;
};

struct nt_guard *
nt_guard_new(struct nt_children *children, const struct nt_clock *clock)
{
    struct nt_guard *g = xzalloc(sizeof *g);

    g->children = children;
    g->clock = clock;
    g->read_again = true;
    g->backoff_ms = MIN_BACKOFF_MS;
    nt_guard_table_init(&g->want);
    nt_guard_table_init(&g->installed);
    nt_guard_table_init(&g->applying);
    return g;
}

void
nt_guard_free(struct nt_guard *g)
{
    if (g) {
        if (g->child) {
            nt_child_forget(g->child);
        }
        nt_guard_table_clear(&g->want);
        nt_guard_table_clear(&g->installed);
        nt_guard_table_clear(&g->applying);
        free(g);
    }
}

void
nt_guard_set(struct nt_guard *g, const struct nt_guard_port *ports, size_t n)
{
    nt_guard_table_clear(&g->want);
    nt_guard_table_want(ports, n, &g->want);
    g->has_want = true;
    g->dirty = true;
    g->rechecking = false;
    g->retry_at = 0;
    *g->error = '\0';
}

bool
nt_guard_is_settled(const struct nt_guard *g)
{
    return !g->dirty && (!g->child || g->rechecking);
}

const char *
nt_guard_error(const struct nt_guard *g)
{
    return *g->error ? g->error : NULL;
}

const struct nt_guard_stats *
nt_guard_stats(const struct nt_guard *g)
{
    return &g->stats;
}

void
nt_guard_recheck(struct nt_guard *g)
{
    if (g->has_want && !g->child && !g->dirty) {
        g->read_again = true;
        g->rechecking = true;
    }
}

char *
nt_guard_render(const struct nt_guard_port *ports, size_t n)
{
    struct nt_guard_table none, want;

    nt_guard_table_init(&none);
    nt_guard_table_want(ports, n, &want);
    char *text = nt_guard_diff(&none, &want);
    nt_guard_table_clear(&want);
    return text;
}

char *
nt_guard_whole(const struct nt_guard *g)
{
    struct nt_guard_table none;

    nt_guard_table_init(&none);
    return nt_guard_diff(&none, &g->want);
}

static void
fail(struct nt_guard *g, const char *what, const char *why)
{
    snprintf(g->error, sizeof g->error, "%s: %s", what, why);
    nt_error("guests' anti-spoofing rules not written", "why", g->error, NULL);
    g->stats.failures++;
    g->dirty = true;
    g->read_again = true;
    g->retry_at = nt_mono_ms(g->clock) + g->backoff_ms;
    g->backoff_ms = g->backoff_ms * 2 < MAX_BACKOFF_MS ? g->backoff_ms * 2 : MAX_BACKOFF_MS;
}

static void
listed(void *g_, const struct nt_child_result *result)
{
    struct nt_guard *g = g_;
    bool no_table = strstr(result->err_out, "No such file or directory");
    char why[200];

    g->child = NULL;
    if (!nt_child_ok(result) && !no_table) {
        nt_child_describe(result, why, sizeof why);
        fail(g, "nft list", why);
        return;
    }
    nt_guard_table_clear(&g->installed);
    nt_guard_table_parse(result->out, &g->installed);
    if (g->rebuild) {
        free(shash_find_and_delete(&g->installed.chains, NT_GUARD_BASE));
    }
    g->read_again = false;
    g->dirty = true;
}

static void
applied(void *g_, const struct nt_child_result *result)
{
    struct nt_guard *g = g_;
    char why[200];

    g->child = NULL;
    if (!nt_child_ok(result)) {
        nt_child_describe(result, why, sizeof why);
        fail(g, "nft", why);
        g->rebuild = true;
        return;
    }
    NT_CRASHPOINT("guard-applied");
    g->rebuild = false;
    nt_guard_table_swap(&g->installed, &g->applying);
    g->stats.applies++;
    g->backoff_ms = MIN_BACKOFF_MS;
    *g->error = '\0';
    g->dirty = true; /* 'want' may have changed meanwhile: the next run compares. */
}

static void
start(struct nt_guard *g, const char *const *argv, const char *input, nt_child_cb *cb)
{
    const struct nt_child_opts opts = {
        .argv = argv,
        .input = input,
        .input_len = input ? strlen(input) : 0,
        .timeout_ms = CHILD_LIMIT_MS,
    };
    struct nt_err err = { 0 };

    if (nt_child_start(g->children, &opts, cb, g, &g->child, &err) < 0) {
        g->child = NULL;
        fail(g, "nft", err.msg);
    }
}

static void
copy_table(struct nt_guard_table *to, const struct nt_guard_table *from)
{
    struct shash_node *node;

    nt_guard_table_clear(to);
    to->exists = from->exists;
    SHASH_FOR_EACH (node, &from->chains) {
        shash_add(&to->chains, node->name, xstrdup(node->data));
    }
    SHASH_FOR_EACH (node, &from->elements) {
        shash_add(&to->elements, node->name, NULL);
    }
}

void
nt_guard_run(struct nt_guard *g)
{
    static const char *const list_argv[] = { "nft",   "-s",     "list",
                                             "table", "bridge", "neutrino-guard",
                                             NULL };
    static const char *const apply_argv[] = { "nft", "-f", "-", NULL };

    if (g->child || !g->has_want || (!g->dirty && !g->read_again)
        || nt_mono_ms(g->clock) < g->retry_at) {
        return;
    }
    if (g->read_again) {
        start(g, list_argv, NULL, listed);
        return;
    }

    AUTO_FREE char *commands = nt_guard_diff(&g->installed, &g->want);
    if (!commands) {
        g->dirty = false;
        g->rechecking = false;
        return;
    }
    if (g->rechecking) {
        g->stats.repairs++;
        nt_warn("guests' anti-spoofing rules were changed by somebody else, repaired", NULL);
    }
    if (NT_FAILPOINT("guard-apply")) {
        fail(g, "nft", "not started (failpoint)");
        return;
    }
    copy_table(&g->applying, &g->want);
    start(g, apply_argv, commands, applied);
}

void
nt_guard_wait(struct nt_guard *g)
{
    if (!g->child && g->has_want && (g->dirty || g->read_again)) {
        poll_timer_wait_until(g->retry_at);
    }
}
