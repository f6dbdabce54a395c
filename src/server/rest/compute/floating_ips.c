#include <config.h>

#include "server/rest/compute/compute.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/addr.h"
#include "openvswitch/json.h"
#include "server/core/floating_ips.h"
#include "server/core/instances.h"
#include "server/rest/call.h"

/* /os-floating-ips, /os-floating-ip-pools, /os-floating-ips-bulk, and the two actions of
 * a server.  Who changes where an address leads is answered when the network host has
 * done so: a refusal there has undone the change. */

static struct json *
floating_view(const struct nt_floating_ip *row)
{
    struct json *json = json_object_create();

    json_object_put(json, "id", json_integer_create(row->number));
    json_object_put_string(json, "ip", row->address);
    json_object_put_string(json, "pool", row->pool);
    json_object_put(json, "fixed_ip", text_or_null(row->fixed_address));
    json_object_put(json, "instance_id", text_or_null(row->instance_id));
    return json;
}

void
floating_ips_list(struct call *call)
{
    const struct floating_filter filter = { .project_id = call->who.project };
    struct json *list = json_array_create_empty();
    struct rows rows = { 0 };
    struct nt_err err = { 0 };

    if (floating_ip_list(call->rest->options.reader, &filter, &rows, &err) < 0) {
        json_destroy(list);
        call_fail(call, &err);
        return;
    }
    for (size_t i = 0; i < rows.n; i++) {
        json_array_add(list, floating_view(ROW(struct nt_floating_ip, &rows, i)));
    }
    rows_clear(&rows);
    call_reply_json(call, 200, wrap("floating_ips", list));
}

static int
number_of_address(const struct call *call, const char *address, int64_t *out, struct nt_err *err)
{
    const struct floating_filter filter = { .project_id = call->who.project };
    struct rows rows = { 0 };

    if (floating_ip_list(call->rest->options.reader, &filter, &rows, err) < 0) {
        return -1;
    }
    *out = 0;
    for (size_t i = 0; i < rows.n && !*out; i++) {
        const struct nt_floating_ip *row = ROW(struct nt_floating_ip, &rows, i);

        *out = strcmp(row->address, address) ? 0 : row->number;
    }
    rows_clear(&rows);
    return *out ? 0 : nt_fail(err, NT_NOT_FOUND, "floating ip not found: %s", address);
}

/* A number; or one of the project's addresses, since clients that promise to take either
 * pass on what they got. */
static int
read_number(const struct call *call, int64_t *out, struct nt_err *err)
{
    const char *text = call->match.params[0];
    uint32_t address;
    char *end;

    if (nt_ip4_parse(text, &address)) {
        return number_of_address(call, text, out, err);
    }
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno || *end || end == text || *out < 1
               ? nt_fail(err, NT_NOT_FOUND, "floating ip not found for id %.64s", text)
               : 0;
}

void
floating_ips_show(struct call *call)
{
    struct nt_floating_ip row;
    struct nt_err err = { 0 };
    int64_t number;

    if (read_number(call, &number, &err) < 0
        || floating_ip_get(call->rest->options.reader, call_project(call), number, &row, &err)
               < 0) {
        call_fail(call, &err);
    } else {
        call_reply_json(call, 200, wrap("floating_ip", floating_view(&row)));
    }
}

void
floating_pools_list(struct call *call)
{
    struct json *list = json_array_create_empty();
    struct nt_err err = { 0 };
    char **names = NULL;
    size_t n = 0;

    if (floating_ip_pools(call->rest->options.reader, &names, &n, &err) < 0) {
        json_destroy(list);
        call_fail(call, &err);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        json_array_add(list, wrap("name", json_string_create(names[i])));
        free(names[i]);
    }
    free(names);
    call_reply_json(call, 200, wrap("floating_ip_pools", list));
}

/* A change of one address. */
struct change_call {
    struct call *call;
    int64_t number; /* Deallocation. */
    char pool[NT_NAME_SIZE];
    char address[NT_IP4_SIZE], fixed[NT_IP4_SIZE];
    char instance_id[NT_UUID_SIZE];
    int64_t generation_before; /* Differs afterwards when the network host is told. */
    struct nt_floating_ip row;
};

static struct change_call *
change_new(struct call *call)
{
    struct change_call *c = xzalloc(sizeof *c);

    c->call = call;
    return c;
}

static void
refuse(struct change_call *c, const struct nt_err *err)
{
    call_fail(c->call, err);
    free(c);
}

static void
change_over(void *c_, const struct nt_err *err)
{
    struct change_call *c = c_;

    if (err) {
        refuse(c, err);
    } else {
        call_reply(c->call, 202);
        free(c);
    }
}

/* The database has it; the network host is being told. */
static void
change_made(void *c_, const struct nt_err *err)
{
    struct change_call *c = c_;
    const struct rest_options *o = &c->call->rest->options;

    if (!err && o->floating_wait && c->row.generation != c->generation_before) {
        o->floating_wait(o->floating_aux, c->row.address, c->row.generation, change_over, c);
    } else {
        change_over(c, err);
    }
}

/* POST {"pool": NAME}; nothing or null: the default pool. */

static int
read_pool(const struct call *call, char pool[NT_NAME_SIZE], struct nt_err *err)
{
    static const struct nt_field fields[] = {
        { "pool", NT_F_STR, 0, NT_NAME_SIZE, NT_IN_CREATE },
        { 0 },
    };
    struct json *body = NULL;

    if (!call->http->body_len) {
        return 0;
    }

    int rc = call_body(call, &body, err) < 0
                     || nt_fields_parse_strict(fields, NT_IN_CREATE, body, "", pool, err) < 0
                 ? -1
                 : 0;
    json_destroy(body);
    return rc;
}

static int
allocate_op(struct store *store, void *c_, struct changes *changes, struct nt_err *err)
{
    struct change_call *c = c_;

    return floating_ip_allocate(store, c->call->rest->options.env, c->call->who.project, c->pool,
                                &c->row, err);
}

static void
allocate_done(void *c_, const struct nt_err *err)
{
    struct change_call *c = c_;

    if (err) {
        refuse(c, err);
    } else {
        call_reply_json(c->call, 200, wrap("floating_ip", floating_view(&c->row)));
        free(c);
    }
}

void
floating_ips_create_one(struct call *call)
{
    struct change_call *c = change_new(call);
    struct nt_err err = { 0 };

    if (read_pool(call, c->pool, &err) < 0) {
        refuse(c, &err);
    } else {
        op_submit(call->rest->options.ops, allocate_op, c, allocate_done, c);
    }
}

static int
deallocate_op(struct store *store, void *c_, struct changes *changes, struct nt_err *err)
{
    struct change_call *c = c_;
    const char *project = call_project(c->call);
    struct nt_floating_ip before;

    if (floating_ip_get(store, project, c->number, &before, err) < 0) {
        return -1;
    }
    c->generation_before = before.generation;
    c->row.number = c->number;
    return floating_ip_deallocate(store, c->call->rest->options.env, project, &c->row, changes,
                                  err);
}

void
floating_ips_delete_one(struct call *call)
{
    struct change_call *c = change_new(call);
    struct nt_err err = { 0 };

    if (read_number(call, &c->number, &err) < 0) {
        refuse(c, &err);
    } else {
        op_submit(call->rest->options.ops, deallocate_op, c, change_made, c);
    }
}

/* Actions: {"address": F, "fixed_address": X}. */

static int
read_action(struct change_call *c, const struct nt_instance *instance, const struct json *arg,
            const char *name, struct nt_err *err)
{
    static const struct nt_field fields[] = {
        { "address", NT_F_IP4, NT_AT(struct change_call, address), NT_IN_CREATE | NT_REQUIRED },
        { "fixed_address", NT_F_IP4, NT_AT(struct change_call, fixed), NT_IN_CREATE },
        { 0 },
    };

    ovs_strlcpy(c->instance_id, instance->id, sizeof c->instance_id);
    c->generation_before = -1;
    return nt_fields_parse_strict(fields, NT_IN_CREATE, arg, name, c, err);
}

static struct floating_associate
association(const struct change_call *c)
{
    return (struct floating_associate){
        .project_id = call_project(c->call),
        .address = c->address,
        .instance_id = c->instance_id,
        .fixed = c->fixed,
    };
}

static int
associate_op(struct store *store, void *c_, struct changes *changes, struct nt_err *err)
{
    struct change_call *c = c_;
    const struct floating_associate a = association(c);

    return floating_ip_associate(store, c->call->rest->options.env, &a, &c->row, changes, err);
}

static int
disassociate_op(struct store *store, void *c_, struct changes *changes, struct nt_err *err)
{
    struct change_call *c = c_;
    const struct floating_associate a = association(c);

    return floating_ip_disassociate(store, c->call->rest->options.env, &a, &c->row, changes, err);
}

void
server_add_floating(struct call *call, const struct nt_instance *instance, const struct json *arg)
{
    struct change_call *c = change_new(call);
    struct nt_err err = { 0 };

    if (read_action(c, instance, arg, "addFloatingIp", &err) < 0) {
        refuse(c, &err);
    } else {
        op_submit(call->rest->options.ops, associate_op, c, change_made, c);
    }
}

void
server_remove_floating(struct call *call, const struct nt_instance *instance,
                       const struct json *arg)
{
    struct change_call *c = change_new(call);
    struct nt_err err = { 0 };

    if (read_action(c, instance, arg, "removeFloatingIp", &err) < 0) {
        refuse(c, &err);
    } else {
        op_submit(call->rest->options.ops, disassociate_op, c, change_made, c);
    }
}

/* /os-floating-ips-bulk: the administrator's side. */

struct bulk {
    struct call *call;
    char range[NT_CIDR_SIZE];
    struct nt_floating_ip wish;
    size_t n;
};

static const struct nt_field bulk_fields[] = {
    { "ip_range", NT_F_STR, NT_AT(struct bulk, range), NT_IN_CREATE | NT_REQUIRED },
    { "pool", NT_F_STR, NT_AT(struct bulk, wish.pool), NT_IN_CREATE },
    { "interface", NT_F_STR, NT_AT(struct bulk, wish.interface), NT_IN_CREATE },
    { 0 },
};

static struct json *
bulk_view(const struct nt_floating_ip *row)
{
    struct json *json = json_object_create();

    json_object_put_string(json, "address", row->address);
    json_object_put_string(json, "pool", row->pool);
    json_object_put(json, "interface", text_or_null(row->interface));
    json_object_put(json, "project_id", text_or_null(row->project_id));
    json_object_put(json, "instance_uuid", text_or_null(row->instance_id));
    json_object_put(json, "fixed_ip", text_or_null(row->fixed_address));
    json_object_put(json, "host", text_or_null(row->host));
    return json;
}

void
floating_bulk_list(struct call *call)
{
    const struct floating_filter filter = {
        .host = call->match.n_params ? call->match.params[0] : NULL,
    };
    struct json *list = json_array_create_empty();
    struct rows rows = { 0 };
    struct nt_err err = { 0 };

    if (floating_ip_list(call->rest->options.reader, &filter, &rows, &err) < 0) {
        json_destroy(list);
        call_fail(call, &err);
        return;
    }
    for (size_t i = 0; i < rows.n; i++) {
        json_array_add(list, bulk_view(ROW(struct nt_floating_ip, &rows, i)));
    }
    rows_clear(&rows);
    call_reply_json(call, 200, wrap("floating_ip_info", list));
}

static int
bulk_create_op(struct store *store, void *b_, struct changes *changes, struct nt_err *err)
{
    struct bulk *b = b_;

    return floating_ips_create(store, b->call->rest->options.env, &b->wish, b->range, &b->n, err);
}

static void
bulk_create_done(void *b_, const struct nt_err *err)
{
    struct bulk *b = b_;

    if (err) {
        call_fail(b->call, err);
    } else {
        struct json *json = json_object_create();

        json_object_put_string(json, "ip_range", b->range);
        json_object_put(
            json, "pool",
            json_string_create(*b->wish.pool ? b->wish.pool
                                             : b->call->rest->options.env->default_floating_pool));
        json_object_put(json, "interface", text_or_null(b->wish.interface));
        call_reply_json(b->call, 200, wrap("floating_ips_bulk_create", json));
    }
    free(b);
}

void
floating_bulk_create(struct call *call)
{
    struct bulk *b = xzalloc(sizeof *b);
    const struct json *arg = NULL;
    struct json *body = NULL;
    struct nt_err err = { 0 };

    b->call = call;
    if (call_body_member(call, "floating_ips_bulk_create", &body, &arg, &err) < 0
        || nt_fields_parse_strict(bulk_fields, NT_IN_CREATE, arg, "floating_ips_bulk_create", b,
                                  &err)
               < 0) {
        free(b);
        call_fail(call, &err);
    } else {
        op_submit(call->rest->options.ops, bulk_create_op, b, bulk_create_done, b);
    }
    json_destroy(body);
}

static int
bulk_delete_op(struct store *store, void *b_, struct changes *changes, struct nt_err *err)
{
    struct bulk *b = b_;

    return floating_ips_delete(store, b->range, &b->n, err);
}

static void
bulk_delete_done(void *b_, const struct nt_err *err)
{
    struct bulk *b = b_;

    if (err) {
        call_fail(b->call, err);
    } else {
        call_reply_json(b->call, 200,
                        wrap("floating_ips_bulk_delete", json_string_create(b->range)));
    }
    free(b);
}

void
floating_bulk_delete(struct call *call)
{
    struct bulk *b = xzalloc(sizeof *b);
    struct json *body = NULL;
    struct nt_err err = { 0 };

    b->call = call;
    if (call_body(call, &body, &err) < 0
        || nt_fields_parse_strict(bulk_fields, NT_IN_CREATE, body, "", b, &err) < 0) {
        free(b);
        call_fail(call, &err);
    } else {
        op_submit(call->rest->options.ops, bulk_delete_op, b, bulk_delete_done, b);
    }
    json_destroy(body);
}
