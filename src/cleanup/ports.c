#include <config.h>

#include "cleanup/ports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "host/link.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"

NT_LOG_MODULE(cleanup);

#define PROGRESS_MS 1000

struct job {
    const struct cleanup_request *request;
    struct nt_ovsdb *db;
    int64_t began, told;
    struct cleanup_ports *out;
    size_t allocated;
    char *bridge; /* Seen last. */
};

static int64_t
now(const struct job *job)
{
    return nt_mono_ms(job->request->ovsdb.clock);
}

static bool
is_late(const struct job *job)
{
    return now(job) - job->began >= (int64_t) job->request->timeout_s * 1000;
}

static void
tell(struct job *job, const char *what)
{
    if (job->request->progress && now(job) - job->told >= PROGRESS_MS) {
        job->told = now(job);
        job->request->progress(job->request->aux, what, job->told - job->began);
    }
}

static void
sleep_until_news(struct job *job)
{
    nt_ovsdb_wait(job->db);
    poll_timer_wait(PROGRESS_MS / 4);
    poll_block();
}

/* --- the database ----------------------------------------------------------------------- */

static int
connect_db(struct job *job, struct nt_err *err)
{
    AUTO_FREE char *why = NULL;
    AUTO_FREE char *remote = nt_ovsdb_near(job->request->ovsdb.remote, job->request->run_dir, &why);
    struct nt_ovsdb_options options = job->request->ovsdb;

    options.remote = remote;
    if (nt_ovsdb_new(&options, &job->db, err) < 0) {
        return -1;
    }
    for (;;) {
        nt_ovsdb_run(job->db);
        if (nt_ovsdb_is_ready(job->db)) {
            return 0;
        }
        if (is_late(job)) {
            return nt_fail(err, NT_TIMEOUT,
                           "the switch's database at %s did not answer within %d s (options "
                           "ovsdb_connection, ovsdb_timeout)%s%s",
                           remote, job->request->timeout_s, why ? "; " : "", why ? why : "");
        }
        tell(job, "waiting for the switch's database");
        sleep_until_news(job);
    }
}

/* --- what is to go ---------------------------------------------------------------------- */

static bool
is_guests(const struct nt_ovs_port *p)
{
    return *p->iface_id && *p->attached_mac && !p->skip_cleanup;
}

static void
add_port(void *job_, const struct nt_ovs_port *p)
{
    struct job *job = job_;
    struct cleanup_ports *out = job->out;

    if (!job->request->all_ports && !is_guests(p)) {
        return;
    }
    if (out->n == job->allocated) {
        out->ports = x2nrealloc(out->ports, &job->allocated, sizeof *out->ports);
    }
    out->ports[out->n++] = (struct cleanup_port){
        .bridge = xstrdup(p->bridge),
        .name = xstrdup(p->name),
        .type = xstrdup(p->type),
        .iface_id = xstrdup(p->iface_id),
        .mac = xstrdup(p->attached_mac),
    };
}

static void
add_bridge(void *job_, const struct nt_ovs_bridge *b)
{
    struct job *job = job_;
    AUTO_FREE char *event = xasprintf("Cleaning bridge: %s", b->name);

    /* The line that scripts look for. */
    nt_info(event, NULL);
    nt_ovsdb_each_port(job->db, b->name, add_port, job);
}

static int
compare_ports(const void *a_, const void *b_)
{
    const struct cleanup_port *a = a_, *b = b_;
    int bridges = strcmp(a->bridge, b->bridge);

    return bridges ? bridges : strcmp(a->name, b->name);
}

static int
mark_veths(struct job *job, struct nt_err *err)
{
    AUTO_FREE struct nt_nl_link *links = NULL;
    struct cleanup_ports *out = job->out;
    struct shash veths = SHASH_INITIALIZER(&veths);
    size_t n_links;

    if (!job->request->delete_veths) {
        return 0;
    }
    if (nt_link_list(NULL, &links, &n_links, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n_links; i++) {
        if (!strcmp(links[i].kind, "veth")) {
            shash_add_once(&veths, links[i].name, NULL);
        }
    }
    /* Other ports' veths are others'. */
    for (size_t i = 0; i < out->n; i++) {
        struct cleanup_port *p = &out->ports[i];

        p->is_veth = *p->iface_id && shash_find(&veths, p->name) != NULL;
    }
    shash_destroy(&veths);
    return 0;
}

static int
collect(struct job *job, struct nt_err *err)
{
    const char *const names[] = { job->request->integration_bridge, job->request->external_bridge };

    if (job->request->all_ports) {
        nt_ovsdb_each_bridge(job->db, add_bridge, job);
    }
    for (size_t i = 0; !job->request->all_ports && i < NT_ARRAY_SIZE(names); i++) {
        const struct nt_ovs_bridge *bridge = names[i] ? nt_ovsdb_bridge(job->db, names[i]) : NULL;

        if (bridge && (!i || strcmp(names[i], names[0]) != 0)) {
            add_bridge(job, bridge);
        }
    }
    if (job->out->n) {
        qsort(job->out->ports, job->out->n, sizeof *job->out->ports, compare_ports);
    }
    return mark_veths(job, err);
}

/* --- removing --------------------------------------------------------------------------- */

static bool
ensure_gone(struct job *job)
{
    bool are_gone = true;

    for (size_t i = 0; i < job->out->n; i++) {
        are_gone = nt_ovsdb_ensure_no_port(job->db, job->out->ports[i].name) && are_gone;
    }
    return are_gone;
}

/* Said again until it is so: a transaction may be lost with its connection. */
static int
remove_ports(struct job *job, struct nt_err *err)
{
    AUTO_FREE char *what = xasprintf("removing %zu ports", job->out->n);

    for (;;) {
        if (!nt_ovsdb_is_busy(job->db) && nt_ovsdb_is_ready(job->db)) {
            uint64_t n_failed = nt_ovsdb_n_failed(job->db);

            if (ensure_gone(job)) {
                return 0;
            }
            nt_ovsdb_commit(job->db);
            if (n_failed > 3) {
                return nt_fail(err, NT_FAULT, "the switch's database refused to remove ports: %s",
                               nt_ovsdb_last_error(job->db));
            }
        }
        if (is_late(job)) {
            return nt_fail(err, NT_TIMEOUT,
                           "the switch's database did not confirm the removal of %zu ports within "
                           "%d s (option ovsdb_timeout)",
                           job->out->n, job->request->timeout_s);
        }
        tell(job, what);
        sleep_until_news(job);
        nt_ovsdb_run(job->db);
    }
}

static int
delete_veths(struct job *job, struct nt_err *err)
{
    for (size_t i = 0; i < job->out->n; i++) {
        const struct cleanup_port *p = &job->out->ports[i];

        if (p->is_veth && nt_link_delete(p->name, err) < 0) {
            return nt_err_context(err, "cannot delete veth %s", p->name);
        }
        tell(job, "deleting veths");
    }
    return 0;
}

static int
do_all(struct job *job, struct nt_err *err)
{
    if (connect_db(job, err) < 0 || collect(job, err) < 0) {
        return -1;
    }
    if (job->request->dry_run || job->out->n == 0) {
        return 0;
    }
    return remove_ports(job, err) < 0 ? -1 : delete_veths(job, err);
}

int
cleanup_ports(const struct cleanup_request *request, struct cleanup_ports *out, struct nt_err *err)
{
    struct job job = { .request = request, .out = out };

    *out = (struct cleanup_ports){ .n = 0 };
    job.began = job.told = now(&job);

    int rc = do_all(&job, err);

    nt_ovsdb_free(job.db);
    if (rc < 0) {
        cleanup_ports_deinit(out);
    }
    return rc;
}

void
cleanup_ports_deinit(struct cleanup_ports *out)
{
    for (size_t i = 0; i < out->n; i++) {
        free(out->ports[i].bridge);
        free(out->ports[i].name);
        free(out->ports[i].type);
        free(out->ports[i].iface_id);
        free(out->ports[i].mac);
    }
    free(out->ports);
    *out = (struct cleanup_ports){ .n = 0 };
}
