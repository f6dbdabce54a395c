#include <config.h>

#include "server/metadata/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "wire/http/request.h"

static struct instance_address address = { .address = "10.0.0.2", .network_name = "novanetwork" };
static char groups[2][NT_NAME_SIZE] = { "default", "web" };

static struct instance_info
cirros(void)
{
    return (struct instance_info){
        .instance = { .number = 9,
                      .hostname = "cirros",
                      .reservation_id = "r-12345678",
                      .availability_zone = "nova" },
        .flavor = { .name = "m1.tiny" },
        .image = { .number = 3 },
        .addresses = &address,
        .n_addresses = 1,
        .security_groups = groups,
        .n_security_groups = 2,
    };
}

/* The body at 'path', or NULL for 404. */
static char *
get(const struct instance_info *info, const char *path)
{
    struct nt_http_request req;
    struct tree_answer answer = { 0 };
    struct nt_err err = { 0 };

    nt_http_request_init(&req);
    assert_int_equal(nt_http_target_parse(&req, path, &err), 0);

    const struct tree_source source = { .info = info, .domain = "novalocal" };
    int retval = tree_get(&source, req.segments, req.n_segments, &answer, &err);
    nt_http_request_deinit(&req);
    if (retval < 0) {
        assert_int_equal(err.code, NT_NOT_FOUND);
        assert_null(answer.body);
    }
    return answer.body;
}

static void
expect(const struct instance_info *info, const char *path, const char *want)
{
    AUTO_FREE char *got = get(info, path);

    if (!want) {
        assert_null(got);
    } else {
        assert_non_null(got);
        assert_string_equal(got, want);
    }
}

static void
values_are_the_instance_s(void **state)
{
    static const char *const rows[][2] = {
        { "instance-id", "i-00000009" },
        { "ami-id", "ami-00000003" },
        { "ami-launch-index", "0" },
        { "ami-manifest-path", "FIXME" },
        { "hostname", "cirros.novalocal" },
        { "local-hostname", "cirros.novalocal" },
        { "public-hostname", "cirros.novalocal" },
        { "local-ipv4", "10.0.0.2" },
        { "public-ipv4", "" },
        { "reservation-id", "r-12345678" },
        { "security-groups", "default\nweb" },
        { "instance-type", "m1.tiny" },
        { "instance-action", "none" },
        { "placement/availability-zone", "nova" },
        { "block-device-mapping/ami", "sda1" },
        { "block-device-mapping/root", "/dev/sda1" },
    };
    struct instance_info info = cirros();

    for (size_t i = 0; i < NT_ARRAY_SIZE(rows); i++) {
        AUTO_FREE char *path = xasprintf("/latest/meta-data/%s", rows[i][0]);

        expect(&info, path, rows[i][1]);
    }
}

static void
listings_are_sorted_without_a_last_line_break(void **state)
{
    struct instance_info info = cirros();

    expect(&info, "/2009-04-04/meta-data/",
           "ami-id\nami-launch-index\nami-manifest-path\nblock-device-mapping/\nhostname\n"
           "instance-action\ninstance-id\ninstance-type\nlocal-hostname\nlocal-ipv4\n"
           "placement/\npublic-hostname\npublic-ipv4\nreservation-id\nsecurity-groups");
    expect(&info, "/1.0/meta-data",
           "ami-id\nami-launch-index\nami-manifest-path\nhostname\ninstance-id\nlocal-ipv4\n"
           "reservation-id\nsecurity-groups");
    expect(&info, "/latest/meta-data/block-device-mapping", "ami\nephemeral0\nroot\nswap");
    expect(&info, "/latest/meta-data/placement/", "availability-zone");
    expect(&info, "/",
           "1.0\n2007-01-19\n2007-03-01\n2007-08-29\n2007-10-10\n2007-12-15\n"
           "2008-02-01\n2008-09-01\n2009-04-04\nlatest");
    expect(&info, "/latest", "meta-data/");
}

static void
keys_are_there_from_their_version_on(void **state)
{
    struct instance_info info = cirros();

    expect(&info, "/1.0/meta-data/public-ipv4", NULL);
    expect(&info, "/2007-01-19/meta-data/public-ipv4", "");
    expect(&info, "/2008-02-01/meta-data/instance-action", NULL);
    expect(&info, "/2008-09-01/meta-data/instance-action", "none");
}

static void
slashes_and_the_service_name_are_tolerated(void **state)
{
    struct instance_info info = cirros();

    expect(&info, "/ec2/latest/meta-data/instance-id", "i-00000009");
    expect(&info, "//latest//meta-data///instance-id/", "i-00000009");
}

static void
unknown_things_are_not_found(void **state)
{
    static const char *const paths[] = {
        "/2099-01-01/meta-data/",
        "/latest/meta-data/nothing",
        "/latest/nothing",
        "/latest/meta-data/instance-id/x",
        "/latest/meta-data/placement/x",
        "/latest/user-data/x",
        "/latest/meta-data/../user-data",
        "/latest/meta-data/block-device",
        "/latest/meta-data/kernel-id",
    };
    struct instance_info info = cirros();

    for (size_t i = 0; i < NT_ARRAY_SIZE(paths); i++) {
        expect(&info, paths[i], NULL);
    }
}

static void
public_keys_are_there_only_with_a_key(void **state)
{
    struct instance_info info = cirros();

    expect(&info, "/latest/meta-data/public-keys", NULL);
    expect(&info, "/latest/meta-data/public-keys/0/openssh-key", NULL);

    strcpy(info.instance.key_name, "mine");
    info.instance.key_data = (char *) "ssh-rsa AAAA";
    expect(&info, "/latest/meta-data/public-keys/", "0=mine");
    expect(&info, "/latest/meta-data/public-keys/0/", "openssh-key");
    expect(&info, "/latest/meta-data/public-keys/0/openssh-key", "ssh-rsa AAAA");
    expect(&info, "/latest/meta-data/public-keys/0=mine/openssh-key", NULL);
}

static void
user_data_comes_decoded_or_not_at_all(void **state)
{
    struct instance_info info = cirros();

    expect(&info, "/latest/user-data", NULL);
    info.instance.user_data = (char *) "IyEvYmluL3NoCg==";
    expect(&info, "/latest/user-data", "#!/bin/sh\n");
    expect(&info, "/1.0/user-data/", "#!/bin/sh\n");
    expect(&info, "/latest/", "meta-data/\nuser-data");
}

static void
the_whole_tree_is_one_object(void **state)
{
    struct instance_info info = cirros();
    const struct tree_source source = { .info = &info, .domain = "novalocal" };
    struct tree_answer answer = { 0 };

    info.instance.key_data = (char *) "ssh-rsa AAAA";
    strcpy(info.instance.key_name, "mine");
    tree_get_json(&source, &answer);
    AUTO_FREE char *text = answer.body;
    assert_non_null(strstr(text, "\"instance-id\":\"i-00000009\""));
    assert_non_null(strstr(text, "\"placement\":{\"availability-zone\":\"nova\"}"));
    assert_non_null(strstr(text, "\"public-keys\":{\"0\":{\"openssh-key\":\"ssh-rsa AAAA\"}}"));
    assert_non_null(strstr(text, "\"root\":\"/dev/sda1\",\"swap\":\"sda3\"}"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_the_instance_s),
        cmocka_unit_test(listings_are_sorted_without_a_last_line_break),
        cmocka_unit_test(keys_are_there_from_their_version_on),
        cmocka_unit_test(slashes_and_the_service_name_are_tolerated),
        cmocka_unit_test(unknown_things_are_not_found),
        cmocka_unit_test(public_keys_are_there_only_with_a_key),
        cmocka_unit_test(user_data_comes_decoded_or_not_at_all),
        cmocka_unit_test(the_whole_tree_is_one_object),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
