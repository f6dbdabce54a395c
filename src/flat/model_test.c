#include <config.h>

#include "flat/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define NET_1 "11111111-1111-4111-8111-111111111111"
#define NET_2 "22222222-2222-4222-8222-222222222222"
#define NET_3 "33333333-3333-4333-8333-333333333333"
#define MAC_A "fa:16:3e:00:00:0a"
#define MAC_B "fa:16:3e:00:00:0b"

static int
set_up(void **state)
{
    struct flat_model *m = xmalloc(sizeof *m);

    flat_model_init(m);
    *state = m;
    return 0;
}

static int
tear_down(void **state)
{
    flat_model_deinit(*state);
    free(*state);
    return 0;
}

static struct nt_host_entry
entry(const char *address, const char *mac)
{
    struct nt_host_entry e = { .allocated = true };

    ovs_strlcpy(e.address, address, sizeof e.address);
    ovs_strlcpy(e.mac, mac, sizeof e.mac);
    strcpy(e.hostname, "cirros");
    return e;
}

static struct nt_host_entry
leased(struct nt_host_entry e, int64_t expires)
{
    e.leased = true;
    e.lease_expires = expires;
    strcpy(e.lease_hostname, "guest");
    strcpy(e.client_id, "01:02");
    return e;
}

/* The view of network 'number' with copies of 'n' entries. */
static struct nt_network_view
view(const char *id, int64_t number, const struct nt_host_entry *entries, size_t n)
{
    struct nt_network_view v = { .number = number, .n_entries = n };

    ovs_strlcpy(v.id, id, sizeof v.id);
    strcpy(v.name, "novanetwork");
    strcpy(v.bridge, "br100");
    strcpy(v.cidr, "10.0.0.0/24");
    strcpy(v.dhcp_server, "10.0.0.1");
    v.entries = xmemdup(n ? entries : &(struct nt_host_entry){ 0 }, (n ? n : 1) * sizeof *entries);
    return v;
}

static struct flat_network *
put(struct flat_model *m, const char *id, int64_t number, const struct nt_host_entry *entries,
    size_t n)
{
    struct nt_network_view v = view(id, number, entries, n);
    struct flat_network *network = flat_model_put(m, &v);

    assert_null(v.entries);
    return network;
}

static struct nt_lease_args
lease_of(const char *network_id, const char *address, const char *mac)
{
    struct nt_lease_args args = { .lease_expires = 7000 };

    strcpy(args.host, "controller-1");
    ovs_strlcpy(args.network_id, network_id, sizeof args.network_id);
    ovs_strlcpy(args.address, address, sizeof args.address);
    ovs_strlcpy(args.mac, mac, sizeof args.mac);
    strcpy(args.hostname, "guest");
    strcpy(args.client_id, "01:02");
    return args;
}

static void
report(struct flat_model *m, bool is_release, const char *address, const char *mac)
{
    struct nt_lease_args args = lease_of(NET_1, address, mac);

    flat_report_add(m, is_release, &args);
}

static struct lease_report *
first_report(const struct flat_model *m)
{
    return CONTAINER_OF(ovs_list_front(&m->reports), struct lease_report, node);
}

static void
check_addresses(const struct flat_network *network, const char *const *want)
{
    size_t n = 0;

    for (; want[n]; n++) {
        assert_true(n < network->view.n_entries);
        assert_string_equal(network->view.entries[n].address, want[n]);
    }
    assert_int_equal(network->view.n_entries, n);
}

#define CHECK_ADDRESSES(network, ...) \
    check_addresses(network, (const char *const[]){ __VA_ARGS__, NULL })

static void
networks_stand_in_the_order_of_their_numbers(void **state)
{
    struct flat_model *m = *state;
    int64_t number = 1;
    struct flat_network *network;

    put(m, NET_2, 2, NULL, 0);
    put(m, NET_3, 3, NULL, 0);
    put(m, NET_1, 1, NULL, 0);
    put(m, NET_2, 2, NULL, 0);
    LIST_FOR_EACH (network, node, &m->networks) {
        assert_int_equal(network->view.number, number++);
    }
    assert_int_equal(number, 4);
    assert_ptr_equal(flat_model_network(m, NET_3), flat_model_network_number(m, 3));
    assert_null(flat_model_network_number(m, 4));
}

static void
entries_are_sorted_by_address_not_by_text(void **state)
{
    struct flat_network *network = put(*state, NET_1, 1, NULL, 0);
    static const char *const addresses[] = { "10.0.0.10", "10.0.0.9", "10.0.1.1", "10.0.0.2" };

    for (size_t i = 0; i < NT_ARRAY_SIZE(addresses); i++) {
        struct nt_host_entry e = entry(addresses[i], MAC_A);

        flat_entry_put(network, &e);
    }
    CHECK_ADDRESSES(network, "10.0.0.2", "10.0.0.9", "10.0.0.10", "10.0.1.1");
    assert_null(flat_entry(network, "10.0.0.3"));
    assert_null(flat_entry(network, "10.0.2.3"));
    assert_null(flat_entry(network, ""));
    assert_string_equal(flat_entry(network, "10.0.0.10")->address, "10.0.0.10");
}

static void
same_guest_put_again_keeps_its_lease_another_guest_does_not(void **state)
{
    struct nt_host_entry old = leased(entry("10.0.0.2", MAC_A), 5000);
    struct flat_network *network = put(*state, NET_1, 1, &old, 1);
    struct nt_host_entry again = entry("10.0.0.2", MAC_A);
    struct nt_host_entry other = entry("10.0.0.2", MAC_B);

    strcpy(again.hostname, "renamed");
    flat_entry_put(network, &again);
    assert_string_equal(flat_entry(network, "10.0.0.2")->hostname, "renamed");
    assert_true(flat_entry(network, "10.0.0.2")->leased);
    assert_int_equal(flat_entry(network, "10.0.0.2")->lease_expires, 5000);
    assert_string_equal(flat_entry(network, "10.0.0.2")->client_id, "01:02");

    flat_entry_put(network, &other);
    assert_false(flat_entry(network, "10.0.0.2")->leased);
    assert_string_equal(flat_entry(network, "10.0.0.2")->lease_hostname, "");
    CHECK_ADDRESSES(network, "10.0.0.2");
}

static void
unused_entry_stays_as_long_as_it_is_leased(void **state)
{
    struct nt_host_entry entries[] = { entry("10.0.0.2", MAC_A),
                                       leased(entry("10.0.0.3", MAC_B), 5000) };
    struct flat_network *network = put(*state, NET_1, 1, entries, 2);

    assert_true(flat_entry_unuse(network, "10.0.0.3", MAC_B));
    assert_true(flat_entry_unuse(network, "10.0.0.2", MAC_A));
    assert_false(flat_entry_unuse(network, "10.0.0.2", MAC_A));
    CHECK_ADDRESSES(network, "10.0.0.3");
    assert_false(flat_entry(network, "10.0.0.3")->allocated);

    flat_entry_remove(network, flat_entry(network, "10.0.0.3"));
    assert_int_equal(network->view.n_entries, 0);
}

static void
late_word_of_a_former_guest_does_not_touch_the_new_one(void **state)
{
    struct nt_host_entry now = entry("10.0.0.2", MAC_B);
    struct flat_network *network = put(*state, NET_1, 1, &now, 1);

    assert_false(flat_entry_unuse(network, "10.0.0.2", MAC_A));
    assert_true(flat_entry(network, "10.0.0.2")->allocated);
}

static void
lease_the_server_has_not_confirmed_survives_its_view(void **state)
{
    struct flat_model *m = *state;
    struct nt_host_entry ours[] = { leased(entry("10.0.0.2", MAC_A), 7000),
                                    leased(entry("10.0.0.3", MAC_B), 7000) };
    struct nt_host_entry theirs[] = { entry("10.0.0.2", MAC_A), entry("10.0.0.3", MAC_B) };

    put(m, NET_1, 1, ours, 2);
    report(m, false, "10.0.0.2", MAC_A);

    struct flat_network *network = put(m, NET_1, 1, theirs, 2);
    assert_true(flat_entry(network, "10.0.0.2")->leased);
    assert_int_equal(flat_entry(network, "10.0.0.2")->lease_expires, 7000);
    assert_false(flat_entry(network, "10.0.0.3")->leased);
}

static void
lease_of_a_former_guest_is_not_given_to_the_new_one(void **state)
{
    struct flat_model *m = *state;
    struct nt_host_entry old = leased(entry("10.0.0.2", MAC_A), 7000);
    struct nt_host_entry new = entry("10.0.0.2", MAC_B);

    put(m, NET_1, 1, &old, 1);
    report(m, false, "10.0.0.2", MAC_A);

    struct flat_network *network = put(m, NET_1, 1, &new, 1);
    assert_string_equal(flat_entry(network, "10.0.0.2")->mac, MAC_B);
    assert_false(flat_entry(network, "10.0.0.2")->leased);
}

static void
release_the_server_has_not_confirmed_is_not_undone_by_its_view(void **state)
{
    struct flat_model *m = *state;
    struct nt_host_entry theirs[] = { leased(entry("10.0.0.2", MAC_A), 7000),
                                      leased(entry("10.0.0.3", MAC_B), 7000) };

    theirs[0].allocated = false;
    put(m, NET_1, 1, NULL, 0);
    report(m, true, "10.0.0.2", MAC_A);
    report(m, true, "10.0.0.3", MAC_B);

    struct flat_network *network = put(m, NET_1, 1, theirs, 2);
    CHECK_ADDRESSES(network, "10.0.0.3");
    assert_false(flat_entry(network, "10.0.0.3")->leased);
    assert_true(flat_entry(network, "10.0.0.3")->allocated);
}

static void
latest_report_of_a_lease_replaces_those_not_sent(void **state)
{
    struct flat_model *m = *state;

    report(m, false, "10.0.0.2", MAC_A);
    report(m, false, "10.0.0.3", MAC_B);
    report(m, true, "10.0.0.2", MAC_A);
    assert_int_equal(m->n_reports, 2);
    assert_string_equal(first_report(m)->args.address, "10.0.0.3");

    first_report(m)->is_sent = true;
    report(m, true, "10.0.0.3", MAC_B);
    assert_int_equal(m->n_reports, 3);
}

static void
lost_report_is_not_sent_after_a_later_one_of_its_lease(void **state)
{
    struct flat_model *m = *state;

    report(m, false, "10.0.0.2", MAC_A);
    first_report(m)->is_sent = true;
    report(m, false, "10.0.0.3", MAC_B);
    flat_report_again(m, first_report(m));
    assert_int_equal(m->n_reports, 2);
    assert_false(first_report(m)->is_sent);

    first_report(m)->is_sent = true;
    report(m, true, "10.0.0.2", MAC_A);
    flat_report_again(m, first_report(m));
    assert_int_equal(m->n_reports, 2);
    assert_string_equal(first_report(m)->args.address, "10.0.0.3");
}

static void
snapshot_brings_everything_back(void **state)
{
    struct flat_model *m = *state;
    struct nt_host_entry entries[] = { entry("10.0.0.2", MAC_A),
                                       leased(entry("10.0.0.3", MAC_B), 1700000000000) };
    struct flat_model again;
    struct nt_err err = { 0 };

    put(m, NET_2, 2, NULL, 0);
    put(m, NET_1, 1, entries, 2);
    report(m, false, "10.0.0.3", MAC_B);
    report(m, true, "10.0.0.2", MAC_A);
    first_report(m)->is_sent = true;

    AUTO_FREE char *text = flat_model_to_text(m);
    flat_model_init(&again);
    assert_int_equal(flat_model_from_text(&again, text, &err), 0);

    AUTO_FREE char *second = flat_model_to_text(&again);
    assert_string_equal(second, text);
    assert_int_equal(again.n_reports, 2);
    assert_false(first_report(&again)->is_sent);
    assert_false(first_report(&again)->is_release);

    const struct nt_host_entry *e = flat_entry(flat_model_network(&again, NET_1), "10.0.0.3");
    assert_true(e->leased && e->allocated);
    assert_int_equal(e->lease_expires, 1700000000000);
    assert_string_equal(e->lease_hostname, "guest");
    flat_model_deinit(&again);
}

static void
damaged_snapshot_is_refused_and_leaves_the_model_empty(void **state)
{
    static const char *const damaged[] = {
        "",
        "{",
        "[]",
        "{\"networks\":[{\"id\":\"x\"}]}",
        "{\"networks\":[{\"id\":\"" NET_1 "\",\"bridge\":\"br100\",\"cidr\":\"10.0.0.0/24\","
        "\"entries\":[{\"address\":\"10.0.0.2\",\"mac\":\"zz\"}]}]}",
        "{\"reports\":[{\"address\":\"10.0.0.2\"}]}",
    };
    struct flat_model *m = *state;

    for (size_t i = 0; i < NT_ARRAY_SIZE(damaged); i++) {
        struct nt_err err = { 0 };

        assert_int_equal(flat_model_from_text(m, damaged[i], &err), -1);
        assert_int_equal(err.code, NT_INVALID);
        assert_true(ovs_list_is_empty(&m->networks));
        assert_int_equal(m->n_reports, 0);
    }
}

static struct nt_floating_entry
floating(const char *address, const char *fixed)
{
    struct nt_floating_entry e = { .interface = "eth1" };

    ovs_strlcpy(e.address, address, sizeof e.address);
    ovs_strlcpy(e.fixed_address, fixed, sizeof e.fixed_address);
    return e;
}

static struct flat_network *
network_of(struct flat_model *m, const char *id, int64_t number)
{
    struct nt_network_view view = { .number = number };

    ovs_strlcpy(view.id, id, sizeof view.id);
    ovs_strlcpy(view.bridge, "br100", sizeof view.bridge);
    ovs_strlcpy(view.cidr, "10.0.0.0/24", sizeof view.cidr);
    return flat_model_put(m, &view);
}

static void
floating_address_is_in_one_place_only(void **state)
{
    struct flat_model *m = *state;
    struct flat_network *one = network_of(m, NET_1, 1), *two = network_of(m, NET_2, 2);
    struct nt_floating_entry a = floating("192.168.56.9", "10.0.0.2");
    struct nt_floating_entry b = floating("192.168.56.10", "10.0.0.3");

    flat_floating_put(m, one, &b);
    flat_floating_put(m, one, &a);
    assert_string_equal(one->view.floating[0].address, "192.168.56.9");
    a = floating("192.168.56.9", "10.0.0.7");
    flat_floating_put(m, two, &a);
    assert_int_equal(one->view.n_floating, 1);
    assert_string_equal(flat_wanted_floating(m, "192.168.56.9")->fixed_address, "10.0.0.7");
}

static void
late_end_of_an_association_does_not_touch_the_next_one(void **state)
{
    struct flat_model *m = *state;
    struct nt_floating_entry a = floating("192.168.56.9", "10.0.0.2");

    flat_floating_put(m, network_of(m, NET_1, 1), &a);
    assert_false(flat_floating_remove(m, "192.168.56.9", "10.0.0.3"));
    assert_non_null(flat_wanted_floating(m, "192.168.56.9"));
    assert_true(flat_floating_remove(m, "192.168.56.9", "10.0.0.2"));
    assert_null(flat_wanted_floating(m, "192.168.56.9"));
}

static void
snapshot_remembers_what_is_on_interfaces(void **state)
{
    struct flat_model *m = *state;
    struct flat_model copy;
    struct nt_err err = { 0 };
    struct nt_floating_entry a = floating("192.168.56.9", "10.0.0.2");
    struct flat_applied *applied = flat_applied_add(m, "192.168.56.10");

    strcpy(applied->interface, "eth1");
    strcpy(applied->fixed_address, "10.0.0.3");
    applied->is_stale = true;
    flat_floating_put(m, network_of(m, NET_1, 1), &a);

    AUTO_FREE char *text = flat_model_to_text(m);
    flat_model_init(&copy);
    assert_int_equal(flat_model_from_text(&copy, text, &err), 0);
    applied = flat_applied_find(&copy, "192.168.56.10");
    assert_non_null(applied);
    assert_string_equal(applied->interface, "eth1");
    assert_true(applied->is_stale);
    assert_string_equal(flat_wanted_floating(&copy, "192.168.56.9")->interface, "eth1");
    flat_applied_remove(&copy, applied);
    assert_null(flat_applied_find(&copy, "192.168.56.10"));
    flat_model_deinit(&copy);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(networks_stand_in_the_order_of_their_numbers),
        T(entries_are_sorted_by_address_not_by_text),
        T(same_guest_put_again_keeps_its_lease_another_guest_does_not),
        T(unused_entry_stays_as_long_as_it_is_leased),
        T(late_word_of_a_former_guest_does_not_touch_the_new_one),
        T(lease_the_server_has_not_confirmed_survives_its_view),
        T(lease_of_a_former_guest_is_not_given_to_the_new_one),
        T(release_the_server_has_not_confirmed_is_not_undone_by_its_view),
        T(latest_report_of_a_lease_replaces_those_not_sent),
        T(lost_report_is_not_sent_after_a_later_one_of_its_lease),
        T(snapshot_brings_everything_back),
        T(floating_address_is_in_one_place_only),
        T(late_end_of_an_association_does_not_touch_the_next_one),
        T(snapshot_remembers_what_is_on_interfaces),
        T(damaged_snapshot_is_refused_and_leaves_the_model_empty),
    };

    return cmocka_run_group_tests_name("flat/model", tests, NULL, NULL);
}
