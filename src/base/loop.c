#include <config.h>

#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "timeval.h"

NT_LOG_MODULE(nt_loop);

#define SLOW_TURN_MS 100

struct part {
    const char *name;
    void (*run)(void *);
    void (*wait)(void *);
    void *aux;
};

struct nt_loop {
    struct part *parts;
    size_t n_parts, allocated_parts;
    bool stopped;
    int signal_fd;
    void (*reload)(void *);
    void *reload_aux;
    uint64_t n_turns, n_slow_turns;
};

struct nt_loop *
nt_loop_new(void)
{
    struct nt_loop *loop = xzalloc(sizeof *loop);

    loop->signal_fd = -1;
    return loop;
}

void
nt_loop_free(struct nt_loop *loop)
{
    if (loop) {
        if (loop->signal_fd >= 0) {
            close(loop->signal_fd);
        }
        free(loop->parts);
        free(loop);
    }
}

void
nt_loop_add(struct nt_loop *loop, const char *name, void (*run)(void *aux), void (*wait)(void *aux),
            void *aux)
{
    if (loop->n_parts == loop->allocated_parts) {
        loop->parts = x2nrealloc(loop->parts, &loop->allocated_parts, sizeof *loop->parts);
    }
    loop->parts[loop->n_parts++] = (struct part){ name, run, wait, aux };
}

void
nt_loop_handle_signals(struct nt_loop *loop, void (*reload)(void *aux), void *aux)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGPIPE);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigdelset(&set, SIGPIPE);
    loop->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (loop->signal_fd < 0) {
        ovs_fatal(errno, "signalfd failed");
    }
    loop->reload = reload;
    loop->reload_aux = aux;
}

static void
run_signals(struct nt_loop *loop)
{
    struct signalfd_siginfo info;

    while (loop->signal_fd >= 0 && read(loop->signal_fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            if (loop->reload) {
                loop->reload(loop->reload_aux);
            }
        } else {
            nt_info("stopping", "signal", info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM", NULL);
            loop->stopped = true;
        }
    }
}

static void
run_parts(struct nt_loop *loop)
{
    int64_t start = time_msec();
    const char *slowest = NULL;
    int64_t slowest_ms = 0;

    for (size_t i = 0; i < loop->n_parts; i++) {
        const struct part *part = &loop->parts[i];
        int64_t before = time_msec();

        if (part->run) {
            part->run(part->aux);
        }
        if (time_msec() - before > slowest_ms) {
            slowest_ms = time_msec() - before;
            slowest = part->name;
        }
    }
    if (time_msec() - start > SLOW_TURN_MS) {
        char ms[24];

        loop->n_slow_turns++;
        snprintf(ms, sizeof ms, "%lld", (long long) (time_msec() - start));
        nt_warn_rl("slow turn of the loop", "ms", ms, "slowest", slowest, NULL);
    }
}

uint64_t
nt_loop_n_turns(const struct nt_loop *loop)
{
    return loop->n_turns;
}

uint64_t
nt_loop_n_slow_turns(const struct nt_loop *loop)
{
    return loop->n_slow_turns;
}

void
nt_loop_turn(struct nt_loop *loop, int max_ms)
{
    loop->n_turns++;
    run_signals(loop);
    run_parts(loop);
    if (loop->stopped) {
        return;
    }
    for (size_t i = 0; i < loop->n_parts; i++) {
        if (loop->parts[i].wait) {
            loop->parts[i].wait(loop->parts[i].aux);
        }
    }
    if (loop->signal_fd >= 0) {
        poll_fd_wait(loop->signal_fd, POLLIN);
    }
    if (max_ms >= 0) {
        poll_timer_wait(max_ms);
    }
    poll_block();
}

void
nt_loop_run(struct nt_loop *loop)
{
    while (!loop->stopped) {
        nt_loop_turn(loop, -1);
    }
}

void
nt_loop_stop(struct nt_loop *loop)
{
    loop->stopped = true;
}

/* A watch is unlinked at once but freed only between runs: an event for it may
 * already be in the batch that epoll_wait() returned. */
struct nt_epoll_fd {
    struct nt_epoll *epoll;
    struct ovs_list node;
    int fd;
    unsigned events;
    bool removed;
    void (*cb)(void *aux, unsigned events);
    void *aux;
};

struct nt_epoll {
    int fd;
    bool running;
    struct ovs_list watches;
    struct ovs_list removed;
};

struct nt_epoll *
nt_epoll_new(void)
{
    struct nt_epoll *epoll = xzalloc(sizeof *epoll);

    epoll->fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll->fd < 0) {
        ovs_fatal(errno, "epoll_create1 failed");
    }
    ovs_list_init(&epoll->watches);
    ovs_list_init(&epoll->removed);
    return epoll;
}

static void
free_removed(struct nt_epoll *epoll)
{
    struct nt_epoll_fd *w;

    LIST_FOR_EACH_POP (w, node, &epoll->removed) {
        free(w);
    }
}

void
nt_epoll_free(struct nt_epoll *epoll)
{
    if (epoll) {
        struct nt_epoll_fd *w;

        LIST_FOR_EACH_POP (w, node, &epoll->watches) {
            free(w);
        }
        free_removed(epoll);
        close(epoll->fd);
        free(epoll);
    }
}

struct nt_epoll_fd *
nt_epoll_add(struct nt_epoll *epoll, int fd, unsigned events,
             void (*cb)(void *aux, unsigned events), void *aux)
{
    struct nt_epoll_fd *w = xzalloc(sizeof *w);
    struct epoll_event ev = { .events = events, .data.ptr = w };

    w->epoll = epoll;
    w->fd = fd;
    w->events = events;
    w->cb = cb;
    w->aux = aux;
    ovs_list_push_back(&epoll->watches, &w->node);
    if (epoll_ctl(epoll->fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
        nt_error("epoll cannot watch a descriptor", "error", ovs_strerror(errno), NULL);
    }
    return w;
}

void
nt_epoll_set(struct nt_epoll_fd *w, unsigned events)
{
    if (w->events != events) {
        struct epoll_event ev = { .events = events, .data.ptr = w };

        w->events = events;
        epoll_ctl(w->epoll->fd, EPOLL_CTL_MOD, w->fd, &ev);
    }
}

void
nt_epoll_remove(struct nt_epoll_fd *w)
{
    if (!w) {
        return;
    }
    epoll_ctl(w->epoll->fd, EPOLL_CTL_DEL, w->fd, NULL);
    w->removed = true;
    ovs_list_remove(&w->node);
    ovs_list_push_back(&w->epoll->removed, &w->node);
    if (!w->epoll->running) {
        free_removed(w->epoll);
    }
}

void
nt_epoll_run(struct nt_epoll *epoll)
{
    struct epoll_event events[64];
    int n = epoll_wait(epoll->fd, events, NT_ARRAY_SIZE(events), 0);

    epoll->running = true;
    for (int i = 0; i < n; i++) {
        struct nt_epoll_fd *w = events[i].data.ptr;

        if (!w->removed) {
            w->cb(w->aux, events[i].events);
        }
    }
    epoll->running = false;
    free_removed(epoll);
}

void
nt_epoll_wait(struct nt_epoll *epoll)
{
    poll_fd_wait(epoll->fd, POLLIN);
}
