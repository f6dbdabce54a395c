/* Who asks for metadata: the source address, or what a trusted proxy says.
 *
 * Headers count only in requests of the addresses that were configured as proxies;
 * a guest may write what it likes into its own.  Pure functions. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "net/network.h"
#include "wire/http/request.h"

/* Strings are borrowed from the configuration. */
struct sender_options {
    uint32_t *proxies; /* Host byte order; owned by whoever made this. */
    size_t n_proxies;
    bool use_forwarded_for;
    bool service_metadata_proxy;
    const char *secret; /* Of the signatures; not empty with service_metadata_proxy. */
};

struct sender {
    char address[NT_IP4_SIZE];      /* With 'instance_id': not looked at. */
    char instance_id[NT_UUID_SIZE]; /* Empty: look the address up. */
    char project_id[NT_NAME_SIZE];  /* Whose the instance must be. */
};

/* Fails with NT_INVALID (400: a header is missing, repeated or malformed),
 * NT_FORBIDDEN (403: wrong signature) or NT_NOT_FOUND. */
NT_NODISCARD int sender_of(const struct sender_options *, const struct nt_http_request *,
                           struct sender *out, struct nt_err *);
