#include <config.h>

#include "cli/find.h"

#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/rest.h"
#include "cli/value.h"
#include "net/field.h"
#include "openvswitch/dynamic-string.h"

const struct cli_noun cli_server_noun = {
    "server", CLI_COMPUTE "/servers", "servers", "server", "name", false,
};
const struct cli_noun cli_flavor_noun = {
    "flavor", CLI_COMPUTE "/flavors", "flavors", "flavor", "name", true,
};
const struct cli_noun cli_image_noun = {
    "image", CLI_IMAGE "/images", "images", NULL, "name", false,
};
const struct cli_noun cli_network_noun = {
    "network", CLI_COMPUTE "/os-networks", "networks", "network", "label", false,
};
const struct cli_noun cli_secgroup_noun = {
    "security group",
    CLI_COMPUTE "/os-security-groups",
    "security_groups",
    "security_group",
    "name",
    false,
};

int
cli_find_in(const struct cli_noun *noun, const struct json *list, const char *what,
            const struct json **out, struct nt_err *err)
{
    const struct json *found = NULL;
    size_t n_found = 0;

    for (size_t i = 0; i < json_array(list)->n; i++) {
        const struct json *thing = json_array(list)->elems[i];

        if (!strcmp(cli_member_text(thing, "id"), what)) {
            *out = thing;
            return 0;
        }
        if (!strcmp(cli_member_text(thing, noun->label), what)) {
            found = thing;
            n_found++;
        }
    }
    if (n_found > 1) {
        return nt_fail(err, NT_CONFLICT,
                       "Multiple %s matches found for '%s', use an ID to be more specific.",
                       noun->name, what);
    }
    if (!found) {
        return nt_fail(err, NT_NOT_FOUND, "No %s with a name or ID of '%s' exists.", noun->name,
                       what);
    }
    *out = found;
    return 0;
}

char *
cli_path(const struct cli_noun *noun, const char *id)
{
    struct ds path = DS_EMPTY_INITIALIZER;

    ds_put_format(&path, "%s/", noun->path);
    cli_put_encoded(&path, id);
    return ds_steal_cstr(&path);
}

int
cli_get(struct cli *cli, const struct cli_noun *noun, const char *id, struct json **out,
        struct nt_err *err)
{
    AUTO_FREE char *path = cli_path(noun, id);
    struct json *answer = NULL;

    if (cli_rest(cli, "GET", path, NULL, &answer, err) < 0) {
        return -1;
    }

    const struct json *thing = noun->wrapper ? cli_member(answer, noun->wrapper) : answer;
    if (!thing || thing->type != JSON_OBJECT || !*cli_member_text(thing, "id")) {
        json_destroy(answer);
        return nt_fail(err, NT_FAULT, "the answer to GET %s has no %s", path, noun->name);
    }
    *out = json_clone(thing);
    json_destroy(answer);
    return 0;
}

static int
find_by_name(struct cli *cli, const struct cli_noun *noun, const char *what, char **id,
             struct nt_err *err)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    const struct json *thing = NULL;
    struct json *list = NULL;

    ds_put_cstr(&path, noun->path);
    cli_put_query(&path, "name", what);
    int rc = cli_rest_list(cli, ds_cstr(&path), noun->member, &list, err);
    ds_destroy(&path);
    if (rc == 0) {
        rc = cli_find_in(noun, list, what, &thing, err);
    }
    if (rc == 0) {
        *id = xstrdup(cli_member_text(thing, "id"));
    }
    json_destroy(list);
    return rc;
}

/* What looks like an id is tried as one first.  Sets '*id', and '*thing' too when
 * it came along. */
static int
resolve(struct cli *cli, const struct cli_noun *noun, const char *what, char **id,
        struct json **thing, struct nt_err *err)
{
    struct nt_err not_there = { 0 };

    if (!*what) {
        return nt_fail(err, NT_NOT_FOUND, "No %s with a name or ID of '' exists.", noun->name);
    }
    if (noun->any_id || nt_is_uuid(what)) {
        if (cli_get(cli, noun, what, thing, &not_there) == 0) {
            *id = xstrdup(cli_member_text(*thing, "id"));
            return 0;
        }
        if (not_there.code != NT_NOT_FOUND) {
            *err = not_there;
            return -1;
        }
    }
    return find_by_name(cli, noun, what, id, err);
}

int
cli_find(struct cli *cli, const struct cli_noun *noun, const char *what, char **id,
         struct nt_err *err)
{
    struct json *thing = NULL;
    int rc = resolve(cli, noun, what, id, &thing, err);

    json_destroy(thing);
    return rc;
}

int
cli_load(struct cli *cli, const struct cli_noun *noun, const char *what, struct json **out,
         struct nt_err *err)
{
    struct json *thing = NULL;
    AUTO_FREE char *id = NULL;

    if (resolve(cli, noun, what, &id, &thing, err) < 0
        || (!thing && cli_get(cli, noun, id, &thing, err) < 0)) {
        return -1;
    }
    *out = thing;
    return 0;
}
