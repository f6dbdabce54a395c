#include <config.h>

#include "net/agent_state.h"

#define RPC NT_IN_RPC
#define NEED (NT_IN_RPC | NT_REQUIRED)
#define OPT (NT_IN_RPC | NT_NULL | NT_ABSENT)

const struct nt_field nt_pair_fields[] = {
    { "name", NT_F_STR, NT_AT(struct nt_pair, key), 0 },
    { "", NT_F_TEXT, NT_AT(struct nt_pair, value), RPC, 1, 4096 },
    { 0 },
};

#define S struct nt_agent_state
const struct nt_field nt_agent_state_fields[] = {
    NT_SEEN_FIELD(S, seen),
    { "binary", NT_F_STR, NT_AT(S, binary), NEED },
    { "host", NT_F_STR, NT_AT(S, host), NEED },
    { "topic", NT_F_STR, NT_AT(S, topic), RPC | NT_NULL },
    { "agent_type", NT_F_STR, NT_AT(S, agent_type), NEED },
    { "start_flag", NT_F_BOOL, NT_AT(S, start_flag), OPT },
    { "uuid", NT_F_UUID, NT_AT(S, uuid), OPT },
    { "availability_zone", NT_F_TEXT, NT_AT(S, availability_zone), OPT, 1, 4096 },
    NT_MAP_FIELD("resource_versions", S, resource_versions, n_resource_versions, nt_pair_fields,
                 OPT),
    { "configurations", NT_F_JSON, NT_AT(S, configurations), RPC },
    { 0 },
};
#undef S

#define S struct nt_ovs_configurations
static const struct nt_field capabilities_fields[] = {
    NT_ARRAY_FIELD("datapath_types", S, datapath_types, n_datapath_types, nt_text_fields, RPC),
    NT_ARRAY_FIELD("iface_types", S, iface_types, n_iface_types, nt_text_fields, RPC),
    { 0 },
};

const struct nt_field nt_ovs_configurations_fields[] = {
    NT_SEEN_FIELD(S, seen),
    NT_MAP_FIELD("bridge_mappings", S, bridge_mappings, n_bridge_mappings, nt_pair_fields, RPC),
    { "integration_bridge", NT_F_STR, NT_AT(S, integration_bridge), OPT },
    NT_ARRAY_FIELD("tunnel_types", S, tunnel_types, n_tunnel_types, nt_text_fields, RPC),
    { "tunneling_ip", NT_F_IP, NT_AT(S, tunneling_ip), RPC | NT_NULL },
    { "l2_population", NT_F_BOOL, NT_AT(S, l2_population), RPC },
    { "arp_responder_enabled", NT_F_BOOL, NT_AT(S, arp_responder_enabled), RPC },
    { "enable_distributed_routing", NT_F_BOOL, NT_AT(S, enable_distributed_routing), RPC },
    { "log_agent_heartbeats", NT_F_BOOL, NT_AT(S, log_agent_heartbeats), RPC },
    NT_ARRAY_FIELD("extensions", S, extensions, n_extensions, nt_text_fields, RPC),
    { "datapath_type", NT_F_STR, NT_AT(S, datapath_type), OPT },
    { "ovs_capabilities", NT_F_OBJECT, 0, sizeof(S), RPC, .fields = capabilities_fields },
    { "vhostuser_socket_dir", NT_F_TEXT, NT_AT(S, vhostuser_socket_dir), OPT, 1, 4096 },
    { "ovs_hybrid_plug", NT_F_BOOL, NT_AT(S, ovs_hybrid_plug), RPC },
    { "baremetal_smartnic", NT_F_BOOL, NT_AT(S, baremetal_smartnic), RPC },
    { "devices", NT_F_INT, NT_AT(S, devices), RPC },
    { "in_distributed_mode", NT_F_BOOL, NT_AT(S, in_distributed_mode), RPC },
    { "resource_provider_bandwidths", NT_F_JSON, NT_AT(S, bandwidths), OPT },
    { "resource_provider_inventory_defaults", NT_F_JSON, NT_AT(S, inventory_defaults), OPT },
    { "resource_provider_packet_processing_without_direction", NT_F_JSON,
      NT_AT(S, packet_processing_without_direction), OPT },
    { "resource_provider_packet_processing_with_direction", NT_F_JSON,
      NT_AT(S, packet_processing_with_direction), OPT },
    { "resource_provider_packet_processing_inventory_defaults", NT_F_JSON,
      NT_AT(S, packet_processing_inventory_defaults), OPT },
    { "resource_provider_hypervisors", NT_F_JSON, NT_AT(S, hypervisors), OPT },
    { 0 },
};
#undef S
