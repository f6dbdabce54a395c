#include <config.h>

#include "host/iptables.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "host/iptables_plan.h"
#include "host/iptables_save.h"
#include "openvswitch/poll-loop.h"
#include "wire/netlink/nft.h"

NT_LOG_MODULE(iptables);

/* How a change goes:
 *
 *     (start) -> iptables -V -> [auto: the other variant's save, only to warn]
 *     dirty -> lock -> save, unless the cached state will do -> plan
 *           -> nothing to do: settled
 *           -> plan counts on a fresh reading and the state is cached: save, plan
 *           -> restore -> settled
 *
 * One child at a time.  A failure gives up the lock and the cached state, waits and
 * begins again at the lock. */

#define MAX_ATTEMPTS 5
#define LOCK_RETRY_MS 20
#define BACKOFF_MS 50
#define CHILD_TIMEOUT_MS 30000

struct nt_iptables {
    struct nt_children *children;
    const struct nt_clock *clock;
    enum nt_iptables_variant variant;
    bool is_ipv6;
    char *lock_path;

    char version[64];
    bool is_probed, is_mix_checked;
    bool can_wait; /* iptables-restore knows -w. */

    struct nt_iptables_want *want;
    uint64_t generation; /* Of the last set or recheck. */
    uint64_t set_generation;
    uint64_t planned; /* What the plan under way covers. */
    uint64_t good;    /* Last one known to be in the kernel. */
    bool is_dirty;
    bool must_read; /* Before planning, whatever is cached. */

    struct nt_iptables_state *state; /* Cached; NULL: unknown. */
    bool is_fresh;                   /* Read under the lock now held. */
    uint32_t before;                 /* nftables' generation when reading began. */
    uint32_t state_at;               /* One with 'state' in the kernel; 0: unknown. */
    struct nt_iptables_plan plan;    /* Being restored. */
    char *last_repair;

    struct nt_child *child; /* Under way, or NULL. */
    int lock_fd;            /* -1: not held. */
    unsigned attempt;
    int64_t not_before;

    nt_iptables_settled_cb *cb;
    void *cb_aux;
    struct nt_iptables_stats stats;
};

bool
nt_iptables_variant_parse(const char *text, enum nt_iptables_variant *out)
{
    static const char *const names[] = { "auto", "nft", "legacy" };

    for (size_t i = 0; i < NT_ARRAY_SIZE(names); i++) {
        if (!strcmp(text, names[i])) {
            *out = (enum nt_iptables_variant) i;
            return true;
        }
    }
    return false;
}

struct nt_iptables *
nt_iptables_new(struct nt_children *children, const struct nt_clock *clock,
                enum nt_iptables_variant variant, const char *lock_path)
{
    struct nt_iptables *ipt = xzalloc(sizeof *ipt);

    ipt->children = children;
    ipt->clock = clock;
    ipt->variant = variant;
    ipt->lock_path = xstrdup(lock_path);
    ipt->lock_fd = -1;
    return ipt;
}

struct nt_iptables *
nt_ip6tables_new(struct nt_children *children, const struct nt_clock *clock,
                 enum nt_iptables_variant variant, const char *lock_path)
{
    struct nt_iptables *ipt = nt_iptables_new(children, clock, variant, lock_path);

    ipt->is_ipv6 = true;
    return ipt;
}

static void
unlock(struct nt_iptables *ipt)
{
    if (ipt->lock_fd >= 0) {
        close(ipt->lock_fd);
        ipt->lock_fd = -1;
    }
    ipt->is_fresh = false;
}

static void
forget_state(struct nt_iptables *ipt)
{
    nt_iptables_state_free(TAKE(ipt->state));
    ipt->state_at = 0;
}

void
nt_iptables_free(struct nt_iptables *ipt)
{
    if (!ipt) {
        return;
    }
    if (ipt->child) {
        nt_child_forget(ipt->child);
    }
    unlock(ipt);
    forget_state(ipt);
    nt_iptables_plan_deinit(&ipt->plan);
    nt_iptables_want_free(ipt->want);
    free(ipt->last_repair);
    free(ipt->lock_path);
    free(ipt);
}

void
nt_iptables_on_settled(struct nt_iptables *ipt, nt_iptables_settled_cb *cb, void *aux)
{
    ipt->cb = cb;
    ipt->cb_aux = aux;
}

static uint64_t
mark_dirty(struct nt_iptables *ipt)
{
    ipt->is_dirty = true;
    return ++ipt->generation;
}

uint64_t
nt_iptables_set(struct nt_iptables *ipt, struct nt_iptables_want *want)
{
    nt_iptables_want_free(ipt->want);
    ipt->want = want;
    ipt->set_generation = mark_dirty(ipt);
    return ipt->set_generation;
}

/* Whether the kernel's rules are those that were read and found right.  The legacy
 * variant has no generation to tell by. */
static bool
is_known_right(const struct nt_iptables *ipt)
{
    return !ipt->is_dirty && !ipt->child && ipt->state && ipt->good == ipt->generation
           && strstr(ipt->version, "nf_tables") && ipt->state_at
           && ipt->state_at == nt_nl_nft_generation();
}

uint64_t
nt_iptables_recheck(struct nt_iptables *ipt)
{
    if (!ipt->want) {
        return 0;
    }
    if (is_known_right(ipt)) {
        return ipt->good;
    }
    ipt->must_read = true;
    return mark_dirty(ipt);
}

bool
nt_iptables_is_settled(const struct nt_iptables *ipt)
{
    return !ipt->is_dirty && ipt->lock_fd < 0;
}

const struct nt_iptables_want *
nt_iptables_wanted(const struct nt_iptables *ipt)
{
    return ipt->want;
}

const struct nt_iptables_stats *
nt_iptables_stats(const struct nt_iptables *ipt)
{
    return &ipt->stats;
}

const char *
nt_iptables_version(const struct nt_iptables *ipt)
{
    return ipt->version;
}

/* Settles what was planned.  The callback comes last: it may set again. */
static void
finish(struct nt_iptables *ipt, bool ok, const struct nt_err *err)
{
    uint64_t generation = ipt->planned;

    unlock(ipt);
    nt_iptables_plan_deinit(&ipt->plan);
    ipt->attempt = 0;
    ipt->is_dirty = ipt->generation > generation;
    if (ok) {
        ipt->good = generation;
    } else {
        ipt->stats.failures++;
        nt_error("cannot apply iptables rules", "reason", err->msg, NULL);
    }
    if (ipt->cb) {
        ipt->cb(ipt->cb_aux, generation, ok, err);
    }
}

static void
fail_attempt(struct nt_iptables *ipt, const struct nt_err *err)
{
    forget_state(ipt);
    nt_iptables_plan_deinit(&ipt->plan);
    ipt->stats.attempts_failed++;
    ipt->planned = ipt->generation;
    if (++ipt->attempt >= MAX_ATTEMPTS) {
        finish(ipt, false, err);
        return;
    }
    unlock(ipt);
    ipt->not_before = nt_mono_ms(ipt->clock) + (BACKOFF_MS << (ipt->attempt - 1));
    nt_warn_rl("iptables attempt failed, will repeat", "reason", err->msg, NULL);
}

const char *
nt_iptables_tool(enum nt_iptables_variant variant, bool is_ipv6)
{
    static const char *const tools[][2] = { { "iptables", "ip6tables" },
                                            { "iptables-nft", "ip6tables-nft" },
                                            { "iptables-legacy", "ip6tables-legacy" } };

    return tools[variant][is_ipv6];
}

/* "iptables-nft-save" and its kin: 'verb' is "", "-save" or "-restore". */
static const char *
program(const struct nt_iptables *ipt, const char *verb, char out[32])
{
    snprintf(out, 32, "%s%s", nt_iptables_tool(ipt->variant, ipt->is_ipv6), verb);
    return out;
}

/* Starts the one child.  Failing to start one is a failed attempt like any other. */
static int
start_child(struct nt_iptables *ipt, const char *const *argv, const char *input, nt_child_cb *cb,
            struct nt_err *err)
{
    struct nt_child_opts opts = {
        .argv = argv,
        .input = input,
        .input_len = input ? strlen(input) : 0,
        .timeout_ms = CHILD_TIMEOUT_MS,
    };

    return nt_child_start(ipt->children, &opts, cb, ipt, &ipt->child, err);
}

static int
child_failed(const struct nt_child_result *r, const char *name, struct nt_err *err)
{
    char how[256];

    nt_child_describe(r, how, sizeof how);
    return nt_fail(err, NT_FAULT, "%s: %s", name, how);
}

static void
version_known(void *aux, const struct nt_child_result *r)
{
    struct nt_iptables *ipt = aux;
    unsigned major = 0, minor = 0, patch = 0;

    ipt->child = NULL;
    ipt->is_probed = true;
    size_t skip = ipt->is_ipv6 ? 10 : 9;
    if (!nt_child_ok(r) || strncmp(r->out, ipt->is_ipv6 ? "ip6tables " : "iptables ", skip)) {
        nt_warn("iptables does not tell its version", NULL);
        return;
    }
    r->out[strcspn(r->out, "\n")] = '\0';
    ovs_strlcpy(ipt->version, r->out + skip, sizeof ipt->version);
    /* -w of iptables-restore came with 1.6.2. */
    if (sscanf(ipt->version, "v%u.%u.%u", &major, &minor, &patch) >= 2) {
        ipt->can_wait = major * 10000 + minor * 100 + patch >= 10602;
    }
    nt_info(ipt->is_ipv6 ? "ip6tables found" : "iptables found", "version", ipt->version, NULL);
}

static void
start_probe(struct nt_iptables *ipt)
{
    char name[32];
    const char *argv[] = { program(ipt, "", name), "-V", NULL };
    struct nt_err err = { 0 };

    if (start_child(ipt, argv, NULL, version_known, &err) < 0) {
        nt_warn("iptables does not tell its version", "reason", err.msg, NULL);
        ipt->is_probed = true;
    }
}

/* Whether any chain in 'state' is one of our own. */
static bool
holds_own(const struct nt_iptables_state *state, const struct nt_iptables_want *want)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &state->tables) {
        const struct nt_iptables_saved_table *table = node->data;

        for (size_t i = 0; i < table->n_chains; i++) {
            if (nt_iptables_owns(want, table->chains[i]->name)) {
                return true;
            }
        }
    }
    return false;
}

static void
other_variant_known(void *aux, const struct nt_child_result *r)
{
    struct nt_iptables *ipt = aux;
    AUTO(nt_iptables_state) state = nt_iptables_state_new();

    ipt->child = NULL;
    if (nt_child_ok(r) && !nt_iptables_state_load(state, r->out, NULL)
        && holds_own(state, ipt->want)) {
        nt_warn("the other iptables variant holds rules of ours as well; remove them there",
                "using", ipt->version, NULL);
    }
}

/* Two variants in one kernel both take effect; that is worth a warning, no more. */
static void
start_mix_check(struct nt_iptables *ipt)
{
    ipt->is_mix_checked = true;
    if (ipt->variant != NT_IPTABLES_AUTO || !ipt->version[0]) {
        return;
    }

    bool is_nft = strstr(ipt->version, "nf_tables") != NULL;
    const char *name = is_nft ? "ip6tables-legacy-save" : "ip6tables-nft-save";
    AUTO_FREE char *name4 = xasprintf("ip%s", name + 3);
    const char *argv[] = { ipt->is_ipv6 ? name : name4, NULL };

    if (start_child(ipt, argv, NULL, other_variant_known, NULL) < 0) {
        nt_debug("the other iptables variant is not installed", NULL);
    }
}

/* 1: held; 0: somebody else has it; -1: failed. */
static int
try_lock(struct nt_iptables *ipt, struct nt_err *err)
{
    const char *slash = strrchr(ipt->lock_path, '/');

    if (slash && slash != ipt->lock_path) {
        AUTO_FREE char *folder = xmemdup0(ipt->lock_path, (size_t) (slash - ipt->lock_path));

        if (nt_mkdirs(folder, 0755, err) < 0) {
            return -1;
        }
    }

    int fd = open(ipt->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0) {
        return nt_fail_errno(err, errno, "cannot open lock %s", ipt->lock_path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        ipt->lock_fd = fd;
        return 1;
    }

    int errnum = errno;

    close(fd);
    if (errnum == EWOULDBLOCK) {
        return 0;
    }
    return nt_fail_errno(err, errnum, "cannot lock %s", ipt->lock_path);
}

static void step(struct nt_iptables *);

static void
save_done(void *aux, const struct nt_child_result *r)
{
    struct nt_iptables *ipt = aux;
    AUTO(nt_iptables_state) state = nt_iptables_state_new();
    struct nt_err err = { 0 };

    ipt->child = NULL;
    if (!nt_child_ok(r)) {
        child_failed(r, "iptables-save", &err);
        fail_attempt(ipt, &err);
        return;
    }
    if (nt_iptables_state_load(state, r->out, &err) < 0) {
        fail_attempt(ipt, &err);
        return;
    }
    ipt->state = TAKE(state);
    ipt->state_at = ipt->before;
    ipt->is_fresh = true;
    step(ipt);
}

static void
start_save(struct nt_iptables *ipt)
{
    char name[32];
    const char *argv[] = { program(ipt, "-save", name), "-c", NULL };
    struct nt_err err = { 0 };

    forget_state(ipt);
    ipt->must_read = false;
    ipt->stats.saves++;
    ipt->before = nt_nl_nft_generation();
    if (start_child(ipt, argv, NULL, save_done, &err) < 0) {
        fail_attempt(ipt, &err);
    }
}

/* Our own text read back gives the new state.  That it does not is no harm: then
 * the kernel is read before the next change. */
static void
restore_done(void *aux, const struct nt_child_result *r)
{
    struct nt_iptables *ipt = aux;
    struct nt_err err = { 0 };

    ipt->child = NULL;
    if (!nt_child_ok(r)) {
        child_failed(r, "iptables-restore", &err);
        fail_attempt(ipt, &err);
        return;
    }
    NT_CRASHPOINT("iptables-applied");
    ipt->stats.applies++;
    ipt->state_at = 0; /* How many transactions it made of it is its own affair. */
    if (nt_iptables_state_load(ipt->state, ipt->plan.text, &err) < 0) {
        nt_debug("applied iptables rules are read again later", "reason", err.msg, NULL);
        forget_state(ipt);
    }
    finish(ipt, true, &err);
}

/* A difference although nothing new was wanted: somebody else changed something.
 * The same one again and again: the kernel prints a rule not as we write it. */
static void
note_repair(struct nt_iptables *ipt)
{
    if (!ipt->is_fresh || ipt->good < ipt->set_generation || ipt->attempt) {
        return;
    }
    ipt->stats.repairs++;
    if (ipt->last_repair && !strcmp(ipt->last_repair, ipt->plan.text)) {
        nt_warn_rl("the same iptables repair again", "text", ipt->plan.text, NULL);
    } else {
        nt_warn_rl("iptables rules were changed by others, repairing", NULL);
    }
    free(ipt->last_repair);
    ipt->last_repair = xstrdup(ipt->plan.text);
}

static void
start_restore(struct nt_iptables *ipt)
{
    char name[32];
    const char *argv[] = { program(ipt, "-restore", name), "--noflush", "-c", "-w", "5", NULL };
    struct nt_err err = { 0 };

    if (!ipt->can_wait) {
        argv[3] = NULL;
    }
    note_repair(ipt);
    if (NT_FAILPOINT("iptables-apply")) {
        nt_fail(&err, NT_FAULT, "iptables-restore: not started (failpoint)");
    }
    if (err.code || start_child(ipt, argv, ipt->plan.text, restore_done, &err) < 0) {
        fail_attempt(ipt, &err);
    }
}

/* The lock is held: reads if need be, plans, writes. */
static void
step(struct nt_iptables *ipt)
{
    struct nt_err err = { 0 };

    if (!ipt->state || (ipt->must_read && !ipt->is_fresh)) {
        start_save(ipt);
        return;
    }

    ipt->planned = ipt->generation;
    if (nt_iptables_plan(ipt->state, ipt->want, &ipt->plan, &err) < 0) {
        fail_attempt(ipt, &err);
    } else if (!ipt->plan.text) {
        finish(ipt, true, &err);
    } else if (ipt->plan.needs_fresh && !ipt->is_fresh) {
        nt_iptables_plan_deinit(&ipt->plan);
        start_save(ipt);
    } else {
        start_restore(ipt);
    }
}

void
nt_iptables_run(struct nt_iptables *ipt)
{
    struct nt_err err = { 0 };

    if (ipt->child || !ipt->is_dirty || nt_mono_ms(ipt->clock) < ipt->not_before) {
        return;
    }
    if (!ipt->is_probed) {
        start_probe(ipt);
        return;
    }
    if (!ipt->is_mix_checked) {
        start_mix_check(ipt);
        return;
    }

    int locked = try_lock(ipt, &err);

    if (locked < 0) {
        fail_attempt(ipt, &err);
    } else if (locked == 0) {
        ipt->not_before = nt_mono_ms(ipt->clock) + LOCK_RETRY_MS;
    } else {
        step(ipt);
    }
}

void
nt_iptables_wait(struct nt_iptables *ipt)
{
    if (!ipt->child && ipt->is_dirty) {
        poll_timer_wait_until(ipt->not_before);
    }
}
