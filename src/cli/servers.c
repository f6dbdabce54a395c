#include <config.h>

#include "cli/servers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/delete.h"
#include "cli/find.h"
#include "cli/rest.h"
#include "cli/value.h"
#include "cli/wait.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"

const struct cli_arg cli_server_list_args[] = {
    { "name", "TEXT", CLI_TEXT, 0, "only those with TEXT in their name" },
    { "status", "STATUS", CLI_TEXT, 0, "only those with this status" },
    { "host", "HOST", CLI_TEXT, 0, "only those on this host (administrators)" },
    { "ip", "ADDRESS", CLI_TEXT, 0, "only the one with this fixed address" },
    { "flavor", "FLAVOR", CLI_TEXT, 0, "only those of this flavor" },
    { "image", "IMAGE", CLI_TEXT, 0, "only those from this image" },
    { "all-tenants", NULL, CLI_FLAG, 0, "those of all projects (administrators)",
      .aliases = "all-projects" },
    { 0 },
};

const struct cli_arg cli_server_args[] = {
    { "SERVER", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "its id or name" },
    { 0 },
};

const struct cli_arg cli_delete_args[] = {
    { "SERVER", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED | CLI_MANY, "ids or names" },
    { "wait", NULL, CLI_FLAG, 0, "wait until they are gone" },
    { 0 },
};

const struct cli_arg cli_console_args[] = {
    { "SERVER", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "its id or name" },
    { "length", "N", CLI_INT, 0, "only the last N lines" },
    { 0 },
};

const struct cli_arg cli_wait_args[] = {
    { "SERVER", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "its id or name" },
    { "STATUS", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "ACTIVE, ERROR, ..." },
    { 0 },
};

struct json *
cli_networks_json(const struct json *addresses)
{
    struct json *networks = json_object_create();
    struct shash_node *node;

    if (!addresses || addresses->type != JSON_OBJECT) {
        return networks;
    }
    SHASH_FOR_EACH (node, json_object(addresses)) {
        const struct json *list = cli_member_list(addresses, node->name);
        struct json *texts = json_array_create_empty();

        for (size_t i = 0; list && i < json_array(list)->n; i++) {
            json_array_add(texts, cli_member_clone(json_array(list)->elems[i], "addr"));
        }
        json_object_put(networks, node->name, texts);
    }
    return networks;
}

char *
cli_networks_text(const struct json *addresses)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    if (addresses && addresses->type == JSON_OBJECT) {
        const struct shash *labels = json_object(addresses);
        const struct shash_node **sorted = shash_sort(labels);

        for (size_t i = 0; i < shash_count(labels); i++) {
            AUTO_FREE char *texts = cli_join(sorted[i]->data, "addr");

            ds_put_format(&out, "%s%s=%s", i ? "; " : "", sorted[i]->name, texts);
        }
        free(sorted);
    }
    return ds_steal_cstr(&out);
}

/* The name of the server's image or flavor; its id when it is not there any more. */
static int
put_name(struct cli *cli, struct cli_table *record, const struct cli_noun *noun,
         const struct json *server, struct nt_err *err)
{
    const char *id = cli_member_text(cli_member(server, noun->name), "id");
    struct nt_err gone = { 0 };
    struct json *thing = NULL;

    if (*id && cli_get(cli, noun, id, &thing, &gone) < 0 && gone.code != NT_NOT_FOUND) {
        *err = gone;
        return -1;
    }
    cli_table_put(record, noun->name,
                  thing ? cli_member_clone(thing, noun->label) : json_string_create(id), NULL);
    json_destroy(thing);
    return 0;
}

static void
put_networks(struct cli_table *record, const struct json *addresses)
{
    struct json *networks = cli_networks_json(addresses);
    struct shash_node *node;

    SHASH_FOR_EACH (node, json_object(networks)) {
        AUTO_FREE char *name = xasprintf("%s network", node->name);

        cli_table_put(record, name, json_clone(node->data), cli_join(node->data, NULL));
    }
    json_destroy(networks);
}

/* Members that are shown in another form, or not at all. */
static bool
is_elsewhere(const char *name)
{
    static const char *const names[] = { "links", "addresses", "image", "flavor" };

    for (size_t i = 0; i < NT_ARRAY_SIZE(names); i++) {
        if (!strcmp(name, names[i])) {
            return true;
        }
    }
    return false;
}

int
cli_server_record(struct cli *cli, const struct json *server, struct cli_table **out,
                  struct nt_err *err)
{
    AUTO(cli_table) record = cli_table_record();
    struct shash_node *node;

    SHASH_FOR_EACH (node, json_object(server)) {
        bool is_groups = !strcmp(node->name, "security_groups");

        if (!is_elsewhere(node->name)) {
            cli_table_put(record, node->name, json_clone(node->data),
                          is_groups ? cli_join(node->data, "name") : NULL);
        }
    }
    if (put_name(cli, record, &cli_image_noun, server, err) < 0
        || put_name(cli, record, &cli_flavor_noun, server, err) < 0) {
        return -1;
    }
    *out = TAKE(record);
    return 0;
}

static int
put_reference(struct cli *cli, const struct cli_noun *noun, struct ds *path, struct nt_err *err)
{
    const char *what = cli_arg(&cli->args, noun->name);
    AUTO_FREE char *id = NULL;

    if (!what) {
        return 0;
    }
    if (cli_find(cli, noun, what, &id, err) < 0) {
        return -1;
    }
    cli_put_query(path, noun->name, id);
    return 0;
}

static int
list_path(struct cli *cli, struct ds *path, struct nt_err *err)
{
    static const char *const filters[] = { "name", "status", "host", "ip" };

    ds_put_cstr(path, CLI_COMPUTE "/servers/detail");
    for (size_t i = 0; i < NT_ARRAY_SIZE(filters); i++) {
        const char *value = cli_arg(&cli->args, filters[i]);

        if (value) {
            cli_put_query(path, filters[i], value);
        }
    }
    if (cli_arg_flag(&cli->args, "all-tenants")) {
        cli_put_query(path, "all_tenants", "1");
    }
    if (put_reference(cli, &cli_flavor_noun, path, err) < 0
        || put_reference(cli, &cli_image_noun, path, err) < 0) {
        return -1;
    }
    return 0;
}

int
cli_server_list(struct cli *cli, struct nt_err *err)
{
    static const char *const columns[] = { "ID", "Name", "Status", "Networks", NULL };
    struct ds path = DS_EMPTY_INITIALIZER;
    struct json *servers = NULL;
    int rc = list_path(cli, &path, err);

    if (rc == 0) {
        rc = cli_rest_list(cli, ds_cstr(&path), "servers", &servers, err);
    }
    ds_destroy(&path);
    if (rc < 0) {
        return -1;
    }

    struct cli_table *table = cli_table_list(columns);
    for (size_t i = 0; i < json_array(servers)->n; i++) {
        const struct json *server = json_array(servers)->elems[i];
        const struct json *addresses = cli_member(server, "addresses");

        cli_table_add(table, cli_member_clone(server, "id"), NULL);
        cli_table_add(table, cli_member_clone(server, "name"), NULL);
        cli_table_add(table, cli_member_clone(server, "status"), NULL);
        cli_table_add(table, cli_networks_json(addresses), cli_networks_text(addresses));
    }
    json_destroy(servers);
    return cli_print(cli, table, err);
}

int
cli_server_show(struct cli *cli, struct nt_err *err)
{
    struct cli_table *record = NULL;
    struct json *server = NULL;

    if (cli_load(cli, &cli_server_noun, cli_arg(&cli->args, "SERVER"), &server, err) < 0) {
        return -1;
    }

    int rc = cli_server_record(cli, server, &record, err);
    if (rc == 0) {
        put_networks(record, cli_member(server, "addresses"));
        rc = cli_print(cli, record, err);
    }
    json_destroy(server);
    return rc;
}

int
cli_server_delete(struct cli *cli, struct nt_err *err)
{
    return cli_delete_all(cli, &cli_server_noun, "SERVER", err);
}

int
cli_server_console(struct cli *cli, struct nt_err *err)
{
    struct json *length = cli_arg(&cli->args, "length")
                              ? json_integer_create(cli_arg_int(&cli->args, "length", 0))
                              : json_null_create();
    struct json *arg = json_object_create();
    struct json *body = json_object_create();
    struct json *answer = NULL;
    AUTO_FREE char *id = NULL;
    AUTO_FREE char *path = NULL;
    int rc = cli_find(cli, &cli_server_noun, cli_arg(&cli->args, "SERVER"), &id, err);

    json_object_put(arg, "length", length);
    json_object_put(body, "os-getConsoleOutput", arg);
    if (rc == 0) {
        path = xasprintf("%s/%s/action", cli_server_noun.path, id);
        rc = cli_rest(cli, "POST", path, body, &answer, err);
    }
    if (rc == 0) {
        const char *output = cli_member_text(answer, "output");
        size_t len = strlen(output);

        fputs(output, stdout);
        if (len && output[len - 1] != '\n') {
            putchar('\n');
        }
    }
    json_destroy(answer);
    json_destroy(body);
    return rc;
}

int
cli_server_wait(struct cli *cli, struct nt_err *err)
{
    AUTO_FREE char *id = NULL;

    if (cli_find(cli, &cli_server_noun, cli_arg(&cli->args, "SERVER"), &id, err) < 0) {
        return -1;
    }
    return cli_wait(cli, id, cli_arg(&cli->args, "STATUS"), err);
}
