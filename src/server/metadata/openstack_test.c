#include <config.h>

#include "server/metadata/openstack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "server/metadata/tree.h"
#include "wire/http/base64.h"
#include "wire/http/request.h"

#define PORT "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

static const struct nt_vif vif = {
    .port_id = PORT,
    .network_id = "99999999-bbbb-cccc-dddd-eeeeeeeeeeee",
    .mac = "fa:16:3e:00:00:01",
    .address = "10.0.0.2",
    .cidr = "10.0.0.0/24",
    .gateway_ip = "10.0.0.1",
    .mtu = 1400,
};

struct fixture {
    struct instance_info info;
    struct tree_link link;
    struct tree_source source;
    struct nt_random *random;
};

static int
setup(void **state)
{
    struct fixture *fx = xzalloc(sizeof *fx);
    struct nt_instance *instance = &fx->info.instance;

    strcpy(instance->id, "11111111-2222-3333-4444-555555555555");
    strcpy(instance->name, "Web \"1\"");
    strcpy(instance->hostname, "web-1");
    strcpy(instance->project_id, "demo");
    strcpy(instance->availability_zone, "nova");
    fx->link = (struct tree_link){ .vif = &vif, .dns1 = "8.8.4.4", .has_dhcp = true };
    fx->random = nt_random_system();
    fx->source = (struct tree_source){
        .info = &fx->info,
        .domain = "novalocal",
        .links = &fx->link,
        .n_links = 1,
        .random = fx->random,
    };
    *state = fx;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *fx = *state;

    nt_random_free(fx->random);
    free(fx);
    return 0;
}

/* The body at 'path', or NULL for 404. */
static char *
get(struct fixture *fx, const char *path, const char **content_type)
{
    struct nt_http_request req;
    struct tree_answer answer = { 0 };
    struct nt_err err = { 0 };

    nt_http_request_init(&req);
    assert_int_equal(nt_http_target_parse(&req, path, &err), 0);
    int rc = tree_get(&fx->source, req.segments, req.n_segments, &answer, &err);
    nt_http_request_deinit(&req);
    if (rc < 0) {
        assert_int_equal(err.code, NT_NOT_FOUND);
        assert_null(answer.body);
    }
    *content_type = answer.content_type;
    return answer.body;
}

static void
expect(struct fixture *fx, const char *path, const char *want)
{
    const char *type;
    AUTO_FREE char *got = get(fx, path, &type);

    if (!want) {
        assert_null(got);
    } else {
        assert_non_null(got);
        assert_string_equal(got, want);
    }
}

static struct json *
get_json(struct fixture *fx, const char *path)
{
    const char *type;
    AUTO_FREE char *got = get(fx, path, &type);

    assert_non_null(got);
    assert_string_equal(type, "application/json");
    return json_from_string(got);
}

static void
expect_json(struct fixture *fx, const char *path, const char *want)
{
    struct json *got = get_json(fx, path);
    struct json *wanted = json_from_string(want);
    AUTO_FREE char *text = json_to_string(got, JSSF_SORT);

    if (!json_equal(got, wanted)) {
        fail_msg("%s: wanted %s, found %s", path, want, text);
    }
    json_destroy(got);
    json_destroy(wanted);
}

static bool
has(struct fixture *fx, const char *path, const char *key)
{
    struct json *json = get_json(fx, path);
    bool found = shash_find(json_object(json), key) != NULL;

    json_destroy(json);
    return found;
}

static void
versions_and_their_files_are_listed(void **state)
{
    struct fixture *fx = *state;

    expect(fx, "/openstack/",
           "2012-08-10\n2013-04-04\n2013-10-17\n2015-10-15\n2016-06-30\n2016-10-06\n2017-02-22\n"
           "2018-08-27\nlatest");
    expect(fx, "/openstack/2012-08-10", "meta_data.json");
    expect(fx, "/openstack/2013-04-04/", "meta_data.json\npassword");
    expect(fx, "/openstack/2013-10-17", "meta_data.json\npassword\nvendor_data.json");
    expect(fx, "/openstack/2015-10-15",
           "meta_data.json\npassword\nvendor_data.json\nnetwork_data.json");
    fx->info.instance.user_data = (char *) "aGVsbG8=";
    expect(fx, "/openstack/latest",
           "meta_data.json\nuser_data\npassword\nvendor_data.json\nnetwork_data.json\n"
           "vendor_data2.json");
}

static void
unknown_things_are_not_found(void **state)
{
    static const char *const paths[] = {
        "/openstack/2013-05-05",
        "/openstack/2012-08-10/password",
        "/openstack/latest/user_data",
        "/openstack/latest/meta_data",
        "/openstack/latest/password/x",
        "/openstack/content",
        "/openstack/content/0000",
        "/openstack/2013-04-04/network_data.json",
        "/openstack/latest/../user_data",
        "/openstack/2016-06-30/vendor_data2.json",
        "/openstack/nothing/password",
        "/ec2/openstack",
        "/openstack/latest/meta_data.json/uuid",
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(paths); i++) {
        expect(*state, paths[i], NULL);
    }
}

static void
the_oldest_meta_data_is_this(void **state)
{
    expect_json(*state, "/openstack/2012-08-10/meta_data.json",
                "{\"uuid\":\"11111111-2222-3333-4444-555555555555\",\"name\":\"Web \\\"1\\\"\","
                "\"hostname\":\"web-1.novalocal\",\"launch_index\":0,"
                "\"availability_zone\":\"nova\"}");
}

static void
keys_come_with_their_version(void **state)
{
    static const struct {
        const char *key, *before, *since;
    } rows[] = {
        { "random_seed", "2012-08-10", "2013-04-04" },
        { "project_id", "2013-10-17", "2015-10-15" },
        { "devices", "2015-10-15", "2016-06-30" },
    };
    struct fixture *fx = *state;

    for (size_t i = 0; i < NT_ARRAY_SIZE(rows); i++) {
        AUTO_FREE char *before = xasprintf("/openstack/%s/meta_data.json", rows[i].before);
        AUTO_FREE char *since = xasprintf("/openstack/%s/meta_data.json", rows[i].since);

        assert_false(has(fx, before, rows[i].key));
        assert_true(has(fx, since, rows[i].key));
        assert_true(has(fx, "/openstack/latest/meta_data.json", rows[i].key));
    }
    assert_false(has(fx, "/openstack/latest/meta_data.json", "meta"));
    assert_false(has(fx, "/openstack/latest/meta_data.json", "public_keys"));
}

static void
key_and_metadata_are_there_if_given(void **state)
{
    struct fixture *fx = *state;
    struct nt_instance *instance = &fx->info.instance;

    instance->metadata = json_from_string("{\"role\":\"web\"}");
    strcpy(instance->key_name, "mine");
    instance->key_data = (char *) "ssh-rsa AAAA me";
    expect_json(fx, "/openstack/2012-08-10/meta_data.json",
                "{\"uuid\":\"11111111-2222-3333-4444-555555555555\",\"name\":\"Web \\\"1\\\"\","
                "\"hostname\":\"web-1.novalocal\",\"launch_index\":0,"
                "\"availability_zone\":\"nova\",\"meta\":{\"role\":\"web\"},"
                "\"public_keys\":{\"mine\":\"ssh-rsa AAAA me\"},"
                "\"keys\":[{\"name\":\"mine\",\"type\":\"ssh\",\"data\":\"ssh-rsa AAAA me\"}]}");
    json_destroy(instance->metadata);
}

static void
the_seed_is_512_fresh_bytes(void **state)
{
    char *seeds[2];

    for (size_t i = 0; i < 2; i++) {
        struct json *json = get_json(*state, "/openstack/latest/meta_data.json");
        AUTO_FREE char *bytes = NULL;
        size_t len;

        seeds[i] = xstrdup(json_string(shash_find_data(json_object(json), "random_seed")));
        assert_true(nt_base64_decode(seeds[i], &bytes, &len));
        assert_int_equal(len, 512);
        json_destroy(json);
    }
    assert_string_not_equal(seeds[0], seeds[1]);
    free(seeds[0]);
    free(seeds[1]);
}

static void
network_data_with_dhcp_names_links_and_servers(void **state)
{
    expect_json(*state, "/openstack/latest/network_data.json",
                "{\"links\":[{\"id\":\"tapaaaaaaaa-bb\",\"vif_id\":\"" PORT "\","
                "\"type\":\"bridge\",\"mtu\":1400,"
                "\"ethernet_mac_address\":\"fa:16:3e:00:00:01\"}],"
                "\"networks\":[{\"id\":\"network0\",\"type\":\"ipv4_dhcp\","
                "\"link\":\"tapaaaaaaaa-bb\","
                "\"network_id\":\"99999999-bbbb-cccc-dddd-eeeeeeeeeeee\","
                "\"services\":[{\"type\":\"dns\",\"address\":\"8.8.4.4\"}]}],"
                "\"services\":[{\"type\":\"dns\",\"address\":\"8.8.4.4\"}]}");
}

static void
network_data_without_dhcp_says_everything(void **state)
{
    struct fixture *fx = *state;

    fx->link.has_dhcp = false;
    fx->link.dns1[0] = '\0';
    expect_json(fx, "/openstack/latest/network_data.json",
                "{\"links\":[{\"id\":\"tapaaaaaaaa-bb\",\"vif_id\":\"" PORT "\","
                "\"type\":\"bridge\",\"mtu\":1400,"
                "\"ethernet_mac_address\":\"fa:16:3e:00:00:01\"}],"
                "\"networks\":[{\"id\":\"network0\",\"type\":\"ipv4\","
                "\"link\":\"tapaaaaaaaa-bb\","
                "\"network_id\":\"99999999-bbbb-cccc-dddd-eeeeeeeeeeee\","
                "\"ip_address\":\"10.0.0.2\",\"netmask\":\"255.255.255.0\","
                "\"routes\":[{\"network\":\"0.0.0.0\",\"netmask\":\"0.0.0.0\","
                "\"gateway\":\"10.0.0.1\"}],\"services\":[]}],"
                "\"services\":[]}");
}

static void
plain_files_and_vendor_data(void **state)
{
    struct fixture *fx = *state;
    const char *type;

    expect(fx, "/openstack/latest/password", "");
    fx->source.password = "c2VjcmV0";
    expect(fx, "/openstack/2013-04-04/password/", "c2VjcmV0");
    fx->info.instance.user_data = (char *) "aGVsbG8=";
    expect(fx, "/openstack/2012-08-10/user_data", "hello");
    expect_json(fx, "/openstack/latest/vendor_data.json", "{}");
    expect_json(fx, "/openstack/latest/vendor_data2.json", "{}");
    free(get(fx, "/openstack/latest/password", &type));
    assert_string_equal(type, "text/plain; charset=utf-8");
}

static void
only_the_password_may_be_written(void **state)
{
    static char *const yes[] = { (char *) "openstack", (char *) "latest", (char *) "password" };
    static char *const old[] = { (char *) "openstack", (char *) "2012-08-10", (char *) "password" };
    static char *const other[] = { (char *) "openstack", (char *) "latest", (char *) "user_data" };

    assert_true(tree_is_password(yes, 3));
    assert_false(tree_is_password(yes, 2));
    assert_false(tree_is_password(yes, 0));
    assert_false(tree_is_password(yes + 1, 2));
    assert_false(tree_is_password(old, 3));
    assert_false(tree_is_password(other, 3));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(versions_and_their_files_are_listed),
        TEST(unknown_things_are_not_found),
        TEST(the_oldest_meta_data_is_this),
        TEST(keys_come_with_their_version),
        TEST(key_and_metadata_are_there_if_given),
        TEST(the_seed_is_512_fresh_bytes),
        TEST(network_data_with_dhcp_names_links_and_servers),
        TEST(network_data_without_dhcp_says_everything),
        TEST(plain_files_and_vendor_data),
        TEST(only_the_password_may_be_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
