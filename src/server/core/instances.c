#include <config.h>

#include "server/core/instances.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "server/core/flavors.h"
#include "server/core/floating_ips.h"
#include "server/core/hosts.h"
#include "server/core/images.h"
#include "server/core/instance_actions.h"
#include "server/core/instance_evacuate.h"
#include "server/core/ipam.h"
#include "server/core/keypairs.h"
#include "server/core/lost_guests.h"
#include "server/core/networks.h"
#include "server/core/ports.h"
#include "server/core/quotas.h"
#include "server/core/security_groups.h"
#include "server/core/usage.h"
#include "server/sched/sched.h"

const struct table instances_table = {
    "instances",
    nt_instance_fields,
    sizeof(struct nt_instance),
    "id",
};

static bool
is(const char *a, const char *b)
{
    return !strcmp(a, b);
}

void
instance_add_change(struct changes *changes, enum change_kind kind,
                    const struct nt_instance *instance)
{
    struct change *c = changes_add(changes, kind);

    c->number = instance->number;
    ovs_strlcpy(c->instance_id, instance->id, sizeof c->instance_id);
    ovs_strlcpy(c->host, instance->host, sizeof c->host);
    ovs_strlcpy(c->vm_state, instance->vm_state, sizeof c->vm_state);
    ovs_strlcpy(c->task_state, instance->task_state, sizeof c->task_state);
    c->generation = instance->power_generation;
}

static int
save(struct store *store, const struct core_env *env, struct nt_instance *instance,
     struct nt_err *err)
{
    instance->updated_at = core_now(env);
    instance->revision++;
    return row_update(store, &instances_table, instance, err);
}

/* What a wish names must exist; a wish that names something else is wrong, not its
 * address, so NT_NOT_FOUND becomes NT_INVALID. */
static int
must_exist(int rc, struct nt_err *err)
{
    if (rc < 0 && err && err->code == NT_NOT_FOUND) {
        err->code = NT_INVALID;
    }
    return rc;
}

static int
check_quotas(struct store *store, const struct core_env *env, const struct instance_create *wish,
             const struct nt_flavor *flavor, struct nt_err *err)
{
    const struct quota_wish wishes[] = {
        { QUOTA_INSTANCES, wish->project_id, 1, QUOTA_COUNT },
        { QUOTA_CORES, wish->project_id, flavor->vcpus, QUOTA_COUNT },
        { QUOTA_RAM, wish->project_id, flavor->ram_mb, QUOTA_COUNT },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(wishes); i++) {
        if (quota_check(store, env, &wishes[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
check_wish(struct store *store, const struct core_env *env, const struct instance_create *wish,
           struct nt_err *err)
{
    struct nt_flavor flavor;
    struct nt_image image;

    if (!wish->name || !wish->name[0]) {
        return nt_fail(err, NT_INVALID, "server: name is missing");
    }
    if (strlen(wish->name) >= NT_NAME_SIZE) {
        return nt_fail(err, NT_INVALID, "server: name is longer than %d bytes", NT_NAME_SIZE - 1);
    }
    if (must_exist(flavor_get(store, wish->flavor_id, &flavor, err), err) < 0
        || must_exist(image_get(store, wish->image_id, &image, err), err) < 0) {
        return -1;
    }
    if (image.min_ram_mb > flavor.ram_mb || image.min_disk_gb > flavor.disk_gb) {
        return nt_fail(err, NT_INVALID, "flavor %s is too small for image %s", flavor.name,
                       image.name);
    }
    for (size_t i = 0; i < wish->n_networks; i++) {
        for (size_t j = 0; j < i; j++) {
            if (is(wish->networks[i].network_id, wish->networks[j].network_id)) {
                return nt_fail(err, NT_INVALID, "network %s is asked for twice",
                               wish->networks[i].network_id);
            }
        }
    }
    return check_quotas(store, env, wish, &flavor, err);
}

/* The key is copied: the pair may go while the instance lives. */
static int
take_key(struct store *store, const struct instance_create *wish, struct nt_instance *instance,
         struct nt_err *err)
{
    struct keypair keypair;

    if (!wish->key_name || !wish->key_name[0]) {
        return 0;
    }
    if (must_exist(keypair_get(store, wish->user_id, wish->key_name, &keypair, err), err) < 0) {
        return -1;
    }
    ovs_strlcpy(instance->key_name, keypair.name, sizeof instance->key_name);
    instance->key_data = TAKE(keypair.public_key);
    keypair_clear(&keypair);
    return 0;
}

/* Fills 'host', or 'fault' when no host fits.  -1 only when the database fails. */
static int
choose_host(struct store *store, const struct core_env *env, const struct instance_create *wish,
            struct nt_instance *instance, struct nt_err *err)
{
    AUTO_FREE struct sched_host *hosts = NULL;
    const struct sched_request request = { wish->availability_zone,
                                           env->default_availability_zone };
    const struct sched_host *chosen;
    struct nt_err reason = { 0 };
    size_t n;

    if (host_candidates(store, env, !sched_names_host(&request), &hosts, &n, err) < 0) {
        return -1;
    }
    if (sched_choose(hosts, n, &request, &chosen, &reason) < 0) {
        ovs_strlcpy(instance->fault, reason.msg, sizeof instance->fault);
    } else {
        ovs_strlcpy(instance->host, chosen->host, sizeof instance->host);
    }
    return 0;
}

static void
copy(char *out, const char *text, size_t size)
{
    ovs_strlcpy(out, text ? text : "", size);
}

static void
fill_from_wish(const struct core_env *env, const struct instance_create *wish,
               struct nt_instance *instance)
{
    copy(instance->name, wish->name, sizeof instance->name);
    copy(instance->project_id, wish->project_id, sizeof instance->project_id);
    copy(instance->user_id, wish->user_id, sizeof instance->user_id);
    copy(instance->flavor_id, wish->flavor_id, sizeof instance->flavor_id);
    copy(instance->image_id, wish->image_id, sizeof instance->image_id);
    copy(instance->availability_zone, env->default_availability_zone,
         sizeof instance->availability_zone);
    if (wish->reservation_id) {
        copy(instance->reservation_id, wish->reservation_id, sizeof instance->reservation_id);
    } else {
        uint8_t b[4];

        nt_random_bytes(env->random, "reservation", b, sizeof b);
        snprintf(instance->reservation_id, sizeof instance->reservation_id, "r-%02x%02x%02x%02x",
                 b[0], b[1], b[2], b[3]);
    }
    instance->user_data = nullable_xstrdup(wish->user_data);
    instance->metadata = wish->metadata ? json_clone(wish->metadata) : NULL;
    instance->launch_index = wish->launch_index;
    instance->config_drive = wish->config_drive;
    instance->created_at = instance->updated_at = core_now(env);
    instance->revision = 1;
    nt_random_uuid(env->random, instance->id);
}

static int
join_groups(struct store *store, const struct core_env *env, const struct instance_create *wish,
            const struct nt_instance *instance, struct nt_err *err)
{
    if (!wish->n_security_groups) {
        return security_group_join(store, env, instance->project_id, "default", instance->id, err);
    }
    for (size_t i = 0; i < wish->n_security_groups; i++) {
        if (must_exist(security_group_join(store, env, instance->project_id,
                                           wish->security_groups[i], instance->id, err),
                       err)
            < 0) {
            return -1;
        }
    }
    return 0;
}

static int
plug(struct store *store, const struct core_env *env, const struct nt_instance *instance,
     const struct network_row *network, const char *wanted, struct nt_err *err)
{
    const struct quota_wish quota = { QUOTA_FIXED_IPS, instance->project_id, 1, QUOTA_COUNT };
    struct nt_fixed_ip fixed_ip;
    struct nt_port port;
    const struct ipam_wish wish = { &network->subnet, &port, wanted };

    return quota_check(store, env, &quota, err) < 0
                   || port_create(store, env, network->network.id, instance, &port, err) < 0
                   || ipam_allocate(store, env, &wish, &fixed_ip, err) < 0
               ? -1
               : 0;
}

static int
plug_all(struct store *store, const struct core_env *env, const struct nt_instance *instance,
         const struct instance_create *wish, struct nt_err *err)
{
    int rc = 0;

    if (wish->no_networks) {
        return 0;
    }
    for (size_t i = 0; i < wish->n_networks && !rc; i++) {
        const struct instance_network *w = &wish->networks[i];
        struct network_row network;

        rc = must_exist(network_get(store, w->network_id, &network, err), err) < 0
                 ? -1
                 : plug(store, env, instance, &network, w->address, err);
    }
    if (wish->n_networks || rc) {
        return rc;
    }

    struct network_list all;
    if (network_list_load(store, NULL, &all, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < all.n && !rc; i++) {
        rc = plug(store, env, instance, &all.at[i], NULL, err);
    }
    network_list_clear(&all);
    return rc;
}

/* dnsmasq answers for the name, so two instances of one network must not share it:
 * the later one is named by its address. */
static int
name_host(struct store *store, struct nt_instance *instance, struct nt_err *err)
{
    AUTO(stmt) stmt = NULL;
    char address[NT_IP4_SIZE] = "";
    char before[sizeof instance->hostname];
    int64_t n_same = 0;

    if (store_query(store, &stmt, err,
                    "SELECT f.address FROM ports p JOIN fixed_ips f ON f.port_id = p.id"
                    " WHERE p.device_id = ? ORDER BY p.position",
                    "t", instance->id)
        < 0) {
        return -1;
    }

    int rc = stmt_step(stmt, err);
    if (rc <= 0) {
        return rc;
    }
    stmt_copy(stmt, 0, address, sizeof address);
    copy(before, instance->hostname, sizeof before);
    nt_hostname_from_name(instance->name, address, instance->hostname);
    if (store_get_int(store, &n_same, err,
                      "SELECT COUNT(*) FROM instances i JOIN ports p ON p.device_id = i.id"
                      " WHERE i.hostname = ? AND i.id <> ? AND p.network_id IN"
                      " (SELECT network_id FROM ports WHERE device_id = ?)",
                      "ttt", instance->hostname, instance->id, instance->id)
        < 0) {
        return -1;
    }
    if (n_same) {
        nt_hostname_from_name("", address, instance->hostname);
    }
    return is(before, instance->hostname)
               ? 0
               : MIN(store_do(store, err, "UPDATE instances SET hostname = ? WHERE id = ?", "tt",
                              instance->hostname, instance->id),
                     0);
}

static int
create(struct store *store, const struct core_env *env, const struct instance_create *wish,
       struct nt_instance *instance, struct changes *changes, struct nt_err *err)
{
    if (choose_host(store, env, wish, instance, err) < 0
        || store_next_number(store, "instances", env->first_instance_number, &instance->number, err)
               < 0) {
        return -1;
    }

    bool has_host = instance->host[0];
    copy(instance->vm_state, has_host ? "building" : "error", sizeof instance->vm_state);
    copy(instance->task_state, has_host ? "networking" : "", sizeof instance->task_state);
    nt_hostname_from_name(instance->name, NULL, instance->hostname);
    if (row_insert(store, &instances_table, instance, err) < 0
        || join_groups(store, env, wish, instance, err) < 0) {
        return -1;
    }
    if (instance_action_start(store, env, instance->id, "create", instance->user_id, err) < 0) {
        return -1;
    }
    if (!has_host) {
        if (instance_actions_finish(store, env, instance->id, instance->fault, err) < 0) {
            return -1;
        }
        instance_add_change(changes, CHANGE_INSTANCE_UPDATED, instance);
        return 0;
    }
    if (plug_all(store, env, instance, wish, err) < 0 || name_host(store, instance, err) < 0
        || ipam_add_changes(store, instance->id, CHANGE_FIXED_IP_ALLOCATED, changes, err) < 0
        || security_groups_add_changes(store, instance->id, changes, err) < 0
        || must_exist(floating_ip_auto_assign(store, env, instance, changes, err), err) < 0) {
        return -1;
    }
    instance_add_change(changes, CHANGE_INSTANCE_CREATED, instance);
    return 0;
}

int
instance_create(struct store *store, const struct core_env *env, const struct instance_create *wish,
                struct nt_instance *out, struct changes *changes, struct nt_err *err)
{
    struct nt_instance instance = { 0 };

    if (check_wish(store, env, wish, err) < 0) {
        return -1;
    }
    fill_from_wish(env, wish, &instance);
    if (take_key(store, wish, &instance, err) < 0
        || create(store, env, wish, &instance, changes, err) < 0) {
        nt_instance_clear(&instance);
        return -1;
    }
    *out = instance;
    return 0;
}

static int
fail_not_found(const char *what, struct nt_err *err)
{
    return nt_fail(err, NT_NOT_FOUND, "instance %s could not be found", what);
}

int
instance_get(struct store *store, const char *project_id, const char *id, struct nt_instance *out,
             struct nt_err *err)
{
    int rc =
        row_get(store, &instances_table, out, err, "WHERE id = ? AND (? IS NULL OR project_id = ?)",
                "ttt", id, project_id, project_id);

    return rc ? MIN(rc, 0) : fail_not_found(id, err);
}

static bool
is_number(const char *s)
{
    size_t n = strspn(s, "0123456789");

    return n && n < 19 && !s[n];
}

int
instance_find(struct store *store, const char *project_id, const char *what,
              struct nt_instance *out, struct nt_err *err)
{
    if (nt_is_uuid(what)) {
        return instance_get(store, project_id, what, out, err);
    }
    if (is_number(what)) {
        int rc = row_get(store, &instances_table, out, err,
                         "WHERE number = ? AND (? IS NULL OR project_id = ?)", "itt",
                         (int64_t) atoll(what), project_id, project_id);
        if (rc) {
            return MIN(rc, 0);
        }
    }

    struct rows named;
    if (row_list(store, &instances_table, &named, err,
                 "WHERE name = ? AND (? IS NULL OR project_id = ?)", "ttt", what, project_id,
                 project_id)
        < 0) {
        return -1;
    }

    int rc = 0;
    if (named.n == 1) {
        nt_fields_copy(nt_instance_fields, out, named.at);
    } else {
        rc = named.n ? nt_fail(err, NT_CONFLICT, "several instances are named %s", what)
                     : fail_not_found(what, err);
    }
    rows_clear(&named);
    return rc;
}

/* "%text%" with LIKE's own characters escaped by '!'. */
static char *
like_pattern(const char *text)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ds_put_char(&s, '%');
    for (; *text; text++) {
        if (strchr("%_!", *text)) {
            ds_put_char(&s, '!');
        }
        ds_put_char(&s, *text);
    }
    ds_put_char(&s, '%');
    return ds_steal_cstr(&s);
}

int
instance_list(struct store *store, const struct instance_filter *filter, struct rows *out,
              struct nt_err *err)
{
    AUTO_FREE char *name = filter->name ? like_pattern(filter->name) : NULL;
    int64_t before = INT64_MAX;

    if (filter->marker) {
        int rc = store_get_int(store, &before, err, "SELECT number FROM instances WHERE id = ?",
                               "t", filter->marker);
        if (rc <= 0) {
            return rc ? -1
                      : nt_fail(err, NT_INVALID, "marker %s could not be found", filter->marker);
        }
    }
    return row_list(store, &instances_table, out, err,
                    "WHERE (? IS NULL OR project_id = ?) AND (? IS NULL OR name LIKE ? ESCAPE '!')"
                    " AND (? IS NULL OR vm_state = ?) AND (? IS NULL OR host = ?)"
                    " AND (? IS NULL OR flavor_id = ?) AND (? IS NULL OR image_id = ?)"
                    " AND (? IS NULL OR id IN (SELECT instance_id FROM fixed_ips"
                    " WHERE address = ? AND allocated = 1))"
                    " AND number < ? ORDER BY number DESC LIMIT ?",
                    "ttttttttttttttii", filter->project_id, filter->project_id, name, name,
                    filter->vm_state, filter->vm_state, filter->host, filter->host,
                    filter->flavor_id, filter->flavor_id, filter->image_id, filter->image_id,
                    filter->address, filter->address, before,
                    filter->limit ? (int64_t) filter->limit : INT64_MAX);
}

int
instance_set_task(struct store *store, const struct core_env *env, const char *id,
                  const char *task_state, struct changes *changes, struct nt_err *err)
{
    struct nt_instance instance;

    if (instance_get(store, NULL, id, &instance, err) < 0) {
        return -1;
    }

    int rc;
    if (!is(instance.vm_state, "building") || is(instance.task_state, "deleting")) {
        rc = nt_fail(err, NT_CONFLICT, "instance %s is not being built any more (%s %s)", id,
                     instance.vm_state, instance.task_state);
    } else {
        copy(instance.task_state, task_state, sizeof instance.task_state);
        rc = save(store, env, &instance, err);
        if (!rc) {
            instance_add_change(changes, CHANGE_INSTANCE_UPDATED, &instance);
        }
    }
    nt_instance_clear(&instance);
    return rc;
}

/* Gives back the addresses of all its ports. */
static int
unplug_all(struct store *store, const struct core_env *env, const char *instance_id,
           struct changes *changes, struct nt_err *err)
{
    struct rows ports;

    if (security_groups_add_changes(store, instance_id, changes, err) < 0
        || ports_of_instance(store, instance_id, &ports, err) < 0) {
        return -1;
    }

    int rc = 0;
    for (size_t i = 0; i < ports.n && !rc; i++) {
        const char *port_id = ROW(const struct nt_port, &ports, i)->id;

        rc = floating_ips_leave_port(store, env, port_id, changes, err) < 0
                     || ipam_unuse(store, env, port_id, changes, err) < 0
                 ? -1
                 : 0;
    }
    rows_clear(&ports);
    return rc;
}

static int
fail_boot(struct store *store, const struct core_env *env, struct nt_instance *instance,
          const char *fault, struct changes *changes, struct nt_err *err)
{
    /* The compute host that was never told has nothing to clean up. */
    if (is(instance->task_state, "networking")) {
        instance->host[0] = '\0';
    }
    copy(instance->vm_state, "error", sizeof instance->vm_state);
    instance->task_state[0] = '\0';
    copy(instance->fault, fault, sizeof instance->fault);
    if (instance->evacuated_from[0]) {
        return instance_evacuation_failed(store, env, instance, changes, err);
    }
    if (unplug_all(store, env, instance->id, changes, err) < 0
        || save(store, env, instance, err) < 0
        || instance_actions_finish(store, env, instance->id, fault, err) < 0) {
        return -1;
    }
    instance_add_change(changes, CHANGE_INSTANCE_UPDATED, instance);
    return 0;
}

/* Reads an instance that may be gone: 1, 0, or -1. */
static int
get_if_there(struct store *store, const char *id, struct nt_instance *out, struct nt_err *err)
{
    return row_get(store, &instances_table, out, err, "WHERE id = ?", "t", id);
}

int
instance_fail_boot(struct store *store, const struct core_env *env, const char *id,
                   const char *fault, struct changes *changes, struct nt_err *err)
{
    struct nt_instance instance;
    int rc = get_if_there(store, id, &instance, err);

    if (rc <= 0) {
        return rc;
    }
    rc = is(instance.vm_state, "building") && !is(instance.task_state, "deleting")
             ? fail_boot(store, env, &instance, fault, changes, err)
             : 0;
    nt_instance_clear(&instance);
    return rc;
}

static int
end(struct store *store, const struct core_env *env, struct nt_instance *instance,
    struct changes *changes, struct nt_err *err)
{
    if (unplug_all(store, env, instance->id, changes, err) < 0
        || security_groups_leave(store, instance->id, err) < 0
        || usage_keep(store, env, instance, err) < 0
        || row_delete(store, &instances_table, instance->id, err) < 0) {
        return -1;
    }
    copy(instance->vm_state, "deleted", sizeof instance->vm_state);
    instance->task_state[0] = '\0';
    instance_add_change(changes, CHANGE_INSTANCE_DELETED, instance);
    return 0;
}

int
instance_end(struct store *store, const struct core_env *env, const char *id,
             struct changes *changes, struct nt_err *err)
{
    struct nt_instance instance;
    int rc = get_if_there(store, id, &instance, err);

    if (rc > 0) {
        rc = end(store, env, &instance, changes, err);
        nt_instance_clear(&instance);
    }
    return rc;
}

int
instance_delete(struct store *store, const struct core_env *env, const char *project_id,
                const char *id, struct changes *changes, struct nt_err *err)
{
    struct nt_instance instance;

    if (instance_get(store, project_id, id, &instance, err) < 0) {
        return -1;
    }

    bool is_lost = false;
    bool no_guest = !instance.host[0] || is(instance.task_state, "networking");
    int rc = no_guest ? 0 : lost_host(store, env, instance.host, &is_lost, err);

    if (!rc && is_lost) {
        rc = lost_guests_add(store, env, &instance, err);
    }
    if (!rc && (no_guest || is_lost)) {
        rc = end(store, env, &instance, changes, err);
    } else if (!rc) {
        if (!is(instance.task_state, "deleting")) {
            copy(instance.task_state, "deleting", sizeof instance.task_state);
            rc = save(store, env, &instance, err);
        }
        if (!rc) {
            instance_add_change(changes, CHANGE_INSTANCE_DELETING, &instance);
        }
    }
    nt_instance_clear(&instance);
    return rc;
}

/* An ordinary report: states as they are, but a deletion under way stays, and what was asked
 * of its power after the host wrote this. */
static int
take_report(struct store *store, const struct core_env *env, struct nt_instance *instance,
            const struct nt_update_instance_args *args, struct changes *changes, struct nt_err *err)
{
    const char *vm_state = args->vm_state[0] ? args->vm_state : instance->vm_state;
    bool is_older = args->power_generation < instance->power_generation;
    const char *task_state =
        is(instance->task_state, "deleting") || is_older ? instance->task_state : args->task_state;
    bool is_active = is(vm_state, "active");

    if (is(vm_state, instance->vm_state) && is(task_state, instance->task_state)
        && args->power_state == instance->power_state && is(args->fault, instance->fault)) {
        return 0;
    }
    if (is_active && !instance->launched_at) {
        instance->launched_at = core_now(env);
    }
    copy(instance->vm_state, vm_state, sizeof instance->vm_state);
    copy(instance->task_state, task_state, sizeof instance->task_state);
    copy(instance->fault, args->fault, sizeof instance->fault);
    instance->power_state = args->power_state;
    if (!*task_state) {
        instance->evacuated_from[0] = '\0';
    }
    if (save(store, env, instance, err) < 0
        || ports_set_status(store, env, instance->id, is_active ? "ACTIVE" : "DOWN", instance->host,
                            err)
               < 0
        || (!*task_state
            && instance_actions_finish(store, env, instance->id, args->fault, err) < 0)) {
        return -1;
    }
    instance_add_change(changes, CHANGE_INSTANCE_UPDATED, instance);
    return 0;
}

static int
report(struct store *store, const struct core_env *env, struct nt_instance *instance,
       const struct nt_update_instance_args *args, struct changes *changes, struct nt_err *err)
{
    bool deleting = is(instance->task_state, "deleting");

    if (!is(instance->host, args->host)) {
        return nt_fail(err, NT_FORBIDDEN, "instance %s is not on host %s", instance->id,
                       args->host);
    }
    if (is(args->vm_state, "deleted")) {
        return deleting
                   ? end(store, env, instance, changes, err)
                   : nt_fail(err, NT_CONFLICT, "nobody asked to delete instance %s", instance->id);
    }
    if (is(args->vm_state, "error") && is(instance->vm_state, "building") && !deleting) {
        return fail_boot(store, env, instance, args->fault, changes, err);
    }
    return take_report(store, env, instance, args, changes, err);
}

int
instance_report(struct store *store, const struct core_env *env,
                const struct nt_update_instance_args *args, struct changes *changes,
                struct nt_err *err)
{
    struct nt_instance instance;
    int rc = get_if_there(store, args->id, &instance, err);

    if (rc < 0) {
        return -1;
    }
    if (!rc && is(args->vm_state, "deleted")) {
        return MIN(lost_guests_remove(store, args->id, args->host, err), 0);
    }
    if (!rc) {
        return fail_not_found(args->id, err);
    }
    /* The guest it left behind on a host that is back has ended. */
    if (!is(instance.host, args->host) && is(args->vm_state, "deleted")) {
        rc = lost_guests_remove(store, args->id, args->host, err);
    } else {
        rc = 0;
    }
    if (!rc) {
        rc = report(store, env, &instance, args, changes, err);
    }
    nt_instance_clear(&instance);
    return MIN(rc, 0);
}
