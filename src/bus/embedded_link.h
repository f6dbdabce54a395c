/* Links: framed connections, over a unix socket as it is or over TCP with TLS.
 *
 * All links of a program are in one set, behind one descriptor of the poll loop;
 * each turn costs what the active ones need.  A link goes through
 *
 *   connecting -> handshake (TLS only) -> open -> dead
 *
 * and must be accepted (nt_link_accept()) within NT_LINK_STRANGER_MS of its birth,
 * which the owner does once the hello has been exchanged.  An accepted link is
 * pinged when idle and dies when nothing comes.  Dead links are reaped at the end of
 * nt_links_run() and nt_links_flush(), where 'closed' is called; until then the
 * pointer stays valid and what is sent on it is dropped. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/loop.h"
#include "bus/embedded_frame.h"

#define NT_LINK_STRANGER_MS 5000
#define NT_LINK_PING_MS 10000
#define NT_LINK_DEAD_MS 30000
#define NT_LINK_MAX_QUEUE (64u << 20)

struct nt_link;
struct nt_links;

struct nt_link_events {
    void (*opened)(struct nt_link *, void *aux);
    void (*frame)(struct nt_link *, const struct nt_frame *, void *aux); /* Not pings. */

    /* The link is freed afterwards. */
    void (*closed)(struct nt_link *, const char *reason, void *aux);
};

/* 'clock' and 'events' are borrowed. */
struct nt_links *nt_links_new(const struct nt_clock *, const struct nt_link_events *);

/* Closes all, without telling.  What was sent and not yet written is tried once. */
void nt_links_free(struct nt_links *);
NT_AUTO(nt_links)

/* The set's descriptors, for listening sockets beside the links. */
struct nt_epoll *nt_links_epoll(struct nt_links *);

/* Takes 'fd', a non-blocking stream socket, and 'ssl' (on 'fd', may be NULL).
 * 'connecting': connect(2) is under way.  'who' (copied) names the other side in
 * messages.  Callbacks come from nt_links_run() only. */
struct nt_link *nt_link_new(struct nt_links *, int fd, SSL *ssl, bool connecting, const char *who,
                            void *aux);

/* The other side is known now: larger frames, no time limit, pings. */
void nt_link_accept(struct nt_link *);

/* Queues a frame; adds a reference to 'buf'. */
void nt_link_send(struct nt_link *, struct nt_frame_buf *buf);

/* Encodes and queues a frame.  Fails with NT_TOO_LARGE. */
NT_NODISCARD int nt_link_send_frame(struct nt_link *, const struct nt_frame *, struct nt_err *);

/* The link is dead from now on. */
void nt_link_close(struct nt_link *, const char *fmt, ...) NT_PRINTF(2, 3);

const char *nt_link_who(const struct nt_link *);

void nt_links_run(struct nt_links *);
void nt_links_flush(struct nt_links *);
void nt_links_wait(struct nt_links *);
