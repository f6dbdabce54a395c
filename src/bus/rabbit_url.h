/* transport_url: rabbit://USER:PASSWORD@HOST:PORT,USER:PASSWORD@HOST:PORT/VHOST.
 *
 * Everything may be percent-encoded; HOST may be [IPV6].  Without USER and PASSWORD a host
 * has guest and guest, without PORT 5672, without VHOST the URL has "/".  Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

#define NT_RABBIT_MAX_HOSTS 32

struct nt_rabbit_host {
    char *user, *password, *name;
    unsigned port;
};

struct nt_rabbit_url {
    struct nt_rabbit_host hosts[NT_RABBIT_MAX_HOSTS];
    size_t n_hosts;
    char *vhost;
    int ssl; /* "?ssl=": 1 or 0; -1 when not said. */
};

/* Whether 'url' is one of these: rabbit:// or, as before, kombu://. */
bool nt_rabbit_url_is(const char *url);

/* Fails with NT_INVALID; the message has no password. */
NT_NODISCARD int nt_rabbit_url_parse(const char *url, struct nt_rabbit_url *out, struct nt_err *);
void nt_rabbit_url_clear(struct nt_rabbit_url *);
