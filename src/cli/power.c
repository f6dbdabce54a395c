#include <config.h>

#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/find.h"
#include "cli/rest.h"
#include "cli/value.h"
#include "cli/wait.h"
#include "openvswitch/dynamic-string.h"

/* Stopping, starting and rebooting servers, and what else an owner changes of one. */

#define SERVER_WORD(flags)                                                            \
    {                                                                                 \
        "SERVER", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED | (flags), "its id or name" \
    }

const struct cli_arg cli_power_args[] = {
    SERVER_WORD(CLI_MANY),
    { "wait", NULL, CLI_FLAG, 0, "wait until it is done" },
    { 0 },
};

const struct cli_arg cli_reboot_args[] = {
    SERVER_WORD(CLI_MANY),
    { "hard", NULL, CLI_FLAG, 0, "without asking the guest to end" },
    { "wait", NULL, CLI_FLAG, 0, "wait until it is active again", .aliases = "poll" },
    { 0 },
};

const struct cli_arg cli_reset_args[] = {
    SERVER_WORD(CLI_MANY),
    { "active", NULL, CLI_FLAG, 0, "to ACTIVE instead of ERROR" },
    { 0 },
};

const struct cli_arg cli_evacuate_args[] = {
    SERVER_WORD(CLI_MANY),
    { "host", "HOST", CLI_TEXT, 0, "where to; the one with the most room when not given" },
    { "wait", NULL, CLI_FLAG, 0, "wait until it is active there" },
    { 0 },
};

const struct cli_arg cli_rename_args[] = {
    SERVER_WORD(0),
    { "NAME", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "its new name" },
    { 0 },
};

const struct cli_arg cli_meta_args[] = {
    SERVER_WORD(0),
    { "ACTION", "set|delete", CLI_TEXT, CLI_WORD | CLI_REQUIRED | CLI_CHOICE, "set or delete" },
    { "KEY", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED | CLI_MANY,
      "KEY=VALUE to set, KEY to delete" },
    { 0 },
};

/* Sends {"name": arg} to each server, then waits for 'goal' if asked to.  Takes 'arg'. */
static int
act_on_all(struct cli *cli, const char *name, struct json *arg, const char *goal,
           struct nt_err *err)
{
    struct json *body = json_object_create();
    const char *what;
    size_t i = 0;
    int rc = 0;

    json_object_put(body, name, arg);
    while (!rc && (what = cli_arg_next(&cli->args, "SERVER", &i))) {
        AUTO_FREE char *id = NULL;

        rc = cli_find(cli, &cli_server_noun, what, &id, err);
        if (!rc) {
            AUTO_FREE char *path = cli_path(&cli_server_noun, id);
            AUTO_FREE char *action = xasprintf("%s/action", path);

            rc = cli_rest(cli, "POST", action, body, NULL, err);
        }
        if (!rc && goal && cli_arg_flag(&cli->args, "wait")) {
            rc = cli_wait(cli, id, goal, err);
        }
    }
    json_destroy(body);
    return rc;
}

int
cli_server_stop(struct cli *cli, struct nt_err *err)
{
    return act_on_all(cli, "os-stop", json_null_create(), "SHUTOFF", err);
}

int
cli_server_start(struct cli *cli, struct nt_err *err)
{
    return act_on_all(cli, "os-start", json_null_create(), "ACTIVE", err);
}

int
cli_server_reboot(struct cli *cli, struct nt_err *err)
{
    struct json *type = json_object_create();

    json_object_put_string(type, "type", cli_arg_flag(&cli->args, "hard") ? "HARD" : "SOFT");
    return act_on_all(cli, "reboot", type, "ACTIVE", err);
}

int
cli_server_evacuate(struct cli *cli, struct nt_err *err)
{
    const char *host = cli_arg(&cli->args, "host");
    struct json *where = json_object_create();

    if (host) {
        json_object_put_string(where, "host", host);
    }
    return act_on_all(cli, "evacuate", where, "ACTIVE", err);
}

int
cli_server_reset(struct cli *cli, struct nt_err *err)
{
    struct json *state = json_object_create();

    json_object_put_string(state, "state", cli_arg_flag(&cli->args, "active") ? "active" : "error");
    return act_on_all(cli, "os-resetState", state, NULL, err);
}

int
cli_server_rename(struct cli *cli, struct nt_err *err)
{
    AUTO_FREE char *id = NULL;

    if (cli_find(cli, &cli_server_noun, cli_arg(&cli->args, "SERVER"), &id, err) < 0) {
        return -1;
    }

    AUTO_FREE char *path = cli_path(&cli_server_noun, id);
    struct json *server = json_object_create();
    struct json *body = json_object_create();

    json_object_put_string(server, "name", cli_arg(&cli->args, "NAME"));
    json_object_put(body, "server", server);
    int rc = cli_rest(cli, "PUT", path, body, NULL, err);
    json_destroy(body);
    return rc;
}

static int
set_metadata(struct cli *cli, const char *path, struct nt_err *err)
{
    struct json *metadata = json_object_create();
    struct json *body = json_object_create();
    const char *item;
    size_t i = 0;
    int rc = 0;

    json_object_put(body, "metadata", metadata);
    while (!rc && (item = cli_arg_next(&cli->args, "KEY", &i))) {
        const char *equals = strchr(item, '=');

        if (!equals || equals == item) {
            rc = cli_usage(cli, err, "'%s' is not KEY=VALUE", item);
        } else {
            AUTO_FREE char *key = xmemdup0(item, equals - item);

            json_object_put_string(metadata, key, equals + 1);
        }
    }
    if (!rc) {
        rc = cli_rest(cli, "POST", path, body, NULL, err);
    }
    json_destroy(body);
    return rc;
}

static int
delete_metadata(struct cli *cli, const char *path, struct nt_err *err)
{
    const char *key;
    size_t i = 0;
    int rc = 0;

    while (!rc && (key = cli_arg_next(&cli->args, "KEY", &i))) {
        struct ds item = DS_EMPTY_INITIALIZER;

        ds_put_format(&item, "%s/", path);
        cli_put_encoded(&item, key);
        rc = cli_rest(cli, "DELETE", ds_cstr(&item), NULL, NULL, err);
        ds_destroy(&item);
    }
    return rc;
}

int
cli_server_meta(struct cli *cli, struct nt_err *err)
{
    AUTO_FREE char *id = NULL;

    if (cli_find(cli, &cli_server_noun, cli_arg(&cli->args, "SERVER"), &id, err) < 0) {
        return -1;
    }

    AUTO_FREE char *server = cli_path(&cli_server_noun, id);
    AUTO_FREE char *path = xasprintf("%s/metadata", server);

    return strcmp(cli_arg(&cli->args, "ACTION"), "set") ? delete_metadata(cli, path, err)
                                                        : set_metadata(cli, path, err);
}
