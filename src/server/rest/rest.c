#include <config.h>

#include "server/rest/rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/json.h"
#include "server/rest/call.h"
#include "server/rest/faults.h"

NT_LOG_MODULE(rest_door);

/* What every request passes, in this order: it gets an id, its path is looked up,
 * its sender is known, and only then it may hear that the path is wrong, that the
 * project is another's, that it is for administrators, or that the version is not
 * spoken here. */

int
rest_new(const struct rest_options *options, struct rest **out, struct nt_err *err)
{
    AUTO(rest) rest = xzalloc(sizeof *rest);

    rest->options = *options;
    rest->ids = nt_random_system();
    if (auth_new(options->credentials_file, options->env->clock, options->env->random, &rest->auth,
                 err)
        < 0) {
        return -1;
    }
    *out = TAKE(rest);
    return 0;
}

void
rest_free(struct rest *rest)
{
    if (rest) {
        auth_free(rest->auth);
        nt_random_free(rest->ids);
        free(rest);
    }
}

int
rest_reload(struct rest *rest, struct nt_err *err)
{
    return auth_reload(rest->auth, err);
}

static void
add_headers(struct call *call)
{
    struct nt_http_request *http = call->http;

    nt_http_answer_header(http, "X-Openstack-Request-Id", call->request_id);
    if (call->match.service == SERVICE_COMPUTE) {
        nt_http_answer_header(http, "X-Compute-Request-Id", call->request_id);
        nt_http_answer_header(http, "OpenStack-API-Version", "compute 2.1");
        nt_http_answer_header(http, "X-OpenStack-Nova-API-Version", "2.1");
        nt_http_answer_header(http, "Vary", "OpenStack-API-Version, X-OpenStack-Nova-API-Version");
    }
}

static int
check_sender(struct call *call, struct nt_err *err)
{
    const struct route *route = call->match.route;

    if (route && route->flags & ROUTE_OPEN) {
        return 0;
    }
    if (auth_request(call->rest->auth, call->http, &call->who, err) < 0) {
        char peer[NT_IP4_SIZE];

        nt_ip4_format(call->http->peer, peer);
        nt_info_rl("request without valid credentials", "peer", peer, "reason", err->msg, NULL);
        return -1;
    }
    return 0;
}

static int
check_allowed(const struct call *call, struct nt_err *err)
{
    const struct match *m = &call->match;

    if (!m->route) {
        return nt_fail(err, NT_NOT_FOUND, "no such resource");
    }
    if (m->project && strcmp(m->project, call->who.project)) {
        return nt_fail(err, NT_FORBIDDEN, "the path's project is not yours");
    }
    if (m->route->flags & ROUTE_ADMIN && !call->who.is_admin) {
        return nt_fail(err, NT_FORBIDDEN, "this is for administrators");
    }
    return 0;
}

/* True when the client insists on a version of the compute API we do not speak. */
static bool
wants_other_version(const struct call *call)
{
    const char *ours = nt_http_header(call->http, "openstack-api-version");
    const char *old = nt_http_header(call->http, "x-openstack-nova-api-version");
    const char *version = old;

    if (call->match.service != SERVICE_COMPUTE) {
        return false;
    }
    if (ours && !strncasecmp(ours, "compute ", 8)) {
        version = ours + 8;
    }
    return version && strcmp(version, "2.1") && strcmp(version, "latest");
}

static void
refuse(struct call *call, const struct fault *fault, const char *message)
{
    call_reply_json(call, fault->status, fault_json(fault, call->match.service, message));
}

void
rest_handle(void *rest_, struct nt_http_request *http)
{
    struct rest *rest = rest_;
    struct call *call = xzalloc(sizeof *call);
    struct nt_err err = { 0 };
    char uuid[NT_UUID_SIZE];

    call->rest = rest;
    call->http = http;
    nt_random_uuid(rest->ids, uuid);
    snprintf(call->request_id, sizeof call->request_id, "req-%s", uuid);
    router_match(rest_routes, http, &call->match);
    add_headers(call);

    /* The call may be over and gone when its handler returns. */
    char request_id[NT_REQUEST_ID_SIZE];
    ovs_strlcpy(request_id, call->request_id, sizeof request_id);
    nt_log_swap_request(request_id);
    if (check_sender(call, &err) < 0) {
        call_fail(call, &err);
    } else if (!call->match.route && call->match.allow[0]) {
        nt_http_answer_header(http, "Allow", call->match.allow);
        refuse(call, &fault_method_not_allowed, "this method is not for this resource");
    } else if (check_allowed(call, &err) < 0) {
        call_fail(call, &err);
    } else if (wants_other_version(call)) {
        refuse(call, &fault_not_acceptable, "the only version of the compute API here is 2.1");
    } else {
        call->match.route->handle(call);
    }
    nt_log_swap_request(request_id);
}
