#include <config.h>

#include "server/core/core_test.h"
#include "server/core/ports.h"

#define HOST "controller-1"

static struct network_row
served_network(struct core_test *t, const char *cidr)
{
    struct network_row row = core_test_network(t, "novanetwork", cidr);

    CORE_OK(t, network_claim(t->store, &t->env, HOST, "br100", &t->changes, &t->err));
    changes_clear(&t->changes);
    return row;
}

/* A port of an instance of its own, with an address; -1 with t->err. */
static int
take(struct core_test *t, const struct network_row *network, const char *wanted,
     struct nt_port *port, struct nt_fixed_ip *out)
{
    struct nt_instance instance = { .host = "compute-1" };

    nt_random_uuid(t->random, instance.id);
    CORE_OK(t, port_create(t->store, &t->env, network->network.id, &instance, port, &t->err));

    const struct ipam_wish wish = { &network->subnet, port, wanted };
    return ipam_allocate(t->store, &t->env, &wish, out, &t->err);
}

static struct nt_lease_args
event(const struct nt_port *port, const struct nt_fixed_ip *ip)
{
    struct nt_lease_args args = { .host = HOST, .hostname = "cirros", .client_id = "01:02" };

    strcpy(args.network_id, port->network_id);
    strcpy(args.address, ip->address);
    strcpy(args.mac, port->mac_address);
    return args;
}

static void
lease(struct core_test *t, const struct nt_port *port, const struct nt_fixed_ip *ip)
{
    struct nt_lease_args args = event(port, ip);

    args.lease_expires = t->now + 86400000;
    CORE_OK(t, ipam_lease(t->store, &t->env, &args, &t->changes, &t->err));
}

static void
release(struct core_test *t, const struct nt_port *port, const struct nt_fixed_ip *ip)
{
    struct nt_lease_args args = event(port, ip);

    CORE_OK(t, ipam_release(t->store, &t->env, &args, &t->changes, &t->err));
}

static void
unuse(struct core_test *t, const struct nt_port *port)
{
    CORE_OK(t, ipam_unuse(t->store, &t->env, port->id, &t->changes, &t->err));
}

static struct nt_fixed_ip
row_of(struct core_test *t, const struct nt_fixed_ip *ip)
{
    struct nt_fixed_ip row;

    assert_int_equal(ipam_get(t->store, ip->network_id, ip->address, &row, &t->err), 1);
    return row;
}

static void
a_hundred_allocations_give_a_hundred_addresses(void **state)
{
    struct core_test *t = *state;
    struct network_row network = served_network(t, "10.0.0.0/24");

    for (int i = 0; i < 100; i++) {
        struct nt_port port;
        struct nt_fixed_ip ip;
        char want[NT_IP4_SIZE];

        CORE_OK(t, take(t, &network, NULL, &port, &ip));
        snprintf(want, sizeof want, "10.0.0.%d", i + 2);
        assert_string_equal(ip.address, want);
        assert_true(ip.allocated);
        assert_int_equal(ip.generation, 1);
        assert_memory_equal(port.mac_address, "fa:16:3e:", 9);
        assert_true(port.mac_address[9] < '8');
    }
}

static void
a_pool_of_253_is_exhausted_cleanly(void **state)
{
    struct core_test *t = *state;
    struct network_row network = served_network(t, "10.0.0.0/24");
    struct nt_port port;
    struct nt_fixed_ip ip;
    struct rows rows;

    for (int i = 0; i < 253; i++) {
        CORE_OK(t, take(t, &network, NULL, &port, &ip));
    }
    CORE_OK(t, ipam_list(t->store, network.network.id, &rows, &t->err));
    assert_int_equal(rows.n, 253);
    rows_clear(&rows);

    struct nt_port last = port;
    struct nt_fixed_ip last_ip = ip;
    CORE_FAILS(t, NT_EXHAUSTED, take(t, &network, NULL, &port, &ip));
    unuse(t, &last);
    CORE_OK(t, take(t, &network, NULL, &port, &ip));
    assert_string_equal(ip.address, last_ip.address);
    assert_int_equal(ip.generation, 2);
}

static void
never_used_addresses_come_first_then_the_one_freed_longest_ago(void **state)
{
    struct core_test *t = *state;
    struct network_row network = served_network(t, "10.0.0.0/29"); /* .2 to .6 */
    struct nt_port ports[5], port;
    struct nt_fixed_ip ips[5], ip;

    for (int i = 0; i < 4; i++) {
        CORE_OK(t, take(t, &network, NULL, &ports[i], &ips[i]));
    }
    t->now += 1000;
    unuse(t, &ports[2]);
    t->now += 1000;
    unuse(t, &ports[0]);
    CORE_OK(t, take(t, &network, NULL, &port, &ip));
    assert_string_equal(ip.address, "10.0.0.6");
    CORE_OK(t, take(t, &network, NULL, &port, &ip));
    assert_string_equal(ip.address, "10.0.0.4");
    CORE_OK(t, take(t, &network, NULL, &port, &ip));
    assert_string_equal(ip.address, "10.0.0.2");
}

static void
a_wanted_address_is_given_once_and_skipped_later(void **state)
{
    struct core_test *t = *state;
    struct network_row network = served_network(t, "10.0.0.0/24");
    struct nt_port port, other;
    struct nt_fixed_ip ip;

    CORE_OK(t, take(t, &network, "10.0.0.3", &port, &ip));
    assert_string_equal(ip.address, "10.0.0.3");
    CORE_FAILS(t, NT_CONFLICT, take(t, &network, "10.0.0.3", &other, &ip));
    CORE_OK(t, take(t, &network, NULL, &other, &ip));
    assert_string_equal(ip.address, "10.0.0.2");
    CORE_OK(t, take(t, &network, NULL, &other, &ip));
    assert_string_equal(ip.address, "10.0.0.4");
    unuse(t, &port);
    CORE_OK(t, take(t, &network, "10.0.0.3", &port, &ip));
    assert_int_equal(ip.generation, 2);
}

static void
addresses_that_are_no_guests_are_refused(void **state)
{
    struct core_test *t = *state;
    struct network_row network = served_network(t, "10.0.0.0/24");
    static const char *const wrong[] = { "10.0.0.0", "10.0.0.1", "10.0.0.255", "10.0.1.2", "x" };

    for (size_t i = 0; i < NT_ARRAY_SIZE(wrong); i++) {
        struct nt_port port;
        struct nt_fixed_ip ip;

        CORE_FAILS(t, NT_INVALID, take(t, &network, wrong[i], &port, &ip));
    }
}

/* Draws the same MAC every time, other things from 'other'. */
struct same_random {
    struct nt_random up;
    struct nt_random *other;
};

static void
same_bytes(struct nt_random *r, const char *purpose, void *out, size_t len)
{
    if (strcmp(purpose, "mac")) {
        nt_random_bytes(CONTAINER_OF(r, struct same_random, up)->other, purpose, out, len);
    } else {
        memset(out, 0xff, len);
    }
}

static void
a_mac_that_is_taken_is_not_given_twice(void **state)
{
    struct core_test *t = *state;
    struct network_row network = served_network(t, "10.0.0.0/24");
    struct nt_instance instance = { .id = "11111111-1111-4111-8111-111111111111" };
    struct same_random same = { { .bytes = same_bytes }, t->random };
    struct nt_port port;

    t->env.random = &same.up;
    CORE_OK(t, port_create(t->store, &t->env, network.network.id, &instance, &port, &t->err));
    assert_string_equal(port.mac_address, "fa:16:3e:7f:ff:ff");
    CORE_FAILS(t, NT_EXHAUSTED,
               port_create(t->store, &t->env, network.network.id, &instance, &port, &t->err));
}

static void
an_address_never_leased_is_free_at_once(void **state)
{
    struct core_test *t = *state;
    struct network_row network = served_network(t, "10.0.0.0/24");
    struct nt_port port, gone;
    struct nt_fixed_ip ip;

    CORE_OK(t, take(t, &network, NULL, &port, &ip));
    unuse(t, &port);
    assert_int_equal(t->changes.n, 2);
    assert_int_equal(t->changes.at[0].kind, CHANGE_FIXED_IP_UNUSED);
    assert_string_equal(t->changes.at[0].host, HOST);
    assert_string_equal(t->changes.at[0].entry.mac, port.mac_address);
    assert_false(t->changes.at[0].entry.leased);
    assert_int_equal(t->changes.at[1].kind, CHANGE_FIXED_IP_FREED);
    assert_string_equal(row_of(t, &ip).instance_id, "");
    CORE_FAILS(t, NT_NOT_FOUND, port_get(t->store, port.id, &gone, &t->err));
    unuse(t, &port);
    assert_int_equal(t->changes.n, 2);
}

static void
a_leased_address_keeps_port_and_instance_until_released(void **state)
{
    struct core_test *t = *state;
    struct network_row network = served_network(t, "10.0.0.0/24");
    struct nt_port port;
    struct nt_fixed_ip ip;
    struct nt_network_view view;

    CORE_OK(t, take(t, &network, NULL, &port, &ip));
    lease(t, &port, &ip);
    lease(t, &port, &ip);
    assert_int_equal(core_test_count(t, CHANGE_FIXED_IP_LEASED), 1);
    unuse(t, &port);
    assert_int_equal(core_test_count(t, CHANGE_FIXED_IP_FREED), 0);

    CORE_OK(t, network_view_load(t->store, network.network.id, &view, &t->err));
    assert_int_equal(view.n_entries, 1);
    assert_false(view.entries[0].allocated);
    assert_true(view.entries[0].leased);
    assert_string_equal(view.entries[0].mac, port.mac_address);
    assert_string_equal(view.entries[0].hostname, "cirros");
    assert_int_equal(view.entries[0].lease_expires, t->now + 86400000);
    assert_string_equal(view.entries[0].client_id, "01:02");
    nt_network_view_clear(&view);

    CORE_OK(t, ipam_settle(t->store, &t->env, port.id, &t->changes, &t->err));
    assert_true(row_of(t, &ip).leased);
    release(t, &port, &ip);
    assert_int_equal(core_test_count(t, CHANGE_FIXED_IP_FREED), 1);
    assert_string_equal(row_of(t, &ip).port_id, "");
    assert_int_equal(row_of(t, &ip).lease_expires, 0);
}

static void
a_release_of_an_address_in_use_only_ends_the_lease(void **state)
{
    struct core_test *t = *state;
    struct network_row network = served_network(t, "10.0.0.0/24");
    struct nt_port port;
    struct nt_fixed_ip ip;

    CORE_OK(t, take(t, &network, NULL, &port, &ip));
    lease(t, &port, &ip);
    release(t, &port, &ip);
    assert_true(row_of(t, &ip).allocated);
    assert_false(row_of(t, &ip).leased);
    assert_string_equal(row_of(t, &ip).port_id, port.id);
}

static void
a_late_event_with_the_old_mac_leaves_the_new_owner_alone(void **state)
{
    struct core_test *t = *state;
    struct network_row network = served_network(t, "10.0.0.0/24");
    struct nt_port old, new;
    struct nt_fixed_ip ip;

    CORE_OK(t, take(t, &network, "10.0.0.5", &old, &ip));
    unuse(t, &old);
    CORE_OK(t, take(t, &network, "10.0.0.5", &new, &ip));
    assert_int_equal(ip.generation, 2);
    lease(t, &new, &ip);
    changes_clear(&t->changes);

    release(t, &old, &ip);
    assert_true(row_of(t, &ip).leased);
    unuse(t, &new);
    release(t, &old, &ip);
    assert_string_equal(row_of(t, &ip).port_id, new.id);
    lease(t, &old, &ip);
    assert_int_equal(core_test_count(t, CHANGE_FIXED_IP_FREED), 0);
    assert_int_equal(core_test_count(t, CHANGE_FIXED_IP_LEASED), 0);

    /* What was to be settled for the old port does not touch the new one either. */
    CORE_OK(t, ipam_settle(t->store, &t->env, old.id, &t->changes, &t->err));
    assert_int_equal(row_of(t, &ip).generation, 2);
    release(t, &new, &ip);
    assert_int_equal(core_test_count(t, CHANGE_FIXED_IP_FREED), 1);
}

static void
events_of_unknown_addresses_are_ignored(void **state)
{
    struct core_test *t = *state;
    struct network_row network = served_network(t, "10.0.0.0/24");
    struct nt_port port = { .mac_address = "fa:16:3e:00:00:01" };
    struct nt_fixed_ip ip = { .address = "10.0.0.77" };

    strcpy(port.network_id, network.network.id);
    lease(t, &port, &ip);
    release(t, &port, &ip);
    assert_int_equal(t->changes.n, 0);
}

static void
a_host_speaks_for_its_own_networks_only(void **state)
{
    struct core_test *t = *state;
    struct network_row network = served_network(t, "10.0.0.0/24");
    struct nt_port port;
    struct nt_fixed_ip ip;
    struct nt_lease_args args;

    CORE_OK(t, take(t, &network, NULL, &port, &ip));
    args = event(&port, &ip);
    strcpy(args.host, "compute-1");
    CORE_FAILS(t, NT_FORBIDDEN, ipam_lease(t->store, &t->env, &args, &t->changes, &t->err));
    CORE_FAILS(t, NT_FORBIDDEN, ipam_release(t->store, &t->env, &args, &t->changes, &t->err));
    strcpy(args.network_id, "11111111-1111-4111-8111-111111111111");
    CORE_FAILS(t, NT_NOT_FOUND, ipam_lease(t->store, &t->env, &args, &t->changes, &t->err));
}

static void
a_lease_that_is_never_released_ends_by_time(void **state)
{
    struct core_test *t = *state;
    struct network_row network = served_network(t, "10.0.0.0/24");
    struct nt_port used, unused;
    struct nt_fixed_ip used_ip, unused_ip;
    size_t n;

    CORE_OK(t, take(t, &network, NULL, &used, &used_ip));
    CORE_OK(t, take(t, &network, NULL, &unused, &unused_ip));
    lease(t, &used, &used_ip);
    lease(t, &unused, &unused_ip);
    unuse(t, &unused);
    t->now += 600 * 1000;
    CORE_OK(t, ipam_sweep(t->store, &t->env, &n, &t->changes, &t->err));
    assert_int_equal(n, 0);
    t->now += 1;
    CORE_OK(t, ipam_sweep(t->store, &t->env, &n, &t->changes, &t->err));
    assert_int_equal(n, 1);
    assert_int_equal(core_test_count(t, CHANGE_FIXED_IP_FREED), 1);
    assert_string_equal(row_of(t, &unused_ip).instance_id, "");
    assert_true(row_of(t, &used_ip).leased);
}

static void
a_lease_past_its_end_is_settled(void **state)
{
    struct core_test *t = *state;
    struct network_row network = served_network(t, "10.0.0.0/24");
    struct nt_port port;
    struct nt_fixed_ip ip;

    CORE_OK(t, take(t, &network, NULL, &port, &ip));
    lease(t, &port, &ip);
    CORE_OK(t, ipam_settle(t->store, &t->env, port.id, &t->changes, &t->err));
    assert_true(row_of(t, &ip).allocated);
    unuse(t, &port);
    t->now += 86400001;
    CORE_OK(t, ipam_settle(t->store, &t->env, port.id, &t->changes, &t->err));
    assert_string_equal(row_of(t, &ip).port_id, "");
    CORE_OK(t, ipam_settle(t->store, &t->env, port.id, &t->changes, &t->err));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(a_hundred_allocations_give_a_hundred_addresses),
        CORE_TEST(a_pool_of_253_is_exhausted_cleanly),
        CORE_TEST(never_used_addresses_come_first_then_the_one_freed_longest_ago),
        CORE_TEST(a_wanted_address_is_given_once_and_skipped_later),
        CORE_TEST(addresses_that_are_no_guests_are_refused),
        CORE_TEST(a_mac_that_is_taken_is_not_given_twice),
        CORE_TEST(an_address_never_leased_is_free_at_once),
        CORE_TEST(a_leased_address_keeps_port_and_instance_until_released),
        CORE_TEST(a_release_of_an_address_in_use_only_ends_the_lease),
        CORE_TEST(a_late_event_with_the_old_mac_leaves_the_new_owner_alone),
        CORE_TEST(events_of_unknown_addresses_are_ignored),
        CORE_TEST(a_host_speaks_for_its_own_networks_only),
        CORE_TEST(a_lease_that_is_never_released_ends_by_time),
        CORE_TEST(a_lease_past_its_end_is_settled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
