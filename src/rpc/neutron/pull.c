#include <config.h>

#include "rpc/neutron/pull.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"

void
nt_neutron_pull(struct nt_bus *bus, const struct nt_neutron_question *q, int64_t timeout_ms,
                nt_bus_reply_cb *cb, void *aux)
{
    const struct nt_method *m = nt_method_find(&nt_neutron_resources, "bulk_pull");
    AUTO_FREE struct nt_text *values = xcalloc(q->n_ids, sizeof *values);
    struct nt_filter filter = { .field = "id", .values = values, .n_values = q->n_ids };
    struct nt_bulk_pull_args args = { .filters = &filter, .n_filters = 1 };

    for (size_t i = 0; i < q->n_ids; i++) {
        values[i].text = CONST_CAST(char *, q->ids[i].text);
    }
    ovs_strlcpy(args.resource_type, q->type->name, sizeof args.resource_type);
    snprintf(args.version, sizeof args.version, "%u.%u", q->type->major, q->type->minor);
    nt_bus_call(bus, NT_BUS_TO(nt_neutron_resources.topic, NULL, m->name, m->version),
                nt_args_json(m, &args), timeout_ms, cb, aux);
}

static const struct json *
member(const struct json *json, const char *key)
{
    return json && json->type == JSON_OBJECT ? shash_find_data(json_object(json), key) : NULL;
}

static const char *
member_text(const struct json *json, const char *key)
{
    const struct json *value = member(json, key);

    return value && value->type == JSON_STRING ? json_string(value) : NULL;
}

int
nt_neutron_push_open(const struct json *args, const struct json **list, bool *deleted,
                     struct nt_err *err)
{
    const struct json *objects = member(args, "resource_list");
    const char *event = member_text(args, "event_type");

    if (!objects || objects->type != JSON_ARRAY) {
        return nt_fail(err, NT_INVALID, "push.resource_list is not a list");
    }
    if (!event) {
        return nt_fail(err, NT_INVALID, "push.event_type is not a text");
    }
    *deleted = !strcmp(event, "deleted");
    if (!*deleted && strcmp(event, "updated") && strcmp(event, "created")) {
        return nt_fail(err, NT_INVALID, "push.event_type is %.32s, must be updated or deleted",
                       event);
    }
    *list = objects;
    return 0;
}

int
nt_neutron_object_id(const struct nt_vo_type *type, const struct json *json, const char *what,
                     char id[NT_UUID_SIZE], struct nt_err *err)
{
    const char *name = member_text(json, "versioned_object.name");
    const char *text = member_text(member(json, "versioned_object.data"), "id");

    if (!name || strcmp(name, type->name)) {
        return nt_fail(err, NT_INVALID, "%s is not a %s", what, type->name);
    }
    if (!text || !nt_is_uuid(text)) {
        return nt_fail(err, NT_INVALID, "%s.id is not a UUID", what);
    }
    for (size_t i = 0; i < NT_UUID_SIZE; i++) {
        id[i] = tolower((unsigned char) text[i]);
    }
    return 0;
}

int
nt_neutron_object_read(const struct nt_vo_type *type, const struct json *json, const char *what,
                       struct nt_vo **out, struct nt_err *err)
{
    const struct nt_vo_type *const types[] = { type, NULL };

    return nt_vo_parse(types, json, what, out, err);
}
