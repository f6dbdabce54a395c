#include <config.h>

#include "server/core/instance_info.h"

#include <string.h>

#include "base/mem.h"
#include "server/core/flavors.h"
#include "server/core/images.h"
#include "server/core/instances.h"
#include "server/core/security_groups.h"
#include "server/core/subnet_v6.h"

void
instance_info_clear(struct instance_info *info)
{
    nt_instance_clear(&info->instance);
    free(info->addresses);
    free(info->security_groups);
    *info = (struct instance_info){ 0 };
}

/* Links of an instance in their order; only addresses in use. */
#define LINK_TABLES                                             \
    " FROM ports p JOIN networks n ON n.id = p.network_id"      \
    " JOIN subnets s ON s.network_id = n.id"                    \
    " JOIN fixed_ips f ON f.port_id = p.id AND f.allocated = 1" \
    " WHERE p.device_id = ? ORDER BY p.position, f.ip"

static struct instance_address *
add_address(struct instance_info *info, size_t *allocated, struct stmt *stmt)
{
    if (info->n_addresses >= *allocated) {
        info->addresses = x2nrealloc(info->addresses, allocated, sizeof *info->addresses);
    }

    struct instance_address *a = &info->addresses[info->n_addresses++];
    *a = (struct instance_address){ .version = 4 };
    stmt_copy(stmt, 0, a->network_id, sizeof a->network_id);
    stmt_copy(stmt, 1, a->network_name, sizeof a->network_name);
    stmt_copy(stmt, 2, a->address, sizeof a->address);
    stmt_copy(stmt, 3, a->mac, sizeof a->mac);
    return a;
}

/* 'a' holds the network's IPv6 range; false when it is none to take addresses from. */
static bool
make_ip6(struct instance_address *a, const char *ipv6_backend, const char *project_id)
{
    char address[NT_IP_SIZE];

    a->version = 6;
    if (!subnet_v6_address(a->address, ipv6_backend, project_id, a->mac, address)) {
        return false;
    }
    ovs_strlcpy(a->address, address, sizeof a->address);
    return true;
}

/* Addresses of one kind: 'kind' is 4 or 6 for fixed ones, 0 for floating ones. */
static int
load_addresses_of(struct store *store, struct instance_info *info, size_t *allocated, int kind,
                  struct nt_err *err)
{
    static const char *const queries[] = {
        [0] = "SELECT n.id, n.name, x.address, p.mac_address FROM floating_ips x"
              " JOIN ports p ON p.id = x.port_id JOIN networks n ON n.id = p.network_id"
              " WHERE x.instance_id = ? ORDER BY p.position, x.ip",
        [4] = "SELECT n.id, n.name, f.address, p.mac_address" LINK_TABLES,
        [6] = "SELECT n.id, n.name, s.cidr_v6, p.mac_address, s.ipv6_backend" LINK_TABLES,
    };
    AUTO(stmt) stmt = NULL;
    int rc;

    if (store_query(store, &stmt, err, queries[kind], "t", info->instance.id) < 0) {
        return -1;
    }
    while ((rc = stmt_step(stmt, err)) > 0) {
        struct instance_address *a = add_address(info, allocated, stmt);

        a->is_floating = kind == 0;
        if (kind == 6
            && (!*a->address || !make_ip6(a, stmt_text(stmt, 4), info->instance.project_id))) {
            info->n_addresses--;
        }
    }
    return rc;
}

static int
load_addresses(struct store *store, struct instance_info *info, struct nt_err *err)
{
    size_t allocated = 0;

    return load_addresses_of(store, info, &allocated, 4, err) < 0
                   || load_addresses_of(store, info, &allocated, 6, err) < 0
                   || load_addresses_of(store, info, &allocated, 0, err) < 0
               ? -1
               : 0;
}

static int
load_groups(struct store *store, struct instance_info *info, struct nt_err *err)
{
    struct rows groups;

    if (security_groups_of_instance(store, info->instance.id, &groups, err) < 0) {
        return -1;
    }
    info->security_groups = xcalloc(MAX(groups.n, 1), sizeof *info->security_groups);
    info->n_security_groups = groups.n;
    for (size_t i = 0; i < groups.n; i++) {
        ovs_strlcpy(info->security_groups[i], ROW(const struct security_group, &groups, i)->name,
                    sizeof info->security_groups[i]);
    }
    rows_clear(&groups);
    return 0;
}

int
instance_info_fill(struct store *store, struct nt_instance *instance, struct instance_info *out,
                   struct nt_err *err)
{
    struct instance_info info = { .instance = *instance };

    *instance = (struct nt_instance){ 0 };
    if (row_get(store, &flavors_table, &info.flavor, err, "WHERE id = ?", "t",
                info.instance.flavor_id)
            < 0
        || row_get(store, &images_table, &info.image, err, "WHERE id = ?", "t",
                   info.instance.image_id)
               < 0
        || load_addresses(store, &info, err) < 0 || load_groups(store, &info, err) < 0) {
        instance_info_clear(&info);
        return -1;
    }
    *out = info;
    return 0;
}

int
instance_info_load(struct store *store, const char *project_id, const char *id,
                   struct instance_info *out, struct nt_err *err)
{
    struct nt_instance instance;

    return instance_get(store, project_id, id, &instance, err) < 0
               ? -1
               : instance_info_fill(store, &instance, out, err);
}

int
instance_id_by_address(struct store *store, const char *address, char id[NT_UUID_SIZE],
                       struct nt_err *err)
{
    AUTO(stmt) stmt = NULL;
    uint32_t ip;
    int rc = 0;

    if (nt_ip4_parse(address, &ip)) {
        if (store_query(store, &stmt, err,
                        "SELECT instance_id FROM fixed_ips WHERE ip = ? AND allocated = 1", "i",
                        (int64_t) ip)
                < 0
            || (rc = stmt_step(stmt, err)) < 0) {
            return -1;
        }
    }
    if (!rc) {
        return nt_fail(err, NT_NOT_FOUND, "no instance has the address %s", address);
    }
    stmt_copy(stmt, 0, id, NT_UUID_SIZE);
    return 0;
}

int
instance_interfaces(struct store *store, const char *project_id, const char *id,
                    struct instance_interface **out, size_t *n, struct nt_err *err)
{
    AUTO_FREE struct instance_interface *list = NULL;
    AUTO(stmt) stmt = NULL;
    struct nt_instance instance;
    size_t allocated = 0;
    size_t count = 0;
    int rc;

    if (instance_get(store, project_id, id, &instance, err) < 0) {
        return -1;
    }
    nt_instance_clear(&instance);
    if (store_query(store, &stmt, err,
                    "SELECT p.id, n.id, s.id, p.mac_address, f.address, p.status" LINK_TABLES, "t",
                    id)
        < 0) {
        return -1;
    }
    while ((rc = stmt_step(stmt, err)) > 0) {
        if (count >= allocated) {
            list = x2nrealloc(list, &allocated, sizeof *list);
        }

        struct instance_interface *i = &list[count++];
        stmt_copy(stmt, 0, i->port_id, sizeof i->port_id);
        stmt_copy(stmt, 1, i->network_id, sizeof i->network_id);
        stmt_copy(stmt, 2, i->subnet_id, sizeof i->subnet_id);
        stmt_copy(stmt, 3, i->mac, sizeof i->mac);
        stmt_copy(stmt, 4, i->address, sizeof i->address);
        stmt_copy(stmt, 5, i->status, sizeof i->status);
    }
    if (rc < 0) {
        return -1;
    }
    *out = TAKE(list);
    *n = count;
    return 0;
}

static void
read_vif(struct stmt *stmt, const char *project_id, struct nt_vif *vif)
{
    *vif = (struct nt_vif){ 0 };
    stmt_copy(stmt, 0, vif->port_id, sizeof vif->port_id);
    stmt_copy(stmt, 1, vif->network_id, sizeof vif->network_id);
    stmt_copy(stmt, 2, vif->network_name, sizeof vif->network_name);
    stmt_copy(stmt, 3, vif->mac, sizeof vif->mac);
    stmt_copy(stmt, 4, vif->address, sizeof vif->address);
    stmt_copy(stmt, 5, vif->cidr, sizeof vif->cidr);
    stmt_copy(stmt, 6, vif->gateway_ip, sizeof vif->gateway_ip);
    stmt_copy(stmt, 7, vif->dhcp_server, sizeof vif->dhcp_server);
    stmt_copy(stmt, 8, vif->bridge, sizeof vif->bridge);
    stmt_copy(stmt, 9, vif->bridge_interface, sizeof vif->bridge_interface);
    vif->multi_host = stmt_int(stmt, 10);
    vif->mtu = stmt_int(stmt, 11);
    stmt_copy(stmt, 12, vif->cidr_v6, sizeof vif->cidr_v6);
    stmt_copy(stmt, 13, vif->gateway_v6, sizeof vif->gateway_v6);
    (void) subnet_v6_address(vif->cidr_v6, stmt_text(stmt, 14), project_id, vif->mac,
                             vif->address_v6);
}

/* Under multi_host a guest's gateway and DHCP server is its own host. */
#define OWN_ADDRESS                                             \
    "(SELECT h.address FROM fixed_ips h WHERE n.multi_host = 1" \
    " AND h.network_id = n.id AND h.host = p.host AND p.host <> '')"

static int
load_vifs(struct store *store, const char *project_id, struct nt_instance_view *view,
          struct nt_err *err)
{
    AUTO(stmt) stmt = NULL;
    size_t allocated = 0;

    if (store_query(store, &stmt, err,
                    "SELECT p.id, n.id, n.name, p.mac_address, f.address, s.cidr,"
                    " COALESCE(" OWN_ADDRESS ", s.gateway_ip), COALESCE(" OWN_ADDRESS
                    ", s.dhcp_server), n.bridge, n.bridge_interface, n.multi_host,"
                    " n.mtu, s.cidr_v6, s.gateway_v6, s.ipv6_backend" LINK_TABLES,
                    "t", view->id)
        < 0) {
        return -1;
    }

    int rc;
    while ((rc = stmt_step(stmt, err)) > 0) {
        if (view->n_vifs >= allocated) {
            view->vifs = x2nrealloc(view->vifs, &allocated, sizeof *view->vifs);
        }
        read_vif(stmt, project_id, &view->vifs[view->n_vifs++]);
    }
    return rc;
}

static int
load_group_ids(struct store *store, struct nt_instance_view *view, struct nt_err *err)
{
    AUTO(stmt) stmt = NULL;
    size_t allocated = 0;
    int rc;

    if (store_query(store, &stmt, err,
                    "SELECT g.id FROM security_group_members m"
                    " JOIN security_groups g ON g.id = m.security_group_id"
                    " WHERE m.instance_id = ? ORDER BY g.number",
                    "t", view->id)
        < 0) {
        return -1;
    }
    while ((rc = stmt_step(stmt, err)) > 0) {
        if (view->n_security_group_ids >= allocated) {
            view->security_group_ids =
                x2nrealloc(view->security_group_ids, &allocated, sizeof *view->security_group_ids);
        }
        stmt_copy(stmt, 0, view->security_group_ids[view->n_security_group_ids++].text,
                  NT_UUID_SIZE);
    }
    return rc;
}

static int
fill_view(struct store *store, const struct nt_instance *instance, struct nt_instance_view *out,
          struct nt_err *err)
{
    struct nt_flavor flavor = { 0 };
    struct nt_image image = { 0 };

    if (row_get(store, &flavors_table, &flavor, err, "WHERE id = ?", "t", instance->flavor_id) < 0
        || row_get(store, &images_table, &image, err, "WHERE id = ?", "t", instance->image_id)
               < 0) {
        return -1;
    }

    struct nt_instance_view view = {
        .number = instance->number,
        .power_generation = instance->power_generation,
        .ram_mb = flavor.ram_mb,
        .vcpus = flavor.vcpus,
        .disk_gb = flavor.disk_gb,
        .config_drive = instance->config_drive,
        .revision = instance->revision,
    };
    ovs_strlcpy(view.id, instance->id, sizeof view.id);
    ovs_strlcpy(view.name, instance->name, sizeof view.name);
    ovs_strlcpy(view.hostname, instance->hostname, sizeof view.hostname);
    ovs_strlcpy(view.vm_state, instance->vm_state, sizeof view.vm_state);
    ovs_strlcpy(view.task_state, instance->task_state, sizeof view.task_state);
    ovs_strlcpy(view.image_name, image.name, sizeof view.image_name);
    ovs_strlcpy(view.image_location, image.location, sizeof view.image_location);
    ovs_strlcpy(view.image_format, image.disk_format, sizeof view.image_format);
    ovs_strlcpy(view.image_kernel, image.kernel, sizeof view.image_kernel);
    ovs_strlcpy(view.image_ramdisk, image.ramdisk, sizeof view.image_ramdisk);
    ovs_strlcpy(view.image_command_line, image.os_command_line, sizeof view.image_command_line);
    if (load_vifs(store, instance->project_id, &view, err) < 0
        || load_group_ids(store, &view, err) < 0) {
        nt_instance_view_clear(&view);
        return -1;
    }
    *out = view;
    return 0;
}

int
instance_view_load(struct store *store, const char *id, struct nt_instance_view *out,
                   struct nt_err *err)
{
    struct nt_instance instance;

    if (instance_get(store, NULL, id, &instance, err) < 0) {
        return -1;
    }

    int rc = fill_view(store, &instance, out, err);
    nt_instance_clear(&instance);
    return rc;
}

struct views {
    struct nt_instance_view *at;
    size_t n, allocated;
};

/* Those whose instance ended while the host was away; -1 leaves what was there. */
static int
add_lost_guests(struct store *store, const char *host, struct views *out, struct nt_err *err)
{
    AUTO(stmt) stmt = NULL;
    int rc;

    if (store_query(store, &stmt, err,
                    "SELECT instance_id, number FROM lost_guests WHERE host = ? ORDER BY number",
                    "t", host)
        < 0) {
        return -1;
    }
    while ((rc = stmt_step(stmt, err)) > 0) {
        if (out->n >= out->allocated) {
            out->at = x2nrealloc(out->at, &out->allocated, sizeof *out->at);
        }

        struct nt_instance_view *view = &out->at[out->n++];
        *view = (struct nt_instance_view){ .number = stmt_int(stmt, 1),
                                           .vm_state = "active",
                                           .task_state = "deleting" };
        stmt_copy(stmt, 0, view->id, sizeof view->id);
    }
    return rc;
}

int
instance_views_of_host(struct store *store, const char *host, struct nt_instance_view **out,
                       size_t *n, struct nt_err *err)
{
    struct rows instances;

    /* A failed boot left no guest; what failed after it ran may still have one. */
    if (row_list(store, &instances_table, &instances, err,
                 "WHERE host = ? AND task_state <> 'networking' AND (vm_state <> 'error'"
                 " OR task_state = 'deleting' OR launched_at > 0)"
                 " ORDER BY number",
                 "t", host)
        < 0) {
        return -1;
    }

    struct views views = { .allocated = MAX(instances.n, 1) };
    views.at = xcalloc(views.allocated, sizeof *views.at);
    while (views.n < instances.n
           && fill_view(store, ROW(const struct nt_instance, &instances, views.n),
                        &views.at[views.n], err)
                  >= 0) {
        views.n++;
    }

    int rc = views.n < instances.n ? -1 : add_lost_guests(store, host, &views, err);
    rows_clear(&instances);
    if (rc < 0) {
        while (views.n) {
            nt_instance_view_clear(&views.at[--views.n]);
        }
        free(views.at);
        return -1;
    }
    *out = views.at;
    *n = views.n;
    return 0;
}
