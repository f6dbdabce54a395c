#include <config.h>

#include "server/answer/conductor.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/shash.h"
#include "server/core/hosts.h"
#include "server/core/instances.h"
#include "server/core/ipam.h"
#include "server/core/lease_sync.h"
#include "server/core/networks.h"
#include "server/core/security_rules.h"

NT_LOG_MODULE(conductor);

struct conductor {
    struct store *reader;
    struct op_queue *ops;
    const struct core_env *env;
    struct nt_rpc_service *service;
    conductor_config_drive_fn *config_drive; /* NULL: not known yet. */
    void *config_drive_aux;
    struct shash heard; /* "HOST PROGRAM" that reported since we started. */
};

/* A request that waits for its commit. */
struct pending {
    struct conductor *conductor;
    struct nt_bus_request *req;
    char host[NT_HOST_SIZE];
    char bridge[NT_IFNAME_SIZE]; /* claim_networks. */
    char *program;               /* report_state: "HOST PROGRAM". */
    struct nt_report_state_result status;
};

static struct pending *
pending_new(struct conductor *conductor, struct nt_bus_request *req, const char *host)
{
    struct pending *p = xzalloc(sizeof *p);

    p->conductor = conductor;
    p->req = req;
    ovs_strlcpy(p->host, host, sizeof p->host);
    return p;
}

/* Ends the request with NT_FORBIDDEN unless 'host' is who sent it.  Over a broker nobody
 * can tell: who has its password is believed, as with the originals. */
static bool
speaks_for_itself(struct nt_bus_request *req, const char *host)
{
    struct nt_err err = { 0 };

    if (!nt_bus_request_peer_is_proved(req) || !strcmp(nt_bus_request_peer(req), host)) {
        return true;
    }
    (void) nt_fail(&err, NT_FORBIDDEN, "host %.64s may not speak for host %.64s",
                   nt_bus_request_peer(req), host);
    nt_warn_rl("request refused", "method", nt_bus_request_method(req), "why", err.msg, NULL);
    nt_bus_reply_fail(req, &err);
    return false;
}

static void
reply_null(void *p_, const struct nt_err *err)
{
    struct pending *p = p_;

    if (err) {
        nt_info_rl("request failed", "method", nt_bus_request_method(p->req), "host", p->host,
                   "why", err->msg, NULL);
        nt_bus_reply_fail(p->req, err);
    } else {
        nt_rpc_reply(&nt_conductor, p->req, NULL);
    }
    free(p);
}

/* What an operation gets: the request and its decoded arguments. */
struct op_args {
    struct pending *pending;
    const void *args;
};

static int
op_report_state(struct store *store, void *op_, struct changes *out OVS_UNUSED, struct nt_err *err)
{
    struct op_args *op = op_;

    return host_report_state(store, op->pending->conductor->env, op->args, &op->pending->status,
                             err);
}

static void
report_state_done(void *p_, const struct nt_err *err)
{
    struct pending *p = p_;

    if (err) {
        nt_bus_reply_fail(p->req, err);
    } else {
        /* Behind a broker nobody sees us start, and what we sent or were asked at our end
         * may be lost: at its first report each program fetches everything again. */
        if (shash_add_once(&p->conductor->heard, p->program, NULL)
            && !strcmp(p->status.status, "alive")) {
            ovs_strlcpy(p->status.status, "revived", sizeof p->status.status);
        }
        nt_rpc_reply(&nt_conductor, p->req, &p->status);
    }
    free(p->program);
    free(p);
}

static void
handle_report_state(void *conductor_, const void *args_, struct nt_bus_request *req)
{
    struct conductor *conductor = conductor_;
    const struct nt_report_state_args *args = args_;

    if (speaks_for_itself(req, args->host)) {
        struct pending *p = pending_new(conductor, req, args->host);
        struct op_args op = { p, args };

        p->program = xasprintf("%s %s", args->host, args->binary);
        op_submit(conductor->ops, op_report_state, &op, report_state_done, p);
    }
}

static int
op_claim(struct store *store, void *op_, struct changes *out, struct nt_err *err)
{
    struct op_args *op = op_;
    const struct nt_claim_networks_args *args = op->args;

    return network_claim(store, op->pending->conductor->env, args->host, args->bridge, out, err);
}

static void
claim_done(void *p_, const struct nt_err *err)
{
    struct pending *p = p_;
    struct nt_networks_result result = { 0 };
    struct nt_err own = { 0 };

    if (!err
        && network_views_of_host(p->conductor->reader, p->host, p->bridge, &result.networks,
                                 &result.n_networks, &own)
               < 0) {
        err = &own;
    }
    if (err) {
        nt_bus_reply_fail(p->req, err);
    } else {
        nt_rpc_reply(&nt_conductor, p->req, &result);
    }
    for (size_t i = 0; i < result.n_networks; i++) {
        nt_network_view_clear(&result.networks[i]);
    }
    free(result.networks);
    free(p);
}

static void
handle_claim_networks(void *conductor_, const void *args_, struct nt_bus_request *req)
{
    struct conductor *conductor = conductor_;
    const struct nt_claim_networks_args *args = args_;

    if (speaks_for_itself(req, args->host)) {
        struct pending *p = pending_new(conductor, req, args->host);
        struct op_args op = { p, args };

        ovs_strlcpy(p->bridge, args->bridge, sizeof p->bridge);
        op_submit(conductor->ops, op_claim, &op, claim_done, p);
    }
}

static int
op_lease(struct store *store, void *op_, struct changes *out, struct nt_err *err)
{
    struct op_args *op = op_;

    return ipam_lease(store, op->pending->conductor->env, op->args, out, err);
}

static int
op_release(struct store *store, void *op_, struct changes *out, struct nt_err *err)
{
    struct op_args *op = op_;

    return ipam_release(store, op->pending->conductor->env, op->args, out, err);
}

static void
submit_lease(struct conductor *conductor, op_fn *fn, const struct nt_lease_args *args,
             struct nt_bus_request *req)
{
    if (speaks_for_itself(req, args->host)) {
        struct pending *p = pending_new(conductor, req, args->host);
        struct op_args op = { p, args };

        op_submit(conductor->ops, fn, &op, reply_null, p);
    }
}

static void
handle_lease(void *conductor, const void *args, struct nt_bus_request *req)
{
    submit_lease(conductor, op_lease, args, req);
}

static void
handle_release(void *conductor, const void *args, struct nt_bus_request *req)
{
    submit_lease(conductor, op_release, args, req);
}

/* What a comparison of leases waits for. */
struct sync {
    struct nt_bus_request *req;
    struct nt_sync_leases_result result;
};

struct sync_args {
    const struct conductor *conductor;
    const struct nt_sync_leases_args *args;
    struct nt_sync_leases_result *result;
};

static int
op_sync_leases(struct store *store, void *op_, struct changes *out, struct nt_err *err)
{
    struct sync_args *op = op_;

    return lease_sync(store, op->conductor->env, op->args, op->result, out, err);
}

static void
sync_leases_done(void *sync_, const struct nt_err *err)
{
    struct sync *sync = sync_;

    if (err) {
        nt_bus_reply_fail(sync->req, err);
    } else {
        nt_rpc_reply(&nt_conductor, sync->req, &sync->result);
    }
    free(sync->result.forget);
    free(sync);
}

static void
handle_sync_leases(void *conductor_, const void *args_, struct nt_bus_request *req)
{
    struct conductor *conductor = conductor_;
    const struct nt_sync_leases_args *args = args_;

    if (speaks_for_itself(req, args->host)) {
        struct sync *sync = xzalloc(sizeof *sync);
        struct sync_args op = { conductor, args, &sync->result };

        sync->req = req;
        op_submit(conductor->ops, op_sync_leases, &op, sync_leases_done, sync);
    }
}

static void
handle_get_instances(void *conductor_, const void *args_, struct nt_bus_request *req)
{
    struct conductor *conductor = conductor_;
    const struct nt_host_args *args = args_;
    struct nt_instances_result result = { 0 };
    struct nt_err err = { 0 };

    if (!speaks_for_itself(req, args->host)) {
        return;
    }
    if (instance_views_of_host(conductor->reader, args->host, &result.instances,
                               &result.n_instances, &err)
        < 0) {
        nt_bus_reply_fail(req, &err);
    } else {
        nt_rpc_reply(&nt_conductor, req, &result);
    }
    for (size_t i = 0; i < result.n_instances; i++) {
        nt_instance_view_clear(&result.instances[i]);
    }
    free(result.instances);
}

static void
handle_get_security(void *conductor_, const void *args_, struct nt_bus_request *req)
{
    struct conductor *conductor = conductor_;
    const struct nt_get_security_args *args = args_;
    struct nt_security_result result = { 0 };
    struct nt_err err = { 0 };

    if (!speaks_for_itself(req, args->host)) {
        return;
    }
    if (security_of_host(conductor->reader, args->host, args->groups, args->n_groups, &result, &err)
        < 0) {
        nt_bus_reply_fail(req, &err);
    } else {
        nt_rpc_reply(&nt_conductor, req, &result);
    }
    security_result_clear(&result);
}

/* Only where the instance is to run: it holds what its owner gave it. */
static int
config_drive_of(struct conductor *conductor, const struct nt_get_config_drive_args *args,
                struct nt_config_drive_result *out, struct nt_err *err)
{
    struct nt_instance instance;
    int rc;

    if (!conductor->config_drive) {
        return nt_fail(err, NT_UNAVAILABLE, "the server is starting");
    }
    if (instance_get(conductor->reader, NULL, args->id, &instance, err) < 0) {
        return -1;
    }
    rc = strcmp(instance.host, args->host)
             ? nt_fail(err, NT_FORBIDDEN, "instance %s is not of host %.64s", args->id, args->host)
             : conductor->config_drive(conductor->config_drive_aux, args->id, out, err);
    nt_instance_clear(&instance);
    return rc;
}

static void
handle_get_config_drive(void *conductor, const void *args_, struct nt_bus_request *req)
{
    const struct nt_get_config_drive_args *args = args_;
    struct nt_config_drive_result result = { 0 };
    struct nt_err err = { 0 };

    if (!speaks_for_itself(req, args->host)) {
        return;
    }
    if (config_drive_of(conductor, args, &result, &err) < 0) {
        nt_bus_reply_fail(req, &err);
    } else {
        nt_rpc_reply(&nt_conductor, req, &result);
    }
    nt_config_drive_result_clear(&result);
}

static int
op_update_instance(struct store *store, void *op_, struct changes *out, struct nt_err *err)
{
    struct op_args *op = op_;

    return instance_report(store, op->pending->conductor->env, op->args, out, err);
}

static void
handle_update_instance(void *conductor_, const void *args_, struct nt_bus_request *req)
{
    struct conductor *conductor = conductor_;
    const struct nt_update_instance_args *args = args_;

    if (speaks_for_itself(req, args->host)) {
        struct pending *p = pending_new(conductor, req, args->host);
        struct op_args op = { p, args };

        op_submit(conductor->ops, op_update_instance, &op, reply_null, p);
    }
}

static const struct nt_rpc_handler handlers[] = {
    { "report_state", handle_report_state },
    { "claim_networks", handle_claim_networks },
    { "lease_fixed_ip", handle_lease },
    { "release_fixed_ip", handle_release },
    { "sync_leases", handle_sync_leases },
    { "get_instances", handle_get_instances },
    { "get_security", handle_get_security },
    { "get_config_drive", handle_get_config_drive },
    { "update_instance", handle_update_instance },
    { 0 },
};

struct conductor *
conductor_new(struct store *reader, struct op_queue *ops, struct nt_bus *bus,
              const struct core_env *env, const char *host)
{
    struct conductor *conductor = xzalloc(sizeof *conductor);

    conductor->reader = reader;
    conductor->ops = ops;
    conductor->env = env;
    shash_init(&conductor->heard);
    conductor->service = nt_rpc_serve(bus, &nt_conductor, host, handlers, conductor);
    return conductor;
}

void
conductor_on_config_drive(struct conductor *conductor, conductor_config_drive_fn *fn, void *aux)
{
    conductor->config_drive = fn;
    conductor->config_drive_aux = aux;
}

void
conductor_free(struct conductor *conductor)
{
    if (conductor) {
        nt_rpc_service_free(conductor->service);
        shash_destroy(&conductor->heard);
        free(conductor);
    }
}
