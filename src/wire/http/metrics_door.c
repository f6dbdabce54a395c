#include <config.h>

#include "wire/http/metrics_door.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "openvswitch/dynamic-string.h"

NT_LOG_MODULE(metrics);

#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct nt_metrics_door {
    struct nt_http_server *http;
    const char *program;
    const struct nt_loop *loop;
    nt_metrics_writer *writer;
    void *aux;
};

static const struct nt_http_limits limits = {
    .max_body = 0,
    .max_connections = 16,
    .timeout_s = 10,
};

static void
refuse(struct nt_http_request *req, int status, const char *text)
{
    nt_http_reply(req, status, "text/plain", text, strlen(text));
}

static void
handle(void *door_, struct nt_http_request *req)
{
    struct nt_metrics_door *door = door_;
    struct ds out = DS_EMPTY_INITIALIZER;

    if (req->n_segments != 1 || strcmp(req->segments[0], "metrics")) {
        refuse(req, 404, "only /metrics is here\n");
        return;
    }
    if (strcmp(req->method, "GET") && strcmp(req->method, "HEAD")) {
        nt_http_answer_header(req, "Allow", "GET, HEAD");
        refuse(req, 405, "only GET is offered\n");
        return;
    }
    nt_metrics_process(&out, door->program, door->loop);
    if (door->writer) {
        door->writer(door->aux, &out);
    }
    nt_http_reply(req, 200, CONTENT_TYPE, ds_cstr(&out), out.length);
    ds_destroy(&out);
}

struct nt_metrics_door *
nt_metrics_door_open(const struct nt_program *program, const char *port_option,
                     struct nt_loop *loop, nt_metrics_writer *writer, void *aux)
{
    AUTO(nt_metrics_door) door = xzalloc(sizeof *door);
    const struct nt_http_options options = {
        .address = nt_config_str(program->config, "metrics_listen"),
        .port = nt_config_int(program->config, port_option),
        .limits = limits,
        .clock = program->clock,
        .handler = handle,
        .aux = door,
    };
    struct nt_err err = { 0 };

    if (!options.port) {
        return NULL;
    }
    door->program = program->name;
    door->loop = loop;
    door->writer = writer;
    door->aux = aux;
    if (nt_http_server_new(&options, &door->http, &err) < 0) {
        nt_warn("metrics are not served", "option", port_option, "why", err.msg, NULL);
        return NULL;
    }
    NT_LOOP_ADD(loop, nt_http_server, door->http);
    return TAKE(door);
}

void
nt_metrics_door_free(struct nt_metrics_door *door)
{
    if (door) {
        nt_http_server_free(door->http);
        free(door);
    }
}

void
nt_http_server_metrics(const struct nt_http_server *server, const char *door, bool first,
                       struct ds *out)
{
    static const char name[] = "neutrino_http_requests_total";

    if (first) {
        nt_metric(out, name, "counter", "Requests answered, by door and status.");
    }
    for (int status = 100; status < 600; status++) {
        uint64_t n = nt_http_server_n_answers(server, status);

        if (n) {
            char text[16];

            snprintf(text, sizeof text, "%d", status);
            nt_metric_value(out, name, n, "door", door, "status", text, NULL);
        }
    }
}
