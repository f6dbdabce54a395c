/* The request target: path and query decoding, then routing.
 *
 * The input up to its first NUL byte is the target.  What is accepted holds no
 * control characters and is UTF-8, comes back the same when it is written out and
 * read again, and leads to at most one route. */
#include <config.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/text.h"
#include "openvswitch/dynamic-string.h"
#include "server/rest/router.h"
#include "wire/http/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int ok)
{
    if (!ok) {
        abort();
    }
}

static void
check_text(const char *text)
{
    check(nt_is_utf8(text, strlen(text)));
    for (; *text; text++) {
        check((unsigned char) *text >= ' ' && *text != 0x7f);
    }
}

static char *
written_out(const struct nt_http_request *req)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < req->n_segments; i++) {
        AUTO_FREE char *part = nt_http_encode(req->segments[i]);

        ds_put_format(&s, "/%s", part);
    }
    for (size_t i = 0; i < req->query.n; i++) {
        AUTO_FREE char *name = nt_http_encode(req->query.pairs[i].name);
        AUTO_FREE char *value = nt_http_encode(req->query.pairs[i].value);

        ds_put_format(&s, "%c%s=%s", i ? '&' : '?', name, value);
    }
    return ds_steal_cstr(&s);
}

static void
check_same(const struct nt_http_request *a, const struct nt_http_request *b)
{
    check(a->n_segments == b->n_segments && a->query.n == b->query.n);
    for (size_t i = 0; i < a->n_segments; i++) {
        check_text(a->segments[i]);
        check(!strcmp(a->segments[i], b->segments[i]));
    }
    for (size_t i = 0; i < a->query.n; i++) {
        check_text(a->query.pairs[i].name);
        check_text(a->query.pairs[i].value);
        check(!strcmp(a->query.pairs[i].name, b->query.pairs[i].name));
        check(!strcmp(a->query.pairs[i].value, b->query.pairs[i].value));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *target = xmemdup0((const char *) data, size);
    struct nt_http_request req, again;
    struct nt_err err = { 0 };
    struct match match;

    nt_http_request_init(&req);
    nt_http_request_init(&again);
    if (nt_http_target_parse(&req, target, &err) == 0) {
        AUTO_FREE char *text = written_out(&req);

        check(nt_http_target_parse(&again, text, NULL) == 0);
        check_same(&req, &again);

        static const char *const methods[] = { "GET", "POST", "DELETE", "HEAD", "PUT" };
        req.method = xstrdup(methods[size % NT_ARRAY_SIZE(methods)]);
        router_match(rest_routes, &req, &match);
        check(match.n_params <= MATCH_MAX_PARAMS);
        check(!match.route || !match.project || *match.project);
    } else {
        check(err.code == NT_INVALID && *err.msg);
    }
    nt_http_request_deinit(&again);
    nt_http_request_deinit(&req);
    return 0;
}
