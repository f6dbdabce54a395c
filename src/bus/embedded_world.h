/* What the tests of the embedded bus share: a hub and two peers in one loop. */
#pragma once

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "bus/embedded.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER_KEY "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define LIMIT_MS 30000

/* A clock that runs, and that a test may push ahead. */
struct test_clock {
    struct nt_clock up;
    int64_t ahead;
};

static inline int64_t
test_mono_ms(const struct nt_clock *clock)
{
    return nt_mono_ms(nt_clock_system()) + CONTAINER_OF(clock, struct test_clock, up)->ahead;
}

/* A hub and two peers in one loop.  'tcp': over TLS. */
struct world {
    char dir[64], path[96], key_file[96], other_key_file[96], endpoint[128];
    bool tcp;
    struct test_clock clock;
    struct nt_random *random;
    struct nt_bus *hub, *a, *b;
};

/* What a handler or a callback saw last, and how often. */
struct seen {
    int n;
    enum nt_code code;
    char msg[NT_ERR_SIZE], text[64], peer[64];
    struct nt_bus_request *held; /* hold() only. */
};

static inline struct nt_bus_options
options(struct world *w, const char *name)
{
    return (struct nt_bus_options){ .name = name,
                                    .program = "test",
                                    .clock = &w->clock.up,
                                    .random = w->random,
                                    .key_file = w->key_file };
}

static inline void
write_key(const char *path, const char *key, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, key, strlen(key)), strlen(key));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static inline void
start_hub(struct world *w, const char *tcp)
{
    struct nt_bus_options opts = options(w, "ctl");
    struct nt_err err = { 0 };

    if (nt_bus_hub_new(&opts, w->tcp ? NULL : w->path, w->tcp ? tcp : NULL, &w->hub, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static inline struct nt_bus *
new_peer(struct world *w, const char *name)
{
    struct nt_bus_options opts = options(w, name);
    struct nt_bus *bus = NULL;
    struct nt_err err = { 0 };

    if (nt_bus_peer_new(&opts, w->endpoint, &bus, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return bus;
}

static inline void
turn(struct world *w)
{
    struct nt_bus *all[] = { w->hub, w->a, w->b };

    for (size_t i = 0; i < NT_ARRAY_SIZE(all); i++) {
        if (all[i]) {
            nt_bus_wait(all[i]);
        }
    }
    poll_timer_wait(20);
    poll_block();
    for (size_t i = 0; i < NT_ARRAY_SIZE(all); i++) {
        if (all[i]) {
            nt_bus_run(all[i]);
        }
    }
}

#define UNTIL_TURN(condition, take_turn, said)                                            \
    do {                                                                                  \
        int64_t end_ = nt_mono_ms(nt_clock_system()) + LIMIT_MS;                          \
        while (!(condition)) {                                                            \
            if (nt_mono_ms(nt_clock_system()) > end_) {                                   \
                fail_msg("line %d: never came true: %s\n%s", __LINE__, #condition, said); \
            }                                                                             \
            take_turn;                                                                    \
        }                                                                                 \
    } while (0)
#define UNTIL(w, condition) UNTIL_TURN(condition, turn(w), "")

static inline void
setup(struct world *w, bool tcp)
{
    memset(w, 0, sizeof *w);
    strcpy(w->dir, "/tmp/nt-test-bus-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->path, sizeof w->path, "%s/bus.sock", w->dir);
    snprintf(w->key_file, sizeof w->key_file, "%s/key", w->dir);
    snprintf(w->other_key_file, sizeof w->other_key_file, "%s/other", w->dir);
    write_key(w->key_file, KEY "\n", 0640);
    write_key(w->other_key_file, OTHER_KEY "\n", 0600);
    w->tcp = tcp;
    w->clock.up.mono_ms = test_mono_ms;
    w->clock.up.wall_ms = test_mono_ms;
    w->random = nt_random_system();
    start_hub(w, "127.0.0.1:0");
    if (tcp) {
        snprintf(w->endpoint, sizeof w->endpoint, "tcp:127.0.0.1:%u", nt_bus_hub_port(w->hub));
    } else {
        snprintf(w->endpoint, sizeof w->endpoint, "unix:%s", w->path);
    }
}

static inline void
setup_peers(struct world *w, bool tcp)
{
    setup(w, tcp);
    w->a = new_peer(w, "a");
    w->b = new_peer(w, "b");
    UNTIL(w, nt_bus_is_connected(w->a) && nt_bus_is_connected(w->b));
}

static inline void
teardown(struct world *w)
{
    nt_bus_free(w->a);
    nt_bus_free(w->b);
    nt_bus_free(w->hub);
    nt_random_free(w->random);
    unlink(w->key_file);
    unlink(w->other_key_file);
    assert_int_equal(rmdir(w->dir), 0);
}

static inline void
note(struct seen *seen, struct nt_bus_request *req)
{
    const struct json *args = nt_bus_request_args(req);
    const struct json *text = args ? shash_find_data(json_object(args), "text") : NULL;

    seen->n++;
    ovs_strlcpy(seen->text, text ? json_string(text) : "", sizeof seen->text);
    ovs_strlcpy(seen->peer, nt_bus_request_peer(req), sizeof seen->peer);
}

static inline void
echo(void *seen, struct nt_bus_request *req)
{
    note(seen, req);
    nt_bus_reply(req, json_clone(nt_bus_request_args(req)));
}

static inline void
hold(void *seen_, struct nt_bus_request *req)
{
    struct seen *seen = seen_;

    note(seen, req);
    seen->held = req;
}
