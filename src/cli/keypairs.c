#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/list.h"
#include "cli/rest.h"
#include "cli/value.h"
#include "openvswitch/dynamic-string.h"

#define PATH CLI_COMPUTE "/os-keypairs"
#define MAX_KEY 16384

const struct cli_arg cli_keypair_add_args[] = {
    { "pub-key", "FILE", CLI_FILE, 0, "this public key instead of a new pair",
      .aliases = "public-key" },
    { "NAME", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "its name" },
    { 0 },
};

const struct cli_arg cli_keypair_args[] = {
    { "NAME", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "its name" },
    { 0 },
};

static char *
path_of(const char *name)
{
    struct ds path = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&path, PATH "/");
    cli_put_encoded(&path, name);
    return ds_steal_cstr(&path);
}

/* The public key in the file that was named, or nothing. */
static int
put_public_key(struct cli *cli, struct json *keypair, struct nt_err *err)
{
    const char *file = cli_arg(&cli->args, "pub-key");
    AUTO_FREE char *text = NULL;

    if (!file) {
        return 0;
    }

    int error = nt_file_read(file, MAX_KEY, &text, NULL);
    if (error < 0) {
        return nt_fail_errno(err, -error, "cannot read the public key %s", file);
    }
    if (strstr(text, "PRIVATE KEY")) {
        return nt_fail(err, NT_INVALID, "%s is a private key: it is not sent", file);
    }
    json_object_put_string(keypair, "public_key", text);
    return 0;
}

/* A new private key is printed as it is, for a file; there is no second time. */
static int
print_added(struct cli *cli, const struct json *answer, struct nt_err *err)
{
    const struct json *keypair = cli_member(answer, "keypair");
    const char *private_key = cli_member_text(keypair, "private_key");

    if (!keypair || keypair->type != JSON_OBJECT) {
        return nt_fail(err, NT_FAULT, "the answer has no keypair");
    }
    if (!*private_key) {
        return cli_print_object(cli, keypair, err);
    }
    fputs(private_key, stdout);
    if (private_key[strlen(private_key) - 1] != '\n') {
        putchar('\n');
    }
    return 0;
}

int
cli_keypair_add(struct cli *cli, struct nt_err *err)
{
    struct json *keypair = json_object_create();
    struct json *body = json_object_create();
    struct json *answer = NULL;

    json_object_put_string(keypair, "name", cli_arg(&cli->args, "NAME"));
    json_object_put(body, "keypair", keypair);

    int rc =
        put_public_key(cli, keypair, err) < 0 || cli_rest(cli, "POST", PATH, body, &answer, err) < 0
            ? -1
            : print_added(cli, answer, err);
    json_destroy(body);
    json_destroy(answer);
    return rc;
}

int
cli_keypair_list(struct cli *cli, struct nt_err *err)
{
    static const char *const columns[] = { "Name", "Type", "Fingerprint", NULL };
    struct json *list = NULL;

    if (cli_rest_list(cli, PATH, "keypairs", &list, err) < 0) {
        return -1;
    }

    struct cli_table *table = cli_table_list(columns);
    for (size_t i = 0; i < json_array(list)->n; i++) {
        const struct json *keypair = cli_member(json_array(list)->elems[i], "keypair");

        cli_table_add(table, cli_member_clone(keypair, "name"), NULL);
        cli_table_add(table, cli_member_clone(keypair, "type"), NULL);
        cli_table_add(table, cli_member_clone(keypair, "fingerprint"), NULL);
    }
    json_destroy(list);
    return cli_print(cli, table, err);
}

int
cli_keypair_show(struct cli *cli, struct nt_err *err)
{
    AUTO_FREE char *path = path_of(cli_arg(&cli->args, "NAME"));
    struct json *answer = NULL;

    if (cli_rest(cli, "GET", path, NULL, &answer, err) < 0) {
        return -1;
    }

    const struct json *keypair = cli_member(answer, "keypair");
    int rc = keypair && keypair->type == JSON_OBJECT
                 ? cli_print_object(cli, keypair, err)
                 : nt_fail(err, NT_FAULT, "the answer has no keypair");
    json_destroy(answer);
    return rc;
}

int
cli_keypair_delete(struct cli *cli, struct nt_err *err)
{
    AUTO_FREE char *path = path_of(cli_arg(&cli->args, "NAME"));

    return cli_rest(cli, "DELETE", path, NULL, NULL, err);
}
