#include <config.h>

#include "wire/http/request.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "net/text.h"
#include "openvswitch/dynamic-string.h"

void
nt_http_pairs_add(struct nt_http_pairs *list, const char *name, const char *value)
{
    if (list->n == list->allocated) {
        list->pairs = x2nrealloc(list->pairs, &list->allocated, sizeof *list->pairs);
    }

    struct nt_http_pair *pair = &list->pairs[list->n++];
    pair->name = xstrdup(name);
    pair->value = xstrdup(value);
}

void
nt_http_pairs_deinit(struct nt_http_pairs *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->pairs[i].name);
        free(list->pairs[i].value);
    }
    free(list->pairs);
    memset(list, 0, sizeof *list);
}

void
nt_http_request_init(struct nt_http_request *req)
{
    memset(req, 0, sizeof *req);
}

static void
clear_target(struct nt_http_request *req)
{
    for (size_t i = 0; i < req->n_segments; i++) {
        free(req->segments[i]);
    }
    req->n_segments = 0;
    free(req->path);
    req->path = NULL;
    nt_http_pairs_deinit(&req->query);
}

void
nt_http_request_deinit(struct nt_http_request *req)
{
    clear_target(req);
    nt_http_pairs_deinit(&req->headers);
    nt_http_pairs_deinit(&req->answer_headers);
    free(req->method);
    free(req->body);
    memset(req, 0, sizeof *req);
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = tolower((unsigned char) c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes the 'len' bytes at 's'; the caller frees '*out'. */
static int
decode(const char *s, size_t len, bool plus_is_blank, const char *what, char **out,
       struct nt_err *err)
{
    AUTO_FREE char *buf = xmalloc(len + 1);
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = s[i];

        if (c == '%') {
            int high = i + 2 < len ? hex_digit(s[i + 1]) : -1;
            int low = i + 2 < len ? hex_digit(s[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return nt_fail(err, NT_INVALID, "bad percent escape in the %s", what);
            }
            c = high * 16 + low;
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        if (c < ' ' || c == 0x7f) {
            return nt_fail(err, NT_INVALID, "control character in the %s", what);
        }
        buf[n++] = c;
    }
    buf[n] = '\0';
    if (!nt_is_utf8(buf, n)) {
        return nt_fail(err, NT_INVALID, "the %s is not UTF-8", what);
    }
    *out = TAKE(buf);
    return 0;
}

static int
parse_path(struct nt_http_request *req, const char *path, size_t len, struct nt_err *err)
{
    const char *end = path + len;

    req->path = xmemdup0(path, len);
    req->has_trailing_slash = len && end[-1] == '/';
    while (path < end) {
        const char *slash = memchr(path, '/', end - path);
        size_t n = (slash ? slash : end) - path;

        if (n) {
            if (req->n_segments == NT_HTTP_MAX_SEGMENTS) {
                return nt_fail(err, NT_INVALID, "the path has more than %d parts",
                               NT_HTTP_MAX_SEGMENTS);
            }
            if (decode(path, n, false, "path", &req->segments[req->n_segments], err) < 0) {
                return -1;
            }
            req->n_segments++;
        }
        path += n + 1;
    }
    return 0;
}

static int
parse_query(struct nt_http_request *req, const char *query, size_t len, struct nt_err *err)
{
    const char *end = query + len;

    while (query < end) {
        const char *amp = memchr(query, '&', end - query);
        size_t n = (amp ? amp : end) - query;
        const char *eq = memchr(query, '=', n);
        size_t name_len = eq ? (size_t) (eq - query) : n;
        AUTO_FREE char *name = NULL;
        AUTO_FREE char *value = NULL;
        char what[64];

        if (req->query.n == NT_HTTP_MAX_QUERY) {
            return nt_fail(err, NT_INVALID, "more than %d query parameters", NT_HTTP_MAX_QUERY);
        }
        if (decode(query, name_len, true, "query", &name, err) < 0) {
            return -1;
        }
        /* Plain letters only: a cut name must stay UTF-8. */
        snprintf(what, sizeof what, "query parameter %.*s",
                 (int) strspn(name, "abcdefghijklmnopqrstuvwxyz_-"), name);
        if (decode(eq ? eq + 1 : "", eq ? n - name_len - 1 : 0, true, what, &value, err) < 0) {
            return -1;
        }
        if (n) {
            nt_http_pairs_add(&req->query, name, value);
        }
        query += n + 1;
    }
    return 0;
}

int
nt_http_target_parse(struct nt_http_request *req, const char *target, struct nt_err *err)
{
    clear_target(req);
    if (!strncasecmp(target, "http://", 7)) {
        target += 7 + strcspn(target + 7, "/?#");
    }

    size_t path_len = strcspn(target, "?#");
    const char *query = target + path_len + (target[path_len] == '?');
    size_t query_len = target[path_len] == '?' ? strcspn(query, "#") : 0;

    if (parse_path(req, target, path_len, err) < 0 || parse_query(req, query, query_len, err) < 0) {
        return -1;
    }
    return 0;
}

const char *
nt_http_query(const struct nt_http_request *req, const char *name)
{
    for (size_t i = 0; i < req->query.n; i++) {
        if (!strcmp(req->query.pairs[i].name, name)) {
            return req->query.pairs[i].value;
        }
    }
    return NULL;
}

const char *
nt_http_header(const struct nt_http_request *req, const char *name)
{
    for (size_t i = 0; i < req->headers.n; i++) {
        if (!strcasecmp(req->headers.pairs[i].name, name)) {
            return req->headers.pairs[i].value;
        }
    }
    return NULL;
}

void
nt_http_answer_header(struct nt_http_request *req, const char *name, const char *value)
{
    for (const char *p = value; *p; p++) {
        if ((unsigned char) *p < ' ' || *p == 0x7f) {
            return;
        }
    }
    nt_http_pairs_add(&req->answer_headers, name, value);
}

void
nt_http_reply(struct nt_http_request *req, int status, const char *content_type, const char *body,
              size_t len)
{
    if (req->is_replied) {
        return;
    }
    req->is_replied = true;

    struct nt_http_answer answer = {
        .status = status,
        .content_type = content_type,
        .body = body,
        .body_len = len,
        .headers = &req->answer_headers,
    };
    req->reply(req, &answer);
}

char *
nt_http_encode(const char *text)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (; *text; text++) {
        unsigned char c = *text;

        if (c < 0x80 && (isalnum(c) || strchr("-._~", c))) {
            ds_put_char(&s, c);
        } else {
            ds_put_format(&s, "%%%02X", c);
        }
    }
    return ds_steal_cstr(&s);
}
