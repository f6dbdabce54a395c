/* DHCPRELEASE in a guest's name (RFC 2131, 4.4.4), for addresses whose guest is gone
 * and cannot give them back itself. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "net/addr.h"

#define NT_DHCP_RELEASE_SIZE 300 /* The least a BOOTP relay must carry (RFC 951). */

struct nt_dhcp_release {
    const char *device; /* The device the server listens on: the bridge. */
    uint32_t server;    /* Its address there; the server takes a release by this name only. */
    uint32_t ip;        /* The address given back. */
    struct nt_mac mac;  /* Whose lease it is. */
    uint32_t xid;       /* Any number. */
};

/* The message's bytes.  Pure. */
void nt_dhcp_release_build(const struct nt_dhcp_release *, uint8_t out[NT_DHCP_RELEASE_SIZE]);

/* Sends it to port 67 of the server, as if it came in by the device, and returns at
 * once: there is no answer to a release.  Fails with NT_NOT_FOUND (no such device)
 * or NT_FAULT. */
NT_NODISCARD int nt_dhcp_release_send(const struct nt_dhcp_release *, struct nt_err *);
