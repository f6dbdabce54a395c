#include <config.h>

#include "net/fdb.h"

#define RPC NT_IN_RPC
#define NEED (NT_IN_RPC | NT_REQUIRED)

static const struct nt_field entry_parts[] = {
    { "mac", NT_F_MAC, NT_AT(struct nt_fdb_entry, mac), NEED },
    { "ip", NT_F_IP, NT_AT(struct nt_fdb_entry, ip), NEED },
    { 0 },
};
static const struct nt_field entry_fields[] = {
    { "", NT_F_TUPLE, 0, sizeof(struct nt_fdb_entry), RPC, .fields = entry_parts },
    { 0 },
};

static const struct nt_field host_fields[] = {
    { "tunnel address", NT_F_IP, NT_AT(struct nt_fdb_host, ip), 0 },
    NT_ARRAY_FIELD("", struct nt_fdb_host, entries, n_entries, entry_fields, RPC),
    { 0 },
};

#define S struct nt_fdb_network
const struct nt_field nt_fdb_network_fields[] = {
    NT_SEEN_FIELD(S, seen),
    { "network id", NT_F_UUID, NT_AT(S, network_id), 0 },
    { "network_type", NT_F_STR, NT_AT(S, network_type), NEED },
    { "segment_id", NT_F_INT, NT_AT(S, segment_id), RPC | NT_NULL, 0, UINT32_MAX },
    NT_MAP_FIELD("ports", S, hosts, n_hosts, host_fields, RPC),
    { 0 },
};
#undef S

#define S struct nt_fdb_change
static const struct nt_field change_fields[] = {
    NT_SEEN_FIELD(S, seen),
    { "tunnel address", NT_F_IP, NT_AT(S, ip), 0 },
    NT_ARRAY_FIELD("before", S, before, n_before, entry_fields, RPC | NT_ABSENT),
    NT_ARRAY_FIELD("after", S, after, n_after, entry_fields, RPC | NT_ABSENT),
    { 0 },
};
#undef S

const struct nt_field nt_fdb_network_change_fields[] = {
    { "network id", NT_F_UUID, NT_AT(struct nt_fdb_network_change, network_id), 0 },
    NT_MAP_FIELD("", struct nt_fdb_network_change, hosts, n_hosts, change_fields, RPC),
    { 0 },
};
