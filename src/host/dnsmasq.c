/* States and what leads from one to the next:
 *
 *   IDLE      no hosts text yet, or stopped for good
 *     -> LOOK       first text
 *   LOOK      read the pid file and the process it names
 *     -> RUNNING    started as wanted: adopted
 *     -> ENDING     of this network, but started otherwise: SIGTERM
 *     -> STARTING   nothing there
 *   STARTING  the child has not put itself into the background yet
 *     -> RUNNING    exit status 0; the pid file is there by then
 *     -> PAUSE      failed
 *   RUNNING   watched; reloaded by SIGHUP
 *     -> PAUSE      died
 *     -> ENDING     the configuration changed
 *   ENDING    waits for the end of a process that was told to; SIGKILL after a while
 *     -> LOOK, or IDLE after nt_dnsmasq_stop()
 *   PAUSE     waits before the next try
 *     -> LOOK
 *
 * dnsmasq reads its hosts file after it has gone into the background and before it
 * serves anybody, so a text written before the start needs no SIGHUP. */
#include <config.h>

#include "host/dnsmasq.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "host/hosts_dir.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(nt_dnsmasq);

#define RELOAD_EVERY_MS 100
#define FIRST_PAUSE_MS 200
#define LAST_PAUSE_MS 30000
#define STEADY_MS 10000 /* Having run that long, the next pause is the first again. */
#define START_LIMIT_MS 30000
#define TERM_LIMIT_MS 5000

enum state {
    IDLE,
    LOOK,
    STARTING,
    RUNNING,
    ENDING,
    PAUSE,
};

struct waiter {
    struct ovs_list node;
    uint64_t generation; /* Of the hosts text. */
    uint64_t serial;
    nt_dnsmasq_told_cb *cb;
    void *aux;
};

struct nt_dnsmasq {
    struct nt_children *children;
    const struct nt_clock *clock;
    struct nt_dnsmasq_plan *plan;

    char *hosts;                    /* NULL: never set. */
    char *opts;                     /* NULL: the plan's. */
    struct nt_hosts_dir *hosts_dir; /* NULL: dnsmasq reads the file. */
    uint64_t generation;            /* Of 'hosts' and 'opts'. */
    uint64_t written, told;         /* Generations. */
    bool must_reload;               /* The file changed after dnsmasq may have read it. */
    int64_t next_write;             /* Monotonic. */
    struct ovs_list waiters;
    uint64_t next_serial;

    enum state state;
    bool stopping;
    bool plan_changed; /* While starting: replace it afterwards. */
    int64_t deadline;  /* Of ENDING and PAUSE. */
    bool start_failed; /* Why it pauses; else it died. */
    int64_t start_pause_ms, death_pause_ms;
    int64_t running_since;
    struct nt_child *child;    /* STARTING. */
    uint64_t started_with;     /* STARTING: generation on disk at the start. */
    struct nt_pidwatch *watch; /* RUNNING, ENDING. */
    pid_t pid;
    struct nt_dnsmasq_stats stats;
};

int
nt_dnsmasq_new(struct nt_children *children, const struct nt_clock *clock,
               const struct nt_dnsmasq_conf *conf, struct nt_dnsmasq **out, struct nt_err *err)
{
    struct nt_dnsmasq_plan *plan = NULL;

    if (nt_dnsmasq_plan_new(conf, &plan, err) < 0) {
        return -1;
    }

    struct nt_dnsmasq *d = xzalloc(sizeof *d);

    d->children = children;
    d->clock = clock;
    d->plan = plan;
    d->start_pause_ms = d->death_pause_ms = FIRST_PAUSE_MS;
    ovs_list_init(&d->waiters);
    *out = d;
    return 0;
}

/* Calls and forgets who waits for a generation up to 'generation'.  Generations only
 * grow along the list.  One that a callback adds is left for later. */
static void
answer(struct nt_dnsmasq *d, uint64_t generation, const struct nt_err *err)
{
    uint64_t end = d->next_serial;

    while (!ovs_list_is_empty(&d->waiters)) {
        struct waiter *w = CONTAINER_OF(ovs_list_front(&d->waiters), struct waiter, node);

        if (w->generation > generation || w->serial >= end) {
            break;
        }
        ovs_list_remove(&w->node);
        w->cb(w->aux, err);
        free(w);
    }
}

static void
forget_process(struct nt_dnsmasq *d)
{
    nt_pidwatch_free(TAKE(d->watch));
    d->pid = 0;
}

void
nt_dnsmasq_free(struct nt_dnsmasq *d)
{
    if (d) {
        struct nt_err err = { .code = NT_OK };

        if (d->child) {
            nt_child_forget(d->child);
        }
        nt_fail(&err, NT_UNAVAILABLE, "DHCP of the network is being given up");
        answer(d, UINT64_MAX, &err);
        forget_process(d);
        nt_dnsmasq_plan_free(d->plan);
        nt_hosts_dir_free(d->hosts_dir);
        free(d->hosts);
        free(d->opts);
        free(d);
    }
}

/* Pauses grow by themselves for starts that fail and for short lives: one that came up
 * after many tries and is killed must not be missed for as long as the tries took. */
static void
pause_before_look(struct nt_dnsmasq *d, int64_t *pause_ms)
{
    d->state = d->stopping ? IDLE : PAUSE;
    d->start_failed = pause_ms == &d->start_pause_ms;
    d->deadline = nt_mono_ms(d->clock) + *pause_ms;
    *pause_ms = *pause_ms * 2 < LAST_PAUSE_MS ? *pause_ms * 2 : LAST_PAUSE_MS;
}

/* Says that it did not work, to everybody who waits, and tries again later. */
static void
fail_and_pause(struct nt_dnsmasq *d, const struct nt_err *err)
{
    char ms[24];

    snprintf(ms, sizeof ms, "%lld", (long long) d->start_pause_ms);
    nt_error("dnsmasq cannot be started", "hosts", d->plan->hosts_file, "why", err->msg,
             "next_try_ms", ms, NULL);
    pause_before_look(d, &d->start_pause_ms);
    answer(d, UINT64_MAX, err);
}

static void
end_process(struct nt_dnsmasq *d)
{
    d->state = ENDING;
    d->deadline = nt_mono_ms(d->clock) + TERM_LIMIT_MS;
    nt_pidwatch_signal(d->watch, SIGTERM);
}

/* '*watch' is taken. */
static void
become_running(struct nt_dnsmasq *d, struct nt_pidwatch *watch, pid_t pid, uint64_t told)
{
    d->state = RUNNING;
    d->watch = watch;
    d->pid = pid;
    d->told = told;
    d->running_since = nt_mono_ms(d->clock);
    d->start_pause_ms = FIRST_PAUSE_MS;
}

/* Finds the process the pid file names.  The watch comes first: it pins the process,
 * so that what is read afterwards is not another one's. */
static enum nt_dnsmasq_match
find_process(const struct nt_dnsmasq *d, struct nt_pidwatch **watch, pid_t *pid)
{
    AUTO_FREE char *text = NULL;
    AUTO_FREE char *cmdline = NULL;
    AUTO_FREE char *env = NULL;
    struct nt_dnsmasq_proc proc = { .cmdline = NULL };
    char path[64];

    if (nt_file_read(d->plan->pid_file, 64, &text, NULL) < 0) {
        return NT_DNSMASQ_OTHER;
    }
    *pid = atoi(text);
    if (*pid <= 1 || nt_pidwatch_new(*pid, watch) < 0) {
        return NT_DNSMASQ_OTHER;
    }
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int) *pid);
    if (nt_file_read(path, 1 << 20, &cmdline, &proc.cmdline_len) < 0) {
        proc.cmdline_len = 0;
    }
    snprintf(path, sizeof path, "/proc/%d/environ", (int) *pid);
    if (nt_file_read(path, 1 << 20, &env, &proc.environ_len) < 0) {
        proc.environ_len = 0;
    }
    proc.cmdline = cmdline ? cmdline : "";
    proc.environ = env;

    enum nt_dnsmasq_match match = nt_dnsmasq_plan_match(d->plan, &proc);
    if (match == NT_DNSMASQ_OTHER || nt_pidwatch_is_dead(*watch)) {
        nt_pidwatch_free(TAKE(*watch));
        return NT_DNSMASQ_OTHER;
    }
    return match;
}

static void
started(void *d_, const struct nt_child_result *result)
{
    struct nt_dnsmasq *d = d_;
    struct nt_pidwatch *watch = NULL;
    struct nt_err err = { .code = NT_OK };
    char pid_text[24];
    pid_t pid = 0;

    d->child = NULL;
    if (!nt_child_ok(result)) {
        struct nt_child_result shown = *result;
        char why[256];

        /* dnsmasq's complaint begins with an empty line. */
        shown.err_out += strspn(shown.err_out, "\n");
        nt_child_describe(&shown, why, sizeof why);
        nt_fail(&err, NT_FAULT, "dnsmasq cannot serve: %s", why);
        fail_and_pause(d, &err);
        return;
    }
    if (find_process(d, &watch, &pid) == NT_DNSMASQ_OTHER) {
        nt_fail(&err, NT_FAULT, "dnsmasq ended right after its start");
        fail_and_pause(d, &err);
        return;
    }
    snprintf(pid_text, sizeof pid_text, "%d", (int) pid);
    nt_info("dnsmasq started", "pid", pid_text, "hosts", d->plan->hosts_file, NULL);
    NT_CRASHPOINT("dnsmasq-started");
    become_running(d, watch, pid, d->started_with);
    if (d->plan_changed || d->stopping) {
        d->plan_changed = false;
        end_process(d);
    }
}

static void
start(struct nt_dnsmasq *d)
{
    struct nt_child_opts opts = {
        .argv = (const char *const *) d->plan->argv,
        .env = (const char *const *) d->plan->env,
        .timeout_ms = START_LIMIT_MS,
        .new_session = true,
    };
    struct nt_err err = { .code = NT_OK };

    if (NT_FAILPOINT("dnsmasq-start")) {
        nt_fail(&err, NT_FAULT, "cannot start dnsmasq (failpoint)");
    }
    if (err.code || nt_child_start(d->children, &opts, started, d, &d->child, &err) < 0) {
        fail_and_pause(d, &err);
        return;
    }
    d->stats.n_starts++;
    d->state = STARTING;
    d->started_with = d->written;
    d->must_reload = false;
    d->plan_changed = false;
}

static void
look(struct nt_dnsmasq *d)
{
    struct nt_pidwatch *watch = NULL;
    char pid_text[24];
    pid_t pid = 0;
    enum nt_dnsmasq_match match = find_process(d, &watch, &pid);

    if (match == NT_DNSMASQ_OTHER) {
        start(d);
        return;
    }
    snprintf(pid_text, sizeof pid_text, "%d", (int) pid);
    become_running(d, watch, pid, 0);
    if (match == NT_DNSMASQ_CHANGED) {
        nt_info("dnsmasq is replaced: it was started otherwise", "pid", pid_text, "hosts",
                d->plan->hosts_file, NULL);
        end_process(d);
        return;
    }
    nt_info("dnsmasq adopted", "pid", pid_text, "hosts", d->plan->hosts_file, NULL);
    d->stats.n_adopted++;
    /* What it has read is not known. */
    d->must_reload = true;
}

static void
process_died(struct nt_dnsmasq *d)
{
    int64_t ran_ms = nt_mono_ms(d->clock) - d->running_since;
    char pid_text[24];

    snprintf(pid_text, sizeof pid_text, "%d", (int) d->pid);
    nt_warn("dnsmasq died", "pid", pid_text, "hosts", d->plan->hosts_file, NULL);
    d->stats.n_deaths++;
    forget_process(d);
    if (ran_ms >= STEADY_MS) {
        d->death_pause_ms = FIRST_PAUSE_MS;
    }
    pause_before_look(d, &d->death_pause_ms);
}

static void
run_ending(struct nt_dnsmasq *d)
{
    if (nt_pidwatch_is_dead(d->watch)) {
        forget_process(d);
        d->state = d->stopping ? IDLE : LOOK;
    } else if (nt_mono_ms(d->clock) >= d->deadline) {
        nt_warn("dnsmasq does not end; killed", "hosts", d->plan->hosts_file, NULL);
        nt_pidwatch_signal(d->watch, SIGKILL);
        d->deadline = nt_mono_ms(d->clock) + TERM_LIMIT_MS;
    }
}

/* The human readable list always; dnsmasq reads it, or the folder. */
static int
write_hosts(struct nt_dnsmasq *d, bool *must_reload, struct nt_err *err)
{
    bool changed = false;

    if (nt_file_replace_soft(d->plan->hosts_file, d->hosts, strlen(d->hosts), 0644, &changed, err)
        < 0) {
        return -1;
    }
    if (d->plan->hosts_dir) {
        if (!d->hosts_dir) {
            d->hosts_dir = nt_hosts_dir_new(d->plan->hosts_dir);
        }
        return nt_hosts_dir_put(d->hosts_dir, d->hosts, must_reload, err);
    }
    *must_reload |= changed;
    return 0;
}

static int
write_opts(struct nt_dnsmasq *d, bool *must_reload, struct nt_err *err)
{
    const char *text = d->opts ? d->opts : d->plan->opts;
    bool changed = false;
    int rc = !d->plan->opts_file || !text ? 0
                                          : nt_file_replace_soft(d->plan->opts_file, text,
                                                                 strlen(text), 0644, &changed, err);

    *must_reload |= changed;
    return rc;
}

/* Files first, then one SIGHUP; both at most every RELOAD_EVERY_MS, so that a burst
 * of changes costs one of each. */
static void
run_files(struct nt_dnsmasq *d)
{
    struct nt_err err = { .code = NT_OK };
    bool hosts_changed = false, opts_changed = false;
    int64_t now = nt_mono_ms(d->clock);

    if (d->written == d->generation || now < d->next_write) {
        return;
    }
    d->next_write = now + RELOAD_EVERY_MS;
    if (write_opts(d, &d->must_reload, &err) < 0 || write_hosts(d, &d->must_reload, &err) < 0) {
        nt_warn_rl("dnsmasq's files cannot be written", "why", err.msg, NULL);
        d->next_write = now + FIRST_PAUSE_MS;
        answer(d, UINT64_MAX, &err);
        return;
    }
    d->written = d->generation;
    d->must_reload |= hosts_changed || opts_changed;
}

static void
run_reload(struct nt_dnsmasq *d)
{
    if (d->state != RUNNING || d->told == d->written) {
        return;
    }
    if (d->must_reload) {
        NT_CRASHPOINT("dnsmasq-reload");
        if (nt_pidwatch_signal(d->watch, SIGHUP) < 0) {
            return; /* It just died; the watch says so in the next turn. */
        }
        d->stats.n_reloads++;
        d->must_reload = false;
    }
    d->told = d->written;
}

void
nt_dnsmasq_run(struct nt_dnsmasq *d)
{
    if (!d->hosts && !d->stopping) {
        return;
    }
    if (d->state == RUNNING && nt_pidwatch_is_dead(d->watch)) {
        process_died(d);
    }
    if (d->state == ENDING) {
        run_ending(d);
    }
    if (d->state == PAUSE && nt_mono_ms(d->clock) >= d->deadline) {
        d->state = LOOK;
    }
    if (d->stopping) {
        return;
    }
    if (d->state == IDLE) {
        d->state = LOOK;
    }
    run_files(d);
    if (d->state == LOOK && d->written) {
        look(d);
    }
    run_reload(d);
    if (d->state == RUNNING) {
        answer(d, d->told, NULL);
    }
}

void
nt_dnsmasq_wait(struct nt_dnsmasq *d)
{
    if (!d->stopping && d->written != d->generation) {
        poll_timer_wait_until(d->next_write);
    }
    switch (d->state) {
    case IDLE:
    case STARTING:
        break;
    case LOOK:
        if (d->written) {
            poll_immediate_wake();
        }
        break;
    case RUNNING: {
        const struct waiter *w;

        nt_pidwatch_wait(d->watch);
        LIST_FOR_EACH (w, node, &d->waiters) {
            if (w->generation <= d->told) {
                poll_immediate_wake();
            }
        }
        break;
    }
    case ENDING:
        nt_pidwatch_wait(d->watch);
        poll_timer_wait_until(d->deadline);
        break;
    case PAUSE:
        poll_timer_wait_until(d->deadline);
        break;
    }
}

int
nt_dnsmasq_set_conf(struct nt_dnsmasq *d, const struct nt_dnsmasq_conf *conf, struct nt_err *err)
{
    struct nt_dnsmasq_plan *plan = NULL;

    if (nt_dnsmasq_plan_new(conf, &plan, err) < 0) {
        return -1;
    }
    if (nt_dnsmasq_plan_equal(d->plan, plan)) {
        nt_dnsmasq_plan_free(plan);
        return 0;
    }
    nt_dnsmasq_plan_free(d->plan);
    d->plan = plan;
    nt_hosts_dir_free(TAKE(d->hosts_dir));
    if (d->hosts) {
        /* The files are written anew, and at once: the next dnsmasq wants them. */
        d->generation++;
        d->next_write = 0;
    }
    if (d->state == RUNNING) {
        end_process(d);
    } else if (d->state == PAUSE) {
        d->deadline = 0;
    } else if (d->state == STARTING) {
        d->plan_changed = true;
    }
    return 0;
}

void
nt_dnsmasq_retry(struct nt_dnsmasq *d)
{
    if (d->state == PAUSE && d->start_failed) {
        d->deadline = 0;
        d->start_pause_ms = FIRST_PAUSE_MS;
    }
}

void
nt_dnsmasq_set_hosts(struct nt_dnsmasq *d, const char *text)
{
    if (d->hosts && !strcmp(d->hosts, text)) {
        return;
    }
    free(d->hosts);
    d->hosts = xstrdup(text);
    d->generation++;
}

void
nt_dnsmasq_set_opts(struct nt_dnsmasq *d, const char *text)
{
    if (d->opts && !strcmp(d->opts, text)) {
        return;
    }
    free(d->opts);
    d->opts = xstrdup(text);
    d->generation += d->hosts != NULL;
}

void
nt_dnsmasq_when_told(struct nt_dnsmasq *d, nt_dnsmasq_told_cb *cb, void *aux)
{
    struct waiter *w = xzalloc(sizeof *w);

    w->generation = d->generation;
    w->serial = d->next_serial++;
    w->cb = cb;
    w->aux = aux;
    ovs_list_push_back(&d->waiters, &w->node);
}

void
nt_dnsmasq_cancel(struct nt_dnsmasq *d, const void *aux)
{
    struct waiter *w;

    LIST_FOR_EACH_SAFE (w, node, &d->waiters) {
        if (w->aux == aux) {
            ovs_list_remove(&w->node);
            free(w);
        }
    }
}

bool
nt_dnsmasq_is_ready(const struct nt_dnsmasq *d)
{
    return d->state == RUNNING && d->hosts && d->told == d->generation;
}

pid_t
nt_dnsmasq_pid(const struct nt_dnsmasq *d)
{
    return d->pid;
}

void
nt_dnsmasq_get_stats(const struct nt_dnsmasq *d, struct nt_dnsmasq_stats *out)
{
    *out = d->stats;
}

void
nt_dnsmasq_add_stats(const struct nt_dnsmasq *d, struct nt_dnsmasq_stats *sum)
{
    sum->n_starts += d->stats.n_starts;
    sum->n_adopted += d->stats.n_adopted;
    sum->n_deaths += d->stats.n_deaths;
    sum->n_reloads += d->stats.n_reloads;
}

bool
nt_dnsmasq_stop(struct nt_dnsmasq *d)
{
    if (!d->stopping) {
        struct nt_err err = { .code = NT_OK };
        struct nt_pidwatch *watch = NULL;
        pid_t pid = 0;

        d->stopping = true;
        nt_fail(&err, NT_UNAVAILABLE, "DHCP of the network is being ended");
        answer(d, UINT64_MAX, &err);
        if (d->state == RUNNING) {
            end_process(d);
        } else if (d->state == IDLE || d->state == LOOK || d->state == PAUSE) {
            /* One that an earlier run of ours left behind ends too. */
            d->state = IDLE;
            if (find_process(d, &watch, &pid) != NT_DNSMASQ_OTHER) {
                become_running(d, watch, pid, 0);
                end_process(d);
            }
        }
    }
    return d->state == IDLE;
}
