#include <config.h>

#include "agent/model/config.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/model/placement.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/addr6.h"
#include "openvswitch/dynamic-string.h"

NT_LOG_MODULE(agent_config);

/* "FILE:LINE: NAME is 'VALUE': WHAT TO DO" */
static int NT_PRINTF(5, 6) wrong(const struct nt_config *config, const char *name,
                                 enum nt_code code, struct nt_err *err, const char *fmt, ...)
{
    const char *dot = strchr(name, '.');
    struct ds value = DS_EMPTY_INITIALIZER;
    va_list args;

    for (size_t i = 0; i < nt_config_n(config, name); i++) {
        ds_put_format(&value, "%s%s", i ? "," : "", nt_config_item(config, name, i));
    }
    va_start(args, fmt);
    AUTO_FREE char *why = xvasprintf(fmt, args);
    va_end(args);

    int rc = nt_fail(err, code, "%s: %s is '%.100s': %s", nt_config_origin(config, name),
                     dot ? dot + 1 : name, ds_cstr(&value), why);
    ds_destroy(&value);
    return rc;
}

static char *
text_of(const struct nt_config *config, const char *name)
{
    return xstrdup(nt_config_str(config, name));
}

/* The items of a list, each once, NULL-terminated. */
static char **
list_of(const struct nt_config *config, const char *name, size_t *n)
{
    size_t n_items = nt_config_n(config, name);
    char **list = xcalloc(n_items + 1, sizeof *list);

    *n = 0;
    for (size_t i = 0; i < n_items; i++) {
        const char *item = nt_config_item(config, name, i);
        size_t j = 0;

        while (j < *n && strcmp(list[j], item)) {
            j++;
        }
        if (j == *n) {
            list[(*n)++] = xstrdup(item);
        }
    }
    return list;
}

static void
free_list(char **list)
{
    for (size_t i = 0; list && list[i]; i++) {
        free(list[i]);
    }
    free(list);
}

static int
load_mappings(const struct nt_config *config, struct agent_config *c, struct nt_err *err)
{
    static const char name[] = "ovs.bridge_mappings";
    size_t n = nt_config_n(config, name);

    c->mappings = xcalloc(n + 1, sizeof *c->mappings);
    for (size_t i = 0; i < n; i++) {
        const char *item = nt_config_item(config, name, i);
        const char *colon = strchr(item, ':');

        if (!colon || strchr(colon + 1, ':')) {
            return wrong(config, name, NT_INVALID, err,
                         "'%.100s' is not of the form PHYSICAL_NETWORK:BRIDGE", item);
        }

        size_t len = colon - item;
        while (len && item[len - 1] == ' ') {
            len--;
        }
        const char *bridge = colon + 1 + strspn(colon + 1, " ");
        struct agent_mapping *m = &c->mappings[c->n_mappings++];
        m->physical_network = xmemdup0(item, len);
        m->bridge = xstrdup(bridge);
        if (!len || !*bridge) {
            return wrong(config, name, NT_INVALID, err,
                         "'%.100s' lacks the %s; write PHYSICAL_NETWORK:BRIDGE", item,
                         len ? "bridge" : "physical network");
        }
        if (!strcmp(bridge, c->integration_bridge) || !strcmp(bridge, c->tunnel_bridge)) {
            return wrong(config, name, NT_INVALID, err,
                         "%s is this agent's own bridge; map the network to a bridge that has "
                         "its network card",
                         bridge);
        }
        for (const struct agent_mapping *o = c->mappings; o < m; o++) {
            if (!strcmp(o->physical_network, m->physical_network) || !strcmp(o->bridge, bridge)) {
                return wrong(config, name, NT_INVALID, err,
                             "'%.100s' is there twice; each network and each bridge is named once",
                             strcmp(o->bridge, bridge) ? m->physical_network : bridge);
            }
        }
    }
    return 0;
}

static int
load_connections(const struct nt_config *config, struct agent_config *c, struct nt_err *err)
{
    static const char *const files[] = { "ovs.ssl_key_file", "ovs.ssl_cert_file",
                                         "ovs.ssl_ca_cert_file" };

    c->use_mgmt_sockets = !strcmp(nt_config_str(config, "ovs.of_connect"), "mgmt");
    c->of_listen_address = text_of(config, "ovs.of_listen_address");
    c->of_listen_port = nt_config_int(config, "ovs.of_listen_port");
    c->of_connect_timeout_s = nt_config_int(config, "ovs.of_connect_timeout");
    c->of_request_timeout_s = nt_config_int(config, "ovs.of_request_timeout");
    c->of_inactivity_probe_s = nt_config_int(config, "ovs.of_inactivity_probe");
    c->ovsdb_connection = text_of(config, "ovs.ovsdb_connection");
    c->ssl_key_file = text_of(config, files[0]);
    c->ssl_cert_file = text_of(config, files[1]);
    c->ssl_ca_cert_file = text_of(config, files[2]);
    c->ovsdb_timeout_s = nt_config_int(config, "ovs.ovsdb_timeout");
    c->ovs_run_dir = !nt_config_is_set(config, "ovs_run_dir") && getenv("OVS_RUNDIR")
                         ? xstrdup(getenv("OVS_RUNDIR"))
                         : text_of(config, "ovs_run_dir");

    if (!strncmp(c->ovsdb_connection, "ssl:", 4)) {
        for (size_t i = 0; i < NT_ARRAY_SIZE(files); i++) {
            const char *path = nt_config_str(config, files[i]);

            if (!*path || access(path, R_OK)) {
                return wrong(config, files[i], NT_INVALID, err,
                             "ovsdb_connection %s needs %s to name a file that can be read",
                             c->ovsdb_connection, strchr(files[i], '.') + 1);
            }
        }
    } else if (strncmp(c->ovsdb_connection, "tcp:", 4)
               && strncmp(c->ovsdb_connection, "unix:", 5)) {
        return wrong(config, "ovs.ovsdb_connection", NT_INVALID, err,
                     "write tcp:ADDRESS:PORT, unix:PATH or ssl:ADDRESS:PORT");
    }
    return 0;
}

static int
load_ovs(const struct nt_config *config, struct agent_config *c, struct nt_err *err)
{
    c->integration_bridge = text_of(config, "ovs.integration_bridge");
    c->tunnel_bridge = text_of(config, "ovs.tunnel_bridge");
    c->int_peer_patch_port = text_of(config, "ovs.int_peer_patch_port");
    c->tun_peer_patch_port = text_of(config, "ovs.tun_peer_patch_port");
    c->local_ip = text_of(config, "ovs.local_ip");
    c->datapath_type = text_of(config, "ovs.datapath_type");
    c->vhostuser_socket_dir = text_of(config, "ovs.vhostuser_socket_dir");
    c->bridge_mac_table_size = nt_config_int(config, "ovs.bridge_mac_table_size");
    c->igmp_snooping = nt_config_bool(config, "ovs.igmp_snooping_enable");
    if (!*c->integration_bridge || !*c->tunnel_bridge
        || !strcmp(c->integration_bridge, c->tunnel_bridge)) {
        return wrong(config, "ovs.integration_bridge", NT_INVALID, err,
                     "integration_bridge and tunnel_bridge must be two bridges");
    }
    return load_connections(config, c, err) < 0 ? -1 : load_mappings(config, c, err);
}

static int
load_tunnels(const struct nt_config *config, struct agent_config *c, struct nt_err *err)
{
    struct in6_addr ip6;
    uint32_t ip4;
    bool is_v4 = nt_ip4_parse(c->local_ip, &ip4);

    if (*c->local_ip && !is_v4 && !nt_ip6_parse(c->local_ip, &ip6)) {
        return wrong(config, "ovs.local_ip", NT_INVALID, err,
                     "it must be an IPv4 or IPv6 address of this host");
    }
    c->tunnel_types = list_of(config, "agent.tunnel_types", &c->n_tunnel_types);
    for (size_t i = 0; i < c->n_tunnel_types; i++) {
        const char *type = c->tunnel_types[i];

        if (strcmp(type, "gre") && strcmp(type, "vxlan") && strcmp(type, "geneve")) {
            return wrong(config, "agent.tunnel_types", NT_INVALID, err,
                         "'%.30s' is none of gre, vxlan and geneve", type);
        }
    }
    if (c->n_tunnel_types && !*c->local_ip) {
        return wrong(config, "ovs.local_ip", NT_INVALID, err,
                     "tunnel_types asks for tunnels; set local_ip to the address of this host "
                     "that they end at, or empty tunnel_types");
    }
    return 0;
}

static int
load_dscp(const struct nt_config *config, struct agent_config *c, struct nt_err *err)
{
    const char *text = nt_config_str(config, "agent.dscp");

    c->dscp = -1;
    c->dscp_inherit = nt_config_bool(config, "agent.dscp_inherit");
    if (*text) {
        if (strlen(text) > 2 || text[strspn(text, "0123456789")] || atoi(text) > 63) {
            return wrong(config, "agent.dscp", NT_INVALID, err, "it must be 0 to 63, or empty");
        }
        c->dscp = atoi(text);
    }
    return 0;
}

static void
load_extensions(const struct nt_config *config, struct agent_config *c)
{
    size_t n = 0;

    c->extensions = list_of(config, "agent.extensions", &c->n_extensions);
    for (size_t i = 0; i < c->n_extensions; i++) {
        char *name = c->extensions[i];

        if (!strcmp(name, "qos")) {
            c->extensions[n++] = name;
            c->has_qos = true;
        } else {
            nt_warn("extension is not offered and left out", "extension", name, "option",
                    "extensions", "where", nt_config_origin(config, "agent.extensions"), NULL);
            free(name);
        }
    }
    c->extensions[n] = NULL;
    c->n_extensions = n;
}

static int
load_cookies(const struct nt_config *config, struct agent_config *c, struct nt_err *err)
{
    size_t n;

    c->reserved_cookies = list_of(config, "agent.reserved_cookies", &n);
    for (size_t i = 0; i < n; i++) {
        char *end;

        (void) strtoull(c->reserved_cookies[i], &end, 0);
        if (*end == '/' && end[1]) {
            (void) strtoull(end + 1, &end, 0);
        }
        if (*end || !strchr("0123456789", *c->reserved_cookies[i])) {
            return wrong(config, "agent.reserved_cookies", NT_INVALID, err,
                         "'%.50s' is not of the form COOKIE or COOKIE/MASK, such as 0x12/0xff",
                         c->reserved_cookies[i]);
        }
    }
    return 0;
}

static int
load_responders(const struct nt_config *config, struct agent_config *c, struct nt_err *err)
{
    c->arp_responder = nt_config_bool(config, "agent.arp_responder") && c->l2_population;
    c->nd_responder = nt_config_bool(config, "agent.nd_responder") && c->arp_responder;
    if (c->nd_responder && strcmp(nt_config_str(config, "ovs.datapath_type"), "netdev")) {
        /* A switch with the kernel's refuses the flows. */
        return wrong(config, "agent.nd_responder", NT_INVALID, err,
                     "only the userspace datapath can do that; set it to false, or "
                     "datapath_type = netdev");
    }
    return 0;
}

static int
load_agent(const struct nt_config *config, struct agent_config *c, struct nt_err *err)
{
    static const char dvr[] = "agent.enable_distributed_routing";
    static const char smartnic[] = "agent.baremetal_smartnic";

    c->polling_interval_ms = nt_config_ms(config, "agent.polling_interval");
    c->repairs = nt_config_bool(config, "agent.repair");
    c->minimize_polling = nt_config_bool(config, "agent.minimize_polling");
    c->vxlan_udp_port = nt_config_int(config, "agent.vxlan_udp_port");
    c->dont_fragment = nt_config_bool(config, "agent.dont_fragment");
    c->tunnel_csum = nt_config_bool(config, "agent.tunnel_csum");
    c->l2_population = nt_config_bool(config, "agent.l2_population");
    c->drop_flows_on_start = nt_config_bool(config, "agent.drop_flows_on_start");
    c->explicitly_egress_direct = nt_config_bool(config, "agent.explicitly_egress_direct");
    c->report_interval_ms = nt_config_ms(config, "agent.report_interval");
    c->log_agent_heartbeats = nt_config_bool(config, "agent.log_agent_heartbeats");
    c->quitting_rpc_timeout_ms = nt_config_ms(config, "agent.quitting_rpc_timeout");
    c->tunnel_names_with_local_ip = nt_config_bool(config, "agent.tunnel_names_with_local_ip");
    if (nt_config_bool(config, dvr)) {
        return wrong(config, dvr, NT_UNSUPPORTED, err,
                     "distributed routers are not offered yet; set it to false");
    }
    if (nt_config_bool(config, smartnic)) {
        return wrong(config, smartnic, NT_UNSUPPORTED, err, "not offered; set it to false");
    }
    load_extensions(config, c);
    if (load_responders(config, c, err) < 0 || load_tunnels(config, c, err) < 0
        || load_dscp(config, c, err) < 0) {
        return -1;
    }
    return load_cookies(config, c, err);
}

/* Short names, and the classes of all releases by their last part. */
static const struct firewall_name {
    const char *name;
    enum agent_firewall firewall;
} firewall_names[] = {
    { "noop", FIREWALL_NOOP },
    { "NoopFirewallDriver", FIREWALL_NOOP },
    { "None", FIREWALL_NOOP },
    { "iptables_hybrid", FIREWALL_IPTABLES_HYBRID },
    { "OVSHybridIptablesFirewallDriver", FIREWALL_IPTABLES_HYBRID },
    { "openvswitch", FIREWALL_OPENVSWITCH },
    { "OVSFirewallDriver", FIREWALL_OPENVSWITCH },
};

static int
load_firewall(const struct nt_config *config, struct agent_config *c, struct nt_err *err)
{
    static const char option[] = "securitygroup.firewall_driver";
    const char *driver = nt_config_str(config, option);
    const char *dot = strrchr(driver, '.');
    const char *name = dot ? dot + 1 : driver;
    size_t i = 0;

    while (i < NT_ARRAY_SIZE(firewall_names) && *name && strcmp(name, firewall_names[i].name)) {
        i++;
    }
    if (i == NT_ARRAY_SIZE(firewall_names)) {
        return wrong(config, option, NT_INVALID, err,
                     "no driver of that name is known; set firewall_driver = noop");
    }
    c->firewall = *name ? firewall_names[i].firewall : FIREWALL_NOOP;
    if (c->firewall != FIREWALL_NOOP
        && !nt_config_bool(config, "securitygroup.enable_security_group")) {
        /* As with the original, nothing is filtered then. */
        nt_warn("enable_security_group is false: no port is filtered", "firewall_driver", driver,
                NULL);
        c->firewall = FIREWALL_NOOP;
    }
    if (c->firewall != FIREWALL_NOOP) {
        return wrong(config, option, NT_UNSUPPORTED, err,
                     "this firewall is not there yet, and guests would be without their filters; "
                     "set firewall_driver = noop where that is meant");
    }
    return 0;
}

static int
load_default(const struct nt_config *config, struct agent_config *c, struct nt_err *err)
{
    char host[256] = "";

    if (!*nt_config_str(config, "host") && gethostname(host, sizeof host - 1) < 0) {
        return nt_fail(err, NT_INVALID, "the machine has no host name; set option host");
    }
    c->host = *host ? xstrdup(host) : text_of(config, "host");
    c->state_path = text_of(config, "state_path");
    c->rpc_response_timeout_ms = nt_config_ms(config, "rpc_response_timeout");
    c->rpc_response_max_timeout_ms =
        MAX(c->rpc_response_timeout_ms, nt_config_ms(config, "rpc_response_max_timeout"));
    c->rpc_batch = nt_config_int(config, "rpc_resources_processing_step");
    return 0;
}

static int
load(const struct nt_config *config, bool may_ask, struct agent_config **out, struct nt_err *err)
{
    AUTO(agent_config) c = xzalloc(sizeof *c);

    if (load_default(config, c, err) < 0 || load_ovs(config, c, err) < 0
        || load_agent(config, c, err) < 0 || load_firewall(config, c, err) < 0
        || agent_placement_load(config, c, may_ask, &c->placement, err) < 0) {
        return -1;
    }
    *out = TAKE(c);
    return 0;
}

int
agent_config_load(const struct nt_config *config, struct agent_config **out, struct nt_err *err)
{
    return load(config, true, out, err);
}

int
agent_config_reread(const struct nt_config *config, struct agent_config **out, struct nt_err *err)
{
    return load(config, false, out, err);
}

void
agent_config_free(struct agent_config *c)
{
    if (!c) {
        return;
    }
    char *const texts[] = {
        c->host,          c->state_path,          c->integration_bridge,
        c->tunnel_bridge, c->int_peer_patch_port, c->tun_peer_patch_port,
        c->local_ip,      c->datapath_type,       c->vhostuser_socket_dir,
        c->ssl_key_file,  c->of_listen_address,   c->ovsdb_connection,
        c->ssl_cert_file, c->ssl_ca_cert_file,    c->ovs_run_dir,
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(texts); i++) {
        free(texts[i]);
    }
    for (size_t i = 0; i < c->n_mappings; i++) {
        free(c->mappings[i].physical_network);
        free(c->mappings[i].bridge);
    }
    free(c->mappings);
    free_list(c->tunnel_types);
    free_list(c->extensions);
    free_list(c->reserved_cookies);
    agent_placement_free(c->placement);
    free(c);
}

static bool
is_own_address(const char *ip)
{
    struct ifaddrs *all = NULL;
    bool found = false;

    if (getifaddrs(&all) < 0) {
        return false;
    }
    for (const struct ifaddrs *a = all; a && !found; a = a->ifa_next) {
        char text[NT_IP_SIZE + 20] = "";
        int family = a->ifa_addr ? a->ifa_addr->sa_family : AF_UNSPEC;
        socklen_t len =
            family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

        if ((family == AF_INET || family == AF_INET6)
            && !getnameinfo(a->ifa_addr, len, text, sizeof text, NULL, 0, NI_NUMERICHOST)) {
            found = !strcmp(text, ip);
        }
    }
    freeifaddrs(all);
    return found;
}

int
agent_config_check_host(const struct agent_config *c, struct nt_err *err)
{
    char ip[NT_IP_SIZE];
    struct in6_addr ip6;

    ovs_strlcpy(ip, c->local_ip, sizeof ip);
    if (nt_ip6_parse(ip, &ip6)) {
        nt_ip6_format(&ip6, ip);
    }
    if (c->n_tunnel_types && !is_own_address(ip)) {
        return nt_fail(err, NT_INVALID,
                       "local_ip is '%s': no interface of this host has that address; add it to "
                       "one (ip address add) or correct local_ip",
                       c->local_ip);
    }
    return 0;
}

bool
agent_config_reload(struct agent_config *c, const struct agent_config *now)
{
    bool changed = c->report_interval_ms != now->report_interval_ms
                   || c->log_agent_heartbeats != now->log_agent_heartbeats
                   || c->quitting_rpc_timeout_ms != now->quitting_rpc_timeout_ms;

    c->report_interval_ms = now->report_interval_ms;
    c->log_agent_heartbeats = now->log_agent_heartbeats;
    c->quitting_rpc_timeout_ms = now->quitting_rpc_timeout_ms;
    return changed;
}

bool
agent_config_has_tunnels(const struct agent_config *c)
{
    return c->n_tunnel_types > 0;
}

bool
agent_config_maps(const struct agent_config *c, const char *bridge)
{
    for (size_t i = 0; i < c->n_mappings; i++) {
        if (!strcmp(c->mappings[i].bridge, bridge)) {
            return true;
        }
    }
    return false;
}

bool
agent_config_owns(const struct agent_config *c, const char *bridge)
{
    return !strcmp(bridge, c->integration_bridge) || agent_config_maps(c, bridge)
           || (agent_config_has_tunnels(c) && !strcmp(bridge, c->tunnel_bridge));
}

const char *
agent_config_bridge_of(const struct agent_config *c, const char *physical_network)
{
    for (size_t i = 0; i < c->n_mappings; i++) {
        if (!strcmp(c->mappings[i].physical_network, physical_network)) {
            return c->mappings[i].bridge;
        }
    }
    return NULL;
}
