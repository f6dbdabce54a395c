#include <config.h>

#include "openvswitch/json.h"
#include "server/core/core_test.h"
#include "server/core/flavors.h"
#include "server/core/keypairs.h"
#include "server/core/ports.h"
#include "server/core/security_groups.h"

#define PUBLIC_KEY \
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJk9KEaE/kUJc4eDZE5/fiYa/tqWMEc+sd5JLiSIUqhN joe@host"

static void
make_cloud(struct core_test *t)
{
    core_test_network(t, "novanetwork", "10.0.0.0/24");
    CORE_OK(t, network_claim(t->store, &t->env, "controller-1", "br100", &t->changes, &t->err));
    core_test_report(t, "compute-1", "compute", true);
    core_test_report(t, "compute-2", "compute", true);
    changes_clear(&t->changes);
}

/* The plain members only. */
static struct nt_instance
get(struct core_test *t, const char *id)
{
    struct nt_instance instance;

    CORE_OK(t, instance_get(t->store, NULL, id, &instance, &t->err));
    free(TAKE(instance.key_data));
    free(TAKE(instance.user_data));
    json_destroy(TAKE(instance.metadata));
    return instance;
}

static void
spawn(struct core_test *t, const char *id)
{
    CORE_OK(t, instance_set_task(t->store, &t->env, id, "spawning", &t->changes, &t->err));
}

static void
lease_first_address(struct core_test *t, const char *id, struct nt_lease_args *args)
{
    struct instance_info info;

    CORE_OK(t, instance_info_load(t->store, NULL, id, &info, &t->err));
    *args = (struct nt_lease_args){ .host = "controller-1", .lease_expires = t->now + 120000 };
    strcpy(args->network_id, info.addresses[0].network_id);
    strcpy(args->address, info.addresses[0].address);
    strcpy(args->mac, info.addresses[0].mac);
    instance_info_clear(&info);
    CORE_OK(t, ipam_lease(t->store, &t->env, args, &t->changes, &t->err));
}

static void
a_boot_claims_an_address_and_a_host(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    make_cloud(t);
    t->env.first_instance_number = 9;
    core_test_boot(t, "cirros", id);

    struct nt_instance i = get(t, id);
    assert_int_equal(i.number, 9);
    assert_string_equal(i.hostname, "cirros");
    assert_string_equal(i.host, "compute-1");
    assert_string_equal(i.vm_state, "building");
    assert_string_equal(i.task_state, "networking");
    assert_memory_equal(i.reservation_id, "r-", 2);
    assert_int_equal(strlen(i.reservation_id), 10);

    assert_int_equal(t->changes.n, 2);
    const struct change *ip = &t->changes.at[0];
    assert_int_equal(ip->kind, CHANGE_FIXED_IP_ALLOCATED);
    assert_string_equal(ip->host, "controller-1");
    assert_string_equal(ip->entry.address, "10.0.0.2");
    assert_string_equal(ip->entry.hostname, "cirros");
    assert_string_equal(ip->instance_id, id);
    assert_int_equal(t->changes.at[1].kind, CHANGE_INSTANCE_CREATED);
    assert_string_equal(t->changes.at[1].host, "compute-1");
    assert_int_equal(t->changes.at[1].number, 9);

    core_test_boot(t, "cirros2", id);
    assert_int_equal(get(t, id).number, 10);
    assert_string_equal(get(t, id).host, "compute-2");
}

static void
wishes_that_name_what_is_not_there_are_refused(void **state)
{
    struct core_test *t = *state;
    static const char *const no_group[] = { "web" };
    const struct instance_network no_network = { "11111111-1111-4111-8111-111111111111", "" };
    struct nt_instance out;

    make_cloud(t);
    const struct instance_create right = {
        .name = "a", .project_id = "demo", .flavor_id = "1", .image_id = t->image_id
    };
    struct instance_create wrong[6] = { right, right, right, right, right, right };
    wrong[0].name = "";
    wrong[1].flavor_id = "77";
    wrong[2].image_id = "none";
    wrong[3].security_groups = no_group;
    wrong[3].n_security_groups = 1;
    wrong[4].networks = &no_network;
    wrong[4].n_networks = 1;
    wrong[5].networks = (const struct instance_network[]){ no_network, no_network };
    wrong[5].n_networks = 2;
    for (size_t i = 0; i < NT_ARRAY_SIZE(wrong); i++) {
        CORE_OK(t, store_savepoint(t->store, &t->err));
        CORE_FAILS(t, NT_INVALID,
                   instance_create(t->store, &t->env, &wrong[i], &out, &t->changes, &t->err));
        store_rollback_to(t->store);
    }
    assert_int_equal(t->changes.n, 0);
}

static void
an_image_needs_a_flavor_that_holds_it(void **state)
{
    struct core_test *t = *state;
    struct nt_image image = { .name = "huge", .min_ram_mb = 100000 };
    char id[NT_UUID_SIZE];

    make_cloud(t);
    CORE_OK(t, image_put(t->store, &t->env, &image, &t->err));
    strcpy(t->image_id, image.id);
    CORE_FAILS(t, NT_INVALID, core_test_try_boot(t, "a", NULL, 0, id));
}

static void
without_a_host_the_instance_is_in_error_and_holds_nothing(void **state)
{
    struct core_test *t = *state;
    struct rows rows;
    char id[NT_UUID_SIZE];

    make_cloud(t);
    t->now += 76 * 1000;
    core_test_boot(t, "a", id);

    struct nt_instance i = get(t, id);
    assert_string_equal(i.vm_state, "error");
    assert_non_null(strstr(i.fault, "no valid host was found"));
    assert_non_null(strstr(i.fault, "compute-1"));
    assert_int_equal(t->changes.n, 1);
    assert_int_equal(t->changes.at[0].kind, CHANGE_INSTANCE_UPDATED);
    CORE_OK(t, ipam_list(t->store, NULL, &rows, &t->err));
    assert_int_equal(rows.n, 0);
    rows_clear(&rows);
    CORE_OK(t, instance_delete(t->store, &t->env, "demo", id, &t->changes, &t->err));
    assert_int_equal(core_test_count(t, CHANGE_INSTANCE_DELETED), 1);
}

static void
without_networks_an_instance_is_no_error(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    core_test_report(t, "compute-1", "compute", true);
    core_test_boot(t, "a", id);
    assert_int_equal(t->changes.n, 1);
    assert_int_equal(t->changes.at[0].kind, CHANGE_INSTANCE_CREATED);
}

static void
requested_networks_and_addresses_are_honoured_in_order(void **state)
{
    struct core_test *t = *state;
    struct network_row a, b;
    struct instance_network wish[2] = { { .address = "10.0.1.9" }, { "", "" } };
    struct instance_info info;
    char id[NT_UUID_SIZE], other[NT_UUID_SIZE];

    make_cloud(t);
    CORE_OK(t, network_find(t->store, "novanetwork", &a, &t->err));
    b = core_test_network(t, "second", "10.0.1.0/24");
    strcpy(wish[0].network_id, b.network.id);
    strcpy(wish[1].network_id, a.network.id);
    CORE_OK(t, core_test_try_boot(t, "two", wish, 2, id));
    CORE_OK(t, instance_info_load(t->store, "demo", id, &info, &t->err));
    assert_int_equal(info.n_addresses, 2);
    assert_string_equal(info.addresses[0].network_name, "second");
    assert_string_equal(info.addresses[0].address, "10.0.1.9");
    assert_string_equal(info.addresses[1].address, "10.0.0.2");
    assert_string_equal(info.flavor.name, "m1.tiny");
    assert_string_equal(info.image.name, "cirros");
    assert_int_equal(info.n_security_groups, 1);
    assert_string_equal(info.security_groups[0], "default");
    instance_info_clear(&info);

    CORE_OK(t, store_savepoint(t->store, &t->err));
    CORE_FAILS(t, NT_CONFLICT, core_test_try_boot(t, "three", wish, 1, other));
    store_rollback_to(t->store);
}

static void
equal_names_on_a_network_get_the_address_form(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    make_cloud(t);
    core_test_boot(t, "Web", id);
    assert_string_equal(get(t, id).hostname, "web");
    core_test_boot(t, "web", id);
    assert_string_equal(get(t, id).hostname, "host-10-0-0-3");
    assert_string_equal(t->changes.at[2].entry.hostname, "host-10-0-0-3");
    core_test_boot(t, "___", id);
    assert_string_equal(get(t, id).hostname, "host-10-0-0-4");
}

static void
an_instance_becomes_active_once_its_host_says_so(void **state)
{
    struct core_test *t = *state;
    struct nt_instance_view *views;
    struct rows ports;
    char id[NT_UUID_SIZE];
    size_t n;

    make_cloud(t);
    core_test_boot(t, "a", id);
    CORE_OK(t, instance_views_of_host(t->store, "compute-1", &views, &n, &t->err));
    assert_int_equal(n, 0);
    free(views);
    spawn(t, id);
    CORE_OK(t, instance_views_of_host(t->store, "compute-1", &views, &n, &t->err));
    assert_int_equal(n, 1);
    assert_string_equal(views[0].image_location, "/images/cirros");
    assert_int_equal(views[0].ram_mb, 512);
    assert_int_equal(views[0].n_vifs, 1);
    assert_string_equal(views[0].vifs[0].address, "10.0.0.2");
    assert_string_equal(views[0].vifs[0].cidr, "10.0.0.0/24");
    assert_string_equal(views[0].vifs[0].dhcp_server, "10.0.0.1");
    assert_string_equal(views[0].vifs[0].bridge, "br100");
    nt_instance_view_clear(&views[0]);
    free(views);

    changes_clear(&t->changes);
    CORE_OK(t, core_test_tell(t, id, "compute-1", "active"));
    CORE_OK(t, core_test_tell(t, id, "compute-1", "active"));
    assert_int_equal(t->changes.n, 1);
    assert_string_equal(t->changes.at[0].vm_state, "active");
    assert_string_equal(get(t, id).task_state, "");
    assert_int_equal(get(t, id).power_state, 1);
    assert_int_equal(get(t, id).launched_at, t->now);
    CORE_OK(t, ports_of_instance(t->store, id, &ports, &t->err));
    assert_string_equal(ROW(const struct nt_port, &ports, 0)->status, "ACTIVE");
    rows_clear(&ports);
    CORE_FAILS(t, NT_CONFLICT,
               instance_set_task(t->store, &t->env, id, "spawning", &t->changes, &t->err));
}

static void
another_host_cannot_speak_for_an_instance(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    make_cloud(t);
    core_test_boot(t, "a", id);
    CORE_FAILS(t, NT_FORBIDDEN, core_test_tell(t, id, "compute-2", "active"));
    CORE_FAILS(t, NT_CONFLICT, core_test_tell(t, id, "compute-1", "deleted"));
    assert_string_equal(get(t, id).vm_state, "building");
}

static void
a_failed_boot_gives_everything_back(void **state)
{
    struct core_test *t = *state;
    struct nt_instance_view *views;
    struct rows rows;
    char id[NT_UUID_SIZE];
    size_t n;

    make_cloud(t);
    core_test_boot(t, "a", id);
    spawn(t, id);
    changes_clear(&t->changes);
    CORE_OK(t, core_test_tell(t, id, "compute-1", "error"));
    assert_int_equal(t->changes.n, 3);
    assert_int_equal(t->changes.at[0].kind, CHANGE_FIXED_IP_UNUSED);
    assert_int_equal(t->changes.at[1].kind, CHANGE_FIXED_IP_FREED);
    assert_int_equal(t->changes.at[2].kind, CHANGE_INSTANCE_UPDATED);
    assert_string_equal(get(t, id).vm_state, "error");
    assert_string_equal(get(t, id).fault, "cannot start the guest");
    CORE_OK(t, ports_of_instance(t->store, id, &rows, &t->err));
    assert_int_equal(rows.n, 0);
    rows_clear(&rows);
    CORE_OK(t, instance_views_of_host(t->store, "compute-1", &views, &n, &t->err));
    assert_int_equal(n, 0);
    free(views);

    core_test_boot(t, "b", id);
    changes_clear(&t->changes);
    CORE_OK(
        t, instance_fail_boot(t->store, &t->env, id, "controller-1 is away", &t->changes, &t->err));
    assert_int_equal(t->changes.n, 3);
    assert_string_equal(get(t, id).fault, "controller-1 is away");
    assert_string_equal(get(t, id).host, "");
    CORE_OK(t, instance_fail_boot(t->store, &t->env, id, "again", &t->changes, &t->err));
    CORE_OK(t, instance_fail_boot(t->store, &t->env, "gone", "x", &t->changes, &t->err));
    assert_int_equal(t->changes.n, 3);
}

static void
a_delete_asks_the_host_first_and_frees_the_address_last(void **state)
{
    struct core_test *t = *state;
    struct nt_lease_args lease;
    struct nt_instance gone;
    struct nt_fixed_ip row;
    char id[NT_UUID_SIZE];

    make_cloud(t);
    core_test_boot(t, "a", id);
    spawn(t, id);
    CORE_OK(t, core_test_tell(t, id, "compute-1", "active"));
    lease_first_address(t, id, &lease);
    changes_clear(&t->changes);

    CORE_OK(t, instance_delete(t->store, &t->env, "demo", id, &t->changes, &t->err));
    assert_int_equal(t->changes.n, 1);
    assert_int_equal(t->changes.at[0].kind, CHANGE_INSTANCE_DELETING);
    assert_string_equal(t->changes.at[0].host, "compute-1");
    CORE_OK(t, core_test_tell(t, id, "compute-1", "active"));
    assert_string_equal(get(t, id).task_state, "deleting");

    changes_clear(&t->changes);
    CORE_OK(t, core_test_tell(t, id, "compute-1", "deleted"));
    assert_int_equal(t->changes.n, 2);
    assert_int_equal(t->changes.at[0].kind, CHANGE_FIXED_IP_UNUSED);
    assert_true(t->changes.at[0].entry.leased);
    assert_string_equal(t->changes.at[0].entry.hostname, "a");
    assert_int_equal(t->changes.at[1].kind, CHANGE_INSTANCE_DELETED);
    CORE_FAILS(t, NT_NOT_FOUND, instance_get(t->store, NULL, id, &gone, &t->err));
    CORE_OK(t, core_test_tell(t, id, "compute-1", "deleted"));
    CORE_FAILS(t, NT_NOT_FOUND, core_test_tell(t, id, "compute-1", "active"));

    CORE_OK(t, ipam_release(t->store, &t->env, &lease, &t->changes, &t->err));
    assert_int_equal(core_test_count(t, CHANGE_FIXED_IP_FREED), 1);
    assert_int_equal(ipam_get(t->store, lease.network_id, lease.address, &row, &t->err), 1);
    assert_string_equal(row.instance_id, "");
}

static void
a_delete_before_the_build_needs_no_host(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    make_cloud(t);
    core_test_boot(t, "a", id);
    changes_clear(&t->changes);
    CORE_FAILS(t, NT_NOT_FOUND,
               instance_delete(t->store, &t->env, "other", id, &t->changes, &t->err));
    CORE_OK(t, instance_delete(t->store, &t->env, "demo", id, &t->changes, &t->err));
    assert_int_equal(t->changes.n, 3);
    assert_int_equal(t->changes.at[0].kind, CHANGE_FIXED_IP_UNUSED);
    assert_int_equal(t->changes.at[1].kind, CHANGE_FIXED_IP_FREED);
    assert_int_equal(t->changes.at[2].kind, CHANGE_INSTANCE_DELETED);
    CORE_FAILS(t, NT_NOT_FOUND,
               instance_set_task(t->store, &t->env, id, "spawning", &t->changes, &t->err));
    CORE_OK(t, instance_end(t->store, &t->env, id, &t->changes, &t->err));
}

static void
instances_are_found_by_id_number_and_name_within_the_project(void **state)
{
    struct core_test *t = *state;
    char a[NT_UUID_SIZE], b[NT_UUID_SIZE];
    struct nt_instance i;

    make_cloud(t);
    core_test_boot(t, "a", a);
    core_test_boot(t, "b", b);
    CORE_OK(t, instance_find(t->store, "demo", a, &i, &t->err));
    nt_instance_clear(&i);
    CORE_OK(t, instance_find(t->store, "demo", "b", &i, &t->err));
    assert_string_equal(i.id, b);
    nt_instance_clear(&i);
    CORE_OK(t, instance_find(t->store, "demo", "1", &i, &t->err));
    assert_string_equal(i.id, a);
    nt_instance_clear(&i);
    CORE_FAILS(t, NT_NOT_FOUND, instance_find(t->store, "other", "b", &i, &t->err));
    CORE_FAILS(t, NT_NOT_FOUND, instance_get(t->store, "other", b, &i, &t->err));
    core_test_boot(t, "b", b);
    CORE_FAILS(t, NT_CONFLICT, instance_find(t->store, "demo", "b", &i, &t->err));
}

static size_t
count(struct core_test *t, const struct instance_filter *filter)
{
    struct rows rows;

    CORE_OK(t, instance_list(t->store, filter, &rows, &t->err));
    size_t n = rows.n;
    rows_clear(&rows);
    return n;
}

static void
lists_are_filtered_and_paged(void **state)
{
    struct core_test *t = *state;
    char a[NT_UUID_SIZE], b[NT_UUID_SIZE], c[NT_UUID_SIZE];
    struct rows rows;

    make_cloud(t);
    core_test_boot(t, "Alpha", a);
    core_test_boot(t, "be_ta", b);
    core_test_boot(t, "gamma", c);
    spawn(t, a);
    CORE_OK(t, core_test_tell(t, a, "compute-1", "active"));
    assert_int_equal(count(t, &(struct instance_filter){ 0 }), 3);
    assert_int_equal(count(t, &(struct instance_filter){ .project_id = "demo" }), 3);
    assert_int_equal(count(t, &(struct instance_filter){ .project_id = "other" }), 0);
    assert_int_equal(count(t, &(struct instance_filter){ .name = "alph" }), 1);
    assert_int_equal(count(t, &(struct instance_filter){ .name = "_" }), 1);
    assert_int_equal(count(t, &(struct instance_filter){ .name = "%" }), 0);
    assert_int_equal(count(t, &(struct instance_filter){ .vm_state = "active" }), 1);
    assert_int_equal(count(t, &(struct instance_filter){ .host = "compute-2" }), 1);
    assert_int_equal(count(t, &(struct instance_filter){ .address = "10.0.0.3" }), 1);
    assert_int_equal(count(t, &(struct instance_filter){ .flavor_id = "2" }), 0);
    assert_int_equal(count(t, &(struct instance_filter){ .image_id = t->image_id }), 3);
    assert_int_equal(count(t, &(struct instance_filter){ .marker = c, .limit = 1 }), 1);
    CORE_OK(t, instance_list(t->store, &(struct instance_filter){ .marker = c, .limit = 1 }, &rows,
                             &t->err));
    assert_string_equal(ROW(const struct nt_instance, &rows, 0)->id, b);
    rows_clear(&rows);
    CORE_FAILS(
        t, NT_INVALID,
        instance_list(t->store, &(struct instance_filter){ .marker = "none" }, &rows, &t->err));
}

static void
metadata_finds_the_present_owner_of_an_address_only(void **state)
{
    struct core_test *t = *state;
    struct nt_lease_args lease;
    char id[NT_UUID_SIZE], found[NT_UUID_SIZE];

    make_cloud(t);
    core_test_boot(t, "a", id);
    spawn(t, id);
    CORE_OK(t, instance_id_by_address(t->store, "10.0.0.2", found, &t->err));
    assert_string_equal(found, id);
    CORE_FAILS(t, NT_NOT_FOUND, instance_id_by_address(t->store, "10.0.0.3", found, &t->err));
    CORE_FAILS(t, NT_NOT_FOUND, instance_id_by_address(t->store, "no", found, &t->err));
    lease_first_address(t, id, &lease);
    CORE_OK(t, instance_end(t->store, &t->env, id, &t->changes, &t->err));
    CORE_FAILS(t, NT_NOT_FOUND, instance_id_by_address(t->store, "10.0.0.2", found, &t->err));
}

static void
texts_and_metadata_come_back_as_given(void **state)
{
    struct core_test *t = *state;
    struct json *metadata = json_from_string("{\"role\":\"web\"}");
    struct instance_create wish = {
        .name = "a",
        .project_id = "demo",
        .user_id = "joe",
        .flavor_id = "1",
        .image_id = t->image_id,
        .key_name = "mine",
        .user_data = "aGVsbG8=",
        .metadata = metadata,
        .reservation_id = "r-00000001",
        .launch_index = 3,
    };
    struct nt_instance made, read;
    struct keypair key;

    make_cloud(t);
    CORE_OK(t, keypair_create(t->store, &t->env,
                              &(struct keypair_wish){ "joe", "mine", PUBLIC_KEY, "demo" }, &key,
                              &t->err));
    keypair_clear(&key);
    CORE_OK(t, instance_create(t->store, &t->env, &wish, &made, &t->changes, &t->err));
    CORE_OK(t, instance_get(t->store, "demo", made.id, &read, &t->err));
    assert_string_equal(read.key_name, "mine");
    assert_string_equal(read.key_data, PUBLIC_KEY);
    assert_string_equal(read.user_data, "aGVsbG8=");
    assert_string_equal(read.reservation_id, "r-00000001");
    assert_int_equal(read.launch_index, 3);
    assert_true(json_equal(read.metadata, metadata));
    json_destroy(metadata);
    nt_instance_clear(&made);
    nt_instance_clear(&read);
}

static void
an_exhausted_pool_fails_the_boot_and_leaves_nothing(void **state)
{
    struct core_test *t = *state;
    struct rows rows;
    char id[NT_UUID_SIZE];

    core_test_network(t, "tiny", "10.0.0.0/30");
    core_test_report(t, "compute-1", "compute", true);
    core_test_boot(t, "a", id);
    CORE_OK(t, store_savepoint(t->store, &t->err));
    CORE_FAILS(t, NT_EXHAUSTED, core_test_try_boot(t, "b", NULL, 0, id));
    store_rollback_to(t->store);
    assert_int_equal(count(t, &(struct instance_filter){ 0 }), 1);
    CORE_OK(t, row_list(t->store, &ports_table, &rows, &t->err, "", ""));
    assert_int_equal(rows.n, 1);
    rows_clear(&rows);
}

static void
the_five_flavors_are_there(void **state)
{
    struct core_test *t = *state;
    struct nt_flavor flavor;
    struct rows rows;

    CORE_OK(t, flavor_list(t->store, &rows, &t->err));
    assert_int_equal(rows.n, 5);
    assert_string_equal(ROW(const struct nt_flavor, &rows, 4)->name, "m1.xlarge");
    assert_int_equal(ROW(const struct nt_flavor, &rows, 4)->disk_gb, 160);
    rows_clear(&rows);
    CORE_FAILS(t, NT_NOT_FOUND, flavor_get(t->store, "9", &flavor, &t->err));
}

static void
images_are_registered_once_and_updated(void **state)
{
    struct core_test *t = *state;
    struct nt_image image = { .name = "cirros", .location = "/new" };
    struct nt_image found;
    struct nt_image nameless = { .name = "" };

    CORE_OK(t, image_put(t->store, &t->env, &image, &t->err));
    assert_string_equal(image.id, t->image_id);
    CORE_OK(t, image_find(t->store, "cirros", &found, &t->err));
    assert_string_equal(found.location, "/new");
    assert_string_equal(found.status, "active");
    assert_int_equal(found.number, 1);
    CORE_FAILS(t, NT_INVALID, image_put(t->store, &t->env, &nameless, &t->err));
    CORE_FAILS(t, NT_NOT_FOUND, image_find(t->store, "windows", &found, &t->err));
    CORE_FAILS(t, NT_NOT_FOUND, image_get(t->store, "x", &found, &t->err));

    struct nt_image twin = { .name = "cirros", .id = "11111111-1111-4111-8111-111111111111" };
    CORE_OK(t, image_put(t->store, &t->env, &twin, &t->err));
    assert_int_equal(twin.number, 2);
    CORE_FAILS(t, NT_CONFLICT, image_find(t->store, "cirros", &found, &t->err));
}

static void
a_project_has_one_default_group(void **state)
{
    struct core_test *t = *state;
    struct security_group a, b;

    CORE_OK(t, security_group_default(t->store, &t->env, "p", &a, &t->err));
    CORE_OK(t, security_group_default(t->store, &t->env, "p", &b, &t->err));
    assert_string_equal(a.id, b.id);
    CORE_OK(t, security_group_default(t->store, &t->env, "q", &b, &t->err));
    assert_string_not_equal(a.id, b.id);
}

static void
a_host_is_new_then_alive_then_revived(void **state)
{
    struct core_test *t = *state;
    struct host host;

    assert_string_equal(core_test_report(t, "c", "compute", true), "new");
    assert_string_equal(core_test_report(t, "c", "compute", false), "alive");
    CORE_OK(t, host_get(t->store, "c", "compute", &host, &t->err));
    assert_true(host_is_alive(&t->env, &host));
    t->now += 75 * 1000;
    assert_true(host_is_alive(&t->env, &host));
    t->now += 1;
    assert_false(host_is_alive(&t->env, &host));
    assert_string_equal(core_test_report(t, "c", "compute", false), "revived");
    assert_string_equal(core_test_report(t, "c", "compute", true), "revived");
    CORE_FAILS(t, NT_NOT_FOUND, host_get(t->store, "c", "network", &host, &t->err));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(a_boot_claims_an_address_and_a_host),
        CORE_TEST(wishes_that_name_what_is_not_there_are_refused),
        CORE_TEST(an_image_needs_a_flavor_that_holds_it),
        CORE_TEST(without_a_host_the_instance_is_in_error_and_holds_nothing),
        CORE_TEST(without_networks_an_instance_is_no_error),
        CORE_TEST(requested_networks_and_addresses_are_honoured_in_order),
        CORE_TEST(equal_names_on_a_network_get_the_address_form),
        CORE_TEST(an_instance_becomes_active_once_its_host_says_so),
        CORE_TEST(another_host_cannot_speak_for_an_instance),
        CORE_TEST(a_failed_boot_gives_everything_back),
        CORE_TEST(a_delete_asks_the_host_first_and_frees_the_address_last),
        CORE_TEST(a_delete_before_the_build_needs_no_host),
        CORE_TEST(instances_are_found_by_id_number_and_name_within_the_project),
        CORE_TEST(lists_are_filtered_and_paged),
        CORE_TEST(metadata_finds_the_present_owner_of_an_address_only),
        CORE_TEST(texts_and_metadata_come_back_as_given),
        CORE_TEST(an_exhausted_pool_fails_the_boot_and_leaves_nothing),
        CORE_TEST(the_five_flavors_are_there),
        CORE_TEST(images_are_registered_once_and_updated),
        CORE_TEST(a_project_has_one_default_group),
        CORE_TEST(a_host_is_new_then_alive_then_revived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
