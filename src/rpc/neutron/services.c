#include <config.h>

#include "rpc/neutron/services.h"

#define RPC NT_IN_RPC
#define NEED (NT_IN_RPC | NT_REQUIRED)
#define OPT (NT_IN_RPC | NT_NULL | NT_ABSENT)

static const struct nt_field json_result[] = {
    { "", NT_F_JSON, NT_AT(struct nt_json_result, value), RPC },
    { 0 },
};

/* Trunks. */

#define S struct nt_sub_port_dict
static const struct nt_field sub_port_fields[] = {
    { "port_id", NT_F_UUID, NT_AT(S, port_id), NEED },
    { "trunk_id", NT_F_UUID, NT_AT(S, trunk_id), NEED },
    { "segmentation_type", NT_F_STR, NT_AT(S, segmentation_type), RPC },
    { "segmentation_id", NT_F_INT, NT_AT(S, segmentation_id), RPC, 0, UINT32_MAX },
    { 0 },
};
#undef S
static const struct nt_field sub_ports_args[] = {
    NT_ARRAY_FIELD("subports", struct nt_sub_ports_args, subports, n_subports, sub_port_fields,
                   NEED),
    { 0 },
};
static const struct nt_field trunk_ports_fields[] = {
    { "trunk id", NT_F_UUID, NT_AT(struct nt_trunk_ports, trunk_id), 0 },
    NT_ARRAY_FIELD("", struct nt_trunk_ports, ports, n_ports, nt_port_record_fields, RPC),
    { 0 },
};
static const struct nt_field trunk_ports_result[] = {
    NT_MAP_FIELD("", struct nt_trunk_ports_result, trunks, n_trunks, trunk_ports_fields, RPC),
    { 0 },
};
static const struct nt_field trunk_status_args[] = {
    { "trunk_id", NT_F_UUID, NT_AT(struct nt_trunk_status_args, trunk_id), NEED },
    { "status", NT_F_STR, NT_AT(struct nt_trunk_status_args, status), NEED },
    { 0 },
};

static const struct nt_method trunk_methods[] = {
    { "update_subport_bindings", "1.0", sub_ports_args, sizeof(struct nt_sub_ports_args),
      trunk_ports_result, sizeof(struct nt_trunk_ports_result) },
    { "update_trunk_status", "1.0", trunk_status_args, sizeof(struct nt_trunk_status_args), NULL,
      0 },
    { 0 },
};

/* DVR. */

static const struct nt_field host_only_args[] = {
    { "host", NT_F_STR, NT_AT(struct nt_host_only_args, host), NEED },
    { 0 },
};
static const struct nt_field dvr_macs_result[] = {
    NT_ARRAY_FIELD("", struct nt_dvr_macs_result, macs, n_macs, nt_dvr_mac_fields, RPC),
    { 0 },
};
#define S struct nt_dvr_subnet_args
static const struct nt_field ports_on_host_args[] = {
    NT_SEEN_FIELD(S, seen),
    { "host", NT_F_STR, NT_AT(S, host), NEED },
    { "subnet", NT_F_UUID, NT_AT(S, subnet), NEED },
    { 0 },
};
static const struct nt_field subnet_for_dvr_args[] = {
    NT_SEEN_FIELD(S, seen),
    { "subnet", NT_F_UUID, NT_AT(S, subnet), NEED },
    { "fixed_ips", NT_F_JSON, NT_AT(S, fixed_ips), OPT },
    { 0 },
};
#undef S

static const struct nt_method dvr_methods[] = {
    { "get_dvr_mac_address_by_host", "1.0", host_only_args, sizeof(struct nt_host_only_args),
      nt_dvr_mac_fields, sizeof(struct nt_dvr_mac) },
    { "get_dvr_mac_address_list", "1.0", NULL, 0, dvr_macs_result,
      sizeof(struct nt_dvr_macs_result) },
    { "get_ports_on_host_by_subnet", "1.0", ports_on_host_args, sizeof(struct nt_dvr_subnet_args),
      json_result, sizeof(struct nt_json_result) },
    { "get_subnet_for_dvr", "1.0", subnet_for_dvr_args, sizeof(struct nt_dvr_subnet_args),
      json_result, sizeof(struct nt_json_result) },
    { 0 },
};

/* DHCP. */

#define S struct nt_active_networks_args
static const struct nt_field active_networks_args[] = {
    NT_SEEN_FIELD(S, seen),
    { "host", NT_F_STR, NT_AT(S, host), NEED },
    { "enable_dhcp_filter", NT_F_BOOL, NT_AT(S, enable_dhcp_filter), RPC },
    { 0 },
};
#undef S
#define S struct nt_network_info_args
static const struct nt_field network_info_args[] = {
    NT_SEEN_FIELD(S, seen),
    { "network_id", NT_F_UUID, NT_AT(S, network_id), NEED },
    { "host", NT_F_STR, NT_AT(S, host), OPT },
    { 0 },
};
#undef S
#define S struct nt_dhcp_port_args
static const struct nt_field create_port_args[] = {
    NT_SEEN_FIELD(S, seen),
    { "port", NT_F_JSON, NT_AT(S, port), NEED },
    { "host", NT_F_STR, NT_AT(S, host), OPT },
    { 0 },
};
static const struct nt_field update_port_args[] = {
    NT_SEEN_FIELD(S, seen),
    { "port_id", NT_F_UUID, NT_AT(S, port_id), NEED },
    { "port", NT_F_JSON, NT_AT(S, port), NEED },
    { "host", NT_F_STR, NT_AT(S, host), OPT },
    { 0 },
};
static const struct nt_field release_port_args[] = {
    NT_SEEN_FIELD(S, seen),
    { "network_id", NT_F_UUID, NT_AT(S, network_id), NEED },
    { "device_id", NT_F_TEXT, NT_AT(S, device_id), NEED, 1, 4096 },
    { "host", NT_F_STR, NT_AT(S, host), OPT },
    { 0 },
};
static const struct nt_field get_port_args[] = {
    NT_SEEN_FIELD(S, seen),
    { "port_id", NT_F_UUID, NT_AT(S, port_id), NEED },
    { 0 },
};
#undef S
static const struct nt_field port_ids_args[] = {
    NT_ARRAY_FIELD("port_ids", struct nt_port_ids_args, port_ids, n_port_ids, nt_uuid_text_fields,
                   NEED),
    { 0 },
};
#define S struct nt_filters_args
static const struct nt_field filters_args[] = {
    NT_SEEN_FIELD(S, seen),
    { "filters", NT_F_JSON, NT_AT(S, filters), OPT },
    { "fields", NT_F_JSON, NT_AT(S, fields), OPT },
    { "host", NT_F_STR, NT_AT(S, host), OPT },
    { 0 },
};
#undef S

static const struct nt_method dhcp_methods[] = {
    { "get_active_networks_info", "1.1", active_networks_args,
      sizeof(struct nt_active_networks_args), json_result, sizeof(struct nt_json_result) },
    { "get_network_info", "1.0", network_info_args, sizeof(struct nt_network_info_args),
      json_result, sizeof(struct nt_json_result) },
    { "create_dhcp_port", "1.1", create_port_args, sizeof(struct nt_dhcp_port_args), json_result,
      sizeof(struct nt_json_result) },
    { "update_dhcp_port", "1.1", update_port_args, sizeof(struct nt_dhcp_port_args), json_result,
      sizeof(struct nt_json_result) },
    { "release_dhcp_port", "1.0", release_port_args, sizeof(struct nt_dhcp_port_args), NULL, 0 },
    { "get_dhcp_port", "1.8", get_port_args, sizeof(struct nt_dhcp_port_args), json_result,
      sizeof(struct nt_json_result) },
    { "dhcp_ready_on_ports", "1.5", port_ids_args, sizeof(struct nt_port_ids_args), NULL, 0 },
    { "get_networks", "1.7", filters_args, sizeof(struct nt_filters_args), json_result,
      sizeof(struct nt_json_result) },
    { 0 },
};

static const struct nt_method metadata_methods[] = {
    { "get_ports", "1.0", filters_args, sizeof(struct nt_filters_args), json_result,
      sizeof(struct nt_json_result) },
    { 0 },
};

static const struct nt_field payload_args[] = {
    { "payload", NT_F_JSON, NT_AT(struct nt_payload_args, payload), NEED },
    { 0 },
};
#define PAYLOAD(name)                                                      \
    {                                                                      \
        name, "1.0", payload_args, sizeof(struct nt_payload_args), NULL, 0 \
    }

static const struct nt_method dhcp_agent_methods[] = {
    PAYLOAD("network_create_end"),
    PAYLOAD("network_update_end"),
    PAYLOAD("network_delete_end"),
    PAYLOAD("subnet_create_end"),
    PAYLOAD("subnet_update_end"),
    PAYLOAD("subnet_delete_end"),
    PAYLOAD("port_create_end"),
    PAYLOAD("port_update_end"),
    PAYLOAD("port_delete_end"),
    PAYLOAD("agent_updated"),
    { 0 },
};

/* L3. */

#define S struct nt_routers_args
static const struct nt_field sync_routers_args[] = {
    NT_SEEN_FIELD(S, seen),
    { "host", NT_F_STR, NT_AT(S, host), NEED },
    { "router_ids", NT_F_JSON, NT_AT(S, router_ids), OPT },
    { 0 },
};
static const struct nt_field routers_updated_args[] = {
    NT_SEEN_FIELD(S, seen),
    { "routers", NT_F_JSON, NT_AT(S, routers), NEED },
    { "operation", NT_F_STR, NT_AT(S, operation), OPT },
    { "data", NT_F_JSON, NT_AT(S, data), OPT },
    { 0 },
};
#undef S
static const struct nt_field router_id_args[] = {
    { "router_id", NT_F_UUID, NT_AT(struct nt_router_id_args, router_id), NEED },
    { 0 },
};
static const struct nt_field fip_statuses_args[] = {
    { "router_id", NT_F_UUID, NT_AT(struct nt_fip_statuses_args, router_id), NEED },
    { "fip_statuses", NT_F_JSON, NT_AT(struct nt_fip_statuses_args, fip_statuses), NEED },
    { 0 },
};
static const struct nt_field l3_network_args[] = {
    { "network", NT_F_OBJECT, NT_AT(struct nt_network_update_args, network), NEED,
      .fields = nt_network_dict_fields },
    { 0 },
};

static const struct nt_method l3_methods[] = {
    { "get_router_ids", "1.9", host_only_args, sizeof(struct nt_host_only_args), json_result,
      sizeof(struct nt_json_result) },
    { "sync_routers", "1.0", sync_routers_args, sizeof(struct nt_routers_args), json_result,
      sizeof(struct nt_json_result) },
    { "get_service_plugin_list", "1.3", NULL, 0, json_result, sizeof(struct nt_json_result) },
    { "update_floatingip_statuses", "1.1", fip_statuses_args, sizeof(struct nt_fip_statuses_args),
      NULL, 0 },
    { "get_host_ha_router_count", "1.11", host_only_args, sizeof(struct nt_host_only_args),
      json_result, sizeof(struct nt_json_result) },
    { 0 },
};

static const struct nt_method l3_agent_methods[] = {
    { "routers_updated", "1.1", routers_updated_args, sizeof(struct nt_routers_args), NULL, 0 },
    { "router_deleted", "1.0", router_id_args, sizeof(struct nt_router_id_args), NULL, 0 },
    PAYLOAD("router_removed_from_agent"),
    PAYLOAD("router_added_to_agent"),
    { "network_update", "1.4", l3_network_args, sizeof(struct nt_network_update_args), NULL, 0 },
    { 0 },
};

const struct nt_interface nt_neutron_trunk = { "trunk", trunk_methods, "1.1", "trunk", true };
const struct nt_interface nt_neutron_dvr = { "q-plugin", dvr_methods, "1.1", .strict = true };
const struct nt_interface nt_neutron_dhcp = { "q-plugin", dhcp_methods, "1.10", .strict = true };
const struct nt_interface nt_neutron_metadata = { "q-plugin", metadata_methods, "1.0",
                                                  .strict = true };
const struct nt_interface nt_neutron_l3 = { "q-l3-plugin", l3_methods, "1.12", .strict = true };
const struct nt_interface nt_dhcp_agent = { "dhcp_agent", dhcp_agent_methods, "1.0",
                                            .strict = true };
const struct nt_interface nt_l3_agent = { "l3_agent", l3_agent_methods, "1.4", .strict = true };
