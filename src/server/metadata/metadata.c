#include <config.h>

#include "server/metadata/metadata.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/addr.h"
#include "server/core/instance_info.h"
#include "server/metadata/tree.h"

NT_LOG_MODULE(metadata);

struct metadata {
    struct store *reader;
    const char *domain;
};

const struct nt_http_limits metadata_limits = {
    .max_body = 0,
    .max_connections = 512,
    .max_per_address = 16,
    .timeout_s = 10,
};

struct metadata *
metadata_new(struct store *reader, const char *domain)
{
    struct metadata *metadata = xzalloc(sizeof *metadata);

    metadata->reader = reader;
    metadata->domain = domain;
    return metadata;
}

void
metadata_free(struct metadata *metadata)
{
    free(metadata);
}

static void
reply_text(struct nt_http_request *req, int status, const char *text)
{
    nt_http_reply(req, status, "text/plain; charset=utf-8", text, strlen(text));
}

static void
fail(struct nt_http_request *req, const char *peer, const struct nt_err *err)
{
    if (err->code == NT_NOT_FOUND) {
        nt_debug("metadata not found", "peer", peer, "reason", err->msg, NULL);
        reply_text(req, 404, "404 Not Found\n");
        return;
    }
    nt_warn_rl("metadata request failed", "peer", peer, "reason", err->msg, NULL);
    reply_text(req, 500, "An unknown error has occurred. Please try your request again.");
}

void
metadata_handle(void *metadata_, struct nt_http_request *req)
{
    const struct metadata *metadata = metadata_;
    struct instance_info info = { 0 };
    struct tree_answer answer = { 0 };
    struct nt_err err = { 0 };
    char peer[NT_IP4_SIZE];

    if (strcmp(req->method, "GET") && strcmp(req->method, "HEAD")) {
        nt_http_answer_header(req, "Allow", "GET, HEAD");
        reply_text(req, 405, "405 Method Not Allowed\n");
        return;
    }
    nt_ip4_format(req->peer, peer);
    if (instance_info_by_address(metadata->reader, peer, &info, &err) < 0
        || tree_get(&info, metadata->domain, req->segments, req->n_segments, &answer, &err) < 0) {
        fail(req, peer, &err);
    } else {
        nt_info_rl("metadata", "instance", info.instance.id, "peer", peer, "path", req->path, NULL);
        nt_http_reply(req, 200, answer.content_type, answer.body, answer.len);
    }
    free(answer.body);
    instance_info_clear(&info);
}
