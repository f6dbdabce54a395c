#include <config.h>

#include "server/core/lease_sync.h"

#include "server/core/core_test.h"
#include "server/core/ports.h"

#define HOST "controller-1"

struct guest {
    char id[NT_UUID_SIZE];
    char mac[NT_MAC_SIZE];
};

static void
make_cloud(struct core_test *t)
{
    core_test_network(t, "novanetwork", "10.0.0.0/24");
    CORE_OK(t, network_claim(t->store, &t->env, HOST, "br100", &t->changes, &t->err));
    core_test_report(t, "compute-1", "compute", true);
}

static struct guest
boot(struct core_test *t, const char *name)
{
    struct guest guest;
    struct rows ports;

    core_test_boot(t, name, guest.id);
    CORE_OK(t, ports_of_instance(t->store, guest.id, &ports, &t->err));
    strcpy(guest.mac, ROW(const struct nt_port, &ports, 0)->mac_address);
    rows_clear(&ports);
    return guest;
}

static struct nt_lease
lease_of(const char *address, const char *mac)
{
    struct nt_lease lease = { .lease_expires = 1800000000000, .hostname = "a" };

    strcpy(lease.address, address);
    strcpy(lease.mac, mac);
    return lease;
}

/* What is to be forgotten, as "ADDRESS MAC" of at most one. */
static int
sync(struct core_test *t, const char *host, struct nt_lease *leases, size_t n, char forget[64])
{
    struct nt_sync_leases_args args = { .leases = leases, .n_leases = n };
    struct nt_sync_leases_result result = { NULL, 0 };
    struct network_row row;

    CORE_OK(t, network_find(t->store, "novanetwork", &row, &t->err));
    strcpy(args.network_id, row.network.id);
    strcpy(args.host, host);
    changes_clear(&t->changes);
    int rc = lease_sync(t->store, &t->env, &args, &result, &t->changes, &t->err);
    assert_true(result.n_forget <= 1);
    forget[0] = '\0';
    if (result.n_forget) {
        snprintf(forget, 64, "%s %s", result.forget[0].address, result.forget[0].mac);
    }
    free(result.forget);
    return rc;
}

static struct nt_fixed_ip
row_of(struct core_test *t, const char *address)
{
    struct network_row network;
    struct nt_fixed_ip row = { 0 };

    CORE_OK(t, network_find(t->store, "novanetwork", &network, &t->err));
    CORE_OK(t, ipam_get(t->store, network.network.id, address, &row, &t->err));
    return row;
}

static void
nothing_happens_where_both_agree(void **state)
{
    struct core_test *t = *state;
    char forget[64];

    make_cloud(t);
    struct guest a = boot(t, "a");
    struct nt_lease lease = lease_of("10.0.0.2", a.mac);

    CORE_OK(t, sync(t, HOST, NULL, 0, forget));
    assert_int_equal(t->changes.n, 0);
    CORE_OK(t, sync(t, HOST, &lease, 1, forget));
    assert_int_equal(core_test_count(t, CHANGE_FIXED_IP_LEASED), 1);
    CORE_OK(t, sync(t, HOST, &lease, 1, forget));
    assert_int_equal(t->changes.n, 0);
    assert_string_equal(forget, "");
    assert_int_equal(row_of(t, "10.0.0.2").lease_expires, lease.lease_expires);
}

static void
a_lease_dnsmasq_does_not_have_is_over(void **state)
{
    struct core_test *t = *state;
    char forget[64];

    make_cloud(t);
    struct guest a = boot(t, "a"), b = boot(t, "b");
    struct nt_lease leases[] = { lease_of("10.0.0.2", a.mac), lease_of("10.0.0.3", b.mac) };
    CORE_OK(t, sync(t, HOST, leases, 2, forget));

    /* In use: only the lease ends.  Not in use: the address is free. */
    CORE_OK(t, instance_end(t->store, &t->env, b.id, &t->changes, &t->err));
    assert_true(row_of(t, "10.0.0.3").port_id[0]);
    CORE_OK(t, sync(t, HOST, NULL, 0, forget));
    assert_false(row_of(t, "10.0.0.2").leased);
    assert_true(row_of(t, "10.0.0.2").allocated);
    assert_false(row_of(t, "10.0.0.3").port_id[0]);
    assert_int_equal(core_test_count(t, CHANGE_FIXED_IP_FREED), 1);
}

static void
a_lease_of_nobody_comes_back(void **state)
{
    struct core_test *t = *state;
    char forget[64];

    make_cloud(t);
    struct guest a = boot(t, "a");
    struct nt_lease stranger = lease_of("10.0.0.9", "fa:16:3e:00:00:09");
    struct nt_lease old = lease_of("10.0.0.2", "fa:16:3e:00:00:02");

    CORE_OK(t, sync(t, HOST, &stranger, 1, forget));
    assert_string_equal(forget, "10.0.0.9 fa:16:3e:00:00:09");
    CORE_OK(t, sync(t, HOST, &old, 1, forget));
    assert_string_equal(forget, "10.0.0.2 fa:16:3e:00:00:02");
    assert_false(row_of(t, "10.0.0.2").leased);
    assert_string_equal(row_of(t, "10.0.0.2").instance_id, a.id);
}

static void
another_host_has_no_say(void **state)
{
    struct core_test *t = *state;
    char forget[64];

    make_cloud(t);
    CORE_FAILS(t, NT_FORBIDDEN, sync(t, "controller-2", NULL, 0, forget));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(nothing_happens_where_both_agree),
        CORE_TEST(a_lease_dnsmasq_does_not_have_is_over),
        CORE_TEST(a_lease_of_nobody_comes_back),
        CORE_TEST(another_host_has_no_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
