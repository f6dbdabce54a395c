#include <config.h>

#include <string.h>

#include "base/hashing.h"
#include "base/mem.h"
#include "ovsdb-idl.h"
#include "wire/ovs/ovsdb_impl.h"

/* Ports and bridges by name, with values of our own: borrowed values outlive what a
 * transaction does to the IDL's rows.
 *
 * A change of an Interface, QoS or Queue row makes the IDL track the Port that refers to it, so
 * ports alone are looked at.  Which bridge has a port is known from the bridges' sets only; a
 * walk over such a set is needed when the set changed, and costs a look-up by port.
 *
 * A name stays in the copy after its row is gone, until that was told. */

static const struct ovsdb_idl_column *const watched[] = {
    &ovsrec_open_vswitch_col_bridges,
    &ovsrec_open_vswitch_col_manager_options,
    &ovsrec_open_vswitch_col_datapath_types,
    &ovsrec_open_vswitch_col_iface_types,
    &ovsrec_open_vswitch_col_ovs_version,
    &ovsrec_manager_col_target,
    &ovsrec_manager_col_inactivity_probe,
    &ovsrec_bridge_col_name,
    &ovsrec_bridge_col_ports,
    &ovsrec_bridge_col_datapath_id,
    &ovsrec_bridge_col_datapath_type,
    &ovsrec_bridge_col_fail_mode,
    &ovsrec_bridge_col_protocols,
    &ovsrec_bridge_col_controller,
    &ovsrec_bridge_col_external_ids,
    &ovsrec_bridge_col_other_config,
    &ovsrec_bridge_col_mcast_snooping_enable,
    &ovsrec_controller_col_target,
    &ovsrec_controller_col_connection_mode,
    &ovsrec_controller_col_inactivity_probe,
    &ovsrec_controller_col_external_ids,
    &ovsrec_controller_col_max_backoff,
    &ovsrec_port_col_name,
    &ovsrec_port_col_interfaces,
    &ovsrec_port_col_tag,
    &ovsrec_port_col_trunks,
    &ovsrec_port_col_vlan_mode,
    &ovsrec_port_col_other_config,
    &ovsrec_port_col_qos,
    &ovsrec_interface_col_name,
    &ovsrec_interface_col_type,
    &ovsrec_interface_col_ofport,
    &ovsrec_interface_col_options,
    &ovsrec_interface_col_external_ids,
    &ovsrec_interface_col_error,
    &ovsrec_interface_col_ingress_policing_rate,
    &ovsrec_interface_col_ingress_policing_burst,
    &ovsrec_qos_col_type,
    &ovsrec_qos_col_queues,
    &ovsrec_qos_col_external_ids,
    &ovsrec_qos_col_other_config,
    &ovsrec_queue_col_external_ids,
    &ovsrec_queue_col_other_config,
};

void
nt_ovsdb_watch_columns(struct ovsdb_idl *idl)
{
    for (size_t i = 0; i < NT_ARRAY_SIZE(watched); i++) {
        ovsdb_idl_add_column(idl, watched[i]);
        ovsdb_idl_track_add_column(idl, watched[i]);
    }
}

void
nt_ovsdb_copy_init(struct nt_ovsdb *db)
{
    hmap_init(&db->bridges);
    hmap_init(&db->ports);
    ovs_list_init(&db->changed_bridges);
    ovs_list_init(&db->changed_ports);
    db->datapath_types = xzalloc(sizeof *db->datapath_types);
    db->iface_types = xzalloc(sizeof *db->iface_types);
    db->switch_version = xstrdup("");
}

static void
free_texts(char **texts)
{
    for (size_t i = 0; texts[i]; i++) {
        free(texts[i]);
    }
    free(texts);
}

static void
set_text(char **to, const char *text)
{
    free(*to);
    *to = xstrdup(text ? text : "");
}

/* --- names ------------------------------------------------------------------------------ */

static struct nt_ovsdb_name *
find_name(const struct hmap *map, const char *name)
{
    struct nt_ovsdb_name *n;

    HMAP_FOR_EACH_WITH_HASH (n, node, hash_string(name, 0), map) {
        if (!strcmp(n->name, name)) {
            return n;
        }
    }
    return NULL;
}

static void
add_name(struct hmap *map, struct nt_ovsdb_name *n, const char *name)
{
    n->name = xstrdup(name);
    ovs_list_init(&n->changed);
    hmap_insert(map, &n->node, hash_string(name, 0));
}

static void
mark(struct ovs_list *changed, struct nt_ovsdb_name *n)
{
    if (ovs_list_is_empty(&n->changed)) {
        ovs_list_push_back(changed, &n->changed);
    }
}

static struct nt_ovsdb_port_copy *
port_of(struct nt_ovsdb_name *n)
{
    return n ? CONTAINER_OF(n, struct nt_ovsdb_port_copy, head) : NULL;
}

static struct nt_ovsdb_bridge_copy *
bridge_of(struct nt_ovsdb_name *n)
{
    return n ? CONTAINER_OF(n, struct nt_ovsdb_bridge_copy, head) : NULL;
}

static bool
is_there(const struct nt_ovsdb_port_copy *p)
{
    return p && p->row && p->bridge;
}

struct nt_ovsdb_port_copy *
nt_ovsdb_find_port(const struct nt_ovsdb *db, const char *name)
{
    struct nt_ovsdb_port_copy *p = port_of(find_name(&db->ports, name));

    return is_there(p) ? p : NULL;
}

struct nt_ovsdb_bridge_copy *
nt_ovsdb_find_bridge(const struct nt_ovsdb *db, const char *name)
{
    struct nt_ovsdb_bridge_copy *b = bridge_of(find_name(&db->bridges, name));

    return b && b->row ? b : NULL;
}

/* --- ports ------------------------------------------------------------------------------ */

static void
leave_bridge(struct nt_ovsdb *db, struct nt_ovsdb_port_copy *p)
{
    if (p->bridge) {
        ovs_list_remove(&p->in_bridge);
        p->bridge = NULL;
        mark(&db->changed_ports, &p->head);
    }
}

static void
join_bridge(struct nt_ovsdb *db, struct nt_ovsdb_port_copy *p, struct nt_ovsdb_bridge_copy *b)
{
    if (p->bridge != b) {
        leave_bridge(db, p);
        p->bridge = b;
        p->values.bridge = b->head.name;
        ovs_list_push_back(&b->ports, &p->in_bridge);
        mark(&db->changed_ports, &p->head);
    }
}

static void
lose_port(struct nt_ovsdb *db, struct nt_ovsdb_port_copy *p)
{
    p->row = NULL;
    leave_bridge(db, p);
    mark(&db->changed_ports, &p->head);
}

static void
free_port(struct nt_ovsdb *db, struct nt_ovsdb_port_copy *p)
{
    hmap_remove(&db->ports, &p->head.node);
    smap_destroy(&p->other_config);
    smap_destroy(&p->options);
    free(p->type);
    free(p->iface_id);
    free(p->attached_mac);
    free(p->error);
    free(p->head.name);
    free(p);
}

/* How much an interface stands for its port. */
static int
weight(const struct ovsrec_interface *i)
{
    bool is_vif = smap_get(&i->external_ids, "iface-id") != NULL
                  && smap_get(&i->external_ids, "attached-mac") != NULL;

    return is_vif ? 1 + !smap_get(&i->external_ids, "skip_cleanup") : 0;
}

const struct ovsrec_interface *
nt_ovsdb_interface_of(const struct ovsrec_port *port)
{
    const struct ovsrec_interface *best = NULL;

    for (size_t i = 0; i < port->n_interfaces; i++) {
        const struct ovsrec_interface *other = port->interfaces[i];
        int more = best ? weight(other) - weight(best) : 1;

        if (more > 0 || (more == 0 && strcmp(other->name, best->name) < 0)) {
            best = other;
        }
    }
    return best;
}

static void
copy_port(struct nt_ovsdb_port_copy *p)
{
    static const struct smap no_ids = SMAP_INITIALIZER(&no_ids);
    const struct ovsrec_interface *i = nt_ovsdb_interface_of(p->row);
    const struct smap *ids = i ? &i->external_ids : &no_ids;

    set_text(&p->type, i ? i->type : NULL);
    set_text(&p->error, i ? i->error : NULL);
    set_text(&p->iface_id, smap_get(ids, "iface-id"));
    set_text(&p->attached_mac, smap_get(ids, "attached-mac"));
    smap_destroy(&p->other_config);
    smap_destroy(&p->options);
    smap_clone(&p->other_config, &p->row->other_config);
    smap_clone(&p->options, i ? &i->options : &no_ids);
    p->values = (struct nt_ovs_port){
        .bridge = p->values.bridge,
        .name = p->head.name,
        .type = p->type,
        .ofport = i && i->n_ofport ? *i->ofport : 0,
        .tag = p->row->n_tag ? (int) *p->row->tag : 0,
        .iface_id = p->iface_id,
        .attached_mac = p->attached_mac,
        .skip_cleanup = smap_get(ids, "skip_cleanup") != NULL,
        .n_interfaces = p->row->n_interfaces,
        .error = p->error,
    };
}

static void
take_port(struct nt_ovsdb *db, const struct ovsrec_port *row)
{
    struct nt_ovsdb_port_copy *p = port_of(find_name(&db->ports, row->name));

    if (!p) {
        p = xzalloc(sizeof *p);
        smap_init(&p->other_config);
        smap_init(&p->options);
        add_name(&db->ports, &p->head, row->name);
    }
    p->row = row;
    p->uuid = row->header_.uuid;
    copy_port(p);
    mark(&db->changed_ports, &p->head);
}

static void
take_tracked_ports(struct nt_ovsdb *db)
{
    const struct ovsrec_port *row;

    OVSREC_PORT_FOR_EACH_TRACKED(row, db->idl)
    {
        if (ovsrec_port_is_deleted(row)) {
            struct nt_ovsdb_port_copy *p = port_of(find_name(&db->ports, row->name));

            /* Another row may have the name by now. */
            if (p && p->row && uuid_equals(&p->uuid, &row->header_.uuid)) {
                lose_port(db, p);
            }
        } else {
            take_port(db, row);
        }
    }
}

/* --- bridges ---------------------------------------------------------------------------- */

static void
lose_bridge(struct nt_ovsdb *db, struct nt_ovsdb_bridge_copy *b)
{
    struct nt_ovsdb_port_copy *p;

    b->row = NULL;
    LIST_FOR_EACH_SAFE (p, in_bridge, &b->ports) {
        leave_bridge(db, p);
    }
    mark(&db->changed_bridges, &b->head);
}

static void
free_bridge(struct nt_ovsdb *db, struct nt_ovsdb_bridge_copy *b)
{
    hmap_remove(&db->bridges, &b->head.node);
    free(b->datapath_id);
    free(b->datapath_type);
    free(b->fail_mode);
    free(b->external_bridge_id);
    free(b->head.name);
    free(b);
}

static void
copy_bridge(struct nt_ovsdb_bridge_copy *b)
{
    set_text(&b->datapath_id, b->row->datapath_id);
    set_text(&b->datapath_type, b->row->datapath_type);
    set_text(&b->fail_mode, b->row->fail_mode);
    set_text(&b->external_bridge_id, smap_get(&b->row->external_ids, "bridge-id"));
    b->values = (struct nt_ovs_bridge){
        .name = b->head.name,
        .datapath_id = b->datapath_id,
        .datapath_type = b->datapath_type,
        .fail_mode = b->fail_mode,
        .external_bridge_id = b->external_bridge_id,
    };
}

static void
walk_ports(struct nt_ovsdb *db, struct nt_ovsdb_bridge_copy *b)
{
    struct nt_ovsdb_port_copy *p;

    db->walk++;
    for (size_t i = 0; i < b->row->n_ports; i++) {
        const struct ovsrec_port *row = b->row->ports[i];

        p = port_of(find_name(&db->ports, row->name));
        if (p && p->row == row) {
            join_bridge(db, p, b);
            p->walk = db->walk;
        }
    }
    LIST_FOR_EACH_SAFE (p, in_bridge, &b->ports) {
        if (p->walk != db->walk) {
            leave_bridge(db, p);
        }
    }
}

static bool
is_own_change(const struct ovsrec_bridge *row)
{
    static const enum ovsrec_bridge_column_id columns[] = {
        OVSREC_BRIDGE_COL_DATAPATH_ID,  OVSREC_BRIDGE_COL_DATAPATH_TYPE,
        OVSREC_BRIDGE_COL_FAIL_MODE,    OVSREC_BRIDGE_COL_PROTOCOLS,
        OVSREC_BRIDGE_COL_CONTROLLER,   OVSREC_BRIDGE_COL_EXTERNAL_IDS,
        OVSREC_BRIDGE_COL_OTHER_CONFIG, OVSREC_BRIDGE_COL_MCAST_SNOOPING_ENABLE,
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(columns); i++) {
        if (ovsrec_bridge_is_updated(row, columns[i])) {
            return true;
        }
    }
    return false;
}

static void
take_bridge(struct nt_ovsdb *db, const struct ovsrec_bridge *row, bool is_whole)
{
    struct nt_ovsdb_bridge_copy *b = bridge_of(find_name(&db->bridges, row->name));

    if (!b) {
        b = xzalloc(sizeof *b);
        ovs_list_init(&b->ports);
        add_name(&db->bridges, &b->head, row->name);
    }
    if (is_whole || is_own_change(row)) {
        b->row = row;
        b->uuid = row->header_.uuid;
        copy_bridge(b);
        mark(&db->changed_bridges, &b->head);
    }
    if (is_whole || ovsrec_bridge_is_updated(row, OVSREC_BRIDGE_COL_PORTS)) {
        walk_ports(db, b);
    }
}

/* A bridge is tracked, too, when one of its ports or interfaces changed. */
static void
take_tracked_bridges(struct nt_ovsdb *db)
{
    const struct ovsrec_bridge *row;

    OVSREC_BRIDGE_FOR_EACH_TRACKED(row, db->idl)
    {
        if (!ovsrec_bridge_is_deleted(row)) {
            take_bridge(db, row, ovsrec_bridge_is_new(row));
            continue;
        }

        struct nt_ovsdb_bridge_copy *b = bridge_of(find_name(&db->bridges, row->name));

        if (b && b->row && uuid_equals(&b->uuid, &row->header_.uuid)) {
            lose_bridge(db, b);
        }
    }

    /* What is set in a controller's row belongs to its bridge. */
    if (ovsrec_controller_track_get_first(db->idl)) {
        struct nt_ovsdb_bridge_copy *b;

        HMAP_FOR_EACH (b, head.node, &db->bridges) {
            if (b->row && b->row->n_controller) {
                mark(&db->changed_bridges, &b->head);
            }
        }
    }
}

/* --- the switch ------------------------------------------------------------------------- */

static void
copy_texts(char ***to, char *const *texts, size_t n)
{
    free_texts(*to);
    *to = xcalloc(n + 1, sizeof **to);
    for (size_t i = 0; i < n; i++) {
        (*to)[i] = xstrdup(texts[i]);
    }
}

static void
take_switch(struct nt_ovsdb *db, bool is_whole)
{
    const struct ovsrec_open_vswitch *root = ovsrec_open_vswitch_first(db->idl);

    if (root
        && (is_whole || ovsrec_open_vswitch_is_updated(root, OVSREC_OPEN_VSWITCH_COL_IFACE_TYPES)
            || ovsrec_open_vswitch_is_updated(root, OVSREC_OPEN_VSWITCH_COL_DATAPATH_TYPES)
            || ovsrec_open_vswitch_is_updated(root, OVSREC_OPEN_VSWITCH_COL_OVS_VERSION))) {
        copy_texts(&db->datapath_types, root->datapath_types, root->n_datapath_types);
        copy_texts(&db->iface_types, root->iface_types, root->n_iface_types);
        set_text(&db->switch_version, root->ovs_version);
    }
}

/* --- taking in -------------------------------------------------------------------------- */

static void
reload(struct nt_ovsdb *db)
{
    struct nt_ovsdb_bridge_copy *b;
    struct nt_ovsdb_port_copy *p;
    const struct ovsrec_bridge *bridge;
    const struct ovsrec_port *port;

    /* These rows are freed already. */
    HMAP_FOR_EACH (p, head.node, &db->ports) {
        p->row = NULL;
    }
    HMAP_FOR_EACH (b, head.node, &db->bridges) {
        b->row = NULL;
    }
    OVSREC_PORT_FOR_EACH(port, db->idl)
    {
        take_port(db, port);
    }
    OVSREC_BRIDGE_FOR_EACH(bridge, db->idl)
    {
        take_bridge(db, bridge, true);
    }
    HMAP_FOR_EACH (p, head.node, &db->ports) {
        if (!p->row) {
            lose_port(db, p);
        }
    }
    HMAP_FOR_EACH (b, head.node, &db->bridges) {
        if (!b->row) {
            lose_bridge(db, b);
        }
    }
    take_switch(db, true);
}

void
nt_ovsdb_take_in(struct nt_ovsdb *db, bool reloaded)
{
    if (reloaded) {
        reload(db);
    } else {
        take_tracked_ports(db);
        take_tracked_bridges(db);
        take_switch(db, false);
    }
    ovsdb_idl_track_clear(db->idl);
}

void
nt_ovsdb_copy_deinit(struct nt_ovsdb *db)
{
    struct nt_ovsdb_bridge_copy *b;
    struct nt_ovsdb_port_copy *p;

    HMAP_FOR_EACH_SAFE (p, head.node, &db->ports) {
        free_port(db, p);
    }
    HMAP_FOR_EACH_SAFE (b, head.node, &db->bridges) {
        free_bridge(db, b);
    }
    hmap_destroy(&db->ports);
    hmap_destroy(&db->bridges);
    free_texts(db->datapath_types);
    free_texts(db->iface_types);
    free(db->switch_version);
}

/* --- telling ---------------------------------------------------------------------------- */

static void
tell_bridges(struct nt_ovsdb *db, const struct nt_ovsdb_changes *to)
{
    struct nt_ovsdb_bridge_copy *b;

    LIST_FOR_EACH_POP (b, head.changed, &db->changed_bridges) {
        bool was_there = !uuid_is_zero(&b->head.told);

        ovs_list_init(&b->head.changed);
        b->head.told = b->row ? b->uuid : UUID_ZERO;
        if (to->bridge && (was_there || b->row)) {
            to->bridge(to->aux, b->head.name);
        }
        if (!b->row) {
            free_bridge(db, b);
        }
    }
}

static void
tell_ports(struct nt_ovsdb *db, const struct nt_ovsdb_changes *to)
{
    struct nt_ovsdb_port_copy *p;

    LIST_FOR_EACH_POP (p, head.changed, &db->changed_ports) {
        bool was_there = !uuid_is_zero(&p->head.told);
        bool readded = was_there && is_there(p) && !uuid_equals(&p->head.told, &p->uuid);

        ovs_list_init(&p->head.changed);
        p->head.told = is_there(p) ? p->uuid : UUID_ZERO;
        if (to->port && (was_there || is_there(p))) {
            to->port(to->aux, p->head.name, readded);
        }
        if (!p->row) {
            free_port(db, p);
        }
    }
}

void
nt_ovsdb_changes(struct nt_ovsdb *db, const struct nt_ovsdb_changes *to)
{
    tell_bridges(db, to);
    tell_ports(db, to);
}

/* --- looking ---------------------------------------------------------------------------- */

const struct nt_ovs_bridge *
nt_ovsdb_bridge(const struct nt_ovsdb *db, const char *name)
{
    const struct nt_ovsdb_bridge_copy *b = nt_ovsdb_find_bridge(db, name);

    return b ? &b->values : NULL;
}

const struct nt_ovs_port *
nt_ovsdb_port(const struct nt_ovsdb *db, const char *name)
{
    const struct nt_ovsdb_port_copy *p = nt_ovsdb_find_port(db, name);

    return p ? &p->values : NULL;
}

void
nt_ovsdb_each_bridge(const struct nt_ovsdb *db, void (*cb)(void *, const struct nt_ovs_bridge *),
                     void *aux)
{
    const struct nt_ovsdb_bridge_copy *b;

    HMAP_FOR_EACH (b, head.node, &db->bridges) {
        if (b->row) {
            cb(aux, &b->values);
        }
    }
}

void
nt_ovsdb_each_port(const struct nt_ovsdb *db, const char *bridge,
                   void (*cb)(void *, const struct nt_ovs_port *), void *aux)
{
    const struct nt_ovsdb_port_copy *p;

    if (bridge) {
        const struct nt_ovsdb_bridge_copy *b = nt_ovsdb_find_bridge(db, bridge);

        if (b) {
            LIST_FOR_EACH (p, in_bridge, &b->ports) {
                cb(aux, &p->values);
            }
        }
        return;
    }
    HMAP_FOR_EACH (p, head.node, &db->ports) {
        if (is_there(p)) {
            cb(aux, &p->values);
        }
    }
}

const char *
nt_ovsdb_port_other_config(const struct nt_ovsdb *db, const char *port, const char *key)
{
    const struct nt_ovsdb_port_copy *p = nt_ovsdb_find_port(db, port);

    return p ? smap_get(&p->other_config, key) : NULL;
}

const char *
nt_ovsdb_interface_option(const struct nt_ovsdb *db, const char *port, const char *key)
{
    const struct nt_ovsdb_port_copy *p = nt_ovsdb_find_port(db, port);

    return p ? smap_get(&p->options, key) : NULL;
}

const char *const *
nt_ovsdb_datapath_types(const struct nt_ovsdb *db)
{
    return (const char *const *) db->datapath_types;
}

const char *const *
nt_ovsdb_iface_types(const struct nt_ovsdb *db)
{
    return (const char *const *) db->iface_types;
}

const char *
nt_ovsdb_switch_version(const struct nt_ovsdb *db)
{
    return db->switch_version;
}
