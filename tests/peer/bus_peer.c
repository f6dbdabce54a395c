/* One end of the bus for tests and benchmarks: driven by JSON lines on standard input,
 * telling what happens as JSON lines on standard output.  tests/lib/buspeer.py speaks them,
 * and tests/lib/oslo_peer.py is the same end made of oslo.messaging.
 *
 *   bus_peer [--hub] --host=NAME [--transport_url=URL] [--OPTION=VALUE]...
 *
 *   {"op": "serve", "topic": T}                   also T at our host, and fan-outs
 *   {"op": "call", "id": N, "topic": T, "host": H, "method": M, "version": V, "args": {},
 *    "timeout_ms": N, "namespace": S}             "cast" and "fanout" likewise
 *   {"op": "burst", "n": N, "window": W, ...}     that many calls, W at a time
 *   {"op": "stats"}
 *   {"op": "still"}                               no wakeups of its own from now on
 *
 * Served methods: echo (returns its arguments), fail (not_found), note (casts; returns
 * null), large (n: a text of that many bytes), hold (never answered).  Versions to 1.5. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/program.h"
#include "bus/open.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "talk.h"

NT_LOG_MODULE(bus_peer);

#define TICK_MS 20

struct burst {
    struct peer *peer;
    struct json *command;
    long n, window, n_sent, n_done, n_failed;
    double began;
    double *latencies;
};

struct peer {
    struct nt_program program;
    struct nt_bus *bus;
    struct nt_loop *loop;
    struct talk talk;
    bool is_still;
    double last_turn, max_gap_ms;
    double last_cpu, max_cpu_ms; /* The same without what others took of the machine. */
    struct rusage last_usage;
    uint64_t last_requests;
    char max_turn[200]; /* What was done in the turn that 'max_cpu_ms' is of. */
    struct nt_bus_request *held[16];
    size_t n_held;
    struct burst *burst;
};

static double
clock_ms(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

static double
now_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

static struct json *
args_of(const struct json *json)
{
    const struct json *value = shash_find_data(json_object(json), "args");

    return value ? json_clone(value) : NULL;
}

static struct nt_bus_to
to_of(const struct json *json)
{
    return (struct nt_bus_to){
        .topic = talk_text(json, "topic", "test"),
        .host = talk_text(json, "host", NULL),
        .method = talk_text(json, "method", "echo"),
        .version = talk_text(json, "version", "1.0"),
        .namespace = talk_text(json, "namespace", NULL),
    };
}

/* Serving. */

static void
print_request(struct nt_bus_request *req)
{
    const struct json *args = nt_bus_request_args(req);
    struct json *json = talk_event("request");

    json_object_put_string(json, "topic", nt_bus_request_topic(req));
    json_object_put_string(json, "method", nt_bus_request_method(req));
    json_object_put_string(json, "request_id", nt_bus_request_id(req));
    json_object_put_string(json, "peer", nt_bus_request_peer(req));
    json_object_put(json, "call", json_boolean_create(nt_bus_request_is_call(req)));
    json_object_put(json, "args", args ? json_clone(args) : json_object_create());
    talk_tell(json);
}

static struct json *
large(const struct json *args)
{
    size_t n = args ? talk_number(args, "n", 0) : 0;
    char *text = xmalloc(n + 1);

    memset(text, 'x', n);
    text[n] = '\0';
    return json_string_create_nocopy(text);
}

static void
handle(void *peer_, struct nt_bus_request *req)
{
    struct peer *peer = peer_;
    const struct json *args = nt_bus_request_args(req);
    const char *method = nt_bus_request_method(req);
    const char *version = nt_bus_request_version(req);
    struct nt_err err;

    if (strncmp(version, "1.", 2) || atoi(version + 2) > 5) {
        nt_bus_reply_bad_version(req);
    } else if (!strcmp(method, "echo")) {
        nt_bus_reply(req, args ? json_clone(args) : NULL);
    } else if (!strcmp(method, "fail")) {
        nt_fail(&err, NT_NOT_FOUND, "no such thing: 42");
        nt_bus_reply_fail(req, &err);
    } else if (!strcmp(method, "note")) {
        print_request(req);
        nt_bus_reply(req, NULL);
    } else if (!strcmp(method, "large")) {
        nt_bus_reply(req, large(args));
    } else if (!strcmp(method, "hold") && peer->n_held < NT_ARRAY_SIZE(peer->held)) {
        peer->held[peer->n_held++] = req;
    } else {
        nt_bus_reply_no_method(req);
    }
}

/* Asking. */

struct asked {
    long long id;
};

static void
print_answer(long long id, const struct json *result, const struct nt_err *err)
{
    struct json *json = talk_event(err ? "failure" : "reply");

    json_object_put(json, "id", json_integer_create(id));
    if (err) {
        json_object_put_string(json, "code", nt_code_name(err->code));
        json_object_put_string(json, "message", err->msg);
    } else if (result->type == JSON_STRING && strlen(json_string(result)) > 1000) {
        json_object_put(json, "size", json_integer_create(strlen(json_string(result))));
    } else {
        json_object_put(json, "result", json_clone(result));
    }
    talk_tell(json);
}

static void
answered(void *asked_, const struct json *result, const struct nt_err *err)
{
    struct asked *asked = asked_;

    print_answer(asked->id, result, err);
    free(asked);
}

struct burst_call {
    struct burst *burst;
    double began;
};

static void burst_fill(struct burst *);

static int
compare_doubles(const void *a_, const void *b_)
{
    const double *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

static void
burst_end(struct burst *b)
{
    struct json *json = talk_event("burst");
    double took = now_ms() - b->began;

    qsort(b->latencies, b->n, sizeof *b->latencies, compare_doubles);
    json_object_put(json, "n", json_integer_create(b->n));
    json_object_put(json, "failed", json_integer_create(b->n_failed));
    json_object_put(json, "per_s", json_real_create(b->n / took * 1e3));
    json_object_put(json, "median_ms", json_real_create(b->latencies[b->n / 2]));
    json_object_put(json, "p99_ms", json_real_create(b->latencies[b->n * 99 / 100]));
    talk_tell(json);
    json_destroy(b->command);
    free(b->latencies);
    free(b);
}

static void
burst_answered(void *call_, const struct json *result OVS_UNUSED, const struct nt_err *err)
{
    struct burst_call *call = call_;
    struct burst *b = call->burst;

    b->latencies[b->n_done++] = now_ms() - call->began;
    b->n_failed += err != NULL;
    free(call);
    if (b->n_done == b->n) {
        burst_end(b);
    } else {
        burst_fill(b);
    }
}

static void
burst_fill(struct burst *b)
{
    while (b->n_sent < b->n && b->n_sent - b->n_done < b->window) {
        struct nt_bus_to to = to_of(b->command);
        struct burst_call *call = xmalloc(sizeof *call);

        call->burst = b;
        call->began = now_ms();
        b->n_sent++;
        nt_bus_call(b->peer->bus, &to, args_of(b->command),
                    talk_number(b->command, "timeout_ms", 60000), burst_answered, call);
    }
}

/* Commands. */

static void
do_call(struct peer *peer, const struct json *command)
{
    struct nt_bus_to to = to_of(command);
    struct asked *asked = xmalloc(sizeof *asked);

    asked->id = talk_number(command, "id", 0);
    nt_bus_call(peer->bus, &to, args_of(command), talk_number(command, "timeout_ms", 60000), answered,
                asked);
}

static void
do_cast(struct peer *peer, const struct json *command)
{
    struct nt_bus_to to = to_of(command);
    long long n = talk_number(command, "n", 1);

    for (long long i = 0; i < n; i++) {
        struct json *args = args_of(command);

        if (n > 1) {
            json_destroy(args);
            args = json_object_create();
            json_object_put(args, "i", json_integer_create(i));
        }
        if (!strcmp(talk_text(command, "op", ""), "fanout")) {
            nt_bus_fanout(peer->bus, &to, args);
        } else {
            nt_bus_cast(peer->bus, &to, args);
        }
    }
}

/* A call with a text of 'size' bytes, which would not fit on a line. */
static void
do_huge(struct peer *peer, const struct json *command)
{
    struct nt_bus_to to = to_of(command);
    struct asked *asked = xmalloc(sizeof *asked);
    struct json *args = json_object_create();
    struct json *n = json_object_create();

    json_object_put(n, "n", json_integer_create(talk_number(command, "size", 0)));
    json_object_put(args, "text", large(n));
    json_destroy(n);
    asked->id = talk_number(command, "id", 0);
    nt_bus_call(peer->bus, &to, args, talk_number(command, "timeout_ms", 60000), answered, asked);
}

static void
do_burst(struct peer *peer, const struct json *command)
{
    struct burst *b = xzalloc(sizeof *b);

    b->peer = peer;
    b->command = json_clone(command);
    b->n = talk_number(command, "n", 1000);
    b->window = talk_number(command, "window", 1);
    b->latencies = xcalloc(b->n, sizeof *b->latencies);
    b->began = now_ms();
    burst_fill(b);
}

static void
do_stats(struct peer *peer)
{
    const struct nt_bus_stats *stats = nt_bus_stats(peer->bus);
    struct json *json = talk_event("stats");

    json_object_put(json, "max_gap_ms", json_real_create(peer->max_gap_ms));
    json_object_put(json, "connected", json_boolean_create(nt_bus_is_connected(peer->bus)));
    json_object_put(json, "requests", json_integer_create(stats->n_requests));
    json_object_put(json, "refused", json_integer_create(stats->n_refused));
    json_object_put(json, "casts_dropped", json_integer_create(stats->n_casts_dropped));
    json_object_put(json, "pending", json_integer_create(nt_bus_n_pending(peer->bus)));
    json_object_put(json, "max_cpu_ms", json_real_create(peer->max_cpu_ms));
    json_object_put_string(json, "max_turn", peer->max_turn);
    peer->max_gap_ms = peer->max_cpu_ms = 0;
    talk_tell(json);
}

static void
do_command(struct peer *peer, const char *line)
{
    struct json *command = json_from_string(line);
    const char *op = command->type == JSON_OBJECT ? talk_text(command, "op", "") : "";

    if (!strcmp(op, "serve")) {
        nt_bus_serve(peer->bus, talk_text(command, "topic", "test"), peer->program.host, handle,
                     peer);
    } else if (!strcmp(op, "call")) {
        do_call(peer, command);
    } else if (!strcmp(op, "cast") || !strcmp(op, "fanout")) {
        do_cast(peer, command);
    } else if (!strcmp(op, "huge")) {
        do_huge(peer, command);
    } else if (!strcmp(op, "burst")) {
        do_burst(peer, command);
    } else if (!strcmp(op, "stats")) {
        do_stats(peer);
    } else if (!strcmp(op, "still")) {
        peer->is_still = true;
    } else {
        nt_error("unknown command", "line", line, NULL);
    }
    json_destroy(command);
}

static double
timeval_ms(const struct timeval *from, const struct timeval *to)
{
    return (to->tv_sec - from->tv_sec) * 1e3 + (to->tv_usec - from->tv_usec) / 1e3;
}

/* A turn has ended.  Of the longest one it is noted what it did: one that did next to
 * nothing was charged with time that a hypervisor took. */
static void
measure_turn(struct peer *peer)
{
    double now = now_ms(), cpu = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
    uint64_t requests = nt_bus_stats(peer->bus)->n_requests;
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    if (peer->last_turn) {
        const struct rusage *last = &peer->last_usage;

        peer->max_gap_ms = MAX(peer->max_gap_ms, now - peer->last_turn);
        if (cpu - peer->last_cpu > peer->max_cpu_ms) {
            peer->max_cpu_ms = cpu - peer->last_cpu;
            snprintf(peer->max_turn, sizeof peer->max_turn,
                     "user %.1f ms, system %.1f ms, %" PRIu64 " requests, %ld page faults, "
                     "%ld times off the processor",
                     timeval_ms(&last->ru_utime, &usage.ru_utime),
                     timeval_ms(&last->ru_stime, &usage.ru_stime), requests - peer->last_requests,
                     usage.ru_minflt - last->ru_minflt,
                     usage.ru_nivcsw + usage.ru_nvcsw - last->ru_nivcsw - last->ru_nvcsw);
        }
    }
    peer->last_turn = now;
    peer->last_cpu = cpu;
    peer->last_usage = usage;
    peer->last_requests = requests;
}

static void
input_run(void *peer_)
{
    struct peer *peer = peer_;

    measure_turn(peer);
    talk_read(&peer->talk);
    for (char *line; (line = talk_next(&peer->talk));) {
        do_command(peer, line);
        free(line);
    }
    if (peer->talk.at_end) {
        nt_loop_stop(peer->loop);
    }
}

static void
input_wait(void *peer_)
{
    struct peer *peer = peer_;

    talk_wait(&peer->talk);
    if (!peer->is_still) {
        poll_timer_wait(TICK_MS);
    }
}

static void
on_state(void *peer OVS_UNUSED, bool connected)
{
    struct json *json = talk_event("state");

    json_object_put(json, "connected", json_boolean_create(connected));
    talk_tell(json);
}

static const struct nt_program_kind kind = {
    .name = "bus_peer",
    .summary = "One end of the bus, for tests.",
};

int
main(int argc, char *argv[])
{
    bool hub = nt_program_take_flag(&argc, argv, "--hub");
    struct peer peer = { 0 };
    struct nt_err err;

    nt_program_init(&peer.program, &kind, argv);

    AUTO(nt_loop) loop = nt_loop_new();
    nt_loop_handle_signals(loop, NULL, NULL);
    peer.loop = loop;

    const struct nt_bus_options options = {
        .name = peer.program.host,
        .program = peer.program.name,
        .clock = peer.program.clock,
        .random = peer.program.random,
    };
    int rc = (hub ? nt_bus_open_server : nt_bus_open_host)(&options, peer.program.config,
                                                           &peer.bus, &err);
    if (rc < 0) {
        nt_error("cannot start", "why", err.msg, NULL);
    } else if ((rc = talk_init(&peer.talk)) < 0) {
        nt_error("cannot read commands", "why", strerror(-rc), NULL);
    } else {
        nt_bus_on_state(peer.bus, on_state, &peer);
        /* As in the programs, who sends runs after the bus. */
        NT_LOOP_ADD(loop, nt_bus, peer.bus);
        nt_loop_add(loop, "input", input_run, input_wait, &peer);
        nt_loop_run(loop);
    }
    nt_bus_free(peer.bus);
    for (size_t i = 0; i < peer.n_held; i++) {
        nt_bus_reply(peer.held[i], NULL);
    }
    talk_deinit(&peer.talk);
    nt_program_deinit(&peer.program);
    return rc < 0;
}
