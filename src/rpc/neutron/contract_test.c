/* Messages that neutron's own server and agents sent each other (tests/wire/messages.jsonl,
 * one in each line), through our codec and back. */
#include <config.h>

#include "rpc/neutron/neutron.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "bus/envelope.h"
#include "net/vo_network.h"
#include "net/vo_port.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "rpc/neutron/notify.h"
#include "rpc/neutron/plugin.h"
#include "rpc/neutron/resources.h"

static const struct json *
get(const struct json *json, const char *key)
{
    const struct json *value = shash_find_data(json_object(json), key);

    return value && value->type != JSON_NULL ? value : NULL;
}

static const char *
get_text(const struct json *json, const char *key)
{
    const struct json *value = get(json, key);

    return value ? json_string(value) : NULL;
}

/* Texts that hold an object become that object, and what nobody looks at is dropped, so
 * that equal meaning is equal JSON. */
static struct json *
meaning(const struct json *json)
{
    const struct shash_node *node;
    struct json *out;

    switch (json->type) {
    case JSON_STRING:
        return json_string(json)[0] == '{' ? json_from_string(json_string(json))
                                           : json_deep_clone(json);
    case JSON_ARRAY:
        out = json_array_create_empty();
        for (size_t i = 0; i < json_array(json)->n; i++) {
            json_array_add(out, meaning(json_array(json)->elems[i]));
        }
        return out;
    case JSON_OBJECT:
        out = json_object_create();
        SHASH_FOR_EACH (node, json_object(json)) {
            if (strcmp(node->name, "versioned_object.changes")) {
                json_object_put(out, node->name, meaning(node->data));
            }
        }
        return out;
    default:
        return json_deep_clone(json);
    }
}

static void
assert_same_meaning(const char *from, const struct json *ours, const struct json *theirs)
{
    struct json *none = json_null_create();
    struct json *a = meaning(ours ? ours : none);
    struct json *b = meaning(theirs ? theirs : none);

    if (!json_equal(a, b)) {
        char *text_a = json_to_string(a, JSSF_SORT | JSSF_PRETTY);
        char *text_b = json_to_string(b, JSSF_SORT | JSSF_PRETTY);

        fail_msg("%s: written as\n%s\nwas\n%s", from, text_a, text_b);
    }
    json_destroy(a);
    json_destroy(b);
    json_destroy(none);
}

static void
fail_with(const char *from, const char *what, const struct nt_err *err)
{
    fail_msg("%s: %s: %s", from, what, err->msg);
}

/* Both ways, and a copy says the same. */
static void
check_args(const char *from, const struct nt_interface *iface, const struct nt_method *m,
           const struct json *args)
{
    struct nt_err err = { 0 };
    void *decoded, *copy;

    if (nt_args_decode(iface, m, args, &decoded, &err) < 0) {
        fail_with(from, "arguments", &err);
    }
    if (!m->args) {
        nt_args_free(m, decoded);
        return;
    }

    struct json *again = nt_args_json(m, decoded);
    assert_same_meaning(from, again, args);
    json_destroy(again);

    copy = xzalloc(m->args_size);
    nt_fields_copy(m->args, copy, decoded);
    nt_args_free(m, decoded);
    again = nt_args_json(m, copy);
    assert_same_meaning(from, again, args);
    json_destroy(again);
    nt_args_free(m, copy);
}

static void
check_result(const char *from, const struct nt_method *m, const struct json *result)
{
    struct nt_err err = { 0 };
    void *decoded;

    if (nt_result_decode(m, result, &decoded, &err) < 0) {
        fail_with(from, "result", &err);
    }

    /* What a method without a result is answered is not looked at. */
    if (m->result) {
        struct json *again = nt_result_json(m, decoded);

        assert_same_meaning(from, again, result);
        json_destroy(again);
    }
    nt_result_free(m, decoded);
}

static char *
envelope_text(const struct json *payload)
{
    struct json *envelope = json_object_create();
    char *text = json_to_string(payload, 0);

    json_object_put_string(envelope, "oslo.version", "2.0");
    json_object_put_string(envelope, "oslo.message", text);
    free(text);
    text = json_to_string(envelope, 0);
    json_destroy(envelope);
    return text;
}

/* 'payload' as it is on the wire, taken apart.  The caller destroys '*opened'. */
static void
open_payload(const char *from, const struct json *payload, struct json **opened,
             struct nt_payload *out)
{
    struct nt_err err = { 0 };
    char *text = envelope_text(payload);
    struct json *body = json_from_string(text);

    if (nt_envelope_open(body, opened, &err) < 0 || nt_payload_parse(*opened, out, &err) < 0) {
        fail_with(from, "envelope", &err);
    }
    json_destroy(body);
    free(text);
}

static void
check_reply(const char *from, const struct nt_method *m, const struct json *reply)
{
    struct nt_payload payload;
    struct json *opened;
    struct nt_err err;

    open_payload(from, reply, &opened, &payload);
    assert_true(payload.is_reply);
    if (payload.failure) {
        nt_failure_parse(payload.failure, &err);
        assert_true(err.code != NT_OK && err.msg[0]);
    } else {
        check_result(from, m, payload.result);
    }
    json_destroy(opened);
}

/* Calls of something that does not exist, sent on purpose. */
static bool
is_refused(const struct nt_payload *payload)
{
    return !strcmp(payload->method, "no_such_method") || !strcmp(payload->version, "9.0")
           || (payload->namespace && !strcmp(payload->namespace, "no-such-namespace"));
}

static void
check_message(const struct json *message)
{
    const char *from = get_text(message, "from");
    const struct nt_interface *iface;
    const struct nt_method *m;
    struct nt_payload payload;
    struct nt_err err = { 0 };
    struct json *opened;

    open_payload(from, get(message, "payload"), &opened, &payload);

    struct nt_neutron_message what = { get_text(message, "target"), payload.namespace,
                                       payload.method, payload.version };
    int rc = nt_neutron_find(&what, &iface, &m, &err);
    if (is_refused(&payload)) {
        assert_int_equal(rc, -1);
    } else if (rc < 0) {
        fail_with(from, "method", &err);
    } else {
        check_args(from, iface, m, payload.args);
        if (get(message, "reply")) {
            check_reply(from, m, get(message, "reply"));
        }
    }
    json_destroy(opened);
}

static FILE *
open_capture(void)
{
    const char *path = getenv("NT_WIRE_MESSAGES");
    FILE *f = fopen(path ? path : NT_SOURCE_DIR "/tests/wire/messages.jsonl", "re");

    assert_non_null(f);
    return f;
}

static void
every_captured_message_survives_our_codec(void **state)
{
    AUTO_FREE char *line = NULL;
    FILE *f = open_capture();
    size_t size = 0, n = 0;

    while (getline(&line, &size, f) > 0) {
        struct json *message = json_from_string(line);

        check_message(message);
        json_destroy(message);
        n++;
    }
    fclose(f);
    assert_true(n >= 100);
}

/* The method behind a name, of any version. */
static const struct nt_method *
method(const struct nt_interface *iface, const char *name)
{
    const struct nt_method *m = nt_method_find(iface, name);

    assert_non_null(m);
    return m;
}

static void
refuse(const struct nt_interface *iface, const char *name, const char *text, const char *message)
{
    const struct nt_method *m = method(iface, name);
    struct json *json = json_from_string(text);
    struct nt_err err = { 0 };
    void *args;

    assert_int_equal(nt_args_decode(iface, m, json, &args, &err), -1);
    assert_string_equal(err.msg, message);
    nt_args_free(m, args);
    json_destroy(json);
}

#define U1 "11111111-2222-3333-4444-555555555551"

static void
what_does_not_fit_is_refused_and_named(void **state)
{
    refuse(&nt_neutron_plugin, "tunnel_sync", "{}", "tunnel_sync.tunnel_ip is missing");
    refuse(&nt_neutron_plugin, "tunnel_sync", "{\"tunnel_ip\": 1}",
           "tunnel_sync.tunnel_ip must be an IP address, not a number");
    refuse(&nt_neutron_plugin, "tunnel_sync",
           "{\"tunnel_ip\": \"10.0.0.1\", \"tunnel_type\": \"vxlan\", \"speed\": 9}",
           "tunnel_sync.speed is not a known field");
    refuse(&nt_neutron_plugin, "update_device_list", "{\"devices_up\": [[\"a\", \"b\", \"c\"]]}",
           "update_device_list.devices_up[0] has more than 2 items");
    refuse(&nt_neutron_plugin, "update_device_list", "{\"refresh_tunnels\": \"yes\"}",
           "update_device_list.refresh_tunnels must be true or false, not a text");
    refuse(&nt_notify_security_group, "security_groups_rule_updated",
           "{\"security_groups\": [\"\"]}",
           "security_groups_rule_updated.security_groups[0] is empty");
    refuse(&nt_neutron_resources, "pull", "{\"resource_type\": \"Port\", \"version\": \"1.7\"}",
           "pull.resource_id is missing");
    refuse(&nt_notify_l2population, "add_fdb_entries", "{\"fdb_entries\": {\"x\": {}}}",
           "a key of add_fdb_entries.fdb_entries is not a UUID");
    refuse(&nt_notify_l2population, "add_fdb_entries",
           "{\"fdb_entries\": {\"" U1 "\": {\"network_type\": \"vxlan\", \"segment_id\": 1,"
           " \"ports\": {\"10.0.0.1\": [[\"fa:16:3e:00:00:01\"]]}}}}",
           "add_fdb_entries.fdb_entries." U1 ".ports.10.0.0.1[0][1] (ip) is missing");
    refuse(&nt_neutron_pushes[0], "push", "{\"event_type\": \"updated\"}",
           "push.resource_list is missing");
}

static void
refuse_object(const char *json_text, enum nt_code code, const char *message)
{
    struct json *json = json_from_string(json_text);
    struct nt_vo *vo = NULL;
    struct nt_err err = { 0 };

    assert_int_equal(nt_vo_parse(NULL, json, "resource_list[0]", &vo, &err), -1);
    assert_int_equal(err.code, code);
    assert_string_equal(err.msg, message);
    assert_null(vo);
    json_destroy(json);
}

#define FRAME(name, version, data)                                               \
    "{\"versioned_object.name\": \"" name "\", \"versioned_object.namespace\": " \
    "\"versionedobjects\", \"versioned_object.version\": \"" version "\", "      \
    "\"versioned_object.data\": " data "}"

static void
objects_that_are_none_of_ours_are_refused(void **state)
{
    refuse_object("[]", NT_INVALID, "resource_list[0] must be a versioned object, not a list");
    refuse_object("{}", NT_INVALID, "resource_list[0] has no versioned_object.name");
    refuse_object(FRAME("Router", "1.0", "{}"), NT_INVALID,
                  "resource_list[0] is a Router, must be a Port");
    refuse_object(FRAME("Port", "2.0", "{}"), NT_UNSUPPORTED,
                  "resource_list[0] is Port of version 2.0, not 1.x");
    refuse_object(FRAME("Port", "x", "{}"), NT_INVALID,
                  "resource_list[0].versioned_object.version is not a version such as 1.0");
    refuse_object(FRAME("Port", "1.7", "{}"), NT_INVALID, "resource_list[0].id is missing");
    refuse_object(FRAME("Port", "1.7", "{\"id\": \"" U1 "\", \"status\": null}"), NT_INVALID,
                  "resource_list[0].status must not be null");
    refuse_object(FRAME("Port", "1.7", "{\"id\": \"" U1 "\", \"bindings\": [{}]}"), NT_INVALID,
                  "resource_list[0].bindings[0] has no versioned_object.name");
    refuse_object(FRAME("Port", "1.7",
                        "{\"id\": \"" U1 "\", \"bindings\": [" FRAME("PortBinding", "1.0",
                                                                     "{\"profile\": \"[]\"}") "]}"),
                  NT_INVALID, "resource_list[0].bindings[0].profile is not an object in a text");
}

static void
newer_minor_versions_and_unknown_fields_are_read(void **state)
{
    struct json *json = json_from_string(
        FRAME("Port", "1.9", "{\"id\": \"" U1 "\", \"name\": \"\", \"hints\": {\"a\": 1}}"));
    struct nt_err err = { 0 };
    AUTO(nt_vo) vo = NULL;

    assert_int_equal(nt_vo_parse(NULL, json, "port", &vo, &err), 0);
    assert_ptr_equal(vo->type, &nt_vo_port_type);
    assert_int_equal(vo->minor, 7);
    assert_true(nt_vo_is_set(vo, "name"));
    assert_false(nt_vo_is_set(vo, "status"));

    struct json *again = nt_vo_json(vo);
    struct json *wanted =
        json_from_string(FRAME("Port", "1.7", "{\"id\": \"" U1 "\", \"name\": \"\"}"));
    assert_true(json_equal(again, wanted));
    json_destroy(wanted);
    json_destroy(again);
    json_destroy(json);
}

static struct json *
nested(unsigned depth)
{
    struct json *json = json_object_create();

    while (depth--) {
        struct json *outer = json_object_create();

        json_object_put(outer, "a", json);
        json = outer;
    }
    return json;
}

static void
deep_nesting_is_refused(void **state)
{
    const struct nt_method *m =
        method(&nt_notify_security_group, "security_groups_provider_updated");
    struct json *args = json_object_create();
    struct nt_err err = { 0 };
    void *decoded;

    json_object_put(args, "devices_to_update", nested(100));
    assert_int_equal(nt_args_decode(&nt_notify_security_group, m, args, &decoded, &err), -1);
    assert_string_equal(err.msg, "security_groups_provider_updated.devices_to_update is nested "
                                 "more than 16 deep");
    nt_args_free(m, decoded);
    json_destroy(args);
}

static void
a_port_made_here_says_what_is_null(void **state)
{
    struct nt_vo_port *port = (struct nt_vo_port *) nt_vo_new(&nt_vo_port_type);

    ovs_strlcpy(port->id, U1, sizeof port->id);
    ovs_strlcpy(port->network_id, U1, sizeof port->network_id);
    ovs_strlcpy(port->mac_address, "fa:16:3e:00:00:01", sizeof port->mac_address);
    port->device_id = xstrdup("");
    port->n_bindings = 1;
    port->bindings = xcalloc(1, sizeof *port->bindings);
    ovs_strlcpy(port->bindings[0].port_id, U1, sizeof port->bindings[0].port_id);
    ovs_strlcpy(port->bindings[0].host, "h1", sizeof port->bindings[0].host);
    port->bindings[0].profile = json_object_create();
    nt_vo_complete(&port->bindings[0].vo, &nt_vo_binding_type);
    nt_vo_complete(&port->vo, &nt_vo_port_type);

    struct json *json = nt_vo_json(&port->vo);
    const struct json *data = get(json, "versioned_object.data");
    assert_string_equal(get_text(data, "device_id"), "");
    assert_null(get(data, "qos_policy_id"));
    assert_null(get(data, "security"));
    assert_non_null(shash_find(json_object(data), "security"));
    assert_string_equal(get_text(data, "status"), "");

    const struct json *binding =
        get(json_array(get(data, "bindings"))->elems[0], "versioned_object.data");
    assert_string_equal(get_text(binding, "profile"), "{}");
    assert_null(get(binding, "vif_details"));

    struct nt_vo *again = NULL;
    struct nt_err err = { 0 };
    assert_int_equal(nt_vo_parse(NULL, json, "port", &again, &err), 0);
    assert_string_equal(nt_vo_port_binding((struct nt_vo_port *) again, "h1")->host, "h1");
    assert_null(nt_vo_port_binding((struct nt_vo_port *) again, "h2"));
    assert_null(nt_vo_port_segment((struct nt_vo_port *) again, "h1"));
    assert_true(nt_vo_port_is_guarded((struct nt_vo_port *) again));
    nt_vo_free(again);
    json_destroy(json);
    nt_vo_free(&port->vo);
}

static void
arguments_made_here_leave_out_what_is_not_there(void **state)
{
    struct nt_tunnel tunnels[2] = {
        { .ip_address = "172.30.0.11", .host = "h1", .udp_port = 4789 },
        { .ip_address = "172.30.0.12", .host = "h2" },
    };
    struct nt_tunnel_sync_result result = { tunnels, 2 };
    struct json *json = nt_result_json(method(&nt_neutron_plugin, "tunnel_sync"), &result);
    struct json *wanted = json_from_string(
        "{\"tunnels\": [{\"ip_address\": \"172.30.0.11\", \"udp_port\": 4789, \"host\": \"h1\"}, "
        "{\"ip_address\": \"172.30.0.12\", \"host\": \"h2\"}]}");

    assert_same_meaning("tunnel_sync", json, wanted);
    json_destroy(wanted);
    json_destroy(json);

    struct nt_device_name up = { .name = U1 };
    struct nt_device_list_args args = {
        .devices_up = &up, .n_devices_up = 1, .agent_id = "ovs-agent-h1", .host = "h1"
    };
    json = nt_args_json(method(&nt_neutron_plugin, "update_device_list"), &args);
    wanted = json_from_string("{\"devices_up\": [\"" U1 "\"], \"devices_down\": [], \"agent_id\": "
                              "\"ovs-agent-h1\", \"host\": \"h1\", \"refresh_tunnels\": false}");
    assert_same_meaning("update_device_list", json, wanted);
    json_destroy(wanted);
    json_destroy(json);
}

static void
pushes_go_to_the_topic_of_their_version(void **state)
{
    size_t n = 0;

    for (; nt_vo_types[n]; n++) {
        char topic[NT_VO_TOPIC_SIZE];

        nt_vo_topic(nt_vo_types[n], topic);
        assert_string_equal(nt_neutron_push(nt_vo_types[n])->topic, topic);
        assert_ptr_equal(nt_vo_type_find(nt_vo_types[n]->name), nt_vo_types[n]);
    }
    assert_int_equal(n, NT_N_PUSHES);
}

static void
check_table(const struct nt_field *fields)
{
    size_t n = 0;

    for (const struct nt_field *f = fields; f->name; f++, n++) {
        if (f->fields && f->fields != fields) {
            check_table(f->fields);
        }
        for (size_t i = 0; f->types && f->types[i]; i++) {
            check_table(f->types[i]->fields);
            assert_true(f->type == NT_F_VO_ANY || f->types[i]->size <= f->size);
        }
    }
    assert_true(fields->type != NT_F_SEEN || n <= 64);
}

static void
tables_that_remember_have_at_most_64_fields(void **state)
{
    for (size_t i = 0; nt_vo_types[i]; i++) {
        check_table(nt_vo_types[i]->fields);
    }
    for (const struct nt_interface *const *i = nt_neutron_interfaces; *i; i++) {
        for (const struct nt_method *m = (*i)->methods; m->name; m++) {
            if (m->args) {
                check_table(m->args);
            }
            if (m->result) {
                check_table(m->result);
            }
        }
    }
}

static void
versions_decide_who_is_meant(void **state)
{
    struct nt_neutron_message msg = { "q-plugin", NULL, "bulk_pull", "1.1" };
    const struct nt_interface *iface;
    const struct nt_method *m;
    struct nt_err err;

    assert_int_equal(nt_neutron_find(&msg, &iface, &m, &err), 0);
    assert_ptr_equal(iface, &nt_neutron_resources);
    msg.version = "1.2";
    assert_int_equal(nt_neutron_find(&msg, &iface, &m, &err), -1);
    assert_int_equal(err.code, NT_UNSUPPORTED);
    msg.method = "bulk_push";
    assert_int_equal(nt_neutron_find(&msg, &iface, &m, &err), -1);
    assert_int_equal(err.code, NT_NOT_FOUND);
    msg = (struct nt_neutron_message){ "q-agent-notifier-l2population-update.h1", NULL,
                                       "add_fdb_entries", "1.0" };
    assert_int_equal(nt_neutron_find(&msg, &iface, &m, &err), 0);
    assert_ptr_equal(iface, &nt_notify_l2population);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_captured_message_survives_our_codec),
        cmocka_unit_test(what_does_not_fit_is_refused_and_named),
        cmocka_unit_test(objects_that_are_none_of_ours_are_refused),
        cmocka_unit_test(newer_minor_versions_and_unknown_fields_are_read),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(a_port_made_here_says_what_is_null),
        cmocka_unit_test(arguments_made_here_leave_out_what_is_not_there),
        cmocka_unit_test(pushes_go_to_the_topic_of_their_version),
        cmocka_unit_test(tables_that_remember_have_at_most_64_fields),
        cmocka_unit_test(versions_decide_who_is_meant),
    };

    return cmocka_run_group_tests_name("rpc/neutron", tests, NULL, NULL);
}
