/* The one thread that speaks to libvirt, whose calls block for seconds.
 *
 * The loop's thread asks and takes news; both only hand over copies under a lock, and a
 * descriptor wakes the other side.  The thread owns the connection: it opens it again
 * after it was lost, and fails what it is asked meanwhile.  There is one worker per
 * program: libvirt's event loop is the process's. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/random.h"

struct libvirt_worker;

enum libvirt_act { LIBVIRT_CREATE, LIBVIRT_SHUTDOWN, LIBVIRT_DESTROY, LIBVIRT_EVENT };

struct libvirt_news {
    char id[NT_UUID_SIZE]; /* The domain's UUID. */
    enum libvirt_act act;  /* What was asked; LIBVIRT_EVENT: its life went on by itself. */
    bool failed;
    char text[256]; /* Why it failed, or what happened. */
};

/* Fails with NT_UNSUPPORTED (no library) or NT_FAULT. */
NT_NODISCARD int libvirt_worker_new(const char *uri, struct libvirt_worker **out, struct nt_err *);

/* Waits for the call that is under way. */
void libvirt_worker_free(struct libvirt_worker *);

/* 'xml' (for LIBVIRT_CREATE) is copied.  News of it come later. */
void libvirt_worker_ask(struct libvirt_worker *, enum libvirt_act, const char *id, const char *xml);

/* False: there are none. */
bool libvirt_worker_take(struct libvirt_worker *, struct libvirt_news *out);
void libvirt_worker_wait(const struct libvirt_worker *);
