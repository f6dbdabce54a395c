#include <config.h>

#include "base/options.h"

#define PORT .min = 1, .max = 65535
#define IGNORED .ignored = true

const struct nt_option nt_options[] = {
    /* Who and where. */
    { "host", NT_OPT_STRING, "", "Name of this host; the machine's host name when empty." },
    { "my_ip", NT_OPT_STRING, "",
      "Address of this host; the one the kernel would send from when empty." },
    { "state_path", NT_OPT_STRING, "/var/lib/nova", "Where nova's files are." },
    { "neutrino_state_path", NT_OPT_STRING, "/var/lib/neutrino", "Where neutrino's files are." },
    { "networks_path", NT_OPT_STRING, "$state_path/networks", "Files of dnsmasq." },
    { "instances_path", NT_OPT_STRING, "$state_path/instances", "One folder per instance." },
    { "lock_path", NT_OPT_STRING, "/run/neutrino", "Lock files." },

    /* Network. */
    { "network_manager", NT_OPT_STRING, "nova.network.manager.FlatDHCPManager",
      "Only FlatDHCPManager is offered." },
    { "flat_network_bridge", NT_OPT_STRING, "br100", "Bridge of a network that names none." },
    { "flat_interface", NT_OPT_STRING, "", "Interface put into the bridge." },
    { "public_interface", NT_OPT_STRING, "",
      "Interface towards the outside; that of the default route when empty." },
    { "fixed_range", NT_OPT_STRING, "", "Range of the first SNAT and ACCEPT rules." },
    { "network_size", NT_OPT_INT, "256", "Addresses per network.", 8, 1 << 24 },
    { "num_networks", NT_OPT_INT, "1", "Networks a range is cut into.", 1, 4096 },
    { "routing_source_ip", NT_OPT_STRING, "$my_ip", "Source of guests' traffic to the outside." },
    { "metadata_host", NT_OPT_STRING, "$my_ip", "Where 169.254.169.254 leads to." },
    { "metadata_port", NT_OPT_INT, "8775", "Port of the metadata service.", PORT },
    { "dmz_cidr", NT_OPT_LIST, "", "Ranges that see guests' own addresses." },
    { "snat_out_interface", NT_OPT_BOOL, "true",
      "Limit the SNAT rule to public_interface when that is set." },
    { "dhcp_domain", NT_OPT_STRING, "novalocal", "Domain of guests." },
    { "dhcp_lease_time", NT_OPT_INT, "86400", "Seconds.", 120, 31536000 },
    { "dhcpbridge", NT_OPT_STRING, "/usr/bin/nova-dhcpbridge", "Lease script of dnsmasq." },
    { "dhcpbridge_flagfile", NT_OPT_STRING, "/etc/nova/nova.conf",
      "FLAGFILE in the lease script's environment." },
    { "dnsmasq_config_file", NT_OPT_STRING, "", "--conf-file of dnsmasq." },
    { "dns_server", NT_OPT_MULTI, "", "Servers dnsmasq forwards to, instead of resolv.conf." },
    { "force_dhcp_release", NT_OPT_BOOL, "true", "Release a deleted instance's lease." },
    { "fixed_ip_disassociate_timeout", NT_OPT_INT, "600",
      "Seconds until an address whose lease was never released is free.", 1, 86400 },
    { "periodic_interval", NT_OPT_INT, "60", "Seconds between clean-ups.", 1, 86400 },
    { "create_unique_mac_address_attempts", NT_OPT_INT, "5", "Tries for a free MAC.", 1, 1000 },
    { "flat_network_dns", NT_OPT_STRING, "8.8.4.4", "dns1 of a new network." },
    { "iptables_variant", NT_OPT_STRING, "auto", "auto, nft or legacy." },
    { "compat", NT_OPT_STRING, "latest", "essex: exactly what the 2012 release put into place." },

    /* Compute. */
    { "compute_driver", NT_OPT_STRING, "netns", "What runs guests." },
    { "netns_prefix", NT_OPT_STRING, "vm-", "First part of guests' namespace names." },
    { "allow_same_net_traffic", NT_OPT_BOOL, "true", "Guests of a network reach each other." },
    { "firewall_driver", NT_OPT_STRING, "nova.virt.firewall.IptablesFirewallDriver",
      "Only iptables is offered." },
    { "anti_spoofing", NT_OPT_BOOL, "true",
      "Drop what a guest sends from a MAC or address that is not its own." },
    { "instance_name_template", NT_OPT_STRING, "instance-%08x", "Name of an instance's folder." },

    /* Server. */
    { "sql_connection", NT_OPT_STRING, "sqlite:///$neutrino_state_path/neutrino.sqlite",
      "The database." },
    { "osapi_compute_listen", NT_OPT_STRING, "0.0.0.0", "Address of the REST door." },
    { "osapi_compute_listen_port", NT_OPT_INT, "8774", "Port of the REST door.", PORT },
    { "metadata_listen", NT_OPT_STRING, "0.0.0.0", "Address of the metadata door." },
    { "metadata_listen_port", NT_OPT_INT, "8775", "Port of the metadata door.", PORT },
    { "api_credentials_file", NT_OPT_STRING, "/etc/neutrino/credentials",
      "Lines USER PASSWORD PROJECT ROLE." },
    { "image_directory", NT_OPT_STRING, "/usr/share/neutrino/images",
      "Images registered at start." },
    { "first_instance_number", NT_OPT_INT, "1", "Number of the first instance.", 1, 1 << 30 },
    { "random_source", NT_OPT_STRING, "", "File of lines PURPOSE HEX drawn from first." },

    /* Bus. */
    { "bus_unix", NT_OPT_STRING, "/run/neutrino/bus.sock", "Socket for programs of this host." },
    { "bus_listen", NT_OPT_STRING, "", "ADDRESS:PORT for programs of other hosts." },
    { "bus_endpoint", NT_OPT_STRING, "unix:$bus_unix",
      "How a host program reaches the server: unix:PATH or tcp:ADDRESS:PORT." },
    { "bus_key_file", NT_OPT_STRING, "/etc/neutrino/bus.key",
      "Key that peers of other hosts prove themselves by." },
    { "report_interval", NT_OPT_INT, "10", "Seconds between state reports.", 1, 3600 },

    /* Known to nova, without effect here. */
    { "flat_injected", NT_OPT_BOOL, "false", "", IGNORED },
    { "vpn_ip", NT_OPT_STRING, "", "", IGNORED },
    { "vpn_start", NT_OPT_STRING, "", "", IGNORED },
    { "vlan_start", NT_OPT_STRING, "", "", IGNORED },
    { "vlan_interface", NT_OPT_STRING, "", "", IGNORED },
    { "cnt_vpn_clients", NT_OPT_STRING, "", "", IGNORED },
    { "verbose", NT_OPT_BOOL, "false", "", IGNORED },
    { "debug", NT_OPT_BOOL, "false", "", IGNORED },
    { 0 },
};
