#include <config.h>

#include "host/guard.h"

#include <stdio.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "host/guard_plan.h"
#include "openvswitch/poll-loop.h"
#include "wire/netlink/nft.h"

NT_LOG_MODULE(nt_guard);

/*   IDLE --set, recheck--> LIST (nft -s list) --differs--> APPLY (nft -f -) --> IDLE
 *
 * The kernel is read at the start, after a failure and for a recheck; otherwise
 * what was written last is what is installed.  A recheck asks for nftables' generation
 * first: listing the chains of a thousand ports takes a second of processor time, and
 * a boot that came meanwhile would wait for it. */
#define CHILD_LIMIT_MS 30000
#define MIN_BACKOFF_MS 500
#define MAX_BACKOFF_MS 30000

/* A table that is wanted, being written and installed at the same time. */
struct shared {
    unsigned n_refs;
    struct nt_guard_table table;
};

struct nt_guard {
    struct nt_children *children;
    const struct nt_clock *clock;
    struct nt_child *child; /* Under way. */
    bool has_want;
    bool dirty;      /* 'want' is not known to be installed. */
    bool read_again; /* 'installed' is not to be trusted. */
    bool rebuild;    /* Writing the difference failed: a new table is tried. */
    bool rechecking; /* This difference would be somebody else's doing. */
    struct shared *want, *installed;
    struct shared *applying; /* Being written, or NULL. */
    uint32_t before;         /* Generation when the child was started. */
    uint32_t installed_at;   /* One in which the kernel had 'installed'; 0: not known. */
    int64_t retry_at, backoff_ms;
    char error[256];
    struct nt_guard_stats stats;
};

static struct shared *
shared_new(void)
{
    struct shared *s = xmalloc(sizeof *s);

    s->n_refs = 1;
    nt_guard_table_init(&s->table);
    return s;
}

static void
shared_drop(struct shared *s)
{
    if (s && !--s->n_refs) {
        nt_guard_table_clear(&s->table);
        free(s);
    }
}

/* Takes 'new'. */
static void
shared_set(struct shared **slot, struct shared *new)
{
    shared_drop(*slot);
    *slot = new;
}

struct nt_guard *
nt_guard_new(struct nt_children *children, const struct nt_clock *clock)
{
    struct nt_guard *g = xzalloc(sizeof *g);

    g->children = children;
    g->clock = clock;
    g->read_again = true;
    g->backoff_ms = MIN_BACKOFF_MS;
    g->want = shared_new();
    g->installed = shared_new();
    return g;
}

void
nt_guard_free(struct nt_guard *g)
{
    if (g) {
        if (g->child) {
            nt_child_forget(g->child);
        }
        shared_drop(g->want);
        shared_drop(g->installed);
        shared_drop(g->applying);
        free(g);
    }
}

void
nt_guard_set(struct nt_guard *g, const struct nt_guard_port *ports, size_t n)
{
    struct shared *want = shared_new();

    nt_guard_table_want(ports, n, &g->want->table, &want->table);
    shared_set(&g->want, want);
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
    if (g->has_want && !g->child && !g->dirty
        && !(g->installed_at && g->installed_at == nt_nl_nft_generation())) {
        g->read_again = true;
        g->rechecking = true;
    }
}

char *
nt_guard_render(const struct nt_guard_port *ports, size_t n)
{
    struct nt_guard_table none, want;

    nt_guard_table_init(&none);
    nt_guard_table_want(ports, n, NULL, &want);
    char *text = nt_guard_diff(&none, &want);
    nt_guard_table_clear(&want);
    return text;
}

char *
nt_guard_whole(const struct nt_guard *g)
{
    struct nt_guard_table none;

    nt_guard_table_init(&none);
    return nt_guard_diff(&none, &g->want->table);
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
    shared_set(&g->installed, shared_new());
    nt_guard_table_parse(result->out, &g->installed->table);
    g->installed_at = g->before;
    if (g->rebuild) {
        nt_guard_table_forget(&g->installed->table, NT_GUARD_BASE);
    }
    g->read_again = false;
    g->dirty = true;
}

static void
applied(void *g_, const struct nt_child_result *result)
{
    struct nt_guard *g = g_;
    uint32_t now = nt_nl_nft_generation();
    char why[200];

    g->child = NULL;
    /* One more is ours; others in between may have been at our table. */
    g->installed_at = g->installed_at == g->before && now == g->before + 1 ? now : 0;
    if (!nt_child_ok(result)) {
        nt_child_describe(result, why, sizeof why);
        fail(g, "nft", why);
        g->rebuild = true;
        return;
    }
    NT_CRASHPOINT("guard-applied");
    g->rebuild = false;
    shared_set(&g->installed, TAKE(g->applying));
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

    g->before = nt_nl_nft_generation();
    if (nt_child_start(g->children, &opts, cb, g, &g->child, &err) < 0) {
        g->child = NULL;
        fail(g, "nft", err.msg);
    }
}

/* 'want' as it is now. */
static void
hold(struct nt_guard *g, struct shared **slot)
{
    g->want->n_refs++;
    shared_set(slot, g->want);
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
        g->stats.reads++;
        start(g, list_argv, NULL, listed);
        return;
    }

    AUTO_FREE char *commands = nt_guard_diff(&g->installed->table, &g->want->table);
    if (!commands) {
        /* From now on what is the same is the same without a look at its text. */
        hold(g, &g->installed);
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
    hold(g, &g->applying);
    start(g, apply_argv, commands, applied);
}

void
nt_guard_wait(struct nt_guard *g)
{
    if (!g->child && g->has_want && (g->dirty || g->read_again)) {
        poll_timer_wait_until(g->retry_at);
    }
}
