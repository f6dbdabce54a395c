#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/find.h"
#include "cli/list.h"
#include "cli/rest.h"
#include "cli/value.h"
#include "openvswitch/dynamic-string.h"

#define FLOATING CLI_COMPUTE "/os-floating-ips"
#define BULK CLI_COMPUTE "/os-floating-ips-bulk"

const struct cli_arg cli_floating_create_args[] = {
    { "POOL", NULL, CLI_TEXT, CLI_WORD, "the pool instead of the default one" },
    { 0 },
};

const struct cli_arg cli_floating_show_args[] = {
    { "ADDRESS", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "the floating address" },
    { 0 },
};

const struct cli_arg cli_floating_delete_args[] = {
    { "ADDRESS", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED | CLI_MANY, "the addresses" },
    { 0 },
};

const struct cli_arg cli_floating_add_args[] = {
    { "SERVER", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "its id or name" },
    { "ADDRESS", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "the floating address" },
    { "fixed-address", "ADDRESS", CLI_TEXT, 0, "the fixed address instead of the first one" },
    { 0 },
};

const struct cli_arg cli_floating_remove_args[] = {
    { "SERVER", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "its id or name" },
    { "ADDRESS", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "the floating address" },
    { 0 },
};

const struct cli_arg cli_floating_bulk_create_args[] = {
    { "RANGE", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "a network, or one address" },
    { "pool", "POOL", CLI_TEXT, 0, "the pool instead of the default one" },
    { "interface", "NAME", CLI_TEXT, 0, "what carries the addresses on the network host" },
    { 0 },
};

const struct cli_arg cli_floating_bulk_delete_args[] = {
    { "RANGE", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "a network, or one address" },
    { 0 },
};

const struct cli_arg cli_floating_bulk_list_args[] = {
    { "host", "HOST", CLI_TEXT, 0, "only those in place on this network host" },
    { 0 },
};

int
cli_floating_list(struct cli *cli, struct nt_err *err)
{
    static const struct cli_column columns[] = {
        { "Ip", "ip" },
        { "Instance Id", "instance_id" },
        { "Fixed Ip", "fixed_ip" },
        { "Pool", "pool" },
        { 0 },
    };

    return cli_list(cli, FLOATING, "floating_ips", columns, err);
}

int
cli_floating_pools(struct cli *cli, struct nt_err *err)
{
    static const struct cli_column columns[] = { { "name", "name" }, { 0 } };

    return cli_list(cli, CLI_COMPUTE "/os-floating-ip-pools", "floating_ip_pools", columns, err);
}

int
cli_floating_create(struct cli *cli, struct nt_err *err)
{
    static const char *const columns[] = { "Ip", "Instance Id", "Fixed Ip", "Pool", NULL };
    const char *pool = cli_arg(&cli->args, "POOL");
    struct json *body = json_object_create();
    struct json *answer = NULL;

    json_object_put(body, "pool", pool ? json_string_create(pool) : json_null_create());

    int rc = cli_rest(cli, "POST", FLOATING, body, &answer, err);
    json_destroy(body);
    if (rc < 0) {
        return -1;
    }

    const struct json *row = cli_member(answer, "floating_ip");
    struct cli_table *table = cli_table_list(columns);

    cli_table_add(table, cli_member_clone(row, "ip"), NULL);
    cli_table_add(table, cli_member_clone(row, "instance_id"), NULL);
    cli_table_add(table, cli_member_clone(row, "fixed_ip"), NULL);
    cli_table_add(table, cli_member_clone(row, "pool"), NULL);
    json_destroy(answer);
    return cli_print(cli, table, err);
}

/* The path of the project's row with that address. */
static int
find_address(const struct json *list, const char *address, char **path, struct nt_err *err)
{
    for (size_t i = 0; i < json_array(list)->n; i++) {
        const struct json *row = json_array(list)->elems[i];
        const struct json *id = cli_member(row, "id");

        if (!strcmp(cli_member_text(row, "ip"), address) && id && id->type == JSON_INTEGER) {
            *path = xasprintf(FLOATING "/%lld", (long long) json_integer(id));
            return 0;
        }
    }
    return nt_fail(err, NT_NOT_FOUND, "Floating ip %s not found.", address);
}

int
cli_floating_show(struct cli *cli, struct nt_err *err)
{
    const char *address = cli_arg(&cli->args, "ADDRESS");
    struct json *list = NULL;

    if (cli_rest_list(cli, FLOATING, "floating_ips", &list, err) < 0) {
        return -1;
    }

    int rc = 1;
    for (size_t i = 0; rc > 0 && i < json_array(list)->n; i++) {
        const struct json *row = json_array(list)->elems[i];

        if (!strcmp(cli_member_text(row, "ip"), address)) {
            rc = cli_print_object(cli, row, err);
        }
    }
    json_destroy(list);
    return rc > 0 ? nt_fail(err, NT_NOT_FOUND, "Floating ip %s not found.", address) : rc;
}

int
cli_floating_delete(struct cli *cli, struct nt_err *err)
{
    struct json *list = NULL;
    const char *address;
    size_t i = 0;

    if (cli_rest_list(cli, FLOATING, "floating_ips", &list, err) < 0) {
        return -1;
    }

    int rc = 0;
    while (!rc && (address = cli_arg_next(&cli->args, "ADDRESS", &i))) {
        AUTO_FREE char *path = NULL;

        rc = find_address(list, address, &path, err) < 0
                     || cli_rest(cli, "DELETE", path, NULL, NULL, err) < 0
                 ? -1
                 : 0;
    }
    json_destroy(list);
    return rc;
}

static int
act(struct cli *cli, const char *action, struct nt_err *err)
{
    const char *fixed = cli_arg(&cli->args, "fixed-address");
    AUTO_FREE char *id = NULL;

    if (cli_find(cli, &cli_server_noun, cli_arg(&cli->args, "SERVER"), &id, err) < 0) {
        return -1;
    }

    AUTO_FREE char *server = cli_path(&cli_server_noun, id);
    AUTO_FREE char *path = xasprintf("%s/action", server);
    struct json *arg = json_object_create();
    struct json *body = json_object_create();

    json_object_put_string(arg, "address", cli_arg(&cli->args, "ADDRESS"));
    if (fixed) {
        json_object_put_string(arg, "fixed_address", fixed);
    }
    json_object_put(body, action, arg);

    int rc = cli_rest(cli, "POST", path, body, NULL, err);
    json_destroy(body);
    return rc;
}

int
cli_floating_add(struct cli *cli, struct nt_err *err)
{
    return act(cli, "addFloatingIp", err);
}

int
cli_floating_remove(struct cli *cli, struct nt_err *err)
{
    return act(cli, "removeFloatingIp", err);
}

int
cli_floating_bulk_list(struct cli *cli, struct nt_err *err)
{
    static const struct cli_column columns[] = {
        { "Address", "address" },
        { "Project", "project_id" },
        { "Pool", "pool" },
        { "Interface", "interface" },
        { "Instance", "instance_uuid" },
        { "Fixed Ip", "fixed_ip" },
        { "Host", "host" },
        { 0 },
    };
    const char *host = cli_arg(&cli->args, "host");
    struct ds path = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&path, BULK);
    if (host) {
        ds_put_char(&path, '/');
        cli_put_encoded(&path, host);
    }

    int rc = cli_list(cli, ds_cstr(&path), "floating_ip_info", columns, err);
    ds_destroy(&path);
    return rc;
}

int
cli_floating_bulk_create(struct cli *cli, struct nt_err *err)
{
    static const char *const names[] = { "pool", "interface" };
    struct json *wish = json_object_create();
    struct json *body = json_object_create();

    json_object_put_string(wish, "ip_range", cli_arg(&cli->args, "RANGE"));
    for (size_t i = 0; i < NT_ARRAY_SIZE(names); i++) {
        const char *value = cli_arg(&cli->args, names[i]);

        if (value) {
            json_object_put_string(wish, names[i], value);
        }
    }
    json_object_put(body, "floating_ips_bulk_create", wish);

    int rc = cli_rest(cli, "POST", BULK, body, NULL, err);
    json_destroy(body);
    return rc;
}

int
cli_floating_bulk_delete(struct cli *cli, struct nt_err *err)
{
    struct json *body = json_object_create();

    json_object_put_string(body, "ip_range", cli_arg(&cli->args, "RANGE"));

    int rc = cli_rest(cli, "PUT", BULK "/delete", body, NULL, err);
    json_destroy(body);
    return rc;
}
