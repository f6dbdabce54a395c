#include <config.h>

#include "server/core/subnet_v6.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "wire/crypto.h"

#define PREFIX 64 /* What an address made of a MAC needs. */
#define MAX_TRIES 4096

static int
is_taken(struct store *store, const char *cidr, struct nt_err *err)
{
    int64_t one;

    return store_get_int(store, &one, err, "SELECT 1 FROM subnets WHERE cidr_v6 = ?", "t", cidr);
}

static int
check_range(const char *text, char cidr[NT_CIDR6_SIZE], struct in6_addr *network,
            struct nt_err *err)
{
    char host[NT_CIDR6_SIZE];
    unsigned len;

    if (!nt_cidr6_canon(text, cidr, &len)) {
        return nt_fail(err, NT_INVALID, "network: cidr_v6 %.60s is not an IPv6 network", text);
    }
    if (len != PREFIX) {
        return nt_fail(err, NT_INVALID, "network: cidr_v6 %s: the prefix must be %d long", cidr,
                       PREFIX);
    }
    ovs_strlcpy(host, cidr, sizeof host);
    host[strcspn(host, "/")] = '\0';
    if (!nt_ip6_parse(host, network) || IN6_IS_ADDR_LINKLOCAL(network)
        || IN6_IS_ADDR_MULTICAST(network) || !network->s6_addr[0]) {
        return nt_fail(err, NT_INVALID, "network: cidr_v6 %s cannot be used for guests", cidr);
    }
    return 0;
}

/* The n-th /64 of a range that may be larger. */
static bool
nth_range(const char *range, unsigned n, char cidr[NT_CIDR6_SIZE])
{
    char canon[NT_CIDR6_SIZE], host[NT_IP_SIZE];
    struct in6_addr ip;
    unsigned len;

    if (!nt_cidr6_canon(range, canon, &len) || len > PREFIX
        || (PREFIX - len < 31 && n >> (PREFIX - len))) {
        return false;
    }
    canon[strcspn(canon, "/")] = '\0';
    if (!nt_ip6_parse(canon, &ip)) {
        return false;
    }
    for (int i = 7; i >= 0 && n; i--) {
        n += ip.s6_addr[i];
        ip.s6_addr[i] = (uint8_t) n;
        n >>= 8;
    }
    nt_ip6_format(&ip, host);
    snprintf(cidr, NT_CIDR6_SIZE, "%s/%d", host, PREFIX);
    return true;
}

/* Returns 1 with a range, 0 when none is wanted, -1. */
static int
next_range(struct store *store, const struct core_env *env, char cidr[NT_CIDR6_SIZE],
           struct nt_err *err)
{
    if (!env->use_ipv6 || !*env->fixed_range_v6) {
        return 0;
    }
    for (unsigned n = 0; n < MAX_TRIES && nth_range(env->fixed_range_v6, n, cidr); n++) {
        int rc = is_taken(store, cidr, err);

        if (rc <= 0) {
            return rc ? -1 : 1;
        }
    }
    return nt_fail(err, NT_EXHAUSTED, "fixed_range_v6 %s has no free network of /%d",
                   env->fixed_range_v6, PREFIX);
}

static int
choose_gateway(const char *wish, const struct in6_addr *network, char out[NT_IP_SIZE],
               struct nt_err *err)
{
    struct in6_addr gateway = *network;

    gateway.s6_addr[15] = 1;
    if (*wish && !nt_ip6_parse(wish, &gateway)) {
        return nt_fail(err, NT_INVALID, "network: gateway_v6 %.60s is not an IPv6 address", wish);
    }
    if (memcmp(&gateway, network, PREFIX / 8) || !memcmp(&gateway, network, sizeof gateway)) {
        return nt_fail(err, NT_INVALID, "network: gateway_v6 %s is no host address of the network",
                       wish);
    }
    nt_ip6_format(&gateway, out);
    return 0;
}

int
subnet_v6_choose(struct store *store, const struct core_env *env, const char *wish,
                 const char *gateway, struct nt_subnet *subnet, struct nt_err *err)
{
    char range[NT_CIDR6_SIZE], cidr[NT_CIDR6_SIZE];
    struct in6_addr network;

    if (!*wish) {
        int rc = next_range(store, env, range, err);

        if (rc <= 0) {
            return !rc && *gateway ? nt_fail(err, NT_INVALID, "network: gateway_v6 without cidr_v6")
                                   : rc;
        }
        wish = range;
    }
    if (check_range(wish, cidr, &network, err) < 0) {
        return -1;
    }

    int rc = is_taken(store, cidr, err);
    if (rc) {
        return rc < 0 ? -1
                      : nt_fail(err, NT_CONFLICT, "network: cidr_v6 %s is another network's", cidr);
    }
    if (choose_gateway(gateway, &network, subnet->gateway_v6, err) < 0) {
        return -1;
    }
    ovs_strlcpy(subnet->cidr_v6, cidr, sizeof subnet->cidr_v6);
    ovs_strlcpy(subnet->ipv6_backend, env->ipv6_backend, sizeof subnet->ipv6_backend);
    return 0;
}

bool
subnet_v6_address(const char *cidr, const char *ipv6_backend, const char *project_id,
                  const char *mac, char out[NT_IP_SIZE])
{
    return strcmp(ipv6_backend, "account_identifier")
               ? nt_ip6_of_mac_text(cidr, mac, out)
               : nt_ip6_of_account(cidr, nt_sha1_32(project_id), mac, out);
}
