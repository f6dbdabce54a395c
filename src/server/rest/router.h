/* From method and path to a handler: one table, no side effects.
 *
 * The first parts of a path name a service, and for the compute API perhaps a
 * project; the rest is compared with the patterns of that service's routes, where
 * "{}" stands for any one part. */
#pragma once

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "wire/http/request.h"

struct call;

enum service {
    SERVICE_ROOT,
    SERVICE_COMPUTE,
    SERVICE_IMAGE,
    SERVICE_IDENTITY,
};

enum route_flag {
    ROUTE_ADMIN = 1 << 0, /* Administrators only. */
    ROUTE_OPEN = 1 << 1,  /* Before signing in: no credentials, or they are in the body. */
};

struct route {
    enum service service;
    const char *method;  /* NULL ends the table. */
    const char *pattern; /* "servers/{}/action"; "" is the service itself. */
    void (*handle)(struct call *);
    unsigned flags;
};

#define MATCH_MAX_PARAMS 4

/* Pointers are borrowed from the request and the table. */
struct match {
    enum service service;
    const struct route *route; /* NULL: no such path, or not with this method. */
    const char *base;          /* "/compute/v2.1": what links begin with. */
    const char *project;       /* From the path, or NULL. */
    bool base_has_project;     /* Links need it. */
    const char *params[MATCH_MAX_PARAMS];
    size_t n_params;
    char allow[64]; /* "GET, POST" when only the method is wrong. */
};

/* HEAD finds the route of GET. */
void router_match(const struct route *, const struct nt_http_request *, struct match *out);

/* The product's routes (routes.c). */
extern const struct route rest_routes[];
