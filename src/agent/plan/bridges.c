#include <config.h>

#include "agent/plan/bridges.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "net/addr.h"
#include "net/addr6.h"
#include "wire/crypto.h"

#define MAX_NAME (PLAN_PORT_NAME_SIZE - 1)

/* Hex digits of the hash that a shortened name ends with. */
#define HASH_DIGITS 6

/* What a patch port is connected with while nothing must pass. */
#define NO_PEER "nonexistent-peer"

#define DEFAULT_VXLAN_PORT 4789

/* --- names ---------------------------------------------------------------------------------- */

static void
sha1_hex(const char *text, char *out, size_t n_digits)
{
    uint8_t digest[NT_SHA1_SIZE];

    nt_sha1(text, digest);
    for (size_t i = 0; i < n_digits; i++) {
        out[i] = "0123456789abcdef"[i % 2 ? digest[i / 2] & 15 : digest[i / 2] >> 4];
    }
    out[n_digits] = '\0';
}

void
plan_patch_name(const char *prefix, const char *bridge, char out[PLAN_PORT_NAME_SIZE])
{
    char hash[HASH_DIGITS + 1];

    if (strlen(prefix) + strlen(bridge) <= MAX_NAME) {
        snprintf(out, PLAN_PORT_NAME_SIZE, "%s%s", prefix, bridge);
        return;
    }

    int n_kept = MAX_NAME - HASH_DIGITS - (int) strlen(prefix);
    sha1_hex(bridge, hash, HASH_DIGITS);
    snprintf(out, PLAN_PORT_NAME_SIZE, "%s%.*s%s", prefix, n_kept > 0 ? n_kept : 0, bridge, hash);
}

/* The first 'n' characters of base32 (RFC 4648) of the text's SHA-1, in lower case. */
static void
sha1_base32(const char *text, char *out, size_t n)
{
    uint8_t digest[NT_SHA1_SIZE];

    nt_sha1(text, digest);
    for (size_t i = 0; i < n; i++) {
        size_t bit = 5 * i;
        unsigned two = (unsigned) digest[bit / 8] << 8;

        if (bit / 8 + 1 < sizeof digest) {
            two |= digest[bit / 8 + 1];
        }
        out[i] = "abcdefghijklmnopqrstuvwxyz234567"[two >> (11 - bit % 8) & 31];
    }
    out[n] = '\0';
}

/* What stands for an address in a name: an IPv4 address is told whole, of another text as
 * many characters as there is room for. */
static void
address_word(const char *ip, size_t room, char out[PLAN_PORT_NAME_SIZE])
{
    uint32_t ip4;

    if (nt_ip4_parse(ip, &ip4)) {
        snprintf(out, PLAN_PORT_NAME_SIZE, "%08" PRIx32, ip4);
    } else {
        sha1_base32(ip, out, room);
    }
}

static void
name_with_both_ends(const char *type, const char *remote_ip, const char *local_ip,
                    char out[PLAN_PORT_NAME_SIZE])
{
    enum { SHORT = 5 }; /* Characters for each of two addresses. */
    char remote[PLAN_PORT_NAME_SIZE], local[PLAN_PORT_NAME_SIZE];
    char remote_hash[SHORT + 1], local_hash[SHORT + 1];

    address_word(remote_ip, SHORT, remote);
    address_word(local_ip, SHORT, local);
    sha1_hex(remote, remote_hash, SHORT);
    sha1_hex(local, local_hash, SHORT);
    snprintf(out, PLAN_PORT_NAME_SIZE, "%.3s-%s-%s", type, local_hash, remote_hash);
}

void
plan_tunnel_name(const struct agent_config *config, const char *type, const char *remote_ip,
                 int64_t id, char out[PLAN_PORT_NAME_SIZE])
{
    char remote[PLAN_PORT_NAME_SIZE];
    int n = snprintf(out, PLAN_PORT_NAME_SIZE, "%s-%" PRId64, type, id);

    if (config->tunnel_names_with_local_ip) {
        name_with_both_ends(type, remote_ip, config->local_ip, out);
    } else if (!id || n > MAX_NAME) {
        address_word(remote_ip, MAX_NAME - 1 - strlen(type), remote);
        snprintf(out, PLAN_PORT_NAME_SIZE, "%s-%s", type, remote);
    }
}

/* --- bridges and the patches between them --------------------------------------------------- */

/* What the columns of maps are filled with, kept for as long as the wishes are told. */
struct planner {
    const struct agent_config *config;
    const struct plan_bridges_to *to;
    bool peered;
    char controller[128];
    char mac_table_size[16];
};

static void
want_bridge(const struct planner *planner, const char *name, bool is_integration, bool may_create)
{
    static const char *const protocols[] = { "OpenFlow10", "OpenFlow13", "OpenFlow14", NULL };
    const struct agent_config *config = planner->config;
    const struct nt_ovs_kv other_config[] = {
        { "mac-table-size", planner->mac_table_size },
        { is_integration ? "mcast-snooping-disable-flood-unregistered" : NULL, "false" },
        { NULL, NULL },
    };
    const struct nt_ovs_bridge_want want = {
        .name = name,
        .datapath_type = config->datapath_type,
        .protocols = protocols,
        .fail_mode = "secure",
        .controller = config->use_mgmt_sockets ? NULL : planner->controller,
        .no_controller = config->use_mgmt_sockets ? planner->controller : NULL,
        .inactivity_probe_ms = config->of_inactivity_probe_s * 1000,
        .other_config = other_config,
        .mcast_snooping = is_integration ? config->igmp_snooping : -1,
        .may_create = may_create,
    };

    planner->to->bridge(planner->to->aux, &want);
}

/* One end of a patch.  'leads_out': it is on br-int and says whether groups that nobody has
 * joined are flooded through it. */
static void
want_patch(const struct planner *planner, const char *bridge, const char *name, const char *peer,
           bool leads_out)
{
    const char *flood = planner->config->igmp_snooping ? "True" : "False";
    const struct nt_ovs_kv options[] = {
        { "peer", planner->peered ? peer : NO_PEER },
        { NULL, NULL },
    };
    const struct nt_ovs_kv other_config[] = {
        { "mcast-snooping-flood", flood },
        { "mcast-snooping-flood-reports", flood },
        { NULL, NULL },
    };
    const struct nt_ovs_port_want want = {
        .bridge = bridge,
        .name = name,
        .type = "patch",
        .tag = -1,
        .options = options,
        .other_config = leads_out ? other_config : NULL,
        .policing_kbps = -1,
        .policing_burst_kb = -1,
    };

    planner->to->port(planner->to->aux, &want);
}

static void
want_patches(const struct planner *planner, const char *bridge)
{
    char inside[PLAN_PORT_NAME_SIZE], outside[PLAN_PORT_NAME_SIZE];

    plan_patch_name("int-", bridge, inside);
    plan_patch_name("phy-", bridge, outside);
    want_patch(planner, planner->config->integration_bridge, inside, outside, true);
    want_patch(planner, bridge, outside, inside, false);
}

void
plan_bridges(const struct agent_config *config, bool peered, const struct plan_bridges_to *to)
{
    struct planner planner = { .config = config, .to = to, .peered = peered };
    bool is_ip6 = strchr(config->of_listen_address, ':') != NULL;

    snprintf(planner.controller, sizeof planner.controller, is_ip6 ? "tcp:[%s]:%d" : "tcp:%s:%d",
             config->of_listen_address, config->of_listen_port);
    snprintf(planner.mac_table_size, sizeof planner.mac_table_size, "%d",
             config->bridge_mac_table_size);

    want_bridge(&planner, config->integration_bridge, true, true);
    for (size_t i = 0; i < config->n_mappings; i++) {
        want_bridge(&planner, config->mappings[i].bridge, false, false);
        want_patches(&planner, config->mappings[i].bridge);
    }
    if (config->n_tunnel_types) {
        want_bridge(&planner, config->tunnel_bridge, false, true);
        want_patch(&planner, config->integration_bridge, config->int_peer_patch_port,
                   config->tun_peer_patch_port, true);
        want_patch(&planner, config->tunnel_bridge, config->tun_peer_patch_port,
                   config->int_peer_patch_port, false);
    }
}

/* --- tunnels -------------------------------------------------------------------------------- */

/* AF_INET, AF_INET6; 0: neither. */
static int
family_of(const char *ip)
{
    struct in6_addr ip6;
    uint32_t ip4;

    return nt_ip4_parse(ip, &ip4) ? AF_INET : nt_ip6_parse(ip, &ip6) ? AF_INET6 : 0;
}

static int
check_ends(const struct agent_config *config, const char *type, const char *remote_ip,
           struct nt_err *err)
{
    int local = family_of(config->local_ip), remote = family_of(remote_ip);

    if (!remote) {
        return nt_fail(err, NT_INVALID, "no %s tunnel to '%s': this is no IP address", type,
                       remote_ip);
    }
    if (local != remote) {
        return nt_fail(err, NT_INVALID,
                       "no %s tunnel to %s: it is not of the family of local_ip '%s'", type,
                       remote_ip, config->local_ip);
    }
    return 0;
}

int
plan_tunnel(const struct agent_config *config, const char *type, const char *remote_ip,
            const char *name, const struct plan_bridges_to *to, struct nt_err *err)
{
    char udp_port[16], tos[16];
    struct nt_ovs_kv options[12];
    size_t n = 0;

    if (check_ends(config, type, remote_ip, err) < 0) {
        return -1;
    }

    bool is_ip6gre = !strcmp(type, "gre") && family_of(remote_ip) == AF_INET6;

    options[n++] = (struct nt_ovs_kv){ "df_default", config->dont_fragment ? "true" : "false" };
    options[n++] = (struct nt_ovs_kv){ "remote_ip", remote_ip };
    options[n++] = (struct nt_ovs_kv){ "local_ip", config->local_ip };
    options[n++] = (struct nt_ovs_kv){ "in_key", "flow" };
    options[n++] = (struct nt_ovs_kv){ "out_key", "flow" };
    /* Marks of guests' packets stay in here. */
    options[n++] = (struct nt_ovs_kv){ "egress_pkt_mark", "0" };
    if (!strcmp(type, "vxlan") && config->vxlan_udp_port != DEFAULT_VXLAN_PORT) {
        snprintf(udp_port, sizeof udp_port, "%d", config->vxlan_udp_port);
        options[n++] = (struct nt_ovs_kv){ "dst_port", udp_port };
    }
    if (config->tunnel_csum) {
        options[n++] = (struct nt_ovs_kv){ "csum", "true" };
    }
    if (config->dscp_inherit) {
        options[n++] = (struct nt_ovs_kv){ "tos", "inherit" };
    } else if (config->dscp > 0) {
        snprintf(tos, sizeof tos, "%d", config->dscp << 2);
        options[n++] = (struct nt_ovs_kv){ "tos", tos };
    }
    if (is_ip6gre) {
        /* What it carries are frames, not packets. */
        options[n++] = (struct nt_ovs_kv){ "packet_type", "legacy_l2" };
    }
    options[n] = (struct nt_ovs_kv){ NULL, NULL };

    const struct nt_ovs_port_want want = {
        .bridge = config->tunnel_bridge,
        .name = name,
        .type = is_ip6gre ? "ip6gre" : type,
        .tag = -1,
        .options = options,
        .policing_kbps = -1,
        .policing_burst_kb = -1,
    };
    to->port(to->aux, &want);
    return 0;
}
