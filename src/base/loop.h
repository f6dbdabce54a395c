/* The loop of a program: libopenvswitch's poll loop around a list of parts.
 *
 * A part offers two functions in the style of that library.  run() does what is
 * due and never blocks.  wait() tells the poll loop what to wake up for
 * (poll_fd_wait(), poll_timer_wait_until(), poll_immediate_wake()).  Parts run in
 * the order they were added; the order is the program's data flow. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct nt_loop;

struct nt_loop *nt_loop_new(void);
void nt_loop_free(struct nt_loop *);
NT_AUTO(nt_loop)

/* Adds a part.  'run' or 'wait' may be NULL.  'aux' is borrowed and must outlive
 * the loop. */
void nt_loop_add(struct nt_loop *, const char *name, void (*run)(void *aux),
                 void (*wait)(void *aux), void *aux);

/* Adapters, so that thing_run(struct thing *) can be added as it is. */
#define NT_LOOP_ADD(loop, type, obj) \
    nt_loop_add(loop, #type, (void (*)(void *)) type##_run, (void (*)(void *)) type##_wait, obj)

/* SIGTERM and SIGINT stop the loop; SIGHUP calls 'reload' (may be NULL).  Blocks
 * those signals and SIGPIPE, so call it before any child starts. */
void nt_loop_handle_signals(struct nt_loop *, void (*reload)(void *aux), void *aux);

/* Turns until nt_loop_stop().  A turn above 100 ms is logged. */
void nt_loop_run(struct nt_loop *);

/* Turns so far, and how many of them were above 100 ms. */
uint64_t nt_loop_n_turns(const struct nt_loop *);
uint64_t nt_loop_n_slow_turns(const struct nt_loop *);

/* One turn without blocking longer than 'max_ms'. */
void nt_loop_turn(struct nt_loop *, int max_ms);
void nt_loop_stop(struct nt_loop *);

/* Many sockets behind one descriptor: the poll loop rebuilds its set each turn,
 * which a server with hundreds of peers must not pay for. */
struct nt_epoll;
struct nt_epoll_fd;

struct nt_epoll *nt_epoll_new(void);
void nt_epoll_free(struct nt_epoll *);
NT_AUTO(nt_epoll)

/* Watches 'fd' for 'events' (EPOLLIN, EPOLLOUT).  'cb' is called from
 * nt_epoll_run(); it may remove its own or any other watch. */
struct nt_epoll_fd *nt_epoll_add(struct nt_epoll *, int fd, unsigned events,
                                 void (*cb)(void *aux, unsigned events), void *aux);
void nt_epoll_set(struct nt_epoll_fd *, unsigned events);

/* Stops watching; does not close the descriptor.  Accepts NULL. */
void nt_epoll_remove(struct nt_epoll_fd *);
void nt_epoll_run(struct nt_epoll *);
void nt_epoll_wait(struct nt_epoll *);
