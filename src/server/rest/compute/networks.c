#include <config.h>

#include "server/rest/compute/compute.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/addr.h"
#include "openvswitch/json.h"
#include "server/core/network_carve.h"
#include "server/core/networks.h"
#include "server/rest/call.h"

/* /os-networks: nova-network's view of a network and its subnet. */

struct network_body {
    char label[NT_NAME_SIZE];
    char id[NT_UUID_SIZE];
    char cidr[NT_CIDR_SIZE];
    char gateway[NT_IP4_SIZE];
    char dhcp_server[NT_IP4_SIZE];
    char dns1[NT_IP4_SIZE], dns2[NT_IP4_SIZE];
    char cidr_v6[NT_CIDR6_SIZE], gateway_v6[NT_IP_SIZE];
    char bridge[NT_IFNAME_SIZE], bridge_interface[NT_IFNAME_SIZE];
    char project_id[NT_NAME_SIZE];
    struct json *multi_host, *enable_dhcp; /* Three-valued: NULL is the default. */
    int64_t mtu, num_networks, network_size;
};

#define TEXT(name_, member)                                               \
    {                                                                     \
        name_, NT_F_STR, NT_AT(struct network_body, member), NT_IN_CREATE \
    }

static const struct nt_field body_fields[] = {
    { "label", NT_F_STR, NT_AT(struct network_body, label), NT_IN_CREATE | NT_REQUIRED },
    { "id", NT_F_UUID, NT_AT(struct network_body, id), NT_IN_CREATE },
    { "cidr", NT_F_CIDR, NT_AT(struct network_body, cidr), NT_IN_CREATE },
    { "gateway", NT_F_IP4, NT_AT(struct network_body, gateway), NT_IN_CREATE },
    { "dhcp_server", NT_F_IP4, NT_AT(struct network_body, dhcp_server), NT_IN_CREATE },
    { "dns1", NT_F_IP4, NT_AT(struct network_body, dns1), NT_IN_CREATE },
    { "dns2", NT_F_IP4, NT_AT(struct network_body, dns2), NT_IN_CREATE },
    TEXT("cidr_v6", cidr_v6),
    TEXT("gateway_v6", gateway_v6),
    TEXT("bridge", bridge),
    TEXT("bridge_interface", bridge_interface),
    TEXT("project_id", project_id),
    { "multi_host", NT_F_JSON, NT_AT(struct network_body, multi_host), NT_IN_CREATE },
    { "enable_dhcp", NT_F_JSON, NT_AT(struct network_body, enable_dhcp), NT_IN_CREATE },
    { "mtu", NT_F_INT, NT_AT(struct network_body, mtu), NT_IN_CREATE, 0, 65535 },
    { "num_networks", NT_F_INT, NT_AT(struct network_body, num_networks), NT_IN_CREATE, 1, 1024 },
    { "network_size", NT_F_INT, NT_AT(struct network_body, network_size), NT_IN_CREATE, 4,
      1 << 24 },
    { 0 },
};

static void
put_range(struct json *json, const struct nt_subnet *subnet)
{
    struct nt_cidr cidr;
    char text[NT_IP4_SIZE];

    json_object_put_string(json, "cidr", subnet->cidr);
    if (!nt_cidr_parse(subnet->cidr, &cidr)) {
        return;
    }
    nt_ip4_format(nt_cidr_netmask(&cidr), text);
    json_object_put_string(json, "netmask", text);
    nt_ip4_format(nt_cidr_broadcast(&cidr), text);
    json_object_put_string(json, "broadcast", text);
}

static struct json *
network_view(const struct network_row *row)
{
    const struct nt_network *network = &row->network;
    const struct nt_subnet *subnet = &row->subnet;
    struct json *json = json_object_create();

    json_object_put_string(json, "id", network->id);
    json_object_put_string(json, "label", network->name);
    json_object_put(json, "number", json_integer_create(network->number));
    json_object_put(json, "project_id", text_or_null(network->project_id));
    json_object_put(json, "bridge", text_or_null(network->bridge));
    json_object_put(json, "bridge_interface", text_or_null(network->bridge_interface));
    json_object_put(json, "host", text_or_null(network->host));
    json_object_put(json, "multi_host", json_boolean_create(network->multi_host));
    json_object_put(json, "mtu",
                    network->mtu ? json_integer_create(network->mtu) : json_null_create());
    put_range(json, subnet);
    json_object_put(json, "gateway", text_or_null(subnet->gateway_ip));
    json_object_put(json, "dhcp_server", text_or_null(subnet->dhcp_server));
    json_object_put(json, "dhcp_start", text_or_null(subnet->dhcp_start));
    json_object_put(json, "dns1", text_or_null(subnet->dns1));
    json_object_put(json, "dns2", text_or_null(subnet->dns2));
    json_object_put(json, "cidr_v6", text_or_null(subnet->cidr_v6));
    json_object_put(json, "gateway_v6", text_or_null(subnet->gateway_v6));
    json_object_put(json, "netmask_v6",
                    *subnet->cidr_v6 ? json_integer_create(64) : json_null_create());
    json_object_put(json, "enable_dhcp", json_boolean_create(subnet->enable_dhcp));
    put_time(json, "created_at", network->created_at);
    put_time(json, "updated_at", network->updated_at);

    /* What a flat network never has. */
    static const char *const none[] = {
        "vlan",     "vpn_public_address", "vpn_public_port", "vpn_private_address",
        "priority", "rxtx_base"
    };
    for (size_t i = 0; i < NT_ARRAY_SIZE(none); i++) {
        json_object_put(json, none[i], json_null_create());
    }
    json_object_put(json, "injected", json_boolean_create(false));
    json_object_put(json, "share_address", json_boolean_create(false));
    return json;
}

void
networks_list(struct call *call)
{
    struct json *networks = json_array_create_empty();
    struct network_list list = { 0 };
    struct nt_err err = { 0 };

    if (network_list_load(call->rest->options.reader, NULL, &list, &err) < 0) {
        json_destroy(networks);
        call_fail(call, &err);
        return;
    }
    for (size_t i = 0; i < list.n; i++) {
        json_array_add(networks, network_view(&list.at[i]));
    }
    network_list_clear(&list);
    call_reply_json(call, 200, wrap("networks", networks));
}

void
networks_show(struct call *call)
{
    struct network_row row = { 0 };
    struct nt_err err = { 0 };

    if (network_get(call->rest->options.reader, call->match.params[0], &row, &err) < 0) {
        call_fail(call, &err);
        return;
    }
    call_reply_json(call, 200, wrap("network", network_view(&row)));
}

/* -1: not said. */
static int
read_tristate(const struct json *json, const char *path, int *out, struct nt_err *err)
{
    *out = -1;
    if (!json || json->type == JSON_NULL) {
        return 0;
    }
    if (json->type != JSON_TRUE && json->type != JSON_FALSE) {
        return nt_fail(err, NT_INVALID, "%s must be true or false", path);
    }
    *out = json->type == JSON_TRUE;
    return 0;
}

/* Interface names reach the command lines and files of the network host. */
static int
check_ifname(const char *name, const char *path, struct nt_err *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-";

    if (name[strspn(name, allowed)] || name[0] == '-' || !strcmp(name, ".")
        || !strcmp(name, "..")) {
        return nt_fail(err, NT_INVALID, "%s is not the name of an interface", path);
    }
    return 0;
}

static int
read_body(const struct network_body *body, struct network_create *wish, struct nt_err *err)
{
    int dhcp;

    if (read_tristate(body->multi_host, "network.multi_host", &wish->multi_host, err) < 0
        || read_tristate(body->enable_dhcp, "network.enable_dhcp", &dhcp, err) < 0
        || check_ifname(body->bridge, "network.bridge", err) < 0
        || check_ifname(body->bridge_interface, "network.bridge_interface", err) < 0) {
        return -1;
    }
    wish->no_dhcp = dhcp == 0;
    wish->mtu = body->mtu;
    ovs_strlcpy(wish->id, body->id, sizeof wish->id);
    ovs_strlcpy(wish->name, body->label, sizeof wish->name);
    ovs_strlcpy(wish->cidr, body->cidr, sizeof wish->cidr);
    ovs_strlcpy(wish->gateway_ip, body->gateway, sizeof wish->gateway_ip);
    ovs_strlcpy(wish->dhcp_server, body->dhcp_server, sizeof wish->dhcp_server);
    ovs_strlcpy(wish->dns1, body->dns1, sizeof wish->dns1);
    ovs_strlcpy(wish->dns2, body->dns2, sizeof wish->dns2);
    ovs_strlcpy(wish->cidr_v6, body->cidr_v6, sizeof wish->cidr_v6);
    ovs_strlcpy(wish->gateway_v6, body->gateway_v6, sizeof wish->gateway_v6);
    ovs_strlcpy(wish->bridge, body->bridge, sizeof wish->bridge);
    ovs_strlcpy(wish->bridge_interface, body->bridge_interface, sizeof wish->bridge_interface);
    ovs_strlcpy(wish->project_id, body->project_id, sizeof wish->project_id);
    return 0;
}

struct creation {
    struct call *call;
    struct network_carving carving;
    struct network_carved made;
};

static int
create_op(struct store *store, void *creation, struct changes *changes, struct nt_err *err)
{
    struct creation *c = creation;

    return networks_carve(store, c->call->rest->options.env, &c->carving, &c->made, changes, err);
}

/* The first network, and all of them when they were several; what had to be said. */
static struct json *
created_view(const struct creation *c)
{
    struct json *json = wrap("network", network_view(&c->made.list.at[0]));
    struct json *all = json_array_create_empty();

    for (size_t i = 0; i < c->made.list.n; i++) {
        json_array_add(all, network_view(&c->made.list.at[i]));
    }
    if (c->made.list.n > 1) {
        json_object_put(json, "networks", all);
    } else {
        json_destroy(all);
    }
    if (c->made.capped) {
        json_object_put_format(json, "message",
                               "Subnet(s) too large, defaulting to /%d.  To override, specify "
                               "network_size flag.",
                               c->made.capped);
    }
    return json;
}

static void
create_done(void *creation, const struct nt_err *err)
{
    struct creation *c = creation;

    if (err) {
        call_fail(c->call, err);
    } else {
        call_reply_json(c->call, 200, created_view(c));
    }
    network_list_clear(&c->made.list);
    free(c);
}

void
networks_create(struct call *call)
{
    struct creation *c = xzalloc(sizeof *c);
    struct network_body body = { 0 };
    struct json *json = NULL;
    const struct json *network = NULL;
    struct nt_err err = { 0 };

    c->call = call;
    if (call_body_member(call, "network", &json, &network, &err) < 0
        || nt_fields_parse_strict(body_fields, NT_IN_CREATE, network, "network", &body, &err) < 0
        || read_body(&body, &c->carving.wish, &err) < 0) {
        free(c);
        call_fail(call, &err);
    } else {
        c->carving.num_networks = body.num_networks;
        c->carving.network_size = body.network_size;
        op_submit(call->rest->options.ops, create_op, c, create_done, c);
    }
    nt_fields_clear(body_fields, &body);
    json_destroy(json);
}

static int
delete_op(struct store *store, void *call_, struct changes *changes, struct nt_err *err)
{
    const struct call *call = call_;

    return network_delete(store, call->match.params[0], changes, err);
}

void
networks_delete(struct call *call)
{
    op_submit(call->rest->options.ops, delete_op, call, call_accepted, call);
}

/* A change on its way; the texts are owned by 'body'. */
struct modification {
    struct call *call;
    struct json *body;
    struct network_modify wish;
    bool is_put; /* Answered with the network. */
};

static void
modification_free(struct modification *m)
{
    json_destroy(m->body);
    free(m);
}

static int
modify_op(struct store *store, void *modification, struct changes *changes, struct nt_err *err)
{
    const struct modification *m = modification;

    return network_modify(store, m->call->rest->options.env, m->call->match.params[0], &m->wish,
                          changes, err);
}

static void
modify_done(void *modification, const struct nt_err *err)
{
    struct modification *m = modification;

    if (err) {
        call_fail(m->call, err);
    } else if (m->is_put) {
        networks_show(m->call);
    } else {
        call_reply(m->call, 202);
    }
    modification_free(m);
}

static bool
is_plain_text(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char) *text < ' ' || *text == 0x7f) {
            return false;
        }
    }
    return true;
}

/* The text 'key' of an object, "" for null, NULL when it is not there. */
static int
read_text(const struct json *object, const char *key, const char *path, const char **out,
          struct nt_err *err)
{
    const struct json *value = shash_find_data(json_object(object), key);

    if (!value) {
        return 0;
    }
    if (value->type == JSON_NULL) {
        *out = "";
        return 0;
    }
    if (value->type != JSON_STRING || strlen(json_string(value)) >= NT_NAME_SIZE
        || !is_plain_text(json_string(value))) {
        return nt_fail(err, NT_INVALID,
                       "%s%s must be a text of at most %d bytes without control characters", path,
                       key, NT_NAME_SIZE - 1);
    }
    *out = json_string(value);
    return 0;
}

static int
read_modify(const struct json *network, struct network_modify *wish, struct nt_err *err)
{
    const struct {
        const char *key;
        const char **out;
    } texts[] = {
        { "label", &wish->name }, { "project_id", &wish->project_id },
        { "host", &wish->host },  { "dns1", &wish->dns1 },
        { "dns2", &wish->dns2 },
    };
    const struct json *mtu = shash_find_data(json_object(network), "mtu");
    size_t n_known = mtu != NULL;

    for (size_t i = 0; i < NT_ARRAY_SIZE(texts); i++) {
        if (read_text(network, texts[i].key, "network.", texts[i].out, err) < 0) {
            return -1;
        }
        n_known += *texts[i].out != NULL;
    }
    if (n_known < shash_count(json_object(network))) {
        return nt_fail(err, NT_INVALID,
                       "network: only label, project_id, host, dns1, dns2 and mtu can be changed");
    }
    if (mtu && mtu->type != JSON_NULL && mtu->type != JSON_INTEGER) {
        return nt_fail(err, NT_INVALID, "network.mtu must be a number");
    }
    wish->mtu = !mtu ? -1 : mtu->type == JSON_NULL ? 0 : json_integer(mtu);
    return mtu && wish->mtu < 0 ? nt_fail(err, NT_INVALID, "network.mtu must not be negative") : 0;
}

void
networks_update(struct call *call)
{
    struct modification *m = xzalloc(sizeof *m);
    const struct json *network = NULL;
    struct nt_err err = { 0 };

    m->call = call;
    m->is_put = true;
    if (call_body_member(call, "network", &m->body, &network, &err) < 0
        || read_modify(network, &m->wish, &err) < 0) {
        modification_free(m);
        call_fail(call, &err);
        return;
    }
    op_submit(call->rest->options.ops, modify_op, m, modify_done, m);
}

/* One action: what it changes, and whether its value says to what. */
static const struct action {
    const char *name;
    bool takes_host, takes_project;
    bool has_value;
} actions[] = {
    { "disassociate", true, true, false },
    { "disassociate_host", true, false, false },
    { "disassociate_project", false, true, false },
    { "associate_host", true, false, true },
};

static int
read_action(const struct json *body, struct network_modify *wish, struct nt_err *err)
{
    for (size_t i = 0; i < NT_ARRAY_SIZE(actions); i++) {
        const struct action *action = &actions[i];
        const char *value = NULL;

        if (shash_count(json_object(body)) != 1 || !shash_find(json_object(body), action->name)) {
            continue;
        }
        if (action->has_value && read_text(body, action->name, "", &value, err) < 0) {
            return -1;
        }
        if (action->has_value && !*value) {
            return nt_fail(err, NT_INVALID, "%s must name a host", action->name);
        }
        value = value ? value : "";
        wish->host = action->takes_host ? value : NULL;
        wish->project_id = action->takes_project ? value : NULL;
        wish->mtu = -1;
        return 0;
    }
    return nt_fail(err, NT_INVALID,
                   "the body must have exactly one member: disassociate, disassociate_host, "
                   "disassociate_project or associate_host");
}

void
networks_action(struct call *call)
{
    struct modification *m = xzalloc(sizeof *m);
    struct nt_err err = { 0 };

    m->call = call;
    if (call_body(call, &m->body, &err) < 0 || read_action(m->body, &m->wish, &err) < 0) {
        modification_free(m);
        call_fail(call, &err);
        return;
    }
    op_submit(call->rest->options.ops, modify_op, m, modify_done, m);
}
