#include <config.h>

#include "agent/model/options.h"

#include <stddef.h>

#define PORT .min = 1, .max = 65535
#define IGNORED .ignored = true
#define RELOADABLE .is_reloadable = true
#define GROUP(text) .group = text
#define MORE(text) .more = text
#define OVS .section = "ovs", .is_apart = true
#define AGENT .section = "agent", .is_apart = true
#define FIREWALL .section = "securitygroup", .is_apart = true

#define INVENTORY "allocation_ratio:1.0,min_unit:1,step_size:1,reserved:0"

const struct nt_option agent_options[] = {
    /* [DEFAULT] */
    { "host", NT_OPT_STRING, "", "Name of this host; the machine's host name when empty.",
      GROUP("Section [DEFAULT]"), MORE("The same as nova-compute's, and unique.") },
    { "state_path", NT_OPT_STRING, "/var/lib/neutron", "Stands in other values as $state_path." },
    { "transport_url", NT_OPT_STRING, "rabbit://localhost/",
      "The brokers: rabbit://USER:PASSWORD@HOST:PORT,USER:PASSWORD@HOST:PORT/VHOST.",
      .is_secret = true,
      MORE("embedded:// is neutrino's own bus. The section [oslo_messaging_rabbit] is described "
           "in neutrino.conf(5).") },
    { "rpc_response_timeout", NT_OPT_SECONDS, "60", "Seconds that a call may take.", 1, 86400 },
    { "rpc_response_max_timeout", NT_OPT_SECONDS, "600",
      "Seconds that the time-out of a repeated call grows to.", 1, 86400 },
    { "rpc_resources_processing_step", NT_OPT_INT, "20",
      "Devices or objects that one message asks for or reports.", 1, 10000 },
    { "debug", NT_OPT_BOOL, "false", "Log what helps developers.", RELOADABLE },
    { "log_file", NT_OPT_STRING, "", "Append the log to this file.", .alias = "logfile",
      MORE("Relative to log_dir. Empty: standard error.") },
    { "log_dir", NT_OPT_STRING, "", "Append the log to neutrino-agent.log in this folder.",
      .alias = "logdir" },
    { "use_syslog", NT_OPT_BOOL, "false", "Log to syslog as well." },

    /* [ovs] */
    { "integration_bridge", NT_OPT_STRING, "br-int", "Bridge that guests are plugged into.", OVS,
      .alias = "ovs_integration_bridge", GROUP("Section [ovs]") },
    { "tunnel_bridge", NT_OPT_STRING, "br-tun", "Bridge that has the tunnels.", OVS },
    { "int_peer_patch_port", NT_OPT_STRING, "patch-tun",
      "Port of the integration bridge towards the tunnel bridge.", OVS },
    { "tun_peer_patch_port", NT_OPT_STRING, "patch-int",
      "Port of the tunnel bridge towards the integration bridge.", OVS },
    { "local_ip", NT_OPT_STRING, "", "Address of this host that tunnels end at.", OVS,
      MORE("IPv4 or IPv6. An interface of this host must have it.") },
    { "bridge_mappings", NT_OPT_LIST, "", "PHYSICAL_NETWORK:BRIDGE, separated by commas.", OVS,
      MORE("The bridges must be there. Each network and each bridge is named once.") },
    { "datapath_type", NT_OPT_CHOICE, "system", "Of bridges: the kernel's or the userspace's.", OVS,
      .choices = "system|netdev" },
    { "vhostuser_socket_dir", NT_OPT_STRING, "/var/run/openvswitch",
      "Folder of vhost-user sockets, for the server.", OVS },
    { "of_listen_address", NT_OPT_IP, "127.0.0.1", "Address that switches connect to.", OVS },
    { "of_listen_port", NT_OPT_INT, "6633", "Port that switches connect to.", PORT, OVS },
    { "of_connect_timeout", NT_OPT_INT, "300", "Seconds that a switch has to connect.", 1, 86400,
      OVS },
    { "of_request_timeout", NT_OPT_INT, "300", "Seconds that an OpenFlow request may take.", 1,
      86400, OVS },
    { "of_inactivity_probe", NT_OPT_INT, "10",
      "Seconds of silence after which the switch asks whether the agent lives.", 0, 86400, OVS },
    { "ovsdb_connection", NT_OPT_STRING, "tcp:127.0.0.1:6640",
      "The switch's database: tcp:ADDRESS:PORT, unix:PATH or ssl:ADDRESS:PORT.", OVS },
    { "ssl_key_file", NT_OPT_STRING, "", "Key for ssl: in ovsdb_connection.", OVS },
    { "ssl_cert_file", NT_OPT_STRING, "", "Certificate for ssl: in ovsdb_connection.", OVS },
    { "ssl_ca_cert_file", NT_OPT_STRING, "", "Authorities for ssl: in ovsdb_connection.", OVS },
    { "ovsdb_timeout", NT_OPT_INT, "10", "Seconds that a transaction may take.", 1, 86400, OVS },
    { "bridge_mac_table_size", NT_OPT_INT, "50000", "Addresses that a bridge remembers.", 10,
      1000000, OVS },
    { "igmp_snooping_enable", NT_OPT_BOOL, "false", "Multicast goes to those who asked for it.",
      OVS },
    { "resource_provider_bandwidths", NT_OPT_LIST, "",
      "BRIDGE:EGRESS:INGRESS in kbit/s, for placement.", OVS },
    { "resource_provider_hypervisors", NT_OPT_LIST, "", "BRIDGE:HYPERVISOR, for placement.", OVS },
    { "resource_provider_default_hypervisor", NT_OPT_STRING, "",
      "Hypervisor of bridges without one; empty: the machine's host name.", OVS },
    { "resource_provider_packet_processing_without_direction", NT_OPT_LIST, "",
      "HYPERVISOR:PACKETS per second, for placement.", OVS },
    { "resource_provider_packet_processing_with_direction", NT_OPT_LIST, "",
      "HYPERVISOR:EGRESS:INGRESS in packets per second, for placement.", OVS,
      MORE("Excludes the option above.") },
    { "resource_provider_inventory_defaults", NT_OPT_LIST, INVENTORY,
      "Of placement's bandwidth inventories.", OVS },
    { "resource_provider_packet_processing_inventory_defaults", NT_OPT_LIST, INVENTORY,
      "Of placement's packet inventories.", OVS },

    /* [agent] */
    { "polling_interval", NT_OPT_SECONDS, "2", "Seconds between looks at the switch.", 0, 3600,
      AGENT, GROUP("Section [agent]"), MORE("Changes of the database are acted on at once.") },
    { "minimize_polling", NT_OPT_BOOL, "true", "Act on changes alone.", AGENT },
    { "tunnel_types", NT_OPT_LIST, "", "Of gre, vxlan and geneve; empty: no tunnels.", AGENT,
      MORE("With tunnels local_ip is needed.") },
    { "vxlan_udp_port", NT_OPT_INT, "4789", "Port of VXLAN.", PORT, AGENT },
    { "dont_fragment", NT_OPT_BOOL, "true", "Tunnels' packets are not to be fragmented.", AGENT },
    { "tunnel_csum", NT_OPT_BOOL, "false", "Tunnels' packets have a checksum.", AGENT },
    { "dscp", NT_OPT_STRING, "", "DSCP of tunnels' packets, 0 to 63; empty: 0.", AGENT },
    { "dscp_inherit", NT_OPT_BOOL, "false", "It is that of the packet within.", AGENT },
    { "l2_population", NT_OPT_BOOL, "false",
      "The server tells which address is behind which tunnel.", AGENT },
    { "arp_responder", NT_OPT_BOOL, "false", "Answer ARP here; needs l2_population.", AGENT },
    { "drop_flows_on_start", NT_OPT_BOOL, "false",
      "Begin with empty bridges; traffic stops for that time.", AGENT },
    { "explicitly_egress_direct", NT_OPT_BOOL, "false",
      "Guests' frames leave by port number instead of the bridge's own learning.", AGENT },
    { "extensions", NT_OPT_LIST, "", "What the agent does beyond: qos.", AGENT,
      MORE("Others are warned about and left out.") },
    { "report_interval", NT_OPT_SECONDS, "30", "Seconds between state reports; 0: none.", 0, 3600,
      AGENT, RELOADABLE },
    { "log_agent_heartbeats", NT_OPT_BOOL, "false", "The server logs state reports.", AGENT,
      RELOADABLE },
    { "quitting_rpc_timeout", NT_OPT_SECONDS, "10",
      "Seconds that calls may take after SIGTERM; 0: as before.", 0, 3600, AGENT, RELOADABLE },
    { "enable_distributed_routing", NT_OPT_BOOL, "false", "DVR; not offered yet.", AGENT },
    { "baremetal_smartnic", NT_OPT_BOOL, "false", "Not offered.", AGENT },

    /* [securitygroup] */
    { "firewall_driver", NT_OPT_STRING, "", "noop, for now.", FIREWALL,
      GROUP("Section [securitygroup]"),
      MORE("Names and dotted class names of neutron are known: those of iptables_hybrid and "
           "openvswitch are refused, so that no guest is without the filter it was to have.") },
    { "enable_security_group", NT_OPT_BOOL, "true", "With false no driver filters.", FIREWALL },

    /* Ours. */
    { "agent_metrics_port", NT_OPT_INT, "9777", "Port of /metrics; 0: off.", 0, 65535,
      GROUP("Of neutrino alone, in [DEFAULT]") },
    { "control_socket", NT_OPT_STRING, "",
      "Socket for ovs-appctl; empty: neutrino-agent.PID.ctl in ovs_run_dir.",
      MORE("none: no socket.") },
    { "pid_file", NT_OPT_STRING, "", "Empty: neutrino-agent.pid in ovs_run_dir.",
      MORE("ovs-appctl -t neutrino-agent finds the socket by it. none: no file.") },
    { "ovs_run_dir", NT_OPT_STRING, "/var/run/openvswitch",
      "Folder of ovs-vswitchd's sockets; OVS_RUNDIR of the environment holds over the default." },
    { "of_connect", NT_OPT_CHOICE, "controller", "Who connects to whom.",
      .choices = "controller|mgmt", OVS, GROUP("Of neutrino alone, in [ovs]"),
      MORE("controller: the switch connects to of_listen_address, as with neutron. mgmt: the "
           "agent connects to each bridge's socket BRIDGE.mgmt in ovs_run_dir.") },
    { "nd_responder", NT_OPT_BOOL, "false",
      "Answer neighbour discovery here as well; needs arp_responder and datapath_type = netdev.",
      AGENT, GROUP("Of neutrino alone, in [agent]") },
    { "repair", NT_OPT_BOOL, "true",
      "Put right what others change in flows and rows; --no-repair counts it only.", AGENT,
      MORE("For who wants to try something by hand. A new connection to the switch, and what the "
           "server changes, are carried out as always.") },
    { "tunnel_names_with_local_ip", NT_OPT_BOOL, "false",
      "Names of tunnel ports tell local_ip, too.", AGENT,
      MORE("For several agents on one switch.") },
    { "reserved_cookies", NT_OPT_LIST, "", "COOKIE/MASK of flows that are never touched.", AGENT,
      MORE("For other programs that put flows into these bridges.") },

    /* Of neutron in 2014; what they said is elsewhere, or done anyway. */
    { "enable_tunneling", NT_OPT_STRING, "", "tunnel_types says it", IGNORED, OVS },
    { "tunnel_type", NT_OPT_STRING, "", "tunnel_types says it", IGNORED, OVS },
    { "tenant_network_type", NT_OPT_STRING, "", "the server's option", IGNORED, OVS },
    { "network_vlan_ranges", NT_OPT_STRING, "", "the server's option", IGNORED, OVS },
    { "tunnel_id_ranges", NT_OPT_STRING, "", "the server's option", IGNORED, OVS },
    { "use_veth_interconnection", NT_OPT_STRING, "", "bridges are connected by patch ports",
      IGNORED, OVS },
    { "of_interface", NT_OPT_STRING, "", "there is one way", IGNORED, OVS },
    { "ovsdb_interface", NT_OPT_STRING, "", "there is one way", IGNORED, OVS },
    { "veth_mtu", NT_OPT_STRING, "", "bridges are connected by patch ports", IGNORED, AGENT },
    { "ovsdb_monitor_respawn_interval", NT_OPT_STRING, "", "no monitor process is needed", IGNORED,
      AGENT },
    { 0 },
};

const char *const agent_config_paths[] = {
    "/etc/neutron/neutron.conf",
    "/etc/neutron/plugins/ml2/openvswitch_agent.ini",
    "/etc/neutron/agent.conf.d",
    "/etc/neutrino/neutrino-agent.conf",
    NULL,
};
