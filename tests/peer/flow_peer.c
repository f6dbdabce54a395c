/* An agent's flows without an agent: wishes are lines on standard input, each is answered by
 * one line of JSON.  For tests with a real switch.
 *
 *     flow_peer LISTEN|-  RUN_DIR  [leave-edits]  [RESERVED_COOKIE...]
 *
 *     bridge NAME [DATAPATH_ID]                       (without: the bridge is not there)
 *     want OWNER BRIDGE FILE       unwant OWNER       (a flow a line; # and empty lines: none)
 *     complete BRIDGE
 *     check BRIDGE                 until it was dumped again
 *     settle [OWNER]               until it is settled
 *     settled OWNER                whether it is
 *     stats
 *     format FILE [OWNER]
 *     bundle BRIDGE N FILE         the same flows N times past the module, as one bundle */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/apply/flows.h"
#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"
#include "talk.h"

#define MAX_WORDS 8

struct peer {
    struct nt_switch *sw;
    struct flows *flows;
    struct talk talk;
    char *words[MAX_WORDS];
    int n_words;
    bool is_busy; /* The command waits for something. */
    uint64_t n_dumps;
    bool is_sent, is_answered;
    struct nt_err err;
    size_t failed;
    int64_t longest_turn_ms;
};

static const char *
word(const struct peer *p, int i)
{
    return i < p->n_words ? p->words[i] : NULL;
}

static void
read_plan(const char *path, const char *bridge, struct plan *plan)
{
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;

    if (!f) {
        fprintf(stderr, "flow_peer: %s: %s\n", path, strerror(errno));
        exit(2);
    }
    while (getline(&line, &size, f) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (*line && *line != '#') {
            plan->lines = plan->n < plan->allocated
                              ? plan->lines
                              : x2nrealloc(plan->lines, &plan->allocated, sizeof *plan->lines);
            plan->lines[plan->n++] = (struct plan_line){ .bridge = bridge, .flow = xstrdup(line) };
        }
    }
    free(line);
    fclose(f);
}

static void
plan_drop(struct plan *plan)
{
    for (size_t i = 0; i < plan->n; i++) {
        free(plan->lines[i].flow);
    }
    free(plan->lines);
}

static void
want(struct peer *p)
{
    struct plan plan = { 0 };

    if (p->n_words == 4) {
        read_plan(word(p, 3), word(p, 2), &plan);
    }
    flows_want(p->flows, word(p, 1), &plan);
    plan_drop(&plan);
}

static size_t
resident_kb(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    size_t pages = 0, resident = 0;

    if (f && fscanf(f, "%zu %zu", &pages, &resident) != 2) {
        resident = 0;
    }
    if (f) {
        fclose(f);
    }
    return resident * (size_t) getpagesize() / 1024;
}

/* Of this process: others on the machine are not to be seen in it. */
static int64_t
cpu_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
print_stats(const struct peer *p)
{
    const struct flows_stats *f = flows_stats(p->flows);
    const struct nt_switch_stats *s = nt_switch_stats(p->sw);
    struct mallinfo2 heap = mallinfo2();

    printf("{\"wanted\": %" PRIu64 ", \"installed\": %" PRIu64 ", \"added\": %" PRIu64
           ", \"removed\": %" PRIu64 ", \"adopted\": %" PRIu64 ", \"repaired\": %" PRIu64
           ", \"edits\": %" PRIu64 ", \"differing\": %" PRIu64
           ", \"refused\": %" PRIu64 ", \"connections\": %" PRIu64 ", \"dumps\": %" PRIu64
           ", \"dumped\": %" PRIu64 ", \"bundles\": %" PRIu64 ", \"flow_mods\": %" PRIu64
           ", \"errors\": %" PRIu64 ", \"longest_turn_ms\": %" PRId64
           ", \"rss_kb\": %zu, \"heap\": %zu}\n",
           f->n_wanted, f->n_installed, f->n_added, f->n_removed, f->n_adopted, f->n_repaired,
           f->n_edits, f->n_differing, f->n_refused, s->n_connections, s->n_dumps, s->n_dumped_flows, s->n_bundles,
           s->n_flow_mods, s->n_errors, p->longest_turn_ms, resident_kb(),
           heap.uordblks + heap.hblkhd);
}

static void
format(const struct peer *p)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    FILE *f = fopen(word(p, 1), "we");

    flows_format(p->flows, word(p, 2), &ds);
    if (f) {
        fputs(ds_cstr(&ds), f);
        fclose(f);
    }
    ds_destroy(&ds);
}

static void
bundle_done(void *aux, const struct nt_err *err, size_t failed)
{
    struct peer *p = aux;

    p->is_answered = true;
    p->err = err ? *err : (struct nt_err){ 0 };
    p->failed = failed;
}

static void
bundle(struct peer *p)
{
    struct plan plan = { 0 };
    size_t n_times = strtoul(word(p, 2), NULL, 10), n = 0;

    read_plan(word(p, 3), word(p, 1), &plan);
    struct nt_flow **flows = xcalloc(plan.n, sizeof *flows);
    struct nt_flow_mod *mods = xcalloc(plan.n * n_times, sizeof *mods);
    for (size_t i = 0; i < plan.n; i++) {
        if (nt_flow_parse(plan.lines[i].flow, &flows[i], &p->err) < 0) {
            fprintf(stderr, "flow_peer: %s: %s\n", plan.lines[i].flow, p->err.msg);
            exit(2);
        }
    }
    for (size_t i = 0; i < n_times; i++) {
        for (size_t j = 0; j < plan.n; j++) {
            mods[n++] = (struct nt_flow_mod){ .command = NT_FLOW_ADD, .flow = flows[j] };
        }
    }
    p->is_sent = true;
    p->is_answered = false;
    const struct nt_switch_bundle all = { .mods = mods, .n = n, .done = bundle_done, .aux = p };
    if (nt_switch_bundle(p->sw, word(p, 1), &all, &p->err) < 0) {
        p->is_sent = false;
    }
    for (size_t i = 0; i < plan.n; i++) {
        nt_flow_free(flows[i]);
    }
    free(flows);
    free(mods);
    plan_drop(&plan);
}

/* --- commands ------------------------------------------------------------------------------ */

/* Starts the command; false when it is to be waited for. */
static bool
start(struct peer *p)
{
    const char *command = word(p, 0);

    if (!strcmp(command, "bridge")) {
        nt_switch_want(p->sw, word(p, 1), word(p, 2));
        flows_add_bridge(p->flows, word(p, 1));
    } else if (!strcmp(command, "want") || !strcmp(command, "unwant")) {
        want(p);
    } else if (!strcmp(command, "complete")) {
        flows_complete(p->flows, word(p, 1));
    } else if (!strcmp(command, "check")) {
        p->n_dumps = nt_switch_stats(p->sw)->n_dumps;
        flows_check(p->flows, word(p, 1));
        return false;
    } else if (!strcmp(command, "settle")) {
        return false;
    } else if (!strcmp(command, "settled")) {
        printf("%s\n", flows_is_settled_for(p->flows, word(p, 1)) ? "true" : "false");
        return true;
    } else if (!strcmp(command, "stats")) {
        print_stats(p);
        return true;
    } else if (!strcmp(command, "format")) {
        format(p);
    } else if (!strcmp(command, "bundle")) {
        p->is_sent = false;
        return false;
    } else {
        fprintf(stderr, "flow_peer: no command %s\n", command);
        exit(2);
    }
    printf("true\n");
    return true;
}

/* Whether what is waited for has come. */
static bool
is_done(struct peer *p)
{
    const char *command = word(p, 0);

    if (!strcmp(command, "check")) {
        if (nt_switch_stats(p->sw)->n_dumps == p->n_dumps || !flows_is_settled(p->flows)) {
            return false;
        }
    } else if (!strcmp(command, "bundle")) {
        if (!p->is_sent && nt_switch_connection(p->sw, word(p, 1))) {
            bundle(p);
        }
        if (!p->is_sent || !p->is_answered) {
            return false;
        }
        printf("{\"error\": \"%s\", \"failed\": %zu}\n", p->err.code ? p->err.msg : "", p->failed);
        return true;
    } else if (word(p, 1) ? !flows_is_settled_for(p->flows, word(p, 1))
                          : !flows_is_settled(p->flows)) {
        return false;
    }
    printf("true\n");
    return true;
}

/* The next line, in words; false: there is none yet. */
static bool
next_command(struct peer *p)
{
    AUTO_FREE char *line = talk_next(&p->talk);
    char *save = NULL;

    if (!line) {
        return false;
    }
    for (int i = 0; i < p->n_words; i++) {
        free(p->words[i]);
    }
    p->n_words = 0;
    for (char *w = strtok_r(line, " ", &save); w && p->n_words < MAX_WORDS;
         w = strtok_r(NULL, " ", &save)) {
        p->words[p->n_words++] = xstrdup(w);
    }
    return p->n_words > 0;
}

int
main(int argc, char **argv)
{
    struct peer p = { 0 };
    struct nt_err err;

    if (argc < 3) {
        fprintf(stderr, "usage: flow_peer LISTEN|- RUN_DIR [RESERVED_COOKIE...]\n");
        return 2;
    }
    nt_log_start("flow_peer", NULL);
    const struct nt_switch_options so = { .listen = strcmp(argv[1], "-") ? argv[1] : NULL,
                                          .run_dir = argv[2],
                                          .probe_interval_s = 5,
                                          .request_timeout_s = 60,
                                          .clock = nt_clock_system() };
    if (nt_switch_new(&so, &p.sw, &err) < 0) {
        fprintf(stderr, "flow_peer: %s\n", err.msg);
        return 1;
    }
    bool leaves_edits = argc > 3 && !strcmp(argv[3], "leave-edits");
    const struct flows_options fo = { .sw = p.sw,
                                      .clock = nt_clock_system(),
                                      .reserved_cookies = argv + (leaves_edits ? 4 : 3),
                                      .leaves_edits = leaves_edits };
    if (flows_new(&fo, &p.flows, &err) < 0) {
        fprintf(stderr, "flow_peer: %s\n", err.msg);
        return 1;
    }
    int error = talk_init(&p.talk);
    if (error) {
        fprintf(stderr, "flow_peer: no commands: %s\n", strerror(-error));
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);

    while (!p.talk.at_end) {
        int64_t before = cpu_ms();
        nt_switch_run(p.sw);
        flows_run(p.flows);
        p.longest_turn_ms = MAX(p.longest_turn_ms, cpu_ms() - before);
        talk_read(&p.talk);
        while ((p.is_busy && is_done(&p)) || (!p.is_busy && next_command(&p))) {
            p.is_busy = p.is_busy ? false : !start(&p);
        }
        nt_switch_wait(p.sw);
        flows_wait(p.flows);
        talk_wait(&p.talk);
        poll_block();
    }
    flows_free(p.flows);
    nt_switch_free(p.sw);
    for (int i = 0; i < p.n_words; i++) {
        free(p.words[i]);
    }
    talk_deinit(&p.talk);
    return 0;
}
