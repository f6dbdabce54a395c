#include <config.h>

#include "server/rest/call.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/text.h"
#include "openvswitch/json.h"
#include "server/rest/faults.h"

NT_LOG_MODULE(rest);

const char *
call_project(const struct call *call)
{
    return call->who.is_admin ? NULL : call->who.project;
}

char *
call_host_url(const struct call *call)
{
    const char *host = nt_http_header(call->http, "host");

    /* The client's own text comes back to it in links: only what a host and a port
     * are made of. */
    if (!host || !*host || strlen(host) > 255
        || host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789.-_:[]")]) {
        host = "localhost";
    }
    return xasprintf("http://%s", host);
}

char *
call_base_url(const struct call *call)
{
    AUTO_FREE char *host = call_host_url(call);
    AUTO_FREE char *project =
        call->match.base_has_project ? nt_http_encode(call->match.project) : NULL;

    return xasprintf("%s%s%s%s", host, call->match.base, project ? "/" : "",
                     project ? project : "");
}

/* The parser refuses "\\u0000" anywhere without saying where.  As another control
 * character it comes through, and the field's own check names the field. */
static char *
without_nul_escapes(const char *body)
{
    char *copy = xstrdup(body);

    for (char *p = copy; *p; p++) {
        if (*p == '\\') {
            if (!strncmp(p, "\\u0000", 6)) {
                p[5] = '1';
            }
            p += p[1] != '\0';
        }
    }
    return copy;
}

int
call_body(const struct call *call, struct json **out, struct nt_err *err)
{
    const struct nt_http_request *http = call->http;

    if (!http->body_len) {
        return nt_fail(err, NT_INVALID, "the request needs a body");
    }
    if (!nt_is_utf8(http->body, http->body_len)) {
        return nt_fail(err, NT_INVALID, "the body is not UTF-8 text");
    }

    AUTO_FREE char *text = without_nul_escapes(http->body);
    struct json *json = json_from_string(text);
    if (json->type == JSON_STRING) {
        nt_fail(err, NT_INVALID, "the body is not JSON: %s", json_string(json));
        json_destroy(json);
        return -1;
    }
    if (json->type != JSON_OBJECT) {
        json_destroy(json);
        return nt_fail(err, NT_INVALID, "the body must be a JSON object");
    }
    *out = json;
    return 0;
}

int
call_body_member(const struct call *call, const char *key, struct json **body,
                 const struct json **out, struct nt_err *err)
{
    struct json *json = NULL;

    if (call_body(call, &json, err) < 0) {
        return -1;
    }

    const struct json *member = shash_find_data(json_object(json), key);
    if (!member || member->type != JSON_OBJECT) {
        json_destroy(json);
        return nt_fail(err, NT_INVALID, "%s: %s", key,
                       member ? "must be an object" : "is missing in the body");
    }
    *body = json;
    *out = member;
    return 0;
}

int
call_query_int(const struct call *call, const char *name, int64_t min, int64_t max, int64_t *out,
               struct nt_err *err)
{
    const char *text = nt_http_query(call->http, name);
    char *end;

    if (!text) {
        return 0;
    }
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || *end || !isdigit((unsigned char) text[text[0] == '-']) || value < min
        || value > max) {
        return nt_fail(err, NT_INVALID, "query parameter %s: must be a number from %lld to %lld",
                       name, (long long) min, (long long) max);
    }
    *out = value;
    return 0;
}

static void
finish(struct call *call, int status, const char *body)
{
    const struct nt_http_request *http = call->http;
    const char *pattern = call->match.route ? call->match.route->pattern : "-";
    char number[16];

    snprintf(number, sizeof number, "%d", status);
    nt_log_swap_request(call->request_id);
    if (strcmp(http->method, "GET") && strcmp(http->method, "HEAD")) {
        nt_info_rl("request", "method", http->method, "route", pattern, "status", number, "user",
                   call->who.user, NULL);
    } else {
        nt_debug("request", "method", http->method, "route", pattern, "status", number, "user",
                 call->who.user, NULL);
    }
    nt_log_swap_request(call->request_id);
    nt_http_reply(call->http, status, body ? "application/json" : NULL, body,
                  body ? strlen(body) : 0);
    free(call);
}

void
call_reply(struct call *call, int status)
{
    finish(call, status, NULL);
}

void
call_reply_json(struct call *call, int status, struct json *json)
{
    AUTO_FREE char *body = json_to_string(json, JSSF_SORT);

    json_destroy(json);
    finish(call, status, body);
}

void
call_reply_text(struct call *call, int status, const char *body)
{
    finish(call, status, body);
}

void
call_fail(struct call *call, const struct nt_err *err)
{
    const struct fault *fault = fault_of(err->code);
    AUTO_FREE char *copy = xstrdup(err->msg);
    const char *message = copy;
    size_t len = strlen(copy);

    /* A long message may have been cut inside a character. */
    while (len && !nt_is_utf8(copy, len)) {
        copy[--len] = '\0';
    }

    if (err->code == NT_FAULT || err->code == NT_OK) {
        nt_error("request failed", "reason", err->msg, NULL);
        message = "internal error: see the server's log for this request's id";
    }
    if (err->code == NT_UNAUTHORIZED) {
        nt_http_answer_header(call->http, "WWW-Authenticate", "Basic realm=\"neutrino\"");
    }
    call_reply_json(call, fault->status, fault_json(fault, call->match.service, message));
}

static void
end(struct call *call, const struct nt_err *err, int status)
{
    if (err) {
        call_fail(call, err);
    } else {
        call_reply(call, status);
    }
}

void
call_accepted(void *call, const struct nt_err *err)
{
    end(call, err, 202);
}

void
call_deleted(void *call, const struct nt_err *err)
{
    end(call, err, 204);
}

struct json *
text_or_null(const char *text)
{
    return text && *text ? json_string_create(text) : json_null_create();
}

void
put_time(struct json *json, const char *key, int64_t at)
{
    char text[NT_TIME_SIZE];

    nt_time_format(at, text);
    json_object_put_string(json, key, text);
}

void
put_time_us(struct json *json, const char *key, int64_t at)
{
    char text[NT_TIME_SIZE];

    if (at) {
        nt_time_format(at, text);
        json_object_put_format(json, key, "%.19s.000000", text);
    } else {
        json_object_put(json, key, json_null_create());
    }
}

struct json *
wrap(const char *key, struct json *value)
{
    struct json *outer = json_object_create();

    json_object_put(outer, key, value);
    return outer;
}

static struct json *
link_json(const char *rel, char *href)
{
    struct json *link = json_object_create();

    json_object_put_string(link, "rel", rel);
    json_object_put(link, "href", json_string_create_nocopy(href));
    return link;
}

struct json *
call_links(const struct call *call, const char *collection, const char *id)
{
    AUTO_FREE char *base = call_base_url(call);
    AUTO_FREE char *host = call_host_url(call);
    AUTO_FREE char *name = nt_http_encode(id);
    bool is_compute = !strncmp(call->match.base, "/compute", 8);

    return json_array_create_2(
        link_json("self", xasprintf("%s/%s/%s", base, collection, name)),
        link_json("bookmark",
                  xasprintf("%s%s/%s/%s", host, is_compute ? "/compute" : "", collection, name)));
}
