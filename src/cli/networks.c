#include <config.h>

#include <stdio.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/delete.h"
#include "cli/find.h"
#include "cli/list.h"
#include "cli/rest.h"
#include "cli/value.h"

const struct cli_arg cli_network_create_args[] = {
    { "label", "LABEL", CLI_TEXT, CLI_REQUIRED, "its name" },
    { "cidr", "CIDR", CLI_TEXT, 0, "its IPv4 range instead of fixed_range",
      .aliases = "fixed-range-v4" },
    { "num-networks", "NUMBER", CLI_INT, 0, "how many networks to cut out of the range" },
    { "network-size", "NUMBER", CLI_INT, 0, "addresses of each of them" },
    { "gateway", "ADDRESS", CLI_TEXT, 0, "the gateway instead of the first address" },
    { "dhcp-server", "ADDRESS", CLI_TEXT, 0, "the DHCP server instead of the gateway" },
    { "cidr-v6", "CIDR", CLI_TEXT, 0, "its IPv6 range, a /64", .aliases = "fixed-range-v6" },
    { "gateway-v6", "ADDRESS", CLI_TEXT, 0, "the IPv6 gateway instead of the first address" },
    { "dns1", "ADDRESS", CLI_TEXT, 0, "first name server" },
    { "dns2", "ADDRESS", CLI_TEXT, 0, "second name server" },
    { "bridge", "NAME", CLI_TEXT, 0, "the bridge on every host" },
    { "bridge-interface", "NAME", CLI_TEXT, 0, "the interface in that bridge" },
    { "multi-host", NULL, CLI_FLAG, 0, "a gateway on every compute host" },
    { "mtu", "BYTES", CLI_INT, 0, "the largest packet" },
    { "project-id", "PROJECT", CLI_TEXT, 0, "for this project only", .aliases = "project" },
    { "id", "UUID", CLI_TEXT, 0, "its id instead of a random one", .aliases = "uuid" },
    { 0 },
};

const struct cli_arg cli_network_args[] = {
    { "NETWORK", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "its id or label" },
    { 0 },
};

const struct cli_arg cli_network_delete_args[] = {
    { "NETWORK", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED | CLI_MANY, "ids or labels" },
    { 0 },
};

/* Argument and member of the body. */
static const struct {
    const char *arg, *member;
} texts[] = {
    { "label", "label" },
    { "cidr", "cidr" },
    { "gateway", "gateway" },
    { "dhcp-server", "dhcp_server" },
    { "cidr-v6", "cidr_v6" },
    { "gateway-v6", "gateway_v6" },
    { "dns1", "dns1" },
    { "dns2", "dns2" },
    { "bridge", "bridge" },
    { "bridge-interface", "bridge_interface" },
    { "project-id", "project_id" },
    { "id", "id" },
};

static const struct {
    const char *arg, *member;
} numbers[] = {
    { "mtu", "mtu" },
    { "num-networks", "num_networks" },
    { "network-size", "network_size" },
};

static const struct cli_column list_columns[] = {
    { "ID", "id" },         { "Label", "label" }, { "Cidr", "cidr" },
    { "Bridge", "bridge" }, { "Host", "host" },   { 0 },
};

static struct json *
create_body(const struct cli *cli)
{
    struct json *network = json_object_create();
    struct json *body = json_object_create();

    for (size_t i = 0; i < NT_ARRAY_SIZE(texts); i++) {
        const char *value = cli_arg(&cli->args, texts[i].arg);

        if (value) {
            json_object_put_string(network, texts[i].member, value);
        }
    }
    if (cli_arg(&cli->args, "multi-host")) {
        json_object_put(network, "multi_host",
                        json_boolean_create(cli_arg_flag(&cli->args, "multi-host")));
    }
    for (size_t i = 0; i < NT_ARRAY_SIZE(numbers); i++) {
        if (cli_arg(&cli->args, numbers[i].arg)) {
            json_object_put(network, numbers[i].member,
                            json_integer_create(cli_arg_int(&cli->args, numbers[i].arg, 0)));
        }
    }
    json_object_put(body, "network", network);
    return body;
}

/* One network as itself, several as a list; what the server has to say about them. */
static int
print_created(struct cli *cli, const struct json *answer, struct nt_err *err)
{
    const struct json *network = cli_member(answer, "network");
    const struct json *message = cli_member(answer, "message");

    if (message && message->type == JSON_STRING) {
        fprintf(stderr, "%s\n", json_string(message));
    }
    if (cli_member_list(answer, "networks")) {
        return cli_print_list(cli, answer, "networks", list_columns, err);
    }
    return network && network->type == JSON_OBJECT
               ? cli_print_object(cli, network, err)
               : nt_fail(err, NT_FAULT, "the answer has no network");
}

int
cli_network_create(struct cli *cli, struct nt_err *err)
{
    struct json *body = create_body(cli);
    struct json *answer = NULL;
    int rc = cli_rest(cli, "POST", cli_network_noun.path, body, &answer, err);

    if (rc == 0) {
        rc = print_created(cli, answer, err);
    }
    json_destroy(body);
    json_destroy(answer);
    return rc;
}

const struct cli_arg cli_network_modify_args[] = {
    { "label", "LABEL", CLI_TEXT, 0, "its name" },
    { "project", "PROJECT", CLI_TEXT, 0, "for this project only", .aliases = "project-id" },
    { "disassociate-project", NULL, CLI_FLAG, 0, "for everybody" },
    { "host", "HOST", CLI_TEXT, 0, "the network host that serves it" },
    { "disassociate-host", NULL, CLI_FLAG, 0, "whichever network host asks first" },
    { "dns1", "ADDRESS", CLI_TEXT, 0, "first name server; empty: none" },
    { "dns2", "ADDRESS", CLI_TEXT, 0, "second name server; empty: none" },
    { "mtu", "BYTES", CLI_INT, 0, "the largest packet; 0: as the devices have it" },
    { "NETWORK", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "its id or label" },
    { 0 },
};

static struct json *
modify_body(const struct cli *cli)
{
    static const struct {
        const char *arg, *clear, *member;
    } changes[] = {
        { "label", NULL, "label" },
        { "project", "disassociate-project", "project_id" },
        { "host", "disassociate-host", "host" },
        { "dns1", NULL, "dns1" },
        { "dns2", NULL, "dns2" },
    };
    struct json *network = json_object_create();
    struct json *body = json_object_create();

    for (size_t i = 0; i < NT_ARRAY_SIZE(changes); i++) {
        const char *value = cli_arg(&cli->args, changes[i].arg);

        if (value) {
            json_object_put_string(network, changes[i].member, value);
        } else if (changes[i].clear && cli_arg_flag(&cli->args, changes[i].clear)) {
            json_object_put(network, changes[i].member, json_null_create());
        }
    }
    if (cli_arg(&cli->args, "mtu")) {
        json_object_put(network, "mtu", json_integer_create(cli_arg_int(&cli->args, "mtu", 0)));
    }
    json_object_put(body, "network", network);
    return body;
}

int
cli_network_modify(struct cli *cli, struct nt_err *err)
{
    struct json *answer = NULL;
    AUTO_FREE char *id = NULL;

    if (cli_find(cli, &cli_network_noun, cli_arg(&cli->args, "NETWORK"), &id, err) < 0) {
        return -1;
    }

    AUTO_FREE char *path = cli_path(&cli_network_noun, id);
    struct json *body = modify_body(cli);
    int rc = cli_rest(cli, "PUT", path, body, &answer, err);

    if (rc == 0) {
        const struct json *network = cli_member(answer, "network");

        rc = network && network->type == JSON_OBJECT
                 ? cli_print_object(cli, network, err)
                 : nt_fail(err, NT_FAULT, "the answer has no network");
    }
    json_destroy(body);
    json_destroy(answer);
    return rc;
}

int
cli_network_list(struct cli *cli, struct nt_err *err)
{
    return cli_list(cli, cli_network_noun.path, "networks", list_columns, err);
}

int
cli_network_show(struct cli *cli, struct nt_err *err)
{
    return cli_show(cli, &cli_network_noun, "NETWORK", err);
}

int
cli_network_delete(struct cli *cli, struct nt_err *err)
{
    return cli_delete_all(cli, &cli_network_noun, "NETWORK", err);
}
