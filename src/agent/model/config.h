/* What the operator configured, checked: the options of neutron-openvswitch-agent by their
 * own names, sections and files, and a few of ours. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/config.h"
#include "base/err.h"

struct json;

struct agent_mapping {
    char *physical_network;
    char *bridge;
};

/* resource_provider_*, as the report has them: owned objects; NULL: none. */
struct nt_config_placement {
    struct json *bandwidths, *inventory_defaults, *hypervisors;
    struct json *packet_processing_without_direction, *packet_processing_with_direction;
    struct json *packet_processing_inventory_defaults;
};

enum agent_firewall { FIREWALL_NOOP, FIREWALL_IPTABLES_HYBRID, FIREWALL_OPENVSWITCH };

/* Strings are owned; "" is not set. */
struct agent_config {
    char *host;
    char *state_path;

    /* [ovs] */
    char *integration_bridge, *tunnel_bridge;
    char *int_peer_patch_port, *tun_peer_patch_port;
    char *local_ip;
    struct agent_mapping *mappings;
    size_t n_mappings;
    char *datapath_type;
    char *vhostuser_socket_dir;
    bool use_mgmt_sockets; /* Ours: of_connect = mgmt. */
    char *of_listen_address;
    int of_listen_port;
    int of_connect_timeout_s, of_request_timeout_s, of_inactivity_probe_s;
    char *ovsdb_connection, *ssl_key_file, *ssl_cert_file, *ssl_ca_cert_file;
    int ovsdb_timeout_s;
    char *ovs_run_dir; /* Ours: of ovs-vswitchd; its db.sock and management sockets. */
    int bridge_mac_table_size;
    bool igmp_snooping;
    struct nt_config_placement *placement; /* NULL: nothing is set. */

    /* [agent] */
    int64_t polling_interval_ms;
    bool minimize_polling;
    char **tunnel_types; /* NULL-terminated, as the other lists. */
    size_t n_tunnel_types;
    int vxlan_udp_port;
    bool dont_fragment, tunnel_csum;
    int dscp; /* -1: not set. */
    bool dscp_inherit;
    bool l2_population;
    bool arp_responder; /* Only with l2_population. */
    bool nd_responder;  /* Ours; only with the one before. */
    bool drop_flows_on_start, explicitly_egress_direct;
    char **extensions; /* Those that are offered. */
    size_t n_extensions;
    bool has_qos; /* Among the extensions. */
    int64_t report_interval_ms;
    bool log_agent_heartbeats;
    int64_t quitting_rpc_timeout_ms;
    bool repairs;                    /* Ours: what others changed is put right. */
    bool tunnel_names_with_local_ip; /* Ours: several agents on one switch. */
    char **reserved_cookies;         /* Ours: cookies of others, "0x12/0xff". */

    /* [securitygroup] */
    enum agent_firewall firewall;

    /* [DEFAULT] */
    int64_t rpc_response_timeout_ms, rpc_response_max_timeout_ms;
    int rpc_batch; /* rpc_resources_processing_step */
};

/* Reads and checks; the first error names option, value and remedy.  Fails with NT_INVALID,
 * and NT_UNSUPPORTED for a firewall or another thing that is not there yet. */
NT_NODISCARD int agent_config_load(const struct nt_config *, struct agent_config **,
                                   struct nt_err *);

/* The same for SIGHUP, within the loop: the resolver is not asked, since it may not answer for
 * seconds and what it is asked for (the hypervisor's name) is not taken over before a restart. */
NT_NODISCARD int agent_config_reread(const struct nt_config *, struct agent_config **,
                                     struct nt_err *);
void agent_config_free(struct agent_config *);
NT_AUTO(agent_config)

/* What the host must have for it: local_ip on an interface.  Fails with NT_INVALID. */
NT_NODISCARD int agent_config_check_host(const struct agent_config *, struct nt_err *);

/* Takes over what may change while the program runs; true when anything did. */
bool agent_config_reload(struct agent_config *, const struct agent_config *now);

bool agent_config_has_tunnels(const struct agent_config *);

/* Whether the bridge is that of a physical network; or any that the agent works on. */
bool agent_config_maps(const struct agent_config *, const char *bridge);
bool agent_config_owns(const struct agent_config *, const char *bridge);

/* The bridge of a physical network; NULL: not mapped. */
const char *agent_config_bridge_of(const struct agent_config *, const char *physical_network);
