#include <config.h>

#include "flat/releases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define NETWORK "11111111-1111-4111-8111-111111111111"

static const struct nt_lease_name lease = { "10.0.0.9", "fa:16:3e:00:00:09" };

/* What the part is given: a clock that is moved by hand, and a wire that is counted. */
static int64_t now_ms;
static unsigned n_sent, n_given_up;
static bool serving;

static int64_t
read_clock(const struct nt_clock *clock OVS_UNUSED)
{
    return now_ms;
}

static const struct nt_clock fake_clock = { read_clock, read_clock };

static int
count_sent(const struct nt_dhcp_release *release, struct nt_err *err OVS_UNUSED)
{
    assert_string_equal(release->device, "br100");
    assert_int_equal(release->server, 0x0a000001);
    assert_int_equal(release->ip, 0x0a000009);
    n_sent++;
    return 0;
}

static bool
is_serving(const struct flat_network *network OVS_UNUSED)
{
    return serving;
}

static void
count_given_up(void *aux OVS_UNUSED, const char *network_id, const struct nt_lease_name *name)
{
    assert_string_equal(network_id, NETWORK);
    assert_string_equal(name->address, lease.address);
    n_given_up++;
}

struct bed {
    struct flat_model model;
    struct nt_random *random;
    struct releases *releases;
};

static int
set_up(void **state)
{
    struct bed *bed = xzalloc(sizeof *bed);
    struct nt_network_view view = { .number = 1 };

    strcpy(view.id, NETWORK);
    strcpy(view.bridge, "br100");
    strcpy(view.dhcp_server, "10.0.0.1");
    flat_model_init(&bed->model);
    flat_model_put(&bed->model, &view);
    bed->random = nt_random_system();

    const struct releases_options options = { .model = &bed->model,
                                              .clock = &fake_clock,
                                              .random = bed->random,
                                              .send = count_sent,
                                              .is_serving = is_serving,
                                              .given_up = count_given_up };
    bed->releases = releases_new(&options);
    now_ms = 1000;
    n_sent = n_given_up = 0;
    serving = true;
    *state = bed;
    return 0;
}

static int
tear_down(void **state)
{
    struct bed *bed = *state;

    releases_free(bed->releases);
    nt_random_free(bed->random);
    flat_model_deinit(&bed->model);
    free(bed);
    return 0;
}

static void
pass_s(struct bed *bed, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        now_ms += 1000;
        releases_run(bed->releases);
    }
}

static void
unknown_lease_is_released_once(void **state)
{
    struct bed *bed = *state;

    releases_send(bed->releases, NETWORK, &lease, false);
    pass_s(bed, 60);
    assert_int_equal(n_sent, 1);
    assert_int_equal(n_given_up, 0);
}

static void
lost_release_is_sent_again_until_dnsmasq_confirms(void **state)
{
    struct bed *bed = *state;

    releases_send(bed->releases, NETWORK, &lease, true);
    pass_s(bed, 3); /* After one second and after two more. */
    assert_int_equal(n_sent, 3);
    releases_over(bed->releases, NETWORK, &lease);
    pass_s(bed, 60);
    assert_int_equal(n_sent, 3);
    assert_int_equal(n_given_up, 0);
}

static void
release_that_is_waited_for_is_not_sent_by_a_second_request(void **state)
{
    struct bed *bed = *state;

    releases_send(bed->releases, NETWORK, &lease, true);
    releases_send(bed->releases, NETWORK, &lease, true);
    assert_int_equal(n_sent, 1);
    assert_int_equal(releases_n_waiting(bed->releases), 1);
}

static void
after_the_last_one_the_lease_is_taken_to_be_gone(void **state)
{
    struct bed *bed = *state;

    releases_send(bed->releases, NETWORK, &lease, true);
    pass_s(bed, 60);
    assert_int_equal(n_sent, RELEASES_MAX_SENT);
    assert_int_equal(n_given_up, 1);
    assert_int_equal(releases_n_waiting(bed->releases), 0);
}

static void
while_dnsmasq_is_down_no_attempt_counts(void **state)
{
    struct bed *bed = *state;

    releases_send(bed->releases, NETWORK, &lease, true);
    serving = false;
    pass_s(bed, 600);
    assert_int_equal(n_sent, 1);
    assert_int_equal(n_given_up, 0);
    serving = true;
    pass_s(bed, 60);
    assert_int_equal(n_sent, RELEASES_MAX_SENT);
}

static void
lease_of_a_guest_that_is_back_is_left_alone(void **state)
{
    struct bed *bed = *state;
    struct nt_host_entry entry = { .allocated = true, .leased = true };

    strcpy(entry.address, lease.address);
    strcpy(entry.mac, lease.mac);
    releases_send(bed->releases, NETWORK, &lease, true);
    flat_entry_put(flat_model_network(&bed->model, NETWORK), &entry);
    pass_s(bed, 60);
    assert_int_equal(n_sent, 1);
    assert_int_equal(n_given_up, 0);
    assert_int_equal(releases_n_waiting(bed->releases), 0);
}

static void
network_that_is_gone_ends_the_waiting(void **state)
{
    struct bed *bed = *state;

    releases_send(bed->releases, NETWORK, &lease, true);
    flat_model_remove(&bed->model, flat_model_network(&bed->model, NETWORK));
    pass_s(bed, 60);
    assert_int_equal(n_sent, 1);
    assert_int_equal(n_given_up, 0);
    assert_int_equal(releases_n_waiting(bed->releases), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)
        TEST(unknown_lease_is_released_once),
        TEST(lost_release_is_sent_again_until_dnsmasq_confirms),
        TEST(release_that_is_waited_for_is_not_sent_by_a_second_request),
        TEST(after_the_last_one_the_lease_is_taken_to_be_gone),
        TEST(while_dnsmasq_is_down_no_attempt_counts),
        TEST(lease_of_a_guest_that_is_back_is_left_alone),
        TEST(network_that_is_gone_ends_the_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
