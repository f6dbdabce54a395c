#include <config.h>

#include "rpc/neutron/notify.h"

#define RPC NT_IN_RPC
#define NEED (NT_IN_RPC | NT_REQUIRED)
#define NIL (NT_IN_RPC | NT_NULL)
#define OPT (NT_IN_RPC | NT_NULL | NT_ABSENT)

#define S struct nt_port_update_args
static const struct nt_field port_update_args[] = {
    NT_SEEN_FIELD(S, seen),
    { "port", NT_F_OBJECT, NT_AT(S, port), NEED, .fields = nt_port_record_fields },
    { "network_type", NT_F_STR, NT_AT(S, network_type), NIL },
    { "segmentation_id", NT_F_INT, NT_AT(S, segmentation_id), NIL, 0, UINT32_MAX },
    { "physical_network", NT_F_STR, NT_AT(S, physical_network), NIL },
    { 0 },
};
#undef S

static const struct nt_field port_id_args[] = {
    { "port_id", NT_F_UUID, NT_AT(struct nt_port_id_args, port_id), NEED },
    { 0 },
};

static const struct nt_field network_update_args[] = {
    { "network", NT_F_OBJECT, NT_AT(struct nt_network_update_args, network), NEED,
      .fields = nt_network_dict_fields },
    { 0 },
};

static const struct nt_field network_id_args[] = {
    { "network_id", NT_F_UUID, NT_AT(struct nt_network_id_args, network_id), NEED },
    { 0 },
};

#define S struct nt_tunnel_args
static const struct nt_field tunnel_args[] = {
    NT_SEEN_FIELD(S, seen),
    { "tunnel_ip", NT_F_IP, NT_AT(S, tunnel_ip), NEED },
    { "tunnel_type", NT_F_STR, NT_AT(S, tunnel_type), NEED },
    { "tunnel_id", NT_F_INT, NT_AT(S, tunnel_id), OPT, 0, UINT32_MAX },
    { 0 },
};
#undef S

static const struct nt_field group_ids_args[] = {
    NT_ARRAY_FIELD("security_groups", struct nt_group_ids_args, security_groups, n_security_groups,
                   nt_uuid_text_fields, NEED),
    { 0 },
};

static const struct nt_field provider_updated_args[] = {
    { "devices_to_update", NT_F_JSON, NT_AT(struct nt_provider_updated_args, devices_to_update),
      RPC },
    { 0 },
};

#define S struct nt_fdb_args
static const struct nt_field fdb_args[] = {
    NT_SEEN_FIELD(S, seen),
    NT_MAP_FIELD("fdb_entries", S, networks, n_networks, nt_fdb_network_fields, NEED),
    { "host", NT_F_STR, NT_AT(S, host), OPT },
    { 0 },
};
#undef S

static const struct nt_field fdb_changes[] = {
    NT_MAP_FIELD("chg_ip", struct nt_fdb_changes, networks, n_networks,
                 nt_fdb_network_change_fields, RPC),
    { 0 },
};

#define S struct nt_fdb_update_args
static const struct nt_field fdb_update_args[] = {
    NT_SEEN_FIELD(S, seen),
    { "fdb_entries", NT_F_OBJECT, NT_AT(S, changes), NEED, .fields = fdb_changes },
    { "host", NT_F_STR, NT_AT(S, host), OPT },
    { 0 },
};
#undef S

const struct nt_field nt_dvr_mac_fields[] = {
    { "host", NT_F_STR, NT_AT(struct nt_dvr_mac, host), NEED },
    { "mac_address", NT_F_MAC, NT_AT(struct nt_dvr_mac, mac_address), NEED },
    { 0 },
};

static const struct nt_field dvr_macs_args[] = {
    NT_ARRAY_FIELD("dvr_macs", struct nt_dvr_macs_args, dvr_macs, n_dvr_macs, nt_dvr_mac_fields,
                   NEED),
    { 0 },
};

#define S struct nt_binding_args
static const struct nt_field activate_args[] = {
    { "port_id", NT_F_UUID, NT_AT(S, port_id), NEED },
    { "host", NT_F_STR, NT_AT(S, host), NEED },
    { 0 },
};
static const struct nt_field deactivate_args[] = {
    { "port_id", NT_F_UUID, NT_AT(S, port_id), NEED },
    { "host", NT_F_STR, NT_AT(S, host), NEED },
    { "network_id", NT_F_UUID, NT_AT(S, network_id), RPC },
    { 0 },
};
#undef S

#define CAST(name, version, args, struct_)                   \
    {                                                        \
        name, version, args, sizeof(struct struct_), NULL, 0 \
    }

static const struct nt_method port_update[] = {
    CAST("port_update", "1.0", port_update_args, nt_port_update_args),
    { 0 },
};
static const struct nt_method port_delete[] = {
    CAST("port_delete", "1.0", port_id_args, nt_port_id_args),
    { 0 },
};
static const struct nt_method network_update[] = {
    CAST("network_update", "1.4", network_update_args, nt_network_update_args),
    { 0 },
};
static const struct nt_method network_delete[] = {
    CAST("network_delete", "1.0", network_id_args, nt_network_id_args),
    { 0 },
};
static const struct nt_method tunnel_update[] = {
    CAST("tunnel_update", "1.0", tunnel_args, nt_tunnel_args),
    { 0 },
};
static const struct nt_method tunnel_delete[] = {
    CAST("tunnel_delete", "1.0", tunnel_args, nt_tunnel_args),
    { 0 },
};
static const struct nt_method security_group[] = {
    CAST("security_groups_rule_updated", "1.1", group_ids_args, nt_group_ids_args),
    CAST("security_groups_member_updated", "1.1", group_ids_args, nt_group_ids_args),
    CAST("security_groups_provider_updated", "1.1", provider_updated_args,
         nt_provider_updated_args),
    { 0 },
};
static const struct nt_method l2population[] = {
    CAST("add_fdb_entries", "1.0", fdb_args, nt_fdb_args),
    CAST("remove_fdb_entries", "1.0", fdb_args, nt_fdb_args),
    CAST("update_fdb_entries", "1.0", fdb_update_args, nt_fdb_update_args),
    { 0 },
};
static const struct nt_method dvr[] = {
    CAST("dvr_mac_address_update", "1.0", dvr_macs_args, nt_dvr_macs_args),
    { 0 },
};
static const struct nt_method binding_activate[] = {
    CAST("binding_activate", "1.5", activate_args, nt_binding_args),
    { 0 },
};
static const struct nt_method binding_deactivate[] = {
    CAST("binding_deactivate", "1.5", deactivate_args, nt_binding_args),
    { 0 },
};

/* 1.7 is the version of the agent's endpoint as a whole. */
#define NOTIFIER(suffix, methods)                                  \
    {                                                              \
        "q-agent-notifier-" suffix, methods, "1.7", .strict = true \
    }

const struct nt_interface nt_notify_port_update = NOTIFIER("port-update", port_update);
const struct nt_interface nt_notify_port_delete = NOTIFIER("port-delete", port_delete);
const struct nt_interface nt_notify_network_update = NOTIFIER("network-update", network_update);
const struct nt_interface nt_notify_network_delete = NOTIFIER("network-delete", network_delete);
const struct nt_interface nt_notify_tunnel_update = NOTIFIER("tunnel-update", tunnel_update);
const struct nt_interface nt_notify_tunnel_delete = NOTIFIER("tunnel-delete", tunnel_delete);
const struct nt_interface nt_notify_security_group =
    NOTIFIER("security_group-update", security_group);
const struct nt_interface nt_notify_l2population = NOTIFIER("l2population-update", l2population);
const struct nt_interface nt_notify_dvr = NOTIFIER("dvr-update", dvr);
const struct nt_interface nt_notify_binding_activate =
    NOTIFIER("binding-activate", binding_activate);
const struct nt_interface nt_notify_binding_deactivate =
    NOTIFIER("binding-deactivate", binding_deactivate);
