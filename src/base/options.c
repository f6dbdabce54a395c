#include <config.h>

#include "base/options.h"

#include "base/mem.h"

#define PORT .min = 1, .max = 65535
#define IGNORED .ignored = true
#define GROUP(text) .group = text
#define MORE(text) .more = text
#define COMMON .is_common = true
#define RABBIT .section = "oslo_messaging_rabbit", COMMON

const struct nt_option nt_options[] = {
    /* Who and where. */
    { "host", NT_OPT_STRING, "", "Name of this host; the machine's host name when empty.",
      GROUP("Who and where"),
      MORE("Host programs report under it and networks name their network host by it.") },
    { "my_ip", NT_OPT_IP, "",
      "Address of this host; the one the kernel would send from when empty." },
    { "state_path", NT_OPT_STRING, "/var/lib/nova", "Where nova's files are." },
    { "neutrino_state_path", NT_OPT_STRING, "/var/lib/neutrino", "Where neutrino's files are." },
    { "networks_path", NT_OPT_STRING, "$state_path/networks", "Files of dnsmasq." },
    { "instances_path", NT_OPT_STRING, "$state_path/instances", "One folder per instance." },
    { "lock_path", NT_OPT_STRING, "/run/neutrino", "Lock files." },
    { "bindir", NT_OPT_STRING, "/usr/bin", "Stands in other values as $bindir." },
    { "pybasedir", NT_OPT_STRING, "/var/lib/nova", "Stands in other values as $pybasedir." },

    /* Network. */
    { "network_manager", NT_OPT_CLASS, "nova.network.manager.FlatDHCPManager",
      "Only FlatDHCPManager is offered.", .choices = "FlatDHCPManager", GROUP("Network"),
      MORE("The class name of nova is accepted; VlanManager and FlatManager are refused at "
           "start.") },
    { "flat_network_bridge", NT_OPT_STRING, "br100", "Bridge of a network that names none." },
    { "flat_interface", NT_OPT_STRING, "", "Interface put into the bridge.",
      MORE("Guests of other hosts are reached through it. It is brought up and put into the "
           "bridge; addresses and routes it has move to the bridge.") },
    { "public_interface", NT_OPT_STRING, "",
      "Interface towards the outside; that of the default route when empty." },
    { "fixed_range", NT_OPT_CIDR, "",
      "Range of the first SNAT and ACCEPT rules, and of new networks.",
      MORE("When empty, the range of each network is taken for the rules, and a new network "
           "must name its own.") },
    { "num_networks", NT_OPT_INT, "1", "Networks that one network-create cuts out of its range.", 1,
      1024, MORE("Those that are there already are passed over.") },
    { "network_size", NT_OPT_INT, "256", "Addresses of each of them, at most.", 4, 1 << 24,
      MORE("Holds where the command names no size itself: for several networks, for those of "
           "fixed_range, and, once it is set, for all.") },
    { "network_device_mtu", NT_OPT_INT, "0", "mtu of new networks that name none; 0: none.", 0,
      65535, MORE("It is given to the bridge, to guests' links, and in router advertisements.") },
    { "routing_source_ip", NT_OPT_IP, "$my_ip", "Source of guests' traffic to the outside.",
      MORE("Empty: no SNAT rule.") },
    { "metadata_host", NT_OPT_IP, "$my_ip", "Where 169.254.169.254 leads to.",
      MORE("A DNAT rule on the network host sends connections to 169.254.169.254 port 80 there, "
           "source address unchanged.") },
    { "metadata_port", NT_OPT_INT, "8775", "Port of the metadata service.", PORT },
    { "dmz_cidr", NT_OPT_CIDRS, "", "Ranges that see guests' own addresses." },
    { "force_snat_range", NT_OPT_CIDRS, "",
      "Ranges that never see guests' own addresses, not even those of floating addresses." },
    { "forward_bridge_interface", NT_OPT_MULTI, "all",
      "Interfaces guests' traffic may be forwarded to: all, none, or names." },
    { "snat_out_interface", NT_OPT_BOOL, "true",
      "Limit the SNAT rule to public_interface when that is set.",
      MORE("false is the rule of 2012: no interface is named.") },
    { "dhcp_domain", NT_OPT_STRING, "novalocal", "Domain of guests." },
    { "dhcp_lease_time", NT_OPT_INT, "86400", "Seconds.", 120, 31536000,
      MORE("A guest renews after half of it. nova of 2012 used 120.") },
    { "dhcpbridge", NT_OPT_STRING, "/usr/bin/nova-dhcpbridge", "Lease script of dnsmasq." },
    { "dhcpbridge_flagfile", NT_OPT_STRING, "/etc/nova/nova.conf",
      "FLAGFILE in the lease script's environment." },
    { "dnsmasq_hostsdir", NT_OPT_BOOL, "false",
      "Give dnsmasq one file per guest, which it notices by itself.",
      MORE("A new guest then costs no SIGHUP, after which dnsmasq calls its script for every "
           "lease it has. nova-BRIDGE.conf stays as the complete list.") },
    { "dnsmasq_config_file", NT_OPT_STRING, "", "--conf-file of dnsmasq." },
    { "dns_server", NT_OPT_MULTI, "", "Servers dnsmasq forwards to, instead of resolv.conf." },
    { "use_network_dns_servers", NT_OPT_BOOL, "false",
      "dnsmasq forwards to dns1 and dns2 of the network." },
    { "use_single_default_gateway", NT_OPT_BOOL, "false",
      "A guest of several networks gets its default route from its first only." },
    { "force_dhcp_release", NT_OPT_BOOL, "true", "Release a deleted instance's lease.",
      MORE("neutrino-flat sends the DHCPRELEASE itself.") },
    { "fixed_ip_disassociate_timeout", NT_OPT_INT, "600",
      "Seconds until an address whose lease was never released is free.", 1, 86400 },
    { "periodic_interval", NT_OPT_INT, "60", "Seconds between clean-ups.", 1, 86400 },
    { "create_unique_mac_address_attempts", NT_OPT_INT, "5", "Tries for a free MAC.", 1, 1000 },
    { "flat_network_dns", NT_OPT_IP, "8.8.4.4", "dns1 of a new network.",
      MORE("Served to guests only with use_network_dns_servers.") },
    { "send_arp_for_ha", NT_OPT_BOOL, "false",
      "Announce a floating or gateway address by ARP when it comes up." },
    { "send_arp_for_ha_count", NT_OPT_INT, "3", "How often.", 1, 100 },
    { "auto_assign_floating_ip", NT_OPT_BOOL, "false",
      "Each new instance gets a floating address." },
    { "multi_host", NT_OPT_BOOL, "false",
      "New networks are served on every host that runs neutrino-flat, each for its own guests.",
      MORE("Each such host takes an address of the network, which is gateway and DHCP server of "
           "its guests; no host is needed by the guests of another.") },
    { "share_dhcp_address", NT_OPT_BOOL, "false",
      "With multi_host: all hosts carry the network's one gateway address.",
      MORE("Hosts then never see each other's ARP for it, nor guests another host's DHCP.") },
    { "default_floating_pool", NT_OPT_STRING, "nova", "Pool of a request that names none." },
    { "use_ipv6", NT_OPT_BOOL, "false", "Networks with an IPv6 range are served, with rules." },
    { "fixed_range_v6", NT_OPT_CIDR6, "fd00::/48", "IPv6 range of new networks." },
    { "ipv6_backend", NT_OPT_CHOICE, "rfc2462",
      "How guests of new networks get their IPv6 addresses.",
      .choices = "rfc2462|account_identifier",
      MORE("rfc2462: of the MAC, by themselves. account_identifier: of the project and the MAC; "
           "guests read it from the metadata service (network_data.json) and make none of "
           "their own.") },
    { "iptables_variant", NT_OPT_CHOICE, "auto", "auto, nft or legacy.",
      .choices = "auto|nft|legacy",
      MORE("auto takes the iptables-save of PATH. Never mix both on one machine.") },
    { "iptables_top_regex", NT_OPT_STRING, "", "Rules of others that stay above ours.",
      MORE("An extended regular expression, matched from the start of \"-A CHAIN RULE\"; all "
           "before the last match stay above with it.") },
    { "iptables_bottom_regex", NT_OPT_STRING, "", "Rules of others that stay below ours.",
      MORE("The same for rules that must not get above ours because of iptables_top_regex; all "
           "behind the first match stay below with it.") },
    { "iptables_drop_action", NT_OPT_STRING, "DROP", "Target of what we refuse." },
    { "compat", NT_OPT_CHOICE, "latest", "essex: exactly what the 2012 release put into place.",
      .choices = "latest|essex",
      MORE("With essex the rules carry no comments, dnsmasq gets the argument list of 2012 and "
           "nothing is added to either.") },

    /* Compute. */
    { "compute_driver", NT_OPT_STRING, "netns", "What runs guests.", GROUP("Compute"),
      MORE("netns: each guest is a network namespace running the init script of its image; "
           "qemu: each guest is a virtual machine; "
           "libvirt: the same, run by libvirtd; "
           "null: guests are only recorded, for tests of capacity.") },
    { "libvirt_type", NT_OPT_CHOICE, "auto", "How virtual machines run: auto, kvm or qemu.",
      .choices = "auto|kvm|qemu",
      MORE("auto takes KVM where a short boot with it ends, and emulation elsewhere; the answer "
           "is kept until the machine is started anew. qemu is emulation.") },
    { "qemu_binary", NT_OPT_STRING, "qemu-system-x86_64", "The emulator of compute_driver qemu." },
    { "libvirt_uri", NT_OPT_STRING, "qemu:///system", "Where compute_driver libvirt connects." },
    { "qemu_run_as", NT_OPT_STRING, "",
      "User that virtual machines become once their devices are open; empty: none." },
    { "force_config_drive", NT_OPT_BOOL, "false",
      "Every virtual machine of this host gets a config drive, asked for or not." },
    { "shutdown_timeout", NT_OPT_INT, "60", "Seconds a guest that is stopped has to end by itself.",
      .min = 0, .max = 86400 },
    { "libvirt_wait_soft_reboot_seconds", NT_OPT_INT, "120",
      "Seconds a guest that is rebooted has to end by itself.", .min = 0, .max = 86400,
      MORE("Then it is ended, as with a hard reboot.") },
    { "netns_prefix", NT_OPT_STRING, "vm-", "First part of guests' namespace names." },
    { "allow_same_net_traffic", NT_OPT_BOOL, "true", "Guests of a network reach each other.",
      MORE("With false only what a security group allows gets from one guest to another.") },
    { "firewall_driver", NT_OPT_CLASS, "nova.virt.firewall.IptablesFirewallDriver",
      "Only iptables is offered.", .choices = "IptablesFirewallDriver" },
    { "anti_spoofing", NT_OPT_BOOL, "true",
      "Drop what a guest sends from a MAC or address that is not its own." },
    { "guest_connections", NT_OPT_INT, "10000",
      "Connections a guest may have opened at a time; 0: any number.", 0, 1 << 24,
      MORE("Packets that would open more are dropped and counted, so that one guest cannot "
           "fill the host's table of connections. Not with compat=essex.") },
    { "security_group_ipset", NT_OPT_BOOL, "true",
      "Keep the members of a source group in one ipset instead of one rule each." },
    { "instance_name_template", NT_OPT_CHOICE, "instance-%08x", "Name of an instance's folder.",
      .choices = "instance-%08x" },

    /* Server. */
    { "sql_connection", NT_OPT_STRING, "sqlite:///$neutrino_state_path/neutrino.sqlite",
      "The database.", GROUP("Server"),
      MORE("sqlite:///PATH relative, sqlite:////PATH absolute. Used by neutrino-server only.") },
    { "osapi_compute_listen", NT_OPT_IP, "0.0.0.0", "Address of the REST door." },
    { "osapi_compute_listen_port", NT_OPT_INT, "8774", "Port of the REST door.", PORT },
    { "metadata_server", NT_OPT_STRING, "",
      "Where neutrino-flat fetches its guests' metadata: http://ADDRESS:8775.",
      MORE("Empty: guests ask the server itself, at metadata_host. Otherwise this host answers "
           "its guests at its own metadata_host and metadata_port, from what it was told before "
           "while the server is away. The server needs this host among its metadata_proxies, "
           "service_metadata_proxy, and the same metadata_proxy_shared_secret.") },
    { "metadata_listen", NT_OPT_IP, "0.0.0.0", "Address of the metadata door." },
    { "metadata_listen_port", NT_OPT_INT, "8775", "Port of the metadata door.", PORT },
    { "metadata_cache_expiration", NT_OPT_INT, "0",
      "Seconds for which the metadata service keeps what it read of an instance.", 0, 86400,
      MORE("Any change in the database ends it earlier.") },
    { "use_forwarded_for", NT_OPT_BOOL, "false",
      "Believe X-Forwarded-For of the metadata service's known proxies." },
    { "service_metadata_proxy", NT_OPT_BOOL, "false",
      "Proxies say by signed headers which instance asks for metadata." },
    { "metadata_proxies", NT_OPT_LIST, "",
      "Addresses whose X-Forwarded-For and X-Instance-ID headers are believed." },
    { "metadata_proxy_shared_secret", NT_OPT_STRING, "", "Key of the proxies' signatures.",
      .is_secret = true },
    { "api_credentials_file", NT_OPT_STRING, "/etc/neutrino/credentials",
      "Lines USER PASSWORD PROJECT ROLE.",
      MORE("ROLE is admin or member. Must not be readable by others.") },
    { "image_directory", NT_OPT_STRING, "/usr/share/neutrino/images", "Images registered at start.",
      MORE("Each NAME.image holds a section [image] with name, id, disk_format, container_format "
           "and location.") },
    { "quota_instances", NT_OPT_INT, "10", "Instances per project; -1: no limit.", -1, 1 << 30 },
    { "quota_cores", NT_OPT_INT, "20", "VCPUs per project; -1: no limit.", -1, 1 << 30 },
    { "quota_ram", NT_OPT_INT, "51200", "MB of memory per project; -1: no limit.", -1, 1 << 30 },
    { "quota_floating_ips", NT_OPT_INT, "10", "Floating addresses per project; -1: no limit.", -1,
      1 << 30 },
    { "quota_fixed_ips", NT_OPT_INT, "-1", "Fixed addresses per project; -1: no limit.", -1,
      1 << 30 },
    { "quota_key_pairs", NT_OPT_INT, "100", "Key pairs per user; -1: no limit.", -1, 1 << 30 },
    { "quota_security_groups", NT_OPT_INT, "10", "Security groups per project; -1: no limit.", -1,
      1 << 30 },
    { "quota_security_group_rules", NT_OPT_INT, "20", "Rules per security group; -1: no limit.", -1,
      1 << 30 },
    { "first_instance_number", NT_OPT_INT, "1", "Number of the first instance.", 1, 1 << 30 },
    { "random_source", NT_OPT_STRING, "", "File of lines PURPOSE HEX drawn from first.",
      MORE("For tests: PURPOSE is uuid, mac, reservation, password or token. Empty: the "
           "kernel."),
      COMMON },

    /* Bus. */
    { "bus_unix", NT_OPT_STRING, "/run/neutrino/bus.sock", "Socket for programs of this host.",
      GROUP("Bus"), COMMON },
    { "bus_listen", NT_OPT_STRING, "", "ADDRESS:PORT for programs of other hosts.",
      MORE("Needed as soon as one host program runs on another machine, for example "
           "192.168.56.200:8770.") },
    { "bus_endpoint", NT_OPT_STRING, "unix:$bus_unix",
      "How a host program reaches the server: unix:PATH or tcp:ADDRESS:PORT.", COMMON },
    { "bus_key_file", NT_OPT_STRING, "/etc/neutrino/bus.key",
      "Key that peers of other hosts prove themselves by.",
      MORE("64 hexadecimal digits, the same on every host, mode 0640."), COMMON },
    { "report_interval", NT_OPT_INT, "10", "Seconds between state reports.", 1, 3600 },
    { "service_down_time", NT_OPT_INT, "75",
      "Seconds after which a host that does not report is down.", 1, 86400,
      MORE("Nothing is placed there any more, and its servers can be deleted: their guests are "
           "ended when it returns. Several times report_interval.") },

    /* RabbitMQ. */
    { "transport_url", NT_OPT_STRING, "",
      "What carries messages between programs: rabbit://..., or empty for the embedded bus.",
      .is_secret = true, GROUP("RabbitMQ"),
      MORE("rabbit://USER:PASSWORD@HOST:PORT,USER:PASSWORD@HOST:PORT/VHOST, percent-encoded, the "
           "same as oslo.messaging's; embedded:// is the embedded bus. All programs of a "
           "deployment use the same. Of the options below all but control_exchange may stand in "
           "[oslo_messaging_rabbit] as well as in [DEFAULT]."),
      COMMON },
    { "control_exchange", NT_OPT_STRING, "neutron", "Exchange that topics are bound to.",
      MORE("With another one than the other programs' messages reach nobody."), COMMON },
    { "ssl", NT_OPT_BOOL, "false", "TLS to the broker.", RABBIT },
    { "ssl_verify", NT_OPT_BOOL, "true",
      "The broker's certificate must be valid and name the host of transport_url.", RABBIT,
      MORE("oslo.messaging has no such option: it believes any certificate unless ssl_ca_file is "
           "set.") },
    { "ssl_ca_file", NT_OPT_STRING, "", "Certificates of authorities; empty: the system's.",
      RABBIT },
    { "ssl_cert_file", NT_OPT_STRING, "", "Our own certificate, when the broker asks for one.",
      RABBIT },
    { "ssl_key_file", NT_OPT_STRING, "", "Its key.", RABBIT },
    { "rabbit_login_method", NT_OPT_CHOICE, "AMQPLAIN", "How programs log in.",
      .choices = "AMQPLAIN|PLAIN|EXTERNAL", RABBIT },
    { "heartbeat_timeout_threshold", NT_OPT_INT, "60",
      "Seconds of silence after which the broker counts as gone; 0: never.", 0, 65535, RABBIT },
    { "rabbit_retry_interval", NT_OPT_INT, "1",
      "Seconds of the pause after no host of transport_url could be used.", 1, 3600, RABBIT },
    { "rabbit_retry_backoff", NT_OPT_INT, "2", "Seconds by which that pause grows.", 0, 3600,
      RABBIT },
    { "rabbit_interval_max", NT_OPT_INT, "30", "Seconds that it grows to.", 1, 3600, RABBIT },
    { "kombu_missing_consumer_retry_timeout", NT_OPT_INT, "60",
      "Seconds for which an answer is tried again when its queue is gone.", 0, 3600, RABBIT },
    { "rabbit_transient_queues_ttl", NT_OPT_INT, "1800",
      "Seconds after which unused queues of answers and fan-outs vanish.", 1, 2000000, RABBIT },
    { "rabbit_qos_prefetch_count", NT_OPT_INT, "0",
      "Messages that the broker sends ahead; 0: any number.", 0, 65535, RABBIT },
    { "amqp_durable_queues", NT_OPT_BOOL, "false", "Queues of topics survive the broker's restart.",
      RABBIT, MORE("All programs must agree, or the broker refuses one of them.") },
    { "amqp_auto_delete", NT_OPT_BOOL, "false", "Queues of topics vanish with their last reader.",
      RABBIT, MORE("All programs must agree.") },
    { "rabbit_ha_queues", NT_OPT_BOOL, "false", "Ask for mirrored queues.", RABBIT },
    { "rabbit_quorum_queue", NT_OPT_BOOL, "false", "Queues of topics are quorum queues.", RABBIT,
      MORE("All programs must agree. Excludes rabbit_ha_queues.") },
    { "rabbit_quorum_delivery_limit", NT_OPT_INT, "0", "Of a quorum queue; 0: none.", 0, 1 << 30,
      RABBIT },
    { "rabbit_quroum_max_memory_length", NT_OPT_INT, "0",
      "Messages of a quorum queue kept in memory; 0: any number.", 0, 1 << 30, RABBIT },
    { "rabbit_quroum_max_memory_bytes", NT_OPT_INT, "0",
      "Bytes of a quorum queue kept in memory; 0: any number.", 0, 1 << 30, RABBIT },
    { "direct_mandatory_flag", NT_OPT_BOOL, "true",
      "The broker tells when an answer's queue is gone.", RABBIT },

    /* Metrics. */
    { "metrics_listen", NT_OPT_IP, "127.0.0.1", "Address where each program serves /metrics.",
      GROUP("Metrics"), MORE("In Prometheus' text format, to whoever asks: keep it to this host."),
      COMMON },
    { "server_metrics_port", NT_OPT_INT, "9774", "Port of neutrino-server's /metrics; 0: off.", 0,
      65535 },
    { "flat_metrics_port", NT_OPT_INT, "9775", "Port of neutrino-flat's /metrics; 0: off.", 0,
      65535 },
    { "compute_metrics_port", NT_OPT_INT, "9776", "Port of neutrino-compute's /metrics; 0: off.", 0,
      65535 },

    /* Known to nova, without effect here. */
    { "flat_injected", NT_OPT_BOOL, "false", "", IGNORED },
    { "vpn_ip", NT_OPT_STRING, "", "", IGNORED },
    { "vpn_start", NT_OPT_STRING, "", "", IGNORED },
    { "vpn_image_id", NT_OPT_STRING, "", "", IGNORED },
    { "vlan_start", NT_OPT_STRING, "", "", IGNORED },
    { "vlan_interface", NT_OPT_STRING, "", "", IGNORED },
    { "cnt_vpn_clients", NT_OPT_STRING, "", "", IGNORED },
    { "num_vpn_clients", NT_OPT_STRING, "", "", IGNORED },
    { "enabled_apis", NT_OPT_LIST, "", "", IGNORED },
    { "rabbit_host", NT_OPT_STRING, "", "", IGNORED },
    { "rabbit_port", NT_OPT_STRING, "", "", IGNORED },
    { "rabbit_userid", NT_OPT_STRING, "", "", IGNORED },
    { "rabbit_password", NT_OPT_STRING, "", "", IGNORED, .is_secret = true },
    { "kombu_reconnect_delay", NT_OPT_STRING, "", "", IGNORED, RABBIT },
    { "kombu_failover_strategy", NT_OPT_STRING, "", "", IGNORED, RABBIT },
    { "kombu_compression", NT_OPT_STRING, "", "", IGNORED, RABBIT },
    { "heartbeat_rate", NT_OPT_STRING, "", "", IGNORED, RABBIT },
    { "heartbeat_in_pthread", NT_OPT_STRING, "", "", IGNORED, RABBIT },
    { "enable_cancel_on_failover", NT_OPT_STRING, "", "", IGNORED, RABBIT },
    { "ssl_version", NT_OPT_STRING, "", "", IGNORED, RABBIT },
    { "rpc_conn_pool_size", NT_OPT_STRING, "", "", IGNORED },
    { "conn_pool_min_size", NT_OPT_STRING, "", "", IGNORED },
    { "conn_pool_ttl", NT_OPT_STRING, "", "", IGNORED },
    { "glance_api_servers", NT_OPT_LIST, "", "", IGNORED },
    { "image_service", NT_OPT_STRING, "", "", IGNORED },
    { "auth_strategy", NT_OPT_STRING, "", "", IGNORED },
    { "api_paste_config", NT_OPT_STRING, "", "", IGNORED },
    { "logdir", NT_OPT_STRING, "", "", IGNORED },
    { "verbose", NT_OPT_BOOL, "false", "", IGNORED },
    { "debug", NT_OPT_BOOL, "false", "", IGNORED },
    { 0 },
};

struct nt_option *
nt_options_join(const struct nt_option *own)
{
    struct nt_option *joined = NULL;
    size_t n = 0, n_own = 0;

    while (own[n_own].name) {
        n_own++;
    }
    joined = xcalloc(n_own + NT_ARRAY_SIZE(nt_options), sizeof *joined);
    for (; n < n_own; n++) {
        joined[n] = own[n];
    }
    for (const struct nt_option *o = nt_options; o->name; o++) {
        AUTO_FREE char *name = xasprintf("%s.%s", o->section ? o->section : "DEFAULT", o->name);

        if (o->is_common && !nt_option_find(own, name)) {
            joined[n++] = *o;
        }
    }
    return joined;
}
