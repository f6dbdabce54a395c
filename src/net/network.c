#include <config.h>

#include "net/network.h"

#define DB_RPC (NT_IN_DB | NT_IN_RPC)

const struct nt_field nt_network_fields[] = {
    { "id", NT_F_UUID, NT_AT(struct nt_network, id), DB_RPC | NT_REQUIRED },
    { "number", NT_F_INT, NT_AT(struct nt_network, number), DB_RPC },
    { "name", NT_F_STR, NT_AT(struct nt_network, name), DB_RPC },
    { "project_id", NT_F_STR, NT_AT(struct nt_network, project_id), DB_RPC },
    { "network_type", NT_F_STR, NT_AT(struct nt_network, network_type), DB_RPC },
    { "physical_network", NT_F_STR, NT_AT(struct nt_network, physical_network), DB_RPC },
    { "segmentation_id", NT_F_INT, NT_AT(struct nt_network, segmentation_id), DB_RPC },
    { "bridge", NT_F_STR, NT_AT(struct nt_network, bridge), DB_RPC },
    { "bridge_interface", NT_F_STR, NT_AT(struct nt_network, bridge_interface), DB_RPC },
    { "admin_state_up", NT_F_BOOL, NT_AT(struct nt_network, admin_state_up), DB_RPC },
    { "multi_host", NT_F_BOOL, NT_AT(struct nt_network, multi_host), DB_RPC },
    { "host", NT_F_STR, NT_AT(struct nt_network, host), DB_RPC },
    { "mtu", NT_F_INT, NT_AT(struct nt_network, mtu), DB_RPC },
    { "created_at", NT_F_TIME, NT_AT(struct nt_network, created_at), DB_RPC },
    { "updated_at", NT_F_TIME, NT_AT(struct nt_network, updated_at), DB_RPC },
    { "revision", NT_F_INT, NT_AT(struct nt_network, revision), DB_RPC },
    { 0 },
};

const struct nt_field nt_subnet_fields[] = {
    { "id", NT_F_UUID, NT_AT(struct nt_subnet, id), DB_RPC | NT_REQUIRED },
    { "network_id", NT_F_UUID, NT_AT(struct nt_subnet, network_id), DB_RPC | NT_REQUIRED },
    { "cidr", NT_F_CIDR, NT_AT(struct nt_subnet, cidr), DB_RPC | NT_REQUIRED },
    { "gateway_ip", NT_F_IP4, NT_AT(struct nt_subnet, gateway_ip), DB_RPC },
    { "dhcp_server", NT_F_IP4, NT_AT(struct nt_subnet, dhcp_server), DB_RPC },
    { "dhcp_start", NT_F_IP4, NT_AT(struct nt_subnet, dhcp_start), DB_RPC },
    { "dns1", NT_F_IP4, NT_AT(struct nt_subnet, dns1), DB_RPC },
    { "dns2", NT_F_IP4, NT_AT(struct nt_subnet, dns2), DB_RPC },
    { "cidr_v6", NT_F_STR, NT_AT(struct nt_subnet, cidr_v6), DB_RPC },
    { "gateway_v6", NT_F_STR, NT_AT(struct nt_subnet, gateway_v6), DB_RPC },
    { "ipv6_backend", NT_F_STR, NT_AT(struct nt_subnet, ipv6_backend), DB_RPC },
    { "enable_dhcp", NT_F_BOOL, NT_AT(struct nt_subnet, enable_dhcp), DB_RPC },
    { "created_at", NT_F_TIME, NT_AT(struct nt_subnet, created_at), DB_RPC },
    { "updated_at", NT_F_TIME, NT_AT(struct nt_subnet, updated_at), DB_RPC },
    { "revision", NT_F_INT, NT_AT(struct nt_subnet, revision), DB_RPC },
    { 0 },
};

const struct nt_field nt_fixed_ip_fields[] = {
    { "ip", NT_F_INT, NT_AT(struct nt_fixed_ip, ip), NT_IN_DB },
    { "address", NT_F_IP4, NT_AT(struct nt_fixed_ip, address), DB_RPC | NT_REQUIRED },
    { "subnet_id", NT_F_UUID, NT_AT(struct nt_fixed_ip, subnet_id), DB_RPC },
    { "network_id", NT_F_UUID, NT_AT(struct nt_fixed_ip, network_id), DB_RPC },
    { "port_id", NT_F_UUID, NT_AT(struct nt_fixed_ip, port_id), DB_RPC },
    { "instance_id", NT_F_UUID, NT_AT(struct nt_fixed_ip, instance_id), DB_RPC },
    { "host", NT_F_STR, NT_AT(struct nt_fixed_ip, host), DB_RPC },
    { "reserved", NT_F_BOOL, NT_AT(struct nt_fixed_ip, reserved), DB_RPC },
    { "allocated", NT_F_BOOL, NT_AT(struct nt_fixed_ip, allocated), DB_RPC },
    { "leased", NT_F_BOOL, NT_AT(struct nt_fixed_ip, leased), DB_RPC },
    { "lease_expires", NT_F_TIME, NT_AT(struct nt_fixed_ip, lease_expires), DB_RPC },
    { "lease_hostname", NT_F_STR, NT_AT(struct nt_fixed_ip, lease_hostname), DB_RPC },
    { "client_id", NT_F_STR, NT_AT(struct nt_fixed_ip, client_id), DB_RPC },
    { "generation", NT_F_INT, NT_AT(struct nt_fixed_ip, generation), DB_RPC },
    { "updated_at", NT_F_TIME, NT_AT(struct nt_fixed_ip, updated_at), DB_RPC },
    { 0 },
};

const struct nt_field nt_port_fields[] = {
    { "id", NT_F_UUID, NT_AT(struct nt_port, id), DB_RPC | NT_REQUIRED },
    { "network_id", NT_F_UUID, NT_AT(struct nt_port, network_id), DB_RPC | NT_REQUIRED },
    { "mac_address", NT_F_MAC, NT_AT(struct nt_port, mac_address), DB_RPC | NT_REQUIRED },
    { "device_id", NT_F_UUID, NT_AT(struct nt_port, device_id), DB_RPC },
    { "device_owner", NT_F_STR, NT_AT(struct nt_port, device_owner), DB_RPC },
    { "host", NT_F_STR, NT_AT(struct nt_port, host), DB_RPC },
    { "status", NT_F_STR, NT_AT(struct nt_port, status), DB_RPC },
    { "position", NT_F_INT, NT_AT(struct nt_port, position), NT_IN_DB },
    { "admin_state_up", NT_F_BOOL, NT_AT(struct nt_port, admin_state_up), DB_RPC },
    { "port_security_enabled", NT_F_BOOL, NT_AT(struct nt_port, port_security_enabled), DB_RPC },
    { "created_at", NT_F_TIME, NT_AT(struct nt_port, created_at), DB_RPC },
    { "updated_at", NT_F_TIME, NT_AT(struct nt_port, updated_at), DB_RPC },
    { "revision", NT_F_INT, NT_AT(struct nt_port, revision), DB_RPC },
    { 0 },
};

const struct nt_field nt_host_entry_fields[] = {
    { "address", NT_F_IP4, NT_AT(struct nt_host_entry, address), NT_IN_RPC | NT_REQUIRED },
    { "mac", NT_F_MAC, NT_AT(struct nt_host_entry, mac), NT_IN_RPC | NT_REQUIRED },
    { "hostname", NT_F_STR, NT_AT(struct nt_host_entry, hostname), NT_IN_RPC },
    { "instance_id", NT_F_UUID, NT_AT(struct nt_host_entry, instance_id), NT_IN_RPC },
    { "project_id", NT_F_STR, NT_AT(struct nt_host_entry, project_id), NT_IN_RPC },
    { "vif", NT_F_UUID, NT_AT(struct nt_host_entry, vif), NT_IN_RPC },
    { "is_default", NT_F_BOOL, NT_AT(struct nt_host_entry, is_default), NT_IN_RPC },
    { "allocated", NT_F_BOOL, NT_AT(struct nt_host_entry, allocated), NT_IN_RPC },
    { "leased", NT_F_BOOL, NT_AT(struct nt_host_entry, leased), NT_IN_RPC },
    { "lease_expires", NT_F_TIME, NT_AT(struct nt_host_entry, lease_expires), NT_IN_RPC },
    { "lease_hostname", NT_F_STR, NT_AT(struct nt_host_entry, lease_hostname), NT_IN_RPC },
    { "client_id", NT_F_STR, NT_AT(struct nt_host_entry, client_id), NT_IN_RPC },
    { 0 },
};

const struct nt_field nt_floating_entry_fields[] = {
    { "address", NT_F_IP4, NT_AT(struct nt_floating_entry, address), NT_IN_RPC | NT_REQUIRED },
    { "fixed_address", NT_F_IP4, NT_AT(struct nt_floating_entry, fixed_address),
      NT_IN_RPC | NT_REQUIRED },
    { "interface", NT_F_STR, NT_AT(struct nt_floating_entry, interface), NT_IN_RPC },
    { 0 },
};

const struct nt_field nt_network_view_fields[] = {
    { "id", NT_F_UUID, NT_AT(struct nt_network_view, id), NT_IN_RPC | NT_REQUIRED },
    { "number", NT_F_INT, NT_AT(struct nt_network_view, number), NT_IN_RPC },
    { "name", NT_F_STR, NT_AT(struct nt_network_view, name), NT_IN_RPC },
    { "bridge", NT_F_STR, NT_AT(struct nt_network_view, bridge), NT_IN_RPC | NT_REQUIRED },
    { "bridge_interface", NT_F_STR, NT_AT(struct nt_network_view, bridge_interface), NT_IN_RPC },
    { "cidr", NT_F_CIDR, NT_AT(struct nt_network_view, cidr), NT_IN_RPC | NT_REQUIRED },
    { "gateway_ip", NT_F_IP4, NT_AT(struct nt_network_view, gateway_ip), NT_IN_RPC },
    { "dhcp_server", NT_F_IP4, NT_AT(struct nt_network_view, dhcp_server), NT_IN_RPC },
    { "dhcp_start", NT_F_IP4, NT_AT(struct nt_network_view, dhcp_start), NT_IN_RPC },
    { "dns1", NT_F_IP4, NT_AT(struct nt_network_view, dns1), NT_IN_RPC },
    { "dns2", NT_F_IP4, NT_AT(struct nt_network_view, dns2), NT_IN_RPC },
    { "cidr_v6", NT_F_STR, NT_AT(struct nt_network_view, cidr_v6), NT_IN_RPC },
    { "gateway_v6", NT_F_STR, NT_AT(struct nt_network_view, gateway_v6), NT_IN_RPC },
    { "ipv6_backend", NT_F_STR, NT_AT(struct nt_network_view, ipv6_backend), NT_IN_RPC },
    { "mtu", NT_F_INT, NT_AT(struct nt_network_view, mtu), NT_IN_RPC },
    { "multi_host", NT_F_BOOL, NT_AT(struct nt_network_view, multi_host), NT_IN_RPC },
    { "shares_gateway", NT_F_BOOL, NT_AT(struct nt_network_view, shares_gateway), NT_IN_RPC },
    { "host", NT_F_STR, NT_AT(struct nt_network_view, host), NT_IN_RPC },
    { "revision", NT_F_INT, NT_AT(struct nt_network_view, revision), NT_IN_RPC },
    NT_ARRAY_FIELD("entries", struct nt_network_view, entries, n_entries, nt_host_entry_fields,
                   NT_IN_RPC),
    NT_ARRAY_FIELD("floating", struct nt_network_view, floating, n_floating,
                   nt_floating_entry_fields, NT_IN_RPC),
    { 0 },
};

void
nt_network_view_clear(struct nt_network_view *view)
{
    nt_fields_clear(nt_network_view_fields, view);
}
