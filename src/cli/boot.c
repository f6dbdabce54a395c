#include <config.h>

#include "cli/boot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/find.h"
#include "cli/rest.h"
#include "cli/servers.h"
#include "cli/value.h"
#include "cli/wait.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "wire/http/base64.h"

#define MAX_USER_DATA (64 * 1024)

const struct cli_arg cli_boot_args[] = {
    { "NAME", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "its name" },
    { "image", "IMAGE", CLI_TEXT, CLI_REQUIRED, "what it boots from" },
    { "flavor", "FLAVOR", CLI_TEXT, CLI_REQUIRED, "its size" },
    { "nic", "NET", CLI_TEXT, CLI_MANY,
      "net-id=UUID or net-name=LABEL, and ,v4-fixed-ip=ADDRESS; or none" },
    { "availability-zone", "ZONE", CLI_TEXT, 0, "where it runs; ZONE:HOST names the host" },
    { "meta", "KEY=VALUE", CLI_TEXT, CLI_MANY, "metadata" },
    { "user-data", "FILE", CLI_FILE, 0, "what the guest is to get as user data" },
    { "config-drive", "BOOL", CLI_TEXT, 0, "true: a drive with its metadata" },
    { "key-name", "KEY", CLI_TEXT, 0, "key pair" },
    { "security-groups", "A,B", CLI_TEXT, 0, "security groups instead of default" },
    { "min-count", "N", CLI_INT, 0, "how many servers at least" },
    { "max-count", "N", CLI_INT, 0, "how many servers; their names get -1, -2, ..." },
    { "wait", NULL, CLI_FLAG, 0, "wait until it is active (also --poll)", .aliases = "poll" },
    { 0 },
};

static int
take_nic_part(struct cli_nic *nic, const char *key, const char *value, struct nt_err *err)
{
    const struct {
        const char *name;
        char *to;
        size_t size;
    } parts[] = {
        { "net-id", nic->net_id, sizeof nic->net_id },
        { "net-name", nic->net_name, sizeof nic->net_name },
        { "v4-fixed-ip", nic->fixed_ip, sizeof nic->fixed_ip },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(parts); i++) {
        if (strcmp(key, parts[i].name)) {
            continue;
        }
        if (!*value || strlen(value) >= parts[i].size || *parts[i].to) {
            return nt_fail(err, NT_INVALID, "--nic: bad or second value of %s", key);
        }
        ovs_strlcpy(parts[i].to, value, parts[i].size);
        return 0;
    }
    return nt_fail(err, NT_INVALID, "--nic: there is no '%s'", key);
}

int
cli_nic_parse(const char *text, struct cli_nic *out, struct nt_err *err)
{
    AUTO_FREE char *copy = xstrdup(text);
    char *save = NULL;

    *out = (struct cli_nic){ 0 };
    if (!strcmp(text, "auto") || !strcmp(text, "none")) {
        out->mode = !strcmp(text, "auto") ? "auto" : "none";
        return 0;
    }
    for (char *part = strtok_r(copy, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
        char *value = strchr(part, '=');

        if (!value) {
            return nt_fail(err, NT_INVALID, "--nic: '%s' is not KEY=VALUE", part);
        }
        *value++ = '\0';
        if (take_nic_part(out, part, value, err) < 0) {
            return -1;
        }
    }
    if (!*out->net_id == !*out->net_name) {
        return nt_fail(err, NT_INVALID, "--nic needs either net-id or net-name");
    }
    return 0;
}

bool
cli_is_one_of(const char *name, const char *base, long count)
{
    size_t len = strlen(base);
    char *end = NULL;

    if (strncmp(name, base, len) || name[len] != '-' || name[len + 1] < '1'
        || name[len + 1] > '9') {
        return false;
    }
    return strtol(name + len + 1, &end, 10) <= count && !*end;
}

static int
put_nic(struct cli *cli, const struct cli_nic *nic, struct json *list, struct nt_err *err)
{
    struct json *network = json_object_create();
    AUTO_FREE char *id = NULL;

    /* Looking up an id takes rights that booting does not. */
    if (!*nic->net_id && cli_find(cli, &cli_network_noun, nic->net_name, &id, err) < 0) {
        json_destroy(network);
        return -1;
    }
    json_object_put_string(network, "uuid", id ? id : nic->net_id);
    if (*nic->fixed_ip) {
        json_object_put_string(network, "fixed_ip", nic->fixed_ip);
    }
    json_array_add(list, network);
    return 0;
}

static int
put_nics(struct cli *cli, struct json *server, struct nt_err *err)
{
    struct json *list = json_array_create_empty();
    const char *text;
    size_t i = 0;

    /* The server holds the list from here on, so that failing needs no care. */
    json_object_put(server, "networks", list);
    while ((text = cli_arg_next(&cli->args, "nic", &i))) {
        struct cli_nic nic;

        if (cli_nic_parse(text, &nic, err) < 0) {
            cli->is_usage = true;
            return -1;
        }
        if (nic.mode && cli_arg_count(&cli->args, "nic") > 1) {
            return cli_usage(cli, err, "--nic %s cannot stand beside another --nic", nic.mode);
        }
        if (nic.mode) {
            json_object_put_string(server, "networks", nic.mode);
            return 0;
        }
        if (put_nic(cli, &nic, list, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
put_metadata(struct cli *cli, struct json *server, struct nt_err *err)
{
    struct json *metadata = json_object_create();
    const char *text;
    size_t i = 0;

    json_object_put(server, "metadata", metadata);
    while ((text = cli_arg_next(&cli->args, "meta", &i))) {
        const char *equals = strchr(text, '=');

        if (!equals || equals == text) {
            return cli_usage(cli, err, "--meta: '%s' is not KEY=VALUE", text);
        }

        AUTO_FREE char *key = xmemdup0(text, equals - text);
        json_object_put_string(metadata, key, equals + 1);
    }
    return 0;
}

static int
put_user_data(struct cli *cli, struct json *server, struct nt_err *err)
{
    const char *path = cli_arg(&cli->args, "user-data");
    AUTO_FREE char *data = NULL;
    size_t len = 0;

    if (!path) {
        return 0;
    }

    int error = nt_file_read(path, MAX_USER_DATA, &data, &len);
    if (error < 0) {
        return nt_fail_errno(err, -error, "cannot read the user data %s", path);
    }
    json_object_put(server, "user_data", json_string_create_nocopy(nt_base64_encode(data, len)));
    return 0;
}

static int
put_config_drive(struct cli *cli, struct json *server, struct nt_err *err)
{
    const char *text = cli_arg(&cli->args, "config-drive");
    bool wanted = text && !strcasecmp(text, "true");

    if (text && !wanted && strcasecmp(text, "false")) {
        return cli_usage(cli, err, "--config-drive: '%s' is neither true nor false", text);
    }
    if (wanted) {
        json_object_put(server, "config_drive", json_boolean_create(true));
    }
    return 0;
}

static void
put_groups(struct cli *cli, struct json *server)
{
    const char *text = cli_arg(&cli->args, "security-groups");
    AUTO_FREE char *copy = xstrdup(text ? text : "");
    struct json *groups = json_array_create_empty();
    char *save = NULL;

    for (char *name = strtok_r(copy, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
        struct json *group = json_object_create();

        json_object_put_string(group, "name", name);
        json_array_add(groups, group);
    }
    if (json_array(groups)->n) {
        json_object_put(server, "security_groups", groups);
    } else {
        json_destroy(groups);
    }
}

static int
put_reference(struct cli *cli, const struct cli_noun *noun, const char *key, struct json *server,
              struct nt_err *err)
{
    AUTO_FREE char *id = NULL;

    if (cli_find(cli, noun, cli_arg(&cli->args, noun->name), &id, err) < 0) {
        return -1;
    }
    json_object_put_string(server, key, id);
    return 0;
}

static void
put_text(struct cli *cli, const char *arg, const char *key, struct json *server)
{
    const char *value = cli_arg(&cli->args, arg);

    if (value) {
        json_object_put_string(server, key, value);
    }
}

/* The body of the request: what can be wrong here first, then what the server is
 * asked for. */
static int
build_body(struct cli *cli, struct json *server, struct nt_err *err)
{
    long min = cli_arg_int(&cli->args, "min-count", 1);
    long max = cli_arg_int(&cli->args, "max-count", min);

    json_object_put_string(server, "name", cli_arg(&cli->args, "NAME"));
    json_object_put(server, "min_count", json_integer_create(min));
    json_object_put(server, "max_count", json_integer_create(max));
    put_text(cli, "availability-zone", "availability_zone", server);
    put_text(cli, "key-name", "key_name", server);
    put_groups(cli, server);
    if ((cli_arg(&cli->args, "meta") && put_metadata(cli, server, err) < 0)
        || put_user_data(cli, server, err) < 0 || put_config_drive(cli, server, err) < 0
        || (cli_arg(&cli->args, "nic") && put_nics(cli, server, err) < 0)
        || put_reference(cli, &cli_image_noun, "imageRef", server, err) < 0
        || put_reference(cli, &cli_flavor_noun, "flavorRef", server, err) < 0) {
        return -1;
    }
    return 0;
}

/* Waits for all the servers made together with 'first'.  The answer names only that
 * one; the others are known by their names and by not being older. */
static int
wait_for_all(struct cli *cli, const struct json *first, long count, struct nt_err *err)
{
    const char *base = cli_arg(&cli->args, "NAME");
    const char *created = cli_member_text(first, "created");
    struct ds path = DS_EMPTY_INITIALIZER;
    struct json *list = NULL;

    ds_put_cstr(&path, CLI_COMPUTE "/servers/detail");
    cli_put_query(&path, "name", base);
    int rc = cli_rest_list(cli, ds_cstr(&path), "servers", &list, err);
    ds_destroy(&path);
    for (size_t i = 0; rc == 0 && i < json_array(list)->n; i++) {
        const struct json *server = json_array(list)->elems[i];

        if (cli_is_one_of(cli_member_text(server, "name"), base, count)
            && strcmp(cli_member_text(server, "created"), created) >= 0) {
            rc = cli_wait(cli, cli_member_text(server, "id"), "ACTIVE", err);
        }
    }
    json_destroy(list);
    return rc;
}

static int
wait_until_active(struct cli *cli, const struct json *server, struct nt_err *err)
{
    long count = cli_arg_int(&cli->args, "max-count", cli_arg_int(&cli->args, "min-count", 1));

    if (!cli_arg_flag(&cli->args, "wait")) {
        return 0;
    }
    return count > 1 ? wait_for_all(cli, server, count, err)
                     : cli_wait(cli, cli_member_text(server, "id"), "ACTIVE", err);
}

/* Prints the new server as it is after waiting, even if that failed. */
static int
finish(struct cli *cli, const struct json *made, struct nt_err *err)
{
    const char *id = cli_member_text(made, "id");
    struct cli_table *record = NULL;
    struct nt_err failure = { 0 };
    struct json *server = NULL;

    if (cli_get(cli, &cli_server_noun, id, &server, err) < 0) {
        return -1;
    }

    int waited = wait_until_active(cli, server, &failure);
    struct json *now = NULL;
    if (cli_arg_flag(&cli->args, "wait") && cli_get(cli, &cli_server_noun, id, &now, NULL) == 0) {
        json_destroy(server);
        server = now;
    }

    int rc = cli_server_record(cli, server, &record, err);
    if (rc == 0) {
        cli_table_put(record, "adminPass", cli_member_clone(made, "adminPass"), NULL);
        rc = cli_print(cli, record, err);
    }
    json_destroy(server);
    if (waited < 0) {
        *err = failure;
        return -1;
    }
    return rc;
}

int
cli_boot(struct cli *cli, struct nt_err *err)
{
    struct json *server = json_object_create();
    struct json *body = json_object_create();
    struct json *answer = NULL;

    json_object_put(body, "server", server);
    int rc = build_body(cli, server, err);
    if (rc == 0) {
        rc = cli_rest(cli, "POST", cli_server_noun.path, body, &answer, err);
    }
    if (rc == 0) {
        rc = finish(cli, cli_member(answer, "server"), err);
    }
    json_destroy(body);
    json_destroy(answer);
    return rc;
}
