/* The second part: a server that says what the test wants it to. */
#pragma once

#include "agent/observe/neutron_watch_world.h"

static inline bool
asks_for(const struct json *args, const char *object)
{
    const struct json *filter = shash_find_data(json_object(args), "filter_kwargs");
    const struct json *ids = shash_find_data(json_object(filter), "id");
    const struct json *type = shash_find_data(json_object(args), "resource_type");
    char name[64];

    snprintf(name, sizeof name, "name\": \"%s\"", json_string(type));
    for (size_t i = 0; i < json_array(ids)->n; i++) {
        if (strstr(object, name) && strstr(object, json_string(json_array(ids)->elems[i]))) {
            return true;
        }
    }
    return false;
}

static inline struct json *
pull_result(struct agent *t, const struct json *args)
{
    struct json *list = json_array_create_empty();

    for (size_t i = 0; i < NT_ARRAY_SIZE(t->objects) && t->objects[i]; i++) {
        if (asks_for(args, t->objects[i])) {
            json_array_add(list, json_from_string(t->objects[i]));
        }
    }
    return list;
}

static inline struct json *
sync_result(const struct agent *t)
{
    return json_from_string(
        t->tunnels ? t->tunnels
                   : "{\"tunnels\": [{\"ip_address\": \"10.0.0.1\"}, {\"ip_address\": \"10.0.0.2\","
                     " \"host\": \"b\", \"udp_port\": 4789}]}");
}

static inline void
serve_plugin(void *t_, struct nt_bus_request *req)
{
    struct agent *t = t_;
    bool is_sync = !strcmp(nt_bus_request_method(req), "tunnel_sync");
    const struct json *args = nt_bus_request_args(req);

    *(is_sync ? &t->n_syncs : &t->n_pulls) += 1;
    if (!is_sync) {
        const struct json *filter = shash_find_data(json_object(args), "filter_kwargs");

        assert_string_equal(nt_bus_request_method(req), "bulk_pull");
        assert_string_equal(nt_bus_request_version(req), "1.1");
        t->n_ids = json_array(shash_find_data(json_object(filter), "id"))->n;
    }
    if (t->fails) {
        struct nt_err err;

        nt_fail(&err, NT_FAULT, "the database is away");
        nt_bus_reply_fail(req, &err);
    } else if (t->holds) {
        assert_true(t->n_held < NT_ARRAY_SIZE(t->held));
        t->held[t->n_held++] = req;
    } else if (t->answer) {
        nt_bus_reply(req, json_from_string(t->answer));
    } else if (is_sync) {
        nt_bus_reply(req, sync_result(t));
    } else {
        nt_bus_reply(req, pull_result(t, args));
    }
}

static inline void
answer_held(struct agent *t)
{
    for (size_t i = 0; i < t->n_held; i++) {
        bool is_sync = !strcmp(nt_bus_request_method(t->held[i]), "tunnel_sync");

        nt_bus_reply(t->held[i],
                     is_sync ? sync_result(t) : pull_result(t, nt_bus_request_args(t->held[i])));
    }
    t->n_held = 0;
    t->holds = false;
}

static inline void
say(struct agent *t, const char *topic, const char *host, const char *method, const char *args)
{
    struct json *json = json_from_string(args);

    if (json->type == JSON_STRING) {
        fail_msg("test's own JSON: %s", json_string(json));
    }
    if (host) {
        nt_bus_cast(t->w.hub, NT_BUS_TO(topic, host, method, "1.0"), json);
    } else {
        nt_bus_fanout(t->w.hub, NT_BUS_TO(topic, NULL, method, "1.1"), json);
    }
}

static inline void
push(struct agent *t, const char *type, const char *event, const char *objects)
{
    char topic[64], args[4096];

    snprintf(topic, sizeof topic, "neutron-vo-%s",
             !strcmp(type, "Port") ? "Port-1.7"
                                   : (!strcmp(type, "Network") ? "Network-1.1" : "QosPolicy-1.10"));
    snprintf(args, sizeof args, "{\"resource_list\": [%s], \"event_type\": \"%s\"}", objects,
             event);
    say(t, topic, NULL, "push", args);
}
