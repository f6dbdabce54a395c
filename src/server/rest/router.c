#include <config.h>

#include "server/rest/router.h"

#include <stdio.h>
#include <string.h>

enum project_use { PROJECT_NEVER, PROJECT_MAYBE, PROJECT_ALWAYS };

static const struct base {
    const char *path;
    enum service service;
    enum project_use project;
} bases[] = {
    { "/compute/v2.1", SERVICE_COMPUTE, PROJECT_MAYBE },
    { "/compute/v2", SERVICE_COMPUTE, PROJECT_ALWAYS },
    { "/v2.1", SERVICE_COMPUTE, PROJECT_MAYBE },
    { "/v2", SERVICE_COMPUTE, PROJECT_ALWAYS },
    { "/image", SERVICE_IMAGE, PROJECT_NEVER },
    { "/identity", SERVICE_IDENTITY, PROJECT_NEVER },
    { "", SERVICE_ROOT, PROJECT_NEVER },
};

/* Compares the parts from 'first' on with 'pattern' ("a/{}/b"; "" has no parts). */
static bool
match_parts(const char *pattern, const struct nt_http_request *req, size_t first, struct match *m)
{
    m->n_params = 0;
    while (*pattern) {
        size_t len = strcspn(pattern, "/");

        if (first == req->n_segments) {
            return false;
        }
        const char *part = req->segments[first++];
        if (len == 2 && !strncmp(pattern, "{}", 2)) {
            m->params[m->n_params++] = part;
        } else if (strlen(part) != len || strncmp(part, pattern, len)) {
            return false;
        }
        pattern += len + (pattern[len] == '/');
    }
    return first == req->n_segments;
}

static void
allow_method(struct match *m, const char *method)
{
    size_t len = strlen(m->allow);

    if (!strstr(m->allow, method)) {
        snprintf(m->allow + len, sizeof m->allow - len, "%s%s", len ? ", " : "", method);
    }
}

static bool
match_service(const struct route *routes, const struct nt_http_request *req, size_t first,
              struct match *m)
{
    const char *method = strcmp(req->method, "HEAD") ? req->method : "GET";

    for (const struct route *r = routes; r->method; r++) {
        if (r->service != m->service || !match_parts(r->pattern, req, first, m)) {
            continue;
        }
        if (!strcmp(r->method, method)) {
            m->route = r;
            return true;
        }
        allow_method(m, r->method);
    }
    m->n_params = 0;
    return false;
}

/* How many parts of the path 'base' takes, or -1 when the path is not below it. */
static int
match_base(const struct base *base, const struct nt_http_request *req)
{
    const char *p = base->path;
    size_t n = 0;

    while (*p) {
        size_t len = strcspn(++p, "/");

        if (n == req->n_segments || strlen(req->segments[n]) != len
            || strncmp(req->segments[n], p, len)) {
            return -1;
        }
        n++;
        p += len;
    }
    return n;
}

void
router_match(const struct route *routes, const struct nt_http_request *req, struct match *m)
{
    bool is_below = false;

    memset(m, 0, sizeof *m);
    m->base = "";
    for (const struct base *base = bases; base < bases + NT_ARRAY_SIZE(bases); base++) {
        int n = match_base(base, req);
        struct match try = { .service = base->service, .base = base->path };

        if (n < 0) {
            continue;
        }
        snprintf(try.allow, sizeof try.allow, "%s", m->allow);
        if (base->project != PROJECT_ALWAYS && match_service(routes, req, n, &try)) {
            *m = try;
            return;
        }
        /* A project that may be left out needs something behind it: "/v2.1/typo" is
         * no project. */
        size_t least = n + (base->project == PROJECT_MAYBE ? 2 : 1);
        if (base->project != PROJECT_NEVER && req->n_segments >= least
            && match_service(routes, req, n + 1, &try)) {
            *m = try;
            m->project = req->segments[n];
            m->base_has_project = base->project == PROJECT_ALWAYS;
            return;
        }
        if (!is_below) {
            *m = try;
            is_below = true;
        }
    }
}
