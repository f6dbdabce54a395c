#include <config.h>

#include "compute/libvirt_worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "compute/libvirt_api.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"

#define RECONNECT_MS 1000

struct request {
    struct ovs_list node;
    enum libvirt_act act;
    char id[NT_UUID_SIZE];
    char *xml;
};

struct told {
    struct ovs_list node;
    struct libvirt_news news;
};

struct libvirt_worker {
    struct libvirt_api api;
    char *uri;
    pthread_t thread;
    virConnectPtr connection; /* The thread's; NULL: none. */
    int ask_fd, tell_fd;      /* Eventfds: to the thread, to the loop. */
    pthread_mutex_t lock;     /* Of what follows. */
    struct ovs_list requests, told;
    bool stop;
};

static void
ring(int fd)
{
    uint64_t one = 1;

    (void) !write(fd, &one, sizeof one);
}

static void
quiet(int fd)
{
    uint64_t n;

    (void) !read(fd, &n, sizeof n);
}

/* The thread's side. */

static void
tell(struct libvirt_worker *w, enum libvirt_act act, const char *id, bool failed, const char *text)
{
    struct told *told = xzalloc(sizeof *told);

    told->news.act = act;
    told->news.failed = failed;
    ovs_strlcpy(told->news.id, id, sizeof told->news.id);
    ovs_strlcpy(told->news.text, text, sizeof told->news.text);
    pthread_mutex_lock(&w->lock);
    ovs_list_push_back(&w->told, &told->node);
    pthread_mutex_unlock(&w->lock);
    ring(w->tell_fd);
}

static int
on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail, void *w_)
{
    static const char *const names[] = {
        [VIR_DOMAIN_EVENT_DEFINED] = "defined",        [VIR_DOMAIN_EVENT_UNDEFINED] = "undefined",
        [VIR_DOMAIN_EVENT_STARTED] = "started",        [VIR_DOMAIN_EVENT_SUSPENDED] = "suspended",
        [VIR_DOMAIN_EVENT_RESUMED] = "resumed",        [VIR_DOMAIN_EVENT_STOPPED] = "stopped",
        [VIR_DOMAIN_EVENT_SHUTDOWN] = "shutting down", [VIR_DOMAIN_EVENT_PMSUSPENDED] = "asleep",
        [VIR_DOMAIN_EVENT_CRASHED] = "crashed",
    };
    struct libvirt_worker *w = w_;
    char id[VIR_UUID_STRING_BUFLEN];

    (void) connection;
    (void) detail;
    if (!w->api.virDomainGetUUIDString(domain, id)) {
        bool known = event >= 0 && event < (int) NT_ARRAY_SIZE(names);

        tell(w, LIBVIRT_EVENT, id, event == VIR_DOMAIN_EVENT_CRASHED,
             known ? names[event] : "changed");
    }
    return 0;
}

static bool
connected(struct libvirt_worker *w)
{
    if (w->connection && w->api.virConnectIsAlive(w->connection) != 1) {
        w->api.virConnectClose(w->connection);
        w->connection = NULL;
    }
    if (!w->connection) {
        w->connection = w->api.virConnectOpen(w->uri);
        if (w->connection) {
            (void) w->api.virConnectDomainEventRegisterAny(
                w->connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), w, NULL);
        }
    }
    return w->connection;
}

/* A machine that has ended is a domain until libvirtd has seen that; whoever asks for a new one
 * knows that the process is gone. */
static void
end_former(struct libvirt_worker *w, const char *id)
{
    virDomainPtr domain = w->api.virDomainLookupByUUIDString(w->connection, id);

    if (domain) {
        (void) w->api.virDomainDestroy(domain);
        w->api.virDomainFree(domain);
    }
}

/* 0, or -1 with libvirt's last error. */
static int
act(struct libvirt_worker *w, const struct request *request)
{
    virDomainPtr domain;
    int rc = 0;

    if (!connected(w)) {
        return -1;
    }
    if (request->act == LIBVIRT_CREATE) {
        end_former(w, request->id);
    }
    domain = request->act == LIBVIRT_CREATE
                 ? w->api.virDomainCreateXML(w->connection, request->xml, 0)
                 : w->api.virDomainLookupByUUIDString(w->connection, request->id);
    if (!domain) {
        return -1;
    }
    if (request->act == LIBVIRT_SHUTDOWN) {
        rc = w->api.virDomainShutdown(domain);
    } else if (request->act == LIBVIRT_DESTROY) {
        rc = w->api.virDomainDestroy(domain);
    }
    w->api.virDomainFree(domain);
    return rc;
}

static struct request *
next_request(struct libvirt_worker *w)
{
    struct request *request = NULL;

    pthread_mutex_lock(&w->lock);
    if (!w->stop && !ovs_list_is_empty(&w->requests)) {
        request = CONTAINER_OF(ovs_list_pop_front(&w->requests), struct request, node);
    }
    pthread_mutex_unlock(&w->lock);
    return request;
}

static void
request_free(struct request *request)
{
    free(request->xml);
    free(request);
}

static void
on_asked(int watch, int fd, int events, void *w_)
{
    struct libvirt_worker *w = w_;
    struct request *request;

    (void) watch;
    (void) events;
    quiet(fd);
    while ((request = next_request(w))) {
        bool failed = act(w, request) < 0;

        tell(w, request->act, request->id, failed, failed ? w->api.virGetLastErrorMessage() : "");
        request_free(request);
    }
}

/* Keeps the connection, and with it the events, also while nobody asks for anything. */
static void
on_tick(int timer, void *w_)
{
    (void) timer;
    (void) connected(w_);
}

static void
say_nothing(void *aux, virErrorPtr error)
{
    (void) aux;
    (void) error;
}

static bool
is_stopped(struct libvirt_worker *w)
{
    pthread_mutex_lock(&w->lock);
    bool stop = w->stop;
    pthread_mutex_unlock(&w->lock);
    return stop;
}

static void *
work(void *w_)
{
    struct libvirt_worker *w = w_;

    w->api.virSetErrorFunc(NULL, say_nothing);
    (void) w->api.virEventAddHandle(w->ask_fd, VIR_EVENT_HANDLE_READABLE, on_asked, w, NULL);
    (void) w->api.virEventAddTimeout(RECONNECT_MS, on_tick, w, NULL);
    while (!is_stopped(w) && !w->api.virEventRunDefaultImpl()) {
        continue;
    }
    if (w->connection) {
        w->api.virConnectClose(w->connection);
    }
    return NULL;
}

/* The loop's side. */

int
libvirt_worker_new(const char *uri, struct libvirt_worker **out, struct nt_err *err)
{
    struct libvirt_worker *w = xzalloc(sizeof *w);
    sigset_t all, before;

    if (libvirt_api_load(&w->api, err) < 0) {
        free(w);
        return -1;
    }
    if (w->api.virEventRegisterDefaultImpl() < 0) {
        free(w);
        return nt_fail(err, NT_FAULT, "cannot set up libvirt's events");
    }
    w->uri = xstrdup(uri);
    w->ask_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->tell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&w->lock, NULL);
    ovs_list_init(&w->requests);
    ovs_list_init(&w->told);

    /* Signals are the loop's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&w->thread, NULL, work, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        w->thread = 0;
        libvirt_worker_free(w);
        return nt_fail_errno(err, error, "cannot start the thread for libvirt");
    }
    *out = w;
    return 0;
}

void
libvirt_worker_free(struct libvirt_worker *w)
{
    struct libvirt_news news;
    struct request *request;

    if (!w) {
        return;
    }
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_mutex_unlock(&w->lock);
    ring(w->ask_fd);
    if (w->thread) {
        pthread_join(w->thread, NULL);
    }
    while (libvirt_worker_take(w, &news)) {
        continue;
    }
    LIST_FOR_EACH_POP (request, node, &w->requests) {
        request_free(request);
    }
    close(w->ask_fd);
    close(w->tell_fd);
    pthread_mutex_destroy(&w->lock);
    free(w->uri);
    free(w);
}

void
libvirt_worker_ask(struct libvirt_worker *w, enum libvirt_act what, const char *id, const char *xml)
{
    struct request *request = xzalloc(sizeof *request);

    request->act = what;
    request->xml = xml ? xstrdup(xml) : NULL;
    ovs_strlcpy(request->id, id, sizeof request->id);
    pthread_mutex_lock(&w->lock);
    ovs_list_push_back(&w->requests, &request->node);
    pthread_mutex_unlock(&w->lock);
    ring(w->ask_fd);
}

bool
libvirt_worker_take(struct libvirt_worker *w, struct libvirt_news *out)
{
    struct told *told = NULL;

    quiet(w->tell_fd);
    pthread_mutex_lock(&w->lock);
    if (!ovs_list_is_empty(&w->told)) {
        told = CONTAINER_OF(ovs_list_pop_front(&w->told), struct told, node);
    }
    pthread_mutex_unlock(&w->lock);
    if (!told) {
        return false;
    }
    *out = told->news;
    free(told);
    return true;
}

void
libvirt_worker_wait(const struct libvirt_worker *w)
{
    poll_fd_wait(w->tell_fd, POLLIN);
}
