/* The hosts file of dnsmasq: which guest gets which address and name.
 *
 *     fa:16:3e:2c:e8:ec,cirros.novalocal,10.0.0.2
 *
 * One line per allocated entry, no newline after the last; only the first address of
 * a MAC.  A host name above 63 characters is shortened; an entry whose name is empty,
 * taken, or would mean something else to dnsmasq is named after its address,
 * host-10-0-0-2.  What could smuggle other configuration in is refused.  Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "net/network.h"
#include "openvswitch/dynamic-string.h"

/* Told of each refused entry; the others go on. */
typedef void nt_hosts_refused_cb(void *aux, const struct nt_host_entry *, const struct nt_err *);

/* Appends the text for 'n' entries, in their order.  'domain' may be empty.
 * 'refused' may be NULL.  Returns how many entries were refused. */
size_t nt_hosts_file_text(const struct nt_host_entry *entries, size_t n, const char *domain,
                          struct ds *out, nt_hosts_refused_cb *refused, void *aux);

/* The same with ",net:NW-VIF" at the end of each line: what nt_hosts_opts_text() speaks of. */
size_t nt_hosts_file_tagged_text(const struct nt_host_entry *entries, size_t n, const char *domain,
                                 struct ds *out, nt_hosts_refused_cb *refused, void *aux);

/* The opts file that goes with it: only the first link of an instance gets a router, so
 * that a guest of several networks has one default route.  'gateway' NULL: the router is
 * dnsmasq's own choice and not named.  One line per allocated entry that needs one, no
 * newline after the last. */
void nt_hosts_opts_text(const struct nt_host_entry *entries, size_t n, const char *gateway,
                        struct ds *out);

/* True for letters, digits, '-', '_' and single dots, at most 63 between two dots. */
bool nt_is_domain(const char *);
