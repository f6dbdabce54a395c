#include <config.h>

#include "host/hosts_file.h"

#include <stdio.h>
#include <string.h>

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct nt_host_entry
entry(const char *mac, const char *name, const char *address)
{
    struct nt_host_entry e = { .allocated = true };

    snprintf(e.mac, sizeof e.mac, "%s", mac);
    snprintf(e.hostname, sizeof e.hostname, "%s", name);
    snprintf(e.address, sizeof e.address, "%s", address);
    return e;
}

#define MAC_A "fa:16:3e:00:00:0a"
#define MAC_B "fa:16:3e:00:00:0b"
#define MAC_C "fa:16:3e:00:00:0c"

static void
check(const struct nt_host_entry *entries, size_t n, const char *domain, const char *wanted)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    nt_hosts_file_text(entries, n, domain, &out, NULL, NULL);
    assert_string_equal(ds_cstr(&out), wanted);
    ds_destroy(&out);
}

static void
no_entries_give_an_empty_file(void **state)
{
    check(NULL, 0, "novalocal", "");
}

static void
one_guest_gives_the_golden_line(void **state)
{
    struct nt_host_entry e = entry("fa:16:3e:2c:e8:ec", "cirros", "10.0.0.2");

    check(&e, 1, "novalocal", "fa:16:3e:2c:e8:ec,cirros.novalocal,10.0.0.2");
}

static void
only_allocated_entries_are_listed(void **state)
{
    struct nt_host_entry e[] = { entry(MAC_A, "a", "10.0.0.2"), entry(MAC_B, "b", "10.0.0.3") };

    e[0].allocated = false;
    e[0].leased = true;
    check(e, 2, "x", MAC_B ",b.x,10.0.0.3");
}

static void
only_the_first_address_of_a_mac_is_listed(void **state)
{
    struct nt_host_entry e[] = { entry(MAC_A, "a", "10.0.0.2"), entry(MAC_A, "a", "10.0.0.3"),
                                 entry(MAC_B, "b", "10.0.0.4") };

    check(e, 3, "x", MAC_A ",a.x,10.0.0.2\n" MAC_B ",b.x,10.0.0.4");
}

static void
second_guest_of_a_name_is_named_after_its_address(void **state)
{
    struct nt_host_entry e[] = { entry(MAC_A, "web", "10.0.0.2"), entry(MAC_B, "WEB", "10.0.0.3"),
                                 entry(MAC_C, "", "10.0.0.4") };

    check(e, 3, "x",
          MAC_A ",web.x,10.0.0.2\n" MAC_B ",host-10-0-0-3.x,10.0.0.3\n" MAC_C
                ",host-10-0-0-4.x,10.0.0.4");
}

static void
name_of_anothers_address_is_not_given_away(void **state)
{
    struct nt_host_entry e[] = { entry(MAC_A, "host-10-0-0-3", "10.0.0.2"),
                                 entry(MAC_B, "", "10.0.0.3") };

    check(e, 2, "x", MAC_A ",host-10-0-0-2.x,10.0.0.2\n" MAC_B ",host-10-0-0-3.x,10.0.0.3");
}

static void
long_name_keeps_two_first_and_sixty_last_characters(void **state)
{
    char name[80], wanted[128];
    struct nt_host_entry e;

    snprintf(name, sizeof name, "ab%.*d%s", 5, 0,
             "0123456789012345678901234567890123456789"
             "01234567890123456789");
    e = entry(MAC_A, name, "10.0.0.2");
    snprintf(wanted, sizeof wanted, MAC_A ",ab-%s.x,10.0.0.2",
             "012345678901234567890123456789012345678901234567890123456789");
    check(&e, 1, "x", wanted);
}

static void
words_of_dnsmasq_are_not_names_without_a_domain(void **state)
{
    const char *const words[] = { "ignore", "infinite", "120", "2m", "10.0.0.9", "IGNORE" };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct nt_host_entry e = entry(MAC_A, words[i], "10.0.0.2");

        check(&e, 1, "", MAC_A ",host-10-0-0-2,10.0.0.2");
    }
}

struct refusals {
    size_t n;
    struct nt_err last;
};

static void
count_refusal(void *aux, const struct nt_host_entry *e, const struct nt_err *err)
{
    struct refusals *r = aux;

    r->n++;
    r->last = *err;
}

static void
smuggled_configuration_is_refused_and_the_others_go_on(void **state)
{
    const char *const bad[] = {
        "a\nfa:16:3e:00:00:0c,evil,10.0.0.1",
        "a,set:x",
        "a\r",
        "a b",
        "a\tb",
        "a#b",
        "a\x7f",
        "\xc3\xbc",
        "id:*",
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct nt_host_entry e[] = { entry(MAC_A, bad[i], "10.0.0.2"),
                                     entry(MAC_B, "good", "10.0.0.3") };
        struct ds out = DS_EMPTY_INITIALIZER;
        struct refusals r = { 0 };

        assert_int_equal(nt_hosts_file_text(e, 2, "x", &out, count_refusal, &r), 1);
        assert_string_equal(ds_cstr(&out), MAC_B ",good.x,10.0.0.3");
        assert_int_equal(r.n, 1);
        assert_int_equal(r.last.code, NT_INVALID);
        assert_non_null(strstr(r.last.msg, "10.0.0.2"));
        assert_null(strchr(r.last.msg, '\n'));
        ds_destroy(&out);
    }
}

static void
bad_addresses_and_macs_are_refused(void **state)
{
    struct nt_host_entry e[] = { entry("fa:16:3e:00:00\n0a", "a", "10.0.0.2"),
                                 entry(MAC_B, "b", "10.0.0.3,x"), entry(MAC_C, "c", "10.0.0.4"),
                                 entry(MAC_A, "d", "10.0.0.4") };
    struct ds out = DS_EMPTY_INITIALIZER;

    assert_int_equal(nt_hosts_file_text(e, 4, "x", &out, NULL, NULL), 3);
    assert_string_equal(ds_cstr(&out), MAC_C ",c.x,10.0.0.4");
    ds_destroy(&out);
}

static void
bad_domain_refuses_all(void **state)
{
    struct nt_host_entry e = entry(MAC_A, "a", "10.0.0.2");
    struct ds out = DS_EMPTY_INITIALIZER;

    assert_int_equal(nt_hosts_file_text(&e, 1, "x,y", &out, NULL, NULL), 1);
    assert_string_equal(ds_cstr(&out), "");
    ds_destroy(&out);
}

static struct nt_host_entry
linked(struct nt_host_entry e, const char *vif, bool is_default)
{
    snprintf(e.vif, sizeof e.vif, "%s", vif);
    e.is_default = is_default;
    return e;
}

#define VIF_1 "11111111-1111-4111-8111-111111111111"
#define VIF_2 "22222222-2222-4222-8222-222222222222"

static void
tags_name_the_link_and_only_the_first_has_a_router(void **state)
{
    const struct nt_host_entry e[] = {
        linked(entry(MAC_A, "a", "10.0.0.2"), VIF_1, true),
        linked(entry(MAC_B, "b", "10.0.0.3"), VIF_2, false),
        entry(MAC_C, "c", "10.0.0.4"),
    };
    struct ds hosts = DS_EMPTY_INITIALIZER, opts = DS_EMPTY_INITIALIZER;

    nt_hosts_file_tagged_text(e, 3, "novalocal", &hosts, NULL, NULL);
    assert_string_equal(ds_cstr(&hosts), MAC_A ",a.novalocal,10.0.0.2,net:NW-" VIF_1 "\n" MAC_B
                                               ",b.novalocal,10.0.0.3,net:NW-" VIF_2 "\n" MAC_C
                                               ",c.novalocal,10.0.0.4");
    nt_hosts_opts_text(e, 3, "10.0.0.1", &opts);
    assert_string_equal(ds_cstr(&opts), "NW-" VIF_1 ",3,10.0.0.1\nNW-" VIF_2 ",3");
    ds_clear(&opts);
    nt_hosts_opts_text(e, 3, NULL, &opts);
    assert_string_equal(ds_cstr(&opts), "NW-" VIF_2 ",3");
    ds_destroy(&hosts);
    ds_destroy(&opts);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_entries_give_an_empty_file),
        cmocka_unit_test(one_guest_gives_the_golden_line),
        cmocka_unit_test(tags_name_the_link_and_only_the_first_has_a_router),
        cmocka_unit_test(only_allocated_entries_are_listed),
        cmocka_unit_test(only_the_first_address_of_a_mac_is_listed),
        cmocka_unit_test(second_guest_of_a_name_is_named_after_its_address),
        cmocka_unit_test(name_of_anothers_address_is_not_given_away),
        cmocka_unit_test(long_name_keeps_two_first_and_sixty_last_characters),
        cmocka_unit_test(words_of_dnsmasq_are_not_names_without_a_domain),
        cmocka_unit_test(smuggled_configuration_is_refused_and_the_others_go_on),
        cmocka_unit_test(bad_addresses_and_macs_are_refused),
        cmocka_unit_test(bad_domain_refuses_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
