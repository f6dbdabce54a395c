#include <config.h>

#include "server/core/core_test.h"
#include "server/core/floating_ips.h"

/* Networks that every host serves for its own guests. */

static struct network_row
multi_host_network(struct core_test *t, const char *cidr)
{
    struct network_create wish = { .multi_host = 1 };
    struct network_row row;

    strcpy(wish.name, "novanetwork");
    strcpy(wish.cidr, cidr);
    CORE_OK(t, network_create(t->store, &t->env, &wish, &row, &t->changes, &t->err));
    return row;
}

static void
claim(struct core_test *t, const char *host)
{
    CORE_OK(t, network_claim(t->store, &t->env, host, "br100", &t->changes, &t->err));
}

/* The one network of 'host'; the caller clears it. */
static struct nt_network_view
view_of(struct core_test *t, const char *host)
{
    struct nt_network_view *views, view;
    size_t n;

    CORE_OK(t, network_views_of_host(t->store, host, "br100", &views, &n, &t->err));
    assert_int_equal(n, 1);
    view = views[0];
    free(views);
    return view;
}

static void
assert_own_address(struct core_test *t, const char *host, const char *address)
{
    struct nt_network_view view = view_of(t, host);

    assert_string_equal(view.dhcp_server, address);
    assert_string_equal(view.gateway_ip, address);
    nt_network_view_clear(&view);
}

static void
boot_on(struct core_test *t, const char *name, const char *host, char id[NT_UUID_SIZE])
{
    AUTO_FREE char *zone = xasprintf("nova:%s", host);
    struct instance_create wish = {
        .name = name,
        .project_id = "demo",
        .user_id = "joe",
        .flavor_id = "1",
        .image_id = t->image_id,
        .availability_zone = zone,
    };
    struct nt_instance instance;

    CORE_OK(t, instance_create(t->store, &t->env, &wish, &instance, &t->changes, &t->err));
    strcpy(id, instance.id);
    nt_instance_clear(&instance);
}

static void
each_host_takes_one_address_in_ascending_order(void **state)
{
    struct core_test *t = *state;

    multi_host_network(t, "10.0.0.0/24");
    claim(t, "compute-1");
    claim(t, "compute-2");
    claim(t, "compute-1"); /* Again: the one it has. */
    assert_own_address(t, "compute-1", "10.0.0.2");
    assert_own_address(t, "compute-2", "10.0.0.3");
}

static void
no_guest_gets_a_hosts_address(void **state)
{
    struct core_test *t = *state;
    struct network_row row = multi_host_network(t, "10.0.0.0/29");
    char id[NT_UUID_SIZE];
    struct rows rows;

    claim(t, "compute-1");
    core_test_report(t, "compute-1", "compute", true);
    for (int i = 0; i < 4; i++) { /* .1 is the network's, .2 the host's. */
        core_test_boot(t, "guest", id);
    }
    CORE_FAILS(t, NT_EXHAUSTED, core_test_try_boot(t, "one too many", NULL, 0, id));
    CORE_FAILS(t, NT_EXHAUSTED,
               ipam_claim_for_host(t->store, &t->env, &row.subnet, "compute-2", &t->err));
    CORE_OK(t, ipam_list(t->store, row.network.id, &rows, &t->err));
    assert_int_equal(rows.n, 5);
    rows_clear(&rows);
}

static void
a_host_sees_its_own_guests_alone(void **state)
{
    struct core_test *t = *state;
    char one[NT_UUID_SIZE], two[NT_UUID_SIZE];

    multi_host_network(t, "10.0.0.0/24");
    claim(t, "compute-1");
    claim(t, "compute-2");
    core_test_report(t, "compute-1", "compute", true);
    core_test_report(t, "compute-2", "compute", true);
    boot_on(t, "one", "compute-1", one);
    boot_on(t, "two", "compute-2", two);

    struct nt_network_view view = view_of(t, "compute-2");
    assert_int_equal(view.n_entries, 1);
    assert_string_equal(view.entries[0].instance_id, two);
    nt_network_view_clear(&view);
}

static void
a_guests_gateway_is_its_own_host(void **state)
{
    struct core_test *t = *state;
    struct nt_instance_view view;
    char id[NT_UUID_SIZE];

    multi_host_network(t, "10.0.0.0/24");
    claim(t, "compute-1");
    claim(t, "compute-2");
    core_test_report(t, "compute-1", "compute", true);
    core_test_report(t, "compute-2", "compute", true);
    boot_on(t, "two", "compute-2", id);
    CORE_OK(t, instance_view_load(t->store, id, &view, &t->err));
    assert_true(view.vifs[0].multi_host);
    assert_string_equal(view.vifs[0].gateway_ip, "10.0.0.3");
    assert_string_equal(view.vifs[0].dhcp_server, "10.0.0.3");
    nt_instance_view_clear(&view);
}

static void
hosts_that_share_the_gateway_take_no_address(void **state)
{
    struct core_test *t = *state;
    struct nt_network_view view;

    t->env.share_dhcp_address = true;
    multi_host_network(t, "10.0.0.0/24");
    claim(t, "compute-1");
    view = view_of(t, "compute-1");
    assert_string_equal(view.dhcp_server, "10.0.0.1");
    assert_true(view.shares_gateway);
    nt_network_view_clear(&view);
}

static void
a_network_with_nothing_but_hosts_is_deleted(void **state)
{
    struct core_test *t = *state;
    struct network_row row = multi_host_network(t, "10.0.0.0/24");

    claim(t, "compute-1");
    CORE_OK(t, network_delete(t->store, row.network.id, &t->changes, &t->err));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(each_host_takes_one_address_in_ascending_order),
        CORE_TEST(no_guest_gets_a_hosts_address),
        CORE_TEST(a_host_sees_its_own_guests_alone),
        CORE_TEST(a_guests_gateway_is_its_own_host),
        CORE_TEST(hosts_that_share_the_gateway_take_no_address),
        CORE_TEST(a_network_with_nothing_but_hosts_is_deleted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
