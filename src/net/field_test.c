#include <config.h>

#include "net/field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "net/instance.h"
#include "openvswitch/json.h"

struct part {
    char name[8];
};

struct thing {
    char id[37];
    char name[8];
    char ip[NT_IP4_SIZE];
    char *text;
    int64_t n;
    bool on;
    struct part *parts;
    size_t n_parts;
};

static const struct nt_field part_fields[] = {
    { "name", NT_F_STR, NT_AT(struct part, name), NT_IN_RPC | NT_IN_CREATE | NT_REQUIRED },
    { 0 },
};

static const struct nt_field thing_fields[] = {
    { "id", NT_F_UUID, NT_AT(struct thing, id), NT_IN_RPC | NT_IN_CREATE },
    { "name", NT_F_STR, NT_AT(struct thing, name), NT_IN_RPC | NT_IN_CREATE | NT_REQUIRED },
    { "ip", NT_F_IP4, NT_AT(struct thing, ip), NT_IN_RPC | NT_IN_CREATE },
    { "text", NT_F_TEXT, NT_AT(struct thing, text), NT_IN_RPC | NT_IN_CREATE, .max = 10 },
    { "n", NT_F_INT, NT_AT(struct thing, n), NT_IN_RPC | NT_IN_CREATE, .min = 1, .max = 9 },
    { "on", NT_F_BOOL, NT_AT(struct thing, on), NT_IN_RPC | NT_IN_CREATE },
    NT_ARRAY_FIELD("parts", struct thing, parts, n_parts, part_fields, NT_IN_RPC | NT_IN_CREATE),
    { 0 },
};

static void
refuse(const char *text, const char *message)
{
    struct thing thing = { .id = "" };
    struct nt_err err = { 0 };
    struct json *json = json_from_string(text);

    assert_int_equal(
        nt_fields_parse_strict(thing_fields, NT_IN_CREATE, json, "thing", &thing, &err), -1);
    assert_string_equal(err.msg, message);
    nt_fields_clear(thing_fields, &thing);
    json_destroy(json);
}

static void
wrong_values_are_named_with_their_path(void **state)
{
    refuse("[]", "thing must be an object, not a list");
    refuse("{}", "thing.name is missing");
    refuse("{\"name\": 1}", "thing.name must be a text, not a number");
    refuse("{\"name\": \"12345678\"}", "thing.name is too long: 8 bytes, at most 7");
    refuse("{\"name\": \"a\xc0\x80\"}", "thing.name is not valid UTF-8");
    refuse("{\"name\": \"a\\nb\"}", "thing.name has a control character (0x0a)");
    refuse("{\"name\": \"a\", \"ip\": \"10.0.0\"}",
           "thing.ip is not an IPv4 address such as 10.0.0.2");
    refuse("{\"name\": \"a\", \"n\": 10}", "thing.n is 10, must be 1 to 9");
    refuse("{\"name\": \"a\", \"on\": \"yes\"}", "thing.on must be true or false, not a text");
    refuse("{\"name\": \"a\", \"text\": \"12345678901\"}",
           "thing.text is too long: 11 bytes, at most 10");
    refuse("{\"name\": \"a\", \"parts\": [{\"name\": \"b\"}, {}]}",
           "thing.parts[1].name is missing");
    refuse("{\"name\": \"a\", \"nam\": 1}", "thing.nam is not a known field");
}

static void
a_struct_survives_the_way_through_json(void **state)
{
    struct nt_vif vif = { .mac = "fa:16:3e:00:00:01",
                          .address = "10.0.0.2",
                          .cidr = "10.0.0.0/24",
                          .bridge = "br100",
                          .port_id = "11111111-2222-3333-4444-555555555555",
                          .network_id = "11111111-2222-3333-4444-555555555556" };
    struct nt_instance_view in = { .id = "11111111-2222-3333-4444-555555555557",
                                   .number = 9,
                                   .name = "cirros",
                                   .vifs = &vif,
                                   .n_vifs = 1 };
    struct nt_instance_view out = { .id = "" };
    struct nt_err err = { 0 };
    struct json *json = nt_fields_json(nt_instance_view_fields, NT_IN_RPC, &in);

    assert_int_equal(nt_fields_parse(nt_instance_view_fields, NT_IN_RPC, json, "", &out, &err), 0);
    assert_int_equal(out.number, 9);
    assert_int_equal(out.n_vifs, 1);
    assert_memory_equal(&out.vifs[0], &vif, sizeof vif);

    struct nt_instance_view copy;
    nt_fields_copy(nt_instance_view_fields, &copy, &out);
    nt_instance_view_clear(&out);
    assert_string_equal(copy.vifs[0].address, "10.0.0.2");
    nt_instance_view_clear(&copy);
    json_destroy(json);
}

static void
host_names_follow_the_originals_rules(void **state)
{
    char out[64];
    char longname[101];

    nt_hostname_from_name("My Server_1!", NULL, out);
    assert_string_equal(out, "my-server-1");
    nt_hostname_from_name("..-x-..", NULL, out);
    assert_string_equal(out, "x");
    nt_hostname_from_name("\xc3\xa4", "10.0.0.2", out);
    assert_string_equal(out, "host-10-0-0-2");
    memset(longname, 'a', 100);
    longname[100] = '\0';
    nt_hostname_from_name(longname, NULL, out);
    assert_int_equal(strlen(out), 63);
    assert_int_equal(out[2], '-');
}

static void
addresses_are_read_strictly(void **state)
{
    struct nt_cidr cidr;
    struct nt_mac mac;
    uint32_t ip;
    char text[NT_CIDR_SIZE];

    assert_true(nt_cidr_parse("10.0.0.5/24", &cidr));
    assert_int_equal(nt_cidr_network(&cidr), 0x0a000000);
    assert_int_equal(nt_cidr_broadcast(&cidr), 0x0a0000ff);
    nt_cidr_format(&cidr, text);
    assert_string_equal(text, "10.0.0.5/24");
    assert_false(nt_cidr_parse("10.0.0.0/33", &cidr));
    assert_false(nt_cidr_parse("10.0.0.0/", &cidr));
    assert_false(nt_cidr_parse("10.0.0.0/024", &cidr));
    assert_false(nt_ip4_parse("10.0.0.01.2", &ip));
    assert_false(nt_mac_parse("fa:16:3e:2c:e8", &mac));
    assert_true(nt_mac_parse("FA:16:3E:2C:E8:EC", &mac));
    mac = nt_mac_host_end(&mac);
    nt_mac_format(&mac, text);
    assert_string_equal(text, "fe:16:3e:2c:e8:ec");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_values_are_named_with_their_path),
        cmocka_unit_test(a_struct_survives_the_way_through_json),
        cmocka_unit_test(host_names_follow_the_originals_rules),
        cmocka_unit_test(addresses_are_read_strictly),
    };

    return cmocka_run_group_tests_name("net/field", tests, NULL, NULL);
}
