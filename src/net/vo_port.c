#include <config.h>

#include "net/vo_port.h"

#include <string.h>

#include "base/attr.h"
#include "openvswitch/json.h"

#define RPC NT_IN_RPC
#define NEED (NT_IN_RPC | NT_REQUIRED)
#define NIL (NT_IN_RPC | NT_NULL)
#define FREE_TEXT 1, 4096 /* Whatever users write: any character, and so long. */

#define S struct nt_vo_segment
static const struct nt_field segment_fields[] = {
    NT_VO_HEAD(S),
    { "id", NT_F_UUID, NT_AT(S, id), RPC },
    { "network_id", NT_F_UUID, NT_AT(S, network_id), RPC },
    { "name", NT_F_TEXT, NT_AT(S, name), NIL, FREE_TEXT },
    { "network_type", NT_F_STR, NT_AT(S, network_type), RPC },
    { "physical_network", NT_F_STR, NT_AT(S, physical_network), NIL },
    { "segmentation_id", NT_F_INT, NT_AT(S, segmentation_id), NIL, 0, UINT32_MAX },
    { "is_dynamic", NT_F_BOOL, NT_AT(S, is_dynamic), RPC },
    { "segment_index", NT_F_INT, NT_AT(S, segment_index), RPC },
    NT_ARRAY_FIELD("hosts", S, hosts, n_hosts, nt_text_fields, NIL),
    NT_VO_STANDARD_FIELDS(S),
    { 0 },
};
#undef S
const struct nt_vo_type nt_vo_segment_type = { "NetworkSegment", 1, 0, segment_fields,
                                               sizeof(struct nt_vo_segment) };
static const struct nt_vo_type *const segment_types[] = { &nt_vo_segment_type, NULL };

#define S struct nt_vo_allocation
static const struct nt_field allocation_fields[] = {
    NT_VO_HEAD(S),
    { "port_id", NT_F_UUID, NT_AT(S, port_id), NIL },
    { "subnet_id", NT_F_UUID, NT_AT(S, subnet_id), RPC },
    { "network_id", NT_F_UUID, NT_AT(S, network_id), RPC },
    { "ip_address", NT_F_IP, NT_AT(S, ip_address), RPC },
    { 0 },
};
#undef S
const struct nt_vo_type nt_vo_allocation_type = { "IPAllocation", 1, 0, allocation_fields,
                                                  sizeof(struct nt_vo_allocation) };
static const struct nt_vo_type *const allocation_types[] = { &nt_vo_allocation_type, NULL };
NT_VO_ELEMENTS(allocations, struct nt_vo_allocation, allocation_types);

#define S struct nt_vo_address_pair
static const struct nt_field address_pair_fields[] = {
    NT_VO_HEAD(S),
    { "port_id", NT_F_UUID, NT_AT(S, port_id), RPC },
    { "mac_address", NT_F_MAC, NT_AT(S, mac_address), RPC },
    { "ip_address", NT_F_NET, NT_AT(S, ip_address), RPC },
    { 0 },
};
#undef S
const struct nt_vo_type nt_vo_address_pair_type = { "AllowedAddressPair", 1, 0, address_pair_fields,
                                                    sizeof(struct nt_vo_address_pair) };
static const struct nt_vo_type *const address_pair_types[] = { &nt_vo_address_pair_type, NULL };
NT_VO_ELEMENTS(address_pairs, struct nt_vo_address_pair, address_pair_types);

#define S struct nt_vo_binding
#define BINDING_FIELDS                                                 \
    NT_VO_HEAD(S), { "port_id", NT_F_UUID, NT_AT(S, port_id), RPC },   \
        { "host", NT_F_STR, NT_AT(S, host), RPC },                     \
        { "profile", NT_F_JSON_TEXT, NT_AT(S, profile), RPC },         \
        { "vif_type", NT_F_STR, NT_AT(S, vif_type), RPC },             \
        { "vif_details", NT_F_JSON_TEXT, NT_AT(S, vif_details), NIL }, \
        { "vnic_type", NT_F_STR, NT_AT(S, vnic_type), RPC },           \
    {                                                                  \
        "status", NT_F_STR, NT_AT(S, status), RPC                      \
    }
static const struct nt_field binding_fields[] = {
    BINDING_FIELDS,
    { 0 },
};
static const struct nt_field distributed_binding_fields[] = {
    BINDING_FIELDS,
    { "router_id", NT_F_UUID, NT_AT(S, router_id), NIL },
    { 0 },
};
#undef S
const struct nt_vo_type nt_vo_binding_type = { "PortBinding", 1, 0, binding_fields,
                                               sizeof(struct nt_vo_binding) };
static const struct nt_vo_type distributed_binding_type = { "DistributedPortBinding", 1, 0,
                                                            distributed_binding_fields,
                                                            sizeof(struct nt_vo_binding) };
static const struct nt_vo_type *const binding_types[] = { &nt_vo_binding_type, NULL };
static const struct nt_vo_type *const distributed_types[] = { &distributed_binding_type, NULL };
NT_VO_ELEMENTS(bindings, struct nt_vo_binding, binding_types);
NT_VO_ELEMENTS(distributed_bindings, struct nt_vo_binding, distributed_types);

#define S struct nt_vo_binding_level
static const struct nt_field binding_level_fields[] = {
    NT_VO_HEAD(S),
    { "port_id", NT_F_UUID, NT_AT(S, port_id), RPC },
    { "host", NT_F_STR, NT_AT(S, host), RPC },
    { "level", NT_F_INT, NT_AT(S, level), RPC, 0, 255 },
    { "driver", NT_F_STR, NT_AT(S, driver), NIL },
    { "segment", NT_F_VO, NT_AT(S, segment), NIL, .types = segment_types },
    { "segment_id", NT_F_UUID, NT_AT(S, segment_id), NIL },
    { 0 },
};
#undef S
const struct nt_vo_type nt_vo_binding_level_type = { "PortBindingLevel", 1, 1, binding_level_fields,
                                                     sizeof(struct nt_vo_binding_level) };
static const struct nt_vo_type *const binding_level_types[] = { &nt_vo_binding_level_type, NULL };
NT_VO_ELEMENTS(binding_levels, struct nt_vo_binding_level, binding_level_types);

#define S struct nt_vo_port_security
static const struct nt_field port_security_fields[] = {
    NT_VO_HEAD(S),
    { "id", NT_F_UUID, NT_AT(S, id), RPC },
    { "port_security_enabled", NT_F_BOOL, NT_AT(S, port_security_enabled), RPC },
    { 0 },
};
#undef S
const struct nt_vo_type nt_vo_port_security_type = { "PortSecurity", 1, 0, port_security_fields,
                                                     sizeof(struct nt_vo_port_security) };
static const struct nt_vo_type *const security_types[] = { &nt_vo_port_security_type, NULL };

#define S struct nt_vo_dhcp_opt
static const struct nt_field dhcp_opt_fields[] = {
    NT_VO_HEAD(S),
    { "id", NT_F_UUID, NT_AT(S, id), RPC },
    { "port_id", NT_F_UUID, NT_AT(S, port_id), RPC },
    { "opt_name", NT_F_TEXT, NT_AT(S, opt_name), RPC, FREE_TEXT },
    { "opt_value", NT_F_TEXT, NT_AT(S, opt_value), RPC, FREE_TEXT },
    { "ip_version", NT_F_INT, NT_AT(S, ip_version), RPC, 4, 6 },
    { 0 },
};
#undef S
static const struct nt_vo_type dhcp_opt_type = { "ExtraDhcpOpt", 1, 1, dhcp_opt_fields,
                                                 sizeof(struct nt_vo_dhcp_opt) };
static const struct nt_vo_type *const dhcp_opt_types[] = { &dhcp_opt_type, NULL };
NT_VO_ELEMENTS(dhcp_opts, struct nt_vo_dhcp_opt, dhcp_opt_types);

#define S struct nt_vo_port_dns
static const struct nt_field port_dns_fields[] = {
    NT_VO_HEAD(S),
    { "port_id", NT_F_UUID, NT_AT(S, port_id), RPC },
    { "current_dns_name", NT_F_TEXT, NT_AT(S, current_dns_name), RPC, FREE_TEXT },
    { "current_dns_domain", NT_F_TEXT, NT_AT(S, current_dns_domain), RPC, FREE_TEXT },
    { "previous_dns_name", NT_F_TEXT, NT_AT(S, previous_dns_name), RPC, FREE_TEXT },
    { "previous_dns_domain", NT_F_TEXT, NT_AT(S, previous_dns_domain), RPC, FREE_TEXT },
    { "dns_name", NT_F_TEXT, NT_AT(S, dns_name), RPC, FREE_TEXT },
    { "dns_domain", NT_F_TEXT, NT_AT(S, dns_domain), RPC, FREE_TEXT },
    { 0 },
};
#undef S
static const struct nt_vo_type port_dns_type = { "PortDNS", 1, 1, port_dns_fields,
                                                 sizeof(struct nt_vo_port_dns) };
static const struct nt_vo_type *const port_dns_types[] = { &port_dns_type, NULL };

#define S struct nt_vo_data_plane_status
static const struct nt_field data_plane_status_fields[] = {
    NT_VO_HEAD(S),
    { "port_id", NT_F_UUID, NT_AT(S, port_id), RPC },
    { "data_plane_status", NT_F_STR, NT_AT(S, data_plane_status), RPC },
    { 0 },
};
#undef S
static const struct nt_vo_type data_plane_status_type = { "PortDataPlaneStatus", 1, 0,
                                                          data_plane_status_fields,
                                                          sizeof(struct nt_vo_data_plane_status) };
static const struct nt_vo_type *const data_plane_types[] = { &data_plane_status_type, NULL };

#define S struct nt_vo_port
static const struct nt_field port_fields[] = {
    NT_VO_HEAD(S),
    { "id", NT_F_UUID, NT_AT(S, id), NEED },
    { "project_id", NT_F_TEXT, NT_AT(S, project_id), NIL, FREE_TEXT },
    { "name", NT_F_TEXT, NT_AT(S, name), NIL, FREE_TEXT },
    { "network_id", NT_F_UUID, NT_AT(S, network_id), RPC },
    { "mac_address", NT_F_MAC, NT_AT(S, mac_address), RPC },
    { "admin_state_up", NT_F_BOOL, NT_AT(S, admin_state_up), RPC },
    { "device_id", NT_F_TEXT, NT_AT(S, device_id), RPC, FREE_TEXT },
    { "device_owner", NT_F_STR, NT_AT(S, device_owner), RPC },
    { "status", NT_F_STR, NT_AT(S, status), RPC },
    NT_ARRAY_FIELD("allowed_address_pairs", S, allowed_address_pairs, n_allowed_address_pairs,
                   address_pairs, NIL),
    NT_ARRAY_FIELD("bindings", S, bindings, n_bindings, bindings, NIL),
    NT_ARRAY_FIELD("binding_levels", S, binding_levels, n_binding_levels, binding_levels, NIL),
    { "data_plane_status", NT_F_VO, NT_AT(S, data_plane_status), NIL, .types = data_plane_types },
    NT_ARRAY_FIELD("dhcp_options", S, dhcp_options, n_dhcp_options, dhcp_opts, NIL),
    NT_ARRAY_FIELD("distributed_bindings", S, distributed_bindings, n_distributed_bindings,
                   distributed_bindings, NIL),
    { "dns", NT_F_VO, NT_AT(S, dns), NIL, .types = port_dns_types },
    NT_ARRAY_FIELD("fixed_ips", S, fixed_ips, n_fixed_ips, allocations, NIL),
    { "security", NT_F_VO, NT_AT(S, security), NIL, .types = security_types },
    NT_ARRAY_FIELD("security_group_ids", S, security_group_ids, n_security_group_ids,
                   nt_uuid_text_fields, NIL),
    { "qos_policy_id", NT_F_UUID, NT_AT(S, qos_policy_id), NIL },
    { "qos_network_policy_id", NT_F_UUID, NT_AT(S, qos_network_policy_id), NIL },
    { "numa_affinity_policy", NT_F_TEXT, NT_AT(S, numa_affinity_policy), NIL, FREE_TEXT },
    { "device_profile", NT_F_TEXT, NT_AT(S, device_profile), NIL, FREE_TEXT },
    NT_VO_STANDARD_FIELDS(S),
    { 0 },
};
#undef S
const struct nt_vo_type nt_vo_port_type = { "Port", 1, 7, port_fields, sizeof(struct nt_vo_port) };

const struct nt_vo_binding *
nt_vo_port_binding(const struct nt_vo_port *port, const char *host)
{
    const struct nt_vo_binding *found = NULL;

    for (size_t i = 0; i < port->n_bindings; i++) {
        const struct nt_vo_binding *b = &port->bindings[i];

        if (!strcmp(b->host, host) && (!found || !strcmp(b->status, "ACTIVE"))) {
            found = b;
        }
    }
    return found;
}

static const struct nt_vo_binding *
active_binding(const struct nt_vo_port *port)
{
    for (size_t i = 0; i < port->n_bindings; i++) {
        if (!strcmp(port->bindings[i].status, "ACTIVE")) {
            return &port->bindings[i];
        }
    }
    return NULL;
}

static bool
is_migrating(const struct nt_vo_binding *active)
{
    const struct json *to = active->profile && active->profile->type == JSON_OBJECT
                                ? shash_find_data(json_object(active->profile), "migrating_to")
                                : NULL;

    return to && to->type == JSON_STRING && *json_string(to);
}

const struct nt_vo_binding *
nt_vo_port_binding_for(const struct nt_vo_port *port, const char *host)
{
    const struct nt_vo_binding *active = active_binding(port);
    bool is_guest = !strncmp(port->device_owner, "compute:", strlen("compute:"));

    if (active && is_guest && strcmp(active->host, host) && !is_migrating(active)) {
        return NULL;
    }
    return active;
}

bool
nt_vo_port_has_left(const struct nt_vo_port *port, const char *host)
{
    const struct nt_vo_binding *ours = nt_vo_port_binding(port, host);

    return ours && !strcmp(ours->status, "INACTIVE") && active_binding(port);
}

/* Whether 'l' is what carries the port on 'host' rather than 'than'. */
static bool
is_better(const struct nt_vo_binding_level *l, const struct nt_vo_binding_level *than,
          const char *host)
{
    bool is_ours = !strcmp(l->host, host), was_ours = !strcmp(than->host, host);

    return is_ours != was_ours ? is_ours : l->level >= than->level;
}

const struct nt_vo_segment *
nt_vo_port_segment(const struct nt_vo_port *port, const char *host)
{
    const struct nt_vo_binding_level *best = NULL;

    for (size_t i = 0; i < port->n_binding_levels; i++) {
        const struct nt_vo_binding_level *l = &port->binding_levels[i];

        if (!best || is_better(l, best, host)) {
            best = l;
        }
    }
    return best && best->segment.vo.type ? &best->segment : NULL;
}

bool
nt_vo_port_is_guarded(const struct nt_vo_port *port)
{
    return !port->security.vo.type || port->security.port_security_enabled;
}
