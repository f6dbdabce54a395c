#include <config.h>

#include "server/core/floating_ips.h"

#include "server/core/core_test.h"
#include "server/core/quotas.h"

#define RANGE "192.168.56.224/29"
#define FIRST "192.168.56.225"
#define SECOND "192.168.56.226"

/* A network with its host, one guest, and a pool of six addresses. */
struct bed {
    struct core_test *t;
    struct network_row network;
    char guest[NT_UUID_SIZE];
};

static int
make_pool(struct core_test *t, const char *range, const char *pool, size_t *n)
{
    struct nt_floating_ip wish = { .interface = "eth1" };

    strcpy(wish.pool, pool);
    return floating_ips_create(t->store, &t->env, &wish, range, n, &t->err);
}

static struct bed
bed_of(struct core_test *t)
{
    struct bed bed = { .t = t };
    size_t n;

    core_test_report(t, "compute-1", "compute", true);
    bed.network = core_test_network(t, "novanetwork", "10.0.0.0/24");
    CORE_OK(t, network_claim(t->store, &t->env, "controller-1", "br100", &t->changes, &t->err));
    core_test_boot(t, "cirros", bed.guest);
    CORE_OK(t, make_pool(t, RANGE, "", &n));
    assert_int_equal(n, 6);
    changes_clear(&t->changes);
    return bed;
}

static struct nt_floating_ip
allocate(struct core_test *t)
{
    struct nt_floating_ip row;

    CORE_OK(t, floating_ip_allocate(t->store, &t->env, "demo", NULL, &row, &t->err));
    return row;
}

static int
associate(struct bed *bed, const char *project, const char *address, const char *guest)
{
    const struct floating_associate a = { project, address, guest, NULL };
    struct core_test *t = bed->t;
    struct nt_floating_ip row;

    return floating_ip_associate(t->store, &t->env, &a, &row, &t->changes, &t->err);
}

static struct nt_floating_ip
row_of(struct core_test *t, int64_t number)
{
    struct nt_floating_ip row;

    CORE_OK(t, floating_ip_get(t->store, NULL, number, &row, &t->err));
    return row;
}

static void
range_becomes_its_host_addresses_and_one_address_itself(void **state)
{
    struct core_test *t = *state;
    const struct floating_filter all = { NULL };
    struct rows rows;
    size_t n;

    CORE_OK(t, make_pool(t, RANGE, "", &n));
    CORE_OK(t, make_pool(t, "203.0.113.7", "other", &n));
    assert_int_equal(n, 1);
    CORE_OK(t, floating_ip_list(t->store, &all, &rows, &t->err));
    assert_int_equal(rows.n, 7);
    assert_string_equal(ROW(struct nt_floating_ip, &rows, 0)->address, FIRST);
    assert_string_equal(ROW(struct nt_floating_ip, &rows, 0)->pool, "nova");
    assert_string_equal(ROW(struct nt_floating_ip, &rows, 6)->pool, "other");
    rows_clear(&rows);
}

static void
wrong_ranges_and_interfaces_are_refused(void **state)
{
    struct core_test *t = *state;
    struct nt_floating_ip wish = { .interface = "eth1 -j ACCEPT" };
    size_t n;

    CORE_FAILS(t, NT_INVALID, make_pool(t, "10.0.0.0/8", "", &n));
    CORE_FAILS(t, NT_INVALID, make_pool(t, "224.0.0.1", "", &n));
    CORE_FAILS(t, NT_INVALID, make_pool(t, "nonsense", "", &n));
    CORE_FAILS(t, NT_INVALID, floating_ips_create(t->store, &t->env, &wish, RANGE, &n, &t->err));
    CORE_OK(t, make_pool(t, SECOND, "", &n));
    CORE_FAILS(t, NT_CONFLICT, make_pool(t, RANGE, "", &n));
}

static void
lowest_free_address_is_allocated_until_none_is_left(void **state)
{
    struct core_test *t = *state;
    struct nt_floating_ip row;
    size_t n;

    CORE_OK(t, make_pool(t, "192.168.56.224/30", "", &n));
    assert_string_equal(allocate(t).address, FIRST);
    assert_string_equal(allocate(t).address, SECOND);
    CORE_FAILS(t, NT_NOT_FOUND,
               floating_ip_allocate(t->store, &t->env, "demo", "nova", &row, &t->err));
    assert_string_equal(t->err.msg, "No more floating ips in pool nova.");
}

static void
quota_limits_a_project_alone(void **state)
{
    struct core_test *t = *state;
    struct nt_floating_ip row;
    size_t n;

    CORE_OK(t, make_pool(t, RANGE, "", &n));
    t->env.quotas[QUOTA_FLOATING_IPS] = 1;
    allocate(t);
    CORE_FAILS(t, NT_EXHAUSTED,
               floating_ip_allocate(t->store, &t->env, "demo", NULL, &row, &t->err));
    CORE_OK(t, floating_ip_allocate(t->store, &t->env, "other", NULL, &row, &t->err));
}

static void
association_tells_the_network_host(void **state)
{
    struct core_test *t = *state;
    struct bed bed = bed_of(t);
    struct nt_floating_ip row = allocate(t);

    CORE_OK(t, associate(&bed, "demo", FIRST, bed.guest));
    assert_int_equal(t->changes.n, 1);

    const struct change *c = &t->changes.at[0];
    assert_int_equal(c->kind, CHANGE_FLOATING_IP_ASSOCIATED);
    assert_string_equal(c->host, "controller-1");
    assert_string_equal(c->network_id, bed.network.network.id);
    assert_string_equal(c->floating.address, FIRST);
    assert_string_equal(c->floating.fixed_address, "10.0.0.2");
    assert_string_equal(c->floating.interface, "eth1");
    row = row_of(t, row.number);
    assert_string_equal(row.instance_id, bed.guest);
    assert_int_equal(row.generation, c->generation);
}

static void
associated_again_it_moves(void **state)
{
    struct core_test *t = *state;
    struct bed bed = bed_of(t);
    char second[NT_UUID_SIZE];

    core_test_boot(t, "second", second);
    allocate(t);
    CORE_OK(t, associate(&bed, "demo", FIRST, bed.guest));
    changes_clear(&t->changes);
    CORE_OK(t, associate(&bed, "demo", FIRST, second));
    assert_int_equal(t->changes.n, 2);
    assert_int_equal(t->changes.at[0].kind, CHANGE_FLOATING_IP_DISASSOCIATED);
    assert_string_equal(t->changes.at[0].floating.fixed_address, "10.0.0.2");
    assert_int_equal(t->changes.at[1].kind, CHANGE_FLOATING_IP_ASSOCIATED);
    assert_string_equal(t->changes.at[1].floating.fixed_address, "10.0.0.3");
    assert_true(t->changes.at[1].generation > t->changes.at[0].generation);
}

static void
only_its_own_project_works_with_an_address(void **state)
{
    struct core_test *t = *state;
    struct bed bed = bed_of(t);
    struct nt_floating_ip row = allocate(t);

    CORE_FAILS(t, NT_FORBIDDEN, associate(&bed, "other", FIRST, bed.guest));
    CORE_FAILS(t, NT_FORBIDDEN, associate(&bed, "demo", SECOND, bed.guest));
    CORE_FAILS(t, NT_NOT_FOUND, associate(&bed, "demo", "192.0.2.1", bed.guest));
    CORE_FAILS(t, NT_NOT_FOUND,
               floating_ip_deallocate(t->store, &t->env, "other", &row, &t->changes, &t->err));
    CORE_OK(t, associate(&bed, NULL, FIRST, bed.guest));
}

static void
instance_must_have_the_fixed_address(void **state)
{
    struct core_test *t = *state;
    struct bed bed = bed_of(t);
    const struct floating_associate wrong = { "demo", FIRST, bed.guest, "10.0.0.9" };
    struct nt_floating_ip row = allocate(t);

    CORE_FAILS(t, NT_INVALID,
               floating_ip_associate(t->store, &t->env, &wrong, &row, &t->changes, &t->err));
    CORE_FAILS(t, NT_INVALID,
               associate(&bed, "demo", FIRST, "11111111-1111-4111-8111-111111111111"));
    assert_int_equal(t->changes.n, 0);
}

static void
only_what_is_associated_can_be_disassociated(void **state)
{
    struct core_test *t = *state;
    struct bed bed = bed_of(t);
    const struct floating_associate a = { "demo", FIRST, bed.guest, NULL };
    struct nt_floating_ip row = allocate(t);

    CORE_FAILS(t, NT_CONFLICT,
               floating_ip_disassociate(t->store, &t->env, &a, &row, &t->changes, &t->err));
    CORE_OK(t, associate(&bed, "demo", FIRST, bed.guest));
    CORE_OK(t, floating_ip_disassociate(t->store, &t->env, &a, &row, &t->changes, &t->err));
    assert_int_equal(core_test_count(t, CHANGE_FLOATING_IP_DISASSOCIATED), 1);
    assert_string_equal(row_of(t, row.number).project_id, "demo");
    assert_string_equal(row_of(t, row.number).host, "");
}

static void
deallocation_ends_an_association_first(void **state)
{
    struct core_test *t = *state;
    struct bed bed = bed_of(t);
    struct nt_floating_ip row = allocate(t);

    CORE_OK(t, associate(&bed, "demo", FIRST, bed.guest));
    CORE_OK(t, floating_ip_deallocate(t->store, &t->env, "demo", &row, &t->changes, &t->err));
    assert_int_equal(core_test_count(t, CHANGE_FLOATING_IP_DISASSOCIATED), 1);
    assert_string_equal(allocate(t).address, FIRST);
}

static void
undo_heeds_the_generation(void **state)
{
    struct core_test *t = *state;
    struct bed bed = bed_of(t);
    struct nt_floating_ip row = allocate(t);
    struct floating_undo undo = { .address = FIRST, .former_instance_id = "", .former_fixed = "" };

    CORE_OK(t, associate(&bed, "demo", FIRST, bed.guest));
    row = row_of(t, row.number);
    changes_clear(&t->changes);
    undo.generation = row.generation - 1;
    CORE_OK(t, floating_ip_undo(t->store, &t->env, &undo, &t->changes, &t->err));
    assert_int_equal(t->changes.n, 0);
    undo.generation = row.generation;
    CORE_OK(t, floating_ip_undo(t->store, &t->env, &undo, &t->changes, &t->err));
    assert_int_equal(t->changes.at[0].kind, CHANGE_FLOATING_IP_DISASSOCIATED);
    assert_string_equal(row_of(t, row.number).instance_id, "");
}

/* What the last association of 'changes' says of the one before. */
static struct floating_undo
undo_of(const struct core_test *t)
{
    const struct change *c = &t->changes.at[t->changes.n - 1];

    assert_int_equal(c->kind, CHANGE_FLOATING_IP_ASSOCIATED);
    return (struct floating_undo){ FIRST, c->generation, c->former_instance_id, c->former_fixed };
}

static void
undone_move_restores_the_former_association(void **state)
{
    struct core_test *t = *state;
    struct bed bed = bed_of(t);
    char other[NT_UUID_SIZE];
    struct nt_floating_ip row = allocate(t), before, after;

    core_test_boot(t, "second", other);
    CORE_OK(t, associate(&bed, "demo", FIRST, bed.guest));
    before = row_of(t, row.number);
    CORE_OK(t, associate(&bed, "demo", FIRST, other));

    struct floating_undo undo = undo_of(t);
    struct changes changes = CHANGES_INITIALIZER;

    CORE_OK(t, floating_ip_undo(t->store, &t->env, &undo, &changes, &t->err));
    after = row_of(t, row.number);
    assert_string_equal(after.instance_id, bed.guest);
    assert_string_equal(after.fixed_address, before.fixed_address);
    assert_string_equal(after.project_id, "demo");
    assert_true(after.generation > undo.generation);
    assert_int_equal(changes.n, 2);
    assert_int_equal(changes.at[0].kind, CHANGE_FLOATING_IP_DISASSOCIATED);
    assert_string_equal(changes.at[0].instance_id, other);
    assert_int_equal(changes.at[1].kind, CHANGE_FLOATING_IP_ASSOCIATED);
    assert_string_equal(changes.at[1].floating.fixed_address, before.fixed_address);
    assert_true(changes.at[1].is_restored);
    /* That this fails too does not bring back the association that failed first. */
    assert_string_equal(changes.at[1].former_instance_id, "");
    changes_clear(&changes);
}

static void
undone_move_from_an_instance_that_is_gone_unties(void **state)
{
    struct core_test *t = *state;
    struct bed bed = bed_of(t);
    char other[NT_UUID_SIZE];
    struct nt_floating_ip row = allocate(t);
    struct changes changes = CHANGES_INITIALIZER;

    core_test_boot(t, "second", other);
    CORE_OK(t, associate(&bed, "demo", FIRST, bed.guest));
    CORE_OK(t, associate(&bed, "demo", FIRST, other));

    struct floating_undo undo = undo_of(t);

    CORE_OK(t, instance_end(t->store, &t->env, bed.guest, &changes, &t->err));
    changes_clear(&changes);
    CORE_OK(t, floating_ip_undo(t->store, &t->env, &undo, &changes, &t->err));
    assert_int_equal(changes.n, 1);
    assert_int_equal(changes.at[0].kind, CHANGE_FLOATING_IP_DISASSOCIATED);
    assert_string_equal(row_of(t, row.number).instance_id, "");
    changes_clear(&changes);
}

static void
end_of_the_instance_unties_but_keeps_the_allocation(void **state)
{
    struct core_test *t = *state;
    struct bed bed = bed_of(t);
    struct nt_floating_ip row = allocate(t);

    CORE_OK(t, associate(&bed, "demo", FIRST, bed.guest));
    changes_clear(&t->changes);
    CORE_OK(t, instance_end(t->store, &t->env, bed.guest, &t->changes, &t->err));
    assert_int_equal(core_test_count(t, CHANGE_FLOATING_IP_DISASSOCIATED), 1);
    row = row_of(t, row.number);
    assert_string_equal(row.project_id, "demo");
    assert_string_equal(row.fixed_address, "");
}

static void
auto_assigned_address_comes_and_goes_with_the_instance(void **state)
{
    struct core_test *t = *state;
    struct bed bed = bed_of(t);
    char id[NT_UUID_SIZE];

    t->env.auto_assign_floating_ip = true;
    core_test_boot(t, "second", id);
    assert_int_equal(core_test_count(t, CHANGE_FLOATING_IP_ASSOCIATED), 1);
    assert_true(row_of(t, 1).auto_assigned);
    CORE_OK(t, instance_end(t->store, &t->env, id, &t->changes, &t->err));
    assert_string_equal(row_of(t, 1).project_id, "");
    assert_false(row_of(t, 1).auto_assigned);
    assert_string_equal(bed.network.network.name, "novanetwork");
}

static void
boot_fails_when_no_address_can_be_assigned(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    core_test_report(t, "compute-1", "compute", true);
    core_test_network(t, "novanetwork", "10.0.0.0/24");
    t->env.auto_assign_floating_ip = true;
    CORE_FAILS(t, NT_INVALID, core_test_try_boot(t, "cirros", NULL, 0, id));
}

static void
view_of_the_network_has_the_tied_addresses(void **state)
{
    struct core_test *t = *state;
    struct bed bed = bed_of(t);
    struct nt_network_view view;

    allocate(t);
    allocate(t);
    CORE_OK(t, associate(&bed, "demo", SECOND, bed.guest));
    CORE_OK(t, network_view_load(t->store, bed.network.network.id, &view, &t->err));
    assert_int_equal(view.n_floating, 1);
    assert_string_equal(view.floating[0].address, SECOND);
    assert_string_equal(view.floating[0].fixed_address, "10.0.0.2");
    nt_network_view_clear(&view);
}

static void
range_of_a_project_is_not_removed(void **state)
{
    struct core_test *t = *state;
    struct nt_floating_ip row;
    size_t n;

    CORE_OK(t, make_pool(t, RANGE, "", &n));
    row = allocate(t);
    CORE_FAILS(t, NT_CONFLICT, floating_ips_delete(t->store, RANGE, &n, &t->err));
    CORE_OK(t, floating_ip_deallocate(t->store, &t->env, "demo", &row, &t->changes, &t->err));
    CORE_OK(t, floating_ips_delete(t->store, RANGE, &n, &t->err));
    assert_int_equal(n, 6);
    CORE_FAILS(t, NT_NOT_FOUND, floating_ips_delete(t->store, RANGE, &n, &t->err));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(range_becomes_its_host_addresses_and_one_address_itself),
        CORE_TEST(wrong_ranges_and_interfaces_are_refused),
        CORE_TEST(lowest_free_address_is_allocated_until_none_is_left),
        CORE_TEST(quota_limits_a_project_alone),
        CORE_TEST(association_tells_the_network_host),
        CORE_TEST(associated_again_it_moves),
        CORE_TEST(only_its_own_project_works_with_an_address),
        CORE_TEST(instance_must_have_the_fixed_address),
        CORE_TEST(only_what_is_associated_can_be_disassociated),
        CORE_TEST(deallocation_ends_an_association_first),
        CORE_TEST(undo_heeds_the_generation),
        CORE_TEST(undone_move_restores_the_former_association),
        CORE_TEST(undone_move_from_an_instance_that_is_gone_unties),
        CORE_TEST(end_of_the_instance_unties_but_keeps_the_allocation),
        CORE_TEST(auto_assigned_address_comes_and_goes_with_the_instance),
        CORE_TEST(boot_fails_when_no_address_can_be_assigned),
        CORE_TEST(view_of_the_network_has_the_tied_addresses),
        CORE_TEST(range_of_a_project_is_not_removed),
    };

    return cmocka_run_group_tests_name("server/core/floating_ips", tests, NULL, NULL);
}
