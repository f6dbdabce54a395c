#include <config.h>

#include "cli/list.h"

#include <string.h>

#include "cli/cli.h"
#include "cli/find.h"
#include "cli/rest.h"
#include "cli/value.h"
#include "openvswitch/shash.h"

#define MAX_COLUMNS 16

static int
print_list(struct cli *cli, const struct json *list, const struct cli_column *columns,
           struct nt_err *err)
{
    const char *titles[MAX_COLUMNS + 1] = { NULL };
    size_t n = 0;

    while (n < MAX_COLUMNS && columns[n].title) {
        titles[n] = columns[n].title;
        n++;
    }

    struct cli_table *table = cli_table_list(titles);
    for (size_t i = 0; i < json_array(list)->n; i++) {
        for (size_t j = 0; j < n; j++) {
            cli_table_add(table, cli_member_clone(json_array(list)->elems[i], columns[j].member),
                          NULL);
        }
    }
    return cli_print(cli, table, err);
}

int
cli_list(struct cli *cli, const char *path, const char *member, const struct cli_column *columns,
         struct nt_err *err)
{
    struct json *list = NULL;

    if (cli_rest_list(cli, path, member, &list, err) < 0) {
        return -1;
    }

    int rc = print_list(cli, list, columns, err);
    json_destroy(list);
    return rc;
}

int
cli_print_list(struct cli *cli, const struct json *answer, const char *member,
               const struct cli_column *columns, struct nt_err *err)
{
    const struct json *list = cli_member_list(answer, member);

    return list ? print_list(cli, list, columns, err)
                : nt_fail(err, NT_FAULT, "the answer has no %s", member);
}

int
cli_print_object(struct cli *cli, const struct json *object, struct nt_err *err)
{
    struct cli_table *record = cli_table_record();
    struct shash_node *node;

    SHASH_FOR_EACH (node, json_object(object)) {
        if (strcmp(node->name, "links")) {
            cli_table_put(record, node->name, json_clone(node->data), NULL);
        }
    }
    return cli_print(cli, record, err);
}

int
cli_show(struct cli *cli, const struct cli_noun *noun, const char *arg, struct nt_err *err)
{
    struct json *thing = NULL;

    if (cli_load(cli, noun, cli_arg(&cli->args, arg), &thing, err) < 0) {
        return -1;
    }

    int rc = cli_print_object(cli, thing, err);
    json_destroy(thing);
    return rc;
}
