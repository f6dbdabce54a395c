/* A client of QEMU's monitor protocol (QMP): JSON lines over a unix socket.
 *
 * It greets, negotiates, and then sends one command at a time, in order.  Nothing
 * blocks: nt_qmp_run() connects, reads and writes what is possible, nt_qmp_wait() says
 * what to wake up for.  The other end is not trusted: a guest that broke out of its
 * machine may say anything, so what comes is bounded in size and number, and nonsense
 * closes the connection.  One thread; the object is owned by who made it.
 *
 * What is read is told by nt_qmp_take(): answers and events in the order they came. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct json;
struct nt_qmp;

#define NT_QMP_MAX_MESSAGE (256 << 10) /* Bytes of one line. */
#define NT_QMP_MAX_QUEUE 64            /* Commands not answered; messages not taken. */
#define NT_QMP_NAME_SIZE 64

enum nt_qmp_state {
    NT_QMP_GREETING, /* Connected or connecting; its greeting is waited for. */
    NT_QMP_NEGOTIATING,
    NT_QMP_READY,
    NT_QMP_CLOSED, /* See nt_qmp_why(). */
};

enum nt_qmp_kind { NT_QMP_RETURN, NT_QMP_ERROR, NT_QMP_EVENT };

struct nt_qmp_message {
    enum nt_qmp_kind kind;
    char name[NT_QMP_NAME_SIZE]; /* The command answered, or the event. */
    struct json *data;           /* "return", "error" or "data"; may be NULL.  Owned. */
};

/* Connects to the socket 'path'.  Negative errno: -ENOENT and -ECONNREFUSED while nobody
 * listens, -ENAMETOOLONG. */
NT_NODISCARD int nt_qmp_connect(const char *path, struct nt_qmp **out);

/* The same without a socket: bytes come by nt_qmp_feed(). */
struct nt_qmp *nt_qmp_new(void);
void nt_qmp_free(struct nt_qmp *);
NT_AUTO(nt_qmp)

enum nt_qmp_state nt_qmp_get_state(const struct nt_qmp *);
const char *nt_qmp_why(const struct nt_qmp *); /* Why it is closed. */

/* Queues a command without arguments; false when too many wait or it is closed.  Before
 * the connection is ready it waits for that. */
bool nt_qmp_send(struct nt_qmp *, const char *command);

/* Takes the oldest message; false: there is none.  The caller frees 'out->data'
 * (json_destroy). */
bool nt_qmp_take(struct nt_qmp *, struct nt_qmp_message *out);

/* Reads 'n' bytes that came from the other end. */
void nt_qmp_feed(struct nt_qmp *, const char *bytes, size_t n);

void nt_qmp_run(struct nt_qmp *);
void nt_qmp_wait(const struct nt_qmp *);

/* The text under 'key' of an object; NULL: there is none. */
const char *nt_qmp_text(const struct json *, const char *key);
