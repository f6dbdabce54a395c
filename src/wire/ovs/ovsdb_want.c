#include <config.h>

#include <string.h>

#include "base/mem.h"
#include "ovsdb-idl.h"
#include "wire/ovs/ovsdb_impl.h"

/* A port on this VLAN is kept from everybody; neutron's own interface drivers make ports with
 * it that trunk it, too, so that frames without a tag go nowhere either. */
#define DEAD_VLAN 4095

/* --- maps ------------------------------------------------------------------------------- */

bool
nt_ovsdb_has_pairs(const struct smap *have, const struct nt_ovs_kv *want)
{
    for (; want && want->key; want++) {
        const char *value = smap_get(have, want->key);

        if (want->value ? !value || strcmp(value, want->value) != 0 : value != NULL) {
            return false;
        }
    }
    return true;
}

/* A map with one key, as the IDL takes it over; 'value' NULL: the key alone. */
static struct ovsdb_datum *
one_pair(const char *key, const char *value)
{
    struct ovsdb_datum *datum = xzalloc(sizeof *datum);

    datum->n = 1;
    datum->keys = xmalloc(sizeof *datum->keys);
    datum->keys->s = ovsdb_atom_string_create(key);
    if (value) {
        datum->values = xmalloc(sizeof *datum->values);
        datum->values->s = ovsdb_atom_string_create(value);
    }
    return datum;
}

void
nt_ovsdb_put_pairs(const struct ovsdb_idl_row *row, const struct ovsdb_idl_column *column,
                   const struct smap *have, const struct nt_ovs_kv *want)
{
    for (; want && want->key; want++) {
        const char *value = smap_get(have, want->key);

        if (want->value && (!value || strcmp(value, want->value) != 0)) {
            ovsdb_idl_txn_write_partial_map(row, column, one_pair(want->key, want->value));
        } else if (!want->value && value) {
            ovsdb_idl_txn_delete_partial_map(row, column, one_pair(want->key, NULL));
        }
    }
}

/* True when it is so already. */
static bool
ensure_pairs(struct nt_ovsdb *db, const struct ovsdb_idl_row *row,
             const struct ovsdb_idl_column *column, const struct smap *have,
             const struct nt_ovs_kv *want)
{
    if (nt_ovsdb_has_pairs(have, want)) {
        return true;
    }
    if (nt_ovsdb_begin(db)) {
        nt_ovsdb_put_pairs(row, column, have, want);
    }
    return false;
}

static void
pairs_to_smap(const struct nt_ovs_kv *want, struct smap *out)
{
    smap_init(out);
    for (; want && want->key; want++) {
        if (want->value) {
            smap_replace(out, want->key, want->value);
        }
    }
}

/* --- bridges ---------------------------------------------------------------------------- */

/* The row, also of a bridge that this transaction makes. */
static const struct ovsrec_bridge *
bridge_row(const struct nt_ovsdb *db, const char *name)
{
    const struct nt_ovsdb_bridge_copy *b = nt_ovsdb_find_bridge(db, name);

    return b ? b->row : shash_find_data(&db->made_bridges, name);
}

/* What the database calls a datapath type: the kernel's has no name in it. */
static const char *
datapath_name(const char *type)
{
    return strcmp(type, "system") != 0 ? type : "";
}

static void
make_bridge(struct nt_ovsdb *db, const struct nt_ovs_bridge_want *want)
{
    struct ovsrec_bridge *bridge = ovsrec_bridge_insert(db->open);
    struct ovsrec_port *port = ovsrec_port_insert(db->open);
    struct ovsrec_interface *interface = ovsrec_interface_insert(db->open);
    struct smap other_config;

    ovsrec_interface_set_name(interface, want->name);
    ovsrec_interface_set_type(interface, "internal");
    ovsrec_port_set_name(port, want->name);
    ovsrec_port_set_interfaces(port, &interface, 1);

    ovsrec_bridge_set_name(bridge, want->name);
    ovsrec_bridge_set_ports(bridge, &port, 1);
    if (want->datapath_type) {
        ovsrec_bridge_set_datapath_type(bridge, datapath_name(want->datapath_type));
    }
    if (want->fail_mode) {
        ovsrec_bridge_set_fail_mode(bridge, want->fail_mode);
    }
    if (want->protocols && ovsdb_idl_server_has_column(db->idl, &ovsrec_bridge_col_protocols)) {
        size_t n = 0;

        while (want->protocols[n]) {
            n++;
        }
        ovsrec_bridge_set_protocols(bridge, CONST_CAST(const char **, want->protocols), n);
    }
    if (want->mcast_snooping >= 0
        && ovsdb_idl_server_has_column(db->idl, &ovsrec_bridge_col_mcast_snooping_enable)) {
        ovsrec_bridge_set_mcast_snooping_enable(bridge, want->mcast_snooping != 0);
    }
    pairs_to_smap(want->other_config, &other_config);
    ovsrec_bridge_set_other_config(bridge, &other_config);
    smap_destroy(&other_config);

    ovsrec_open_vswitch_update_bridges_addvalue(nt_ovsdb_root(db), bridge);
    shash_add(&db->made_bridges, want->name, bridge);
    sset_add(&db->touched_ports, want->name);
    nt_ovsdb_ensure_controller(db, bridge, want);
}

static bool
has_protocol(const struct ovsrec_bridge *row, const char *protocol)
{
    for (size_t i = 0; i < row->n_protocols; i++) {
        if (!strcmp(row->protocols[i], protocol)) {
            return true;
        }
    }
    return false;
}

static bool
ensure_protocols(struct nt_ovsdb *db, const struct ovsrec_bridge *row, const char *const *protocols)
{
    bool is_so = true;

    if (!ovsdb_idl_server_has_column(db->idl, &ovsrec_bridge_col_protocols)) {
        return true;
    }
    for (size_t i = 0; protocols && protocols[i]; i++) {
        if (!has_protocol(row, protocols[i])) {
            is_so = false;
            if (nt_ovsdb_begin(db)) {
                ovsrec_bridge_update_protocols_addvalue(row, protocols[i]);
            }
        }
    }
    return is_so;
}

static bool
ensure_mode(struct nt_ovsdb *db, const struct ovsrec_bridge *row,
            const struct nt_ovs_bridge_want *want)
{
    bool other_type =
        want->datapath_type
        && strcmp(datapath_name(row->datapath_type), datapath_name(want->datapath_type)) != 0;
    bool other_mode =
        want->fail_mode && strcmp(row->fail_mode ? row->fail_mode : "", want->fail_mode) != 0;
    bool other_snooping =
        want->mcast_snooping >= 0 && row->mcast_snooping_enable != (want->mcast_snooping != 0)
        && ovsdb_idl_server_has_column(db->idl, &ovsrec_bridge_col_mcast_snooping_enable);

    if (!other_type && !other_mode && !other_snooping) {
        return true;
    }
    if (nt_ovsdb_begin(db)) {
        if (other_type) {
            ovsrec_bridge_set_datapath_type(row, datapath_name(want->datapath_type));
        }
        if (other_mode) {
            ovsrec_bridge_set_fail_mode(row, want->fail_mode);
        }
        if (other_snooping) {
            ovsrec_bridge_set_mcast_snooping_enable(row, want->mcast_snooping != 0);
        }
    }
    return false;
}

bool
nt_ovsdb_ensure_bridge(struct nt_ovsdb *db, const struct nt_ovs_bridge_want *want)
{
    const struct nt_ovsdb_bridge_copy *b = nt_ovsdb_find_bridge(db, want->name);

    if (!b) {
        bool is_free = !shash_find(&db->made_bridges, want->name)
                       && !sset_contains(&db->touched_ports, want->name);

        if (want->may_create && is_free && nt_ovsdb_begin(db)) {
            make_bridge(db, want);
        }
        return false;
    }

    bool mode = ensure_mode(db, b->row, want);
    bool protocols = ensure_protocols(db, b->row, want->protocols);
    bool config = ensure_pairs(db, &b->row->header_, &ovsrec_bridge_col_other_config,
                               &b->row->other_config, want->other_config);
    bool controller = nt_ovsdb_ensure_controller(db, b->row, want);

    return mode && protocols && config && controller;
}

bool
nt_ovsdb_ensure_no_bridge(struct nt_ovsdb *db, const char *name)
{
    struct nt_ovsdb_bridge_copy *b = nt_ovsdb_find_bridge(db, name);
    const struct nt_ovsdb_port_copy *p;

    if (!b) {
        return true;
    }
    if (nt_ovsdb_begin(db)) {
        LIST_FOR_EACH (p, in_bridge, &b->ports) {
            nt_ovsdb_drop_qos(db, p->row);
            sset_add(&db->touched_ports, p->head.name);
        }
        ovsrec_open_vswitch_update_bridges_delvalue(nt_ovsdb_root(db), b->row);
    }
    return false;
}

/* --- ports ------------------------------------------------------------------------------ */

static void
make_port(struct nt_ovsdb *db, const struct ovsrec_bridge *bridge,
          const struct nt_ovs_port_want *want)
{
    struct ovsrec_port *port = ovsrec_port_insert(db->open);
    struct ovsrec_interface *interface = ovsrec_interface_insert(db->open);
    struct smap map;

    ovsrec_interface_set_name(interface, want->name);
    ovsrec_interface_set_type(interface, want->type);
    pairs_to_smap(want->options, &map);
    ovsrec_interface_set_options(interface, &map);
    smap_destroy(&map);
    pairs_to_smap(want->external_ids, &map);
    ovsrec_interface_set_external_ids(interface, &map);
    smap_destroy(&map);
    if (want->policing_kbps >= 0) {
        ovsrec_interface_set_ingress_policing_rate(interface, want->policing_kbps);
    }
    if (want->policing_burst_kb >= 0) {
        ovsrec_interface_set_ingress_policing_burst(interface, want->policing_burst_kb);
    }

    ovsrec_port_set_name(port, want->name);
    ovsrec_port_set_interfaces(port, &interface, 1);
    if (want->tag > 0) {
        int64_t tag = want->tag;

        ovsrec_port_set_tag(port, &tag, 1);
    }
    pairs_to_smap(want->other_config, &map);
    ovsrec_port_set_other_config(port, &map);
    smap_destroy(&map);

    ovsrec_bridge_update_ports_addvalue(bridge, port);
    sset_add(&db->touched_ports, want->name);
}

/* A port of ours belongs on its bridge, whoever moved it. */
static bool
ensure_place(struct nt_ovsdb *db, const struct nt_ovsdb_port_copy *p,
             const struct nt_ovs_port_want *want)
{
    if (!want->bridge || !strcmp(p->bridge->head.name, want->bridge)) {
        return true;
    }

    const struct ovsrec_bridge *to = bridge_row(db, want->bridge);

    if (want->type && to && nt_ovsdb_begin(db)) {
        ovsrec_bridge_update_ports_delvalue(p->bridge->row, p->row);
        ovsrec_bridge_update_ports_addvalue(to, p->row);
        sset_add(&db->touched_ports, p->head.name);
    }
    return false;
}

static bool
ensure_tag(struct nt_ovsdb *db, const struct ovsrec_port *row, int tag)
{
    int64_t value = tag;

    if (tag < 0) {
        return true;
    }

    bool is_tag = tag > 0 ? row->n_tag == 1 && *row->tag == tag : row->n_tag == 0;
    bool is_plain = !row->vlan_mode && row->n_trunks == 0;

    if (is_tag && (is_plain || tag == DEAD_VLAN)) {
        return true;
    }
    if (nt_ovsdb_begin(db)) {
        ovsrec_port_set_tag(row, &value, tag > 0);
        ovsrec_port_set_vlan_mode(row, NULL);
        ovsrec_port_set_trunks(row, NULL, 0);
    }
    return false;
}

/* Type and options of a port of ours: these and no others. */
static bool
ensure_own(struct nt_ovsdb *db, const struct ovsrec_interface *row,
           const struct nt_ovs_port_want *want)
{
    bool is_type = !strcmp(row->type, want->type);
    bool are_options = true;
    struct smap options;

    pairs_to_smap(want->options, &options);
    are_options = !want->options || smap_equal(&options, &row->options);
    if ((!is_type || !are_options) && nt_ovsdb_begin(db)) {
        if (!is_type) {
            ovsrec_interface_set_type(row, want->type);
        }
        if (!are_options) {
            ovsrec_interface_set_options(row, &options);
        }
    }
    smap_destroy(&options);
    return is_type && are_options;
}

static bool
ensure_policing(struct nt_ovsdb *db, const struct ovsrec_interface *row,
                const struct nt_ovs_port_want *want)
{
    bool other_rate = want->policing_kbps >= 0 && row->ingress_policing_rate != want->policing_kbps;
    bool other_burst =
        want->policing_burst_kb >= 0 && row->ingress_policing_burst != want->policing_burst_kb;

    if (!other_rate && !other_burst) {
        return true;
    }
    if (nt_ovsdb_begin(db)) {
        if (other_rate) {
            ovsrec_interface_set_ingress_policing_rate(row, want->policing_kbps);
        }
        if (other_burst) {
            ovsrec_interface_set_ingress_policing_burst(row, want->policing_burst_kb);
        }
    }
    return false;
}

static bool
ensure_interface(struct nt_ovsdb *db, const struct ovsrec_interface *row,
                 const struct nt_ovs_port_want *want)
{
    bool own = want->type ? ensure_own(db, row, want)
                          : ensure_pairs(db, &row->header_, &ovsrec_interface_col_options,
                                         &row->options, want->options);
    bool ids = ensure_pairs(db, &row->header_, &ovsrec_interface_col_external_ids,
                            &row->external_ids, want->external_ids);
    bool policing = ensure_policing(db, row, want);

    return own && ids && policing;
}

bool
nt_ovsdb_ensure_port(struct nt_ovsdb *db, const struct nt_ovs_port_want *want)
{
    const struct nt_ovsdb_port_copy *p = nt_ovsdb_find_port(db, want->name);

    if (sset_contains(&db->touched_ports, want->name)) {
        return false;
    }
    if (!p) {
        const struct ovsrec_bridge *bridge = want->bridge ? bridge_row(db, want->bridge) : NULL;

        if (want->type && bridge && nt_ovsdb_begin(db)) {
            make_port(db, bridge, want);
        }
        return false;
    }
    if (!want->type && want->bridge && strcmp(p->bridge->head.name, want->bridge) != 0) {
        return false;
    }

    const struct ovsrec_interface *interface = nt_ovsdb_interface_of(p->row);
    bool place = ensure_place(db, p, want);
    bool tag = ensure_tag(db, p->row, want->tag);
    bool config = ensure_pairs(db, &p->row->header_, &ovsrec_port_col_other_config,
                               &p->row->other_config, want->other_config);
    bool values = !interface || ensure_interface(db, interface, want);

    return place && tag && config && values;
}

bool
nt_ovsdb_ensure_no_port(struct nt_ovsdb *db, const char *name)
{
    const struct nt_ovsdb_port_copy *p = nt_ovsdb_find_port(db, name);

    if (!p) {
        return !sset_contains(&db->touched_ports, name);
    }
    if (!sset_contains(&db->touched_ports, name) && nt_ovsdb_begin(db)) {
        nt_ovsdb_drop_qos(db, p->row);
        ovsrec_bridge_update_ports_delvalue(p->bridge->row, p->row);
        sset_add(&db->touched_ports, name);
    }
    return false;
}
