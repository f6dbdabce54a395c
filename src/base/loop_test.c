#include <config.h>

#include "base/loop.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"

/* A pipe whose reading end is watched. */
struct watched {
    int fds[2];
    struct nt_epoll_fd *watch;
    int n;
    unsigned events;
    struct watched *removes; /* Whose watch the callback removes. */
};

static void
on_event(void *w_, unsigned events)
{
    struct watched *w = w_;

    w->n++;
    w->events = events;
    if (w->removes) {
        nt_epoll_remove(w->removes->watch);
        w->removes->watch = NULL;
        w->removes = NULL;
    }
}

static void
open_watched(struct nt_epoll *epoll, struct watched *w)
{
    assert_int_equal(pipe2(w->fds, O_NONBLOCK | O_CLOEXEC), 0);
    w->watch = nt_epoll_add(epoll, w->fds[0], EPOLLIN, on_event, w);
}

static void
close_watched(struct watched *w)
{
    nt_epoll_remove(w->watch);
    close(w->fds[0]);
    close(w->fds[1]);
}

static void
fill(struct watched *w)
{
    assert_int_equal(write(w->fds[1], "x", 1), 1);
}

static void
watch_is_told_of_its_events_only(void **state)
{
    (void) state;
    AUTO(nt_epoll) epoll = nt_epoll_new();
    struct watched a = { 0 }, b = { 0 };

    open_watched(epoll, &a);
    open_watched(epoll, &b);
    nt_epoll_run(epoll);
    assert_int_equal(a.n + b.n, 0);
    fill(&a);
    nt_epoll_run(epoll);
    nt_epoll_run(epoll);
    assert_int_equal(a.n, 2);
    assert_int_equal(a.events, EPOLLIN);
    assert_int_equal(b.n, 0);

    nt_epoll_set(a.watch, 0);
    nt_epoll_run(epoll);
    assert_int_equal(a.n, 2);
    nt_epoll_set(a.watch, EPOLLIN);
    nt_epoll_run(epoll);
    assert_int_equal(a.n, 3);
    close_watched(&a);
    close_watched(&b);
}

static void
callback_may_remove_its_own_watch(void **state)
{
    (void) state;
    AUTO(nt_epoll) epoll = nt_epoll_new();
    struct watched a = { .removes = &a };

    open_watched(epoll, &a);
    fill(&a);
    nt_epoll_run(epoll);
    nt_epoll_run(epoll);
    assert_int_equal(a.n, 1);
    assert_null(a.watch);
    close_watched(&a);
}

static void
watch_removed_by_another_is_not_called_in_the_same_run(void **state)
{
    (void) state;
    AUTO(nt_epoll) epoll = nt_epoll_new();
    struct watched a = { 0 }, b = { 0 };

    a.removes = &b;
    b.removes = &a;
    open_watched(epoll, &a);
    open_watched(epoll, &b);
    fill(&a);
    fill(&b);
    nt_epoll_run(epoll);
    assert_int_equal(a.n + b.n, 1);
    assert_true(!a.watch != !b.watch);
    close_watched(&a);
    close_watched(&b);
}

static void
removed_descriptor_may_be_closed_and_its_number_used_again(void **state)
{
    (void) state;
    AUTO(nt_epoll) epoll = nt_epoll_new();
    struct watched a = { 0 }, b = { 0 };

    open_watched(epoll, &a);
    fill(&a);
    close_watched(&a);
    open_watched(epoll, &b);
    assert_int_equal(b.fds[0], a.fds[0]);
    fill(&b);
    nt_epoll_run(epoll);
    assert_int_equal(a.n, 0);
    assert_int_equal(b.n, 1);
    close_watched(&b);
    nt_epoll_remove(NULL);
}

static void
more_watches_than_one_batch_are_all_told(void **state)
{
    (void) state;
    AUTO(nt_epoll) epoll = nt_epoll_new();
    struct watched *all = xcalloc(150, sizeof *all);
    int told = 0;

    for (int i = 0; i < 150; i++) {
        open_watched(epoll, &all[i]);
        fill(&all[i]);
    }
    for (int i = 0; i < 3; i++) {
        nt_epoll_run(epoll);
    }
    for (int i = 0; i < 150; i++) {
        told += all[i].n > 0;
        close_watched(&all[i]);
    }
    free(all);
    assert_int_equal(told, 150);
}

static void
epoll_that_goes_takes_its_watches_along(void **state)
{
    (void) state;
    struct nt_epoll *epoll = nt_epoll_new();
    struct watched a = { 0 };

    open_watched(epoll, &a);
    nt_epoll_free(epoll);
    nt_epoll_free(NULL);
    close(a.fds[0]);
    close(a.fds[1]);
}

struct part {
    char *trace;
    char name;
    struct nt_loop *stops;
};

static void
part_run(void *part_)
{
    struct part *part = part_;

    part->trace[strlen(part->trace)] = part->name;
    if (part->stops) {
        nt_loop_stop(part->stops);
    }
}

static void
part_wait(void *part_)
{
    struct part *part = part_;

    part->trace[strlen(part->trace)] = part->name + ('a' - 'A');
    poll_immediate_wake();
}

static void
parts_run_and_wait_in_the_order_they_were_added(void **state)
{
    (void) state;
    AUTO(nt_loop) loop = nt_loop_new();
    char trace[32] = "";
    struct part a = { trace, 'A', NULL }, b = { trace, 'B', NULL };

    nt_loop_add(loop, "a", part_run, part_wait, &a);
    nt_loop_add(loop, "b", part_run, NULL, &b);
    nt_loop_add(loop, "c", NULL, part_wait, &b);
    nt_loop_turn(loop, 1000);
    assert_string_equal(trace, "ABab");
    b.stops = loop;
    nt_loop_run(loop);
    assert_string_equal(trace, "ABabAB");
}

static void
note_reload(void *n)
{
    ++*(int *) n;
}

static void
signals_reload_and_stop(void **state)
{
    (void) state;
    AUTO(nt_loop) loop = nt_loop_new();
    char trace[32] = "";
    struct part a = { trace, 'A', NULL };
    int n_reloads = 0;
    sigset_t old;

    sigprocmask(SIG_SETMASK, NULL, &old);
    nt_loop_handle_signals(loop, note_reload, &n_reloads);
    nt_loop_add(loop, "a", part_run, NULL, &a);
    raise(SIGHUP);
    nt_loop_turn(loop, 0);
    assert_int_equal(n_reloads, 1);

    /* It wakes a loop that nothing else wakes. */
    raise(SIGTERM);
    nt_loop_run(loop);
    assert_string_equal(trace, "AA");
    assert_int_equal(n_reloads, 1);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watch_is_told_of_its_events_only),
        cmocka_unit_test(callback_may_remove_its_own_watch),
        cmocka_unit_test(watch_removed_by_another_is_not_called_in_the_same_run),
        cmocka_unit_test(removed_descriptor_may_be_closed_and_its_number_used_again),
        cmocka_unit_test(more_watches_than_one_batch_are_all_told),
        cmocka_unit_test(epoll_that_goes_takes_its_watches_along),
        cmocka_unit_test(parts_run_and_wait_in_the_order_they_were_added),
        cmocka_unit_test(signals_reload_and_stop),
    };

    return cmocka_run_group_tests_name("base/loop", tests, NULL, NULL);
}
