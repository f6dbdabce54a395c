#include <config.h>

#include "wire/qmp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"

/* A turn reads at most this much, so that a monitor that never stops talking does not
 * stop everything else. */
#define READ_PER_RUN (64 << 10)

struct nt_qmp {
    int fd; /* -1: none. */
    enum nt_qmp_state state;
    char why[128];
    struct ds line;                                    /* What came of the present line. */
    struct ds out;                                     /* To be written. */
    char commands[NT_QMP_MAX_QUEUE][NT_QMP_NAME_SIZE]; /* Not answered, oldest first. */
    size_t n_commands;
    size_t n_sent; /* Of them, those that were put into 'out'. */
    struct nt_qmp_message messages[NT_QMP_MAX_QUEUE];
    size_t n_messages;
};

struct nt_qmp *
nt_qmp_new(void)
{
    struct nt_qmp *qmp = xzalloc(sizeof *qmp);

    qmp->fd = -1;
    ds_init(&qmp->line);
    ds_init(&qmp->out);
    return qmp;
}

int
nt_qmp_connect(const char *path, struct nt_qmp **out)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };

    if (strlen(path) >= sizeof sun.sun_path) {
        return -ENAMETOOLONG;
    }
    ovs_strlcpy(sun.sun_path, path, sizeof sun.sun_path);

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    /* A unix socket connects at once, or its queue is full (EAGAIN). */
    if (connect(fd, (const struct sockaddr *) &sun, sizeof sun) < 0) {
        int error = -errno;

        close(fd);
        return error;
    }
    *out = nt_qmp_new();
    (*out)->fd = fd;
    return 0;
}

static void
close_for(struct nt_qmp *qmp, const char *why)
{
    if (qmp->state != NT_QMP_CLOSED) {
        qmp->state = NT_QMP_CLOSED;
        ovs_strlcpy(qmp->why, why, sizeof qmp->why);
    }
    if (qmp->fd >= 0) {
        close(qmp->fd);
        qmp->fd = -1;
    }
    ds_clear(&qmp->line);
    ds_clear(&qmp->out);
}

void
nt_qmp_free(struct nt_qmp *qmp)
{
    if (qmp) {
        close_for(qmp, "");
        for (size_t i = 0; i < qmp->n_messages; i++) {
            json_destroy(qmp->messages[i].data);
        }
        ds_destroy(&qmp->line);
        ds_destroy(&qmp->out);
        free(qmp);
    }
}

enum nt_qmp_state
nt_qmp_get_state(const struct nt_qmp *qmp)
{
    return qmp->state;
}

const char *
nt_qmp_why(const struct nt_qmp *qmp)
{
    return qmp->why;
}

static void
write_out(struct nt_qmp *qmp)
{
    while (qmp->fd >= 0 && qmp->out.length) {
        ssize_t n = send(qmp->fd, qmp->out.string, qmp->out.length, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            if (errno != EAGAIN) {
                close_for(qmp, ovs_strerror(errno));
            }
            return;
        }
        memmove(qmp->out.string, qmp->out.string + n, qmp->out.length - n);
        ds_truncate(&qmp->out, qmp->out.length - n);
    }
}

/* One command at a time: answers then need no number. */
static void
send_next(struct nt_qmp *qmp)
{
    bool may = qmp->state == NT_QMP_READY || qmp->state == NT_QMP_NEGOTIATING;

    if (may && !qmp->n_sent && qmp->n_commands) {
        ds_put_format(&qmp->out, "{\"execute\": \"%s\"}\r\n", qmp->commands[0]);
        qmp->n_sent = 1;
        write_out(qmp);
    }
}

bool
nt_qmp_send(struct nt_qmp *qmp, const char *command)
{
    if (qmp->state == NT_QMP_CLOSED || qmp->n_commands >= NT_QMP_MAX_QUEUE) {
        return false;
    }
    ovs_strlcpy(qmp->commands[qmp->n_commands++], command, NT_QMP_NAME_SIZE);
    if (qmp->state == NT_QMP_READY) {
        send_next(qmp);
    }
    return true;
}

bool
nt_qmp_take(struct nt_qmp *qmp, struct nt_qmp_message *out)
{
    if (!qmp->n_messages) {
        return false;
    }
    *out = qmp->messages[0];
    memmove(qmp->messages, qmp->messages + 1, --qmp->n_messages * sizeof *qmp->messages);
    return true;
}

const char *
nt_qmp_text(const struct json *json, const char *key)
{
    const struct json *value =
        json && json->type == JSON_OBJECT ? shash_find_data(json_object(json), key) : NULL;

    return value && value->type == JSON_STRING ? json_string(value) : NULL;
}

/* Takes the value out of 'object'. */
static void
keep(struct nt_qmp *qmp, enum nt_qmp_kind kind, const char *name, struct json *object,
     const char *key)
{
    if (qmp->n_messages >= NT_QMP_MAX_QUEUE) {
        close_for(qmp, "too many messages");
        return;
    }

    struct nt_qmp_message *m = &qmp->messages[qmp->n_messages++];
    m->kind = kind;
    m->data = shash_find_and_delete(json_object(object), key);
    ovs_strlcpy(m->name, name, sizeof m->name);
}

static void
answered(struct nt_qmp *qmp, enum nt_qmp_kind kind, struct json *object, const char *key)
{
    char name[NT_QMP_NAME_SIZE];

    if (!qmp->n_sent) {
        close_for(qmp, "an answer to no question");
        return;
    }
    ovs_strlcpy(name, qmp->commands[0], sizeof name);
    qmp->n_sent = 0;
    memmove(qmp->commands, qmp->commands + 1, --qmp->n_commands * sizeof *qmp->commands);
    if (qmp->state == NT_QMP_READY) {
        keep(qmp, kind, name, object, key);
    } else if (kind == NT_QMP_ERROR) {
        close_for(qmp, "the capabilities were refused");
    } else {
        qmp->state = NT_QMP_READY;
    }
    send_next(qmp);
}

/* What waits was queued before the greeting: the negotiation goes first. */
static void
greeted(struct nt_qmp *qmp)
{
    if (qmp->n_commands >= NT_QMP_MAX_QUEUE) {
        close_for(qmp, "too many commands");
        return;
    }
    memmove(qmp->commands + 1, qmp->commands, qmp->n_commands++ * sizeof *qmp->commands);
    ovs_strlcpy(qmp->commands[0], "qmp_capabilities", NT_QMP_NAME_SIZE);
    qmp->state = NT_QMP_NEGOTIATING;
    send_next(qmp);
}

static void
take_line(struct nt_qmp *qmp)
{
    struct json *json = json_from_string(ds_cstr(&qmp->line));

    ds_clear(&qmp->line);
    if (json->type != JSON_OBJECT) {
        close_for(qmp, "a line that is no JSON object");
    } else {
        const struct shash *object = json_object(json);
        const char *event = nt_qmp_text(json, "event");

        if (qmp->state == NT_QMP_GREETING) {
            if (shash_find(object, "QMP")) {
                greeted(qmp);
            } else {
                close_for(qmp, "no greeting");
            }
        } else if (event) {
            keep(qmp, NT_QMP_EVENT, event, json, "data");
        } else if (shash_find(object, "return")) {
            answered(qmp, NT_QMP_RETURN, json, "return");
        } else if (shash_find(object, "error")) {
            answered(qmp, NT_QMP_ERROR, json, "error");
        } else {
            close_for(qmp, "a message of no known kind");
        }
    }
    json_destroy(json);
}

void
nt_qmp_feed(struct nt_qmp *qmp, const char *bytes, size_t n)
{
    while (n && qmp->state != NT_QMP_CLOSED) {
        const char *end = memchr(bytes, '\n', n);
        size_t part = end ? (size_t) (end - bytes) : n;

        if (qmp->line.length + part > NT_QMP_MAX_MESSAGE) {
            close_for(qmp, "a message that is too long");
            return;
        }
        if (memchr(bytes, '\0', part)) {
            close_for(qmp, "a line that is no JSON object");
            return;
        }
        ds_put_buffer(&qmp->line, bytes, part);
        if (end) {
            take_line(qmp);
            part++;
        }
        bytes += part;
        n -= part;
    }
}

void
nt_qmp_run(struct nt_qmp *qmp)
{
    char buf[4096];

    for (size_t total = 0;
         qmp->fd >= 0 && total < READ_PER_RUN && qmp->n_messages < NT_QMP_MAX_QUEUE / 2;) {
        ssize_t n = recv(qmp->fd, buf, sizeof buf, 0);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n > 0) {
            nt_qmp_feed(qmp, buf, n);
            total += n;
            continue;
        }
        if (!n || errno != EAGAIN) {
            close_for(qmp, n ? ovs_strerror(errno) : "it hung up");
        }
        break;
    }
    write_out(qmp);
}

void
nt_qmp_wait(const struct nt_qmp *qmp)
{
    if (qmp->n_messages) {
        poll_immediate_wake();
    }
    if (qmp->fd >= 0) {
        poll_fd_wait(qmp->fd, qmp->out.length ? POLLIN | POLLOUT : POLLIN);
    }
}
