#include <config.h>

#include <stdlib.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/list.h"
#include "cli/rest.h"
#include "cli/value.h"

#define RULES CLI_COMPUTE "/os-provider-rules"

const struct cli_arg cli_provider_rule_add_args[] = {
    { "PROTOCOL", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "tcp, udp or icmp" },
    { "FROM", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "first port, or ICMP type; -1: all" },
    { "TO", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "last port, or ICMP code; -1: all" },
    { "CIDR", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "where it comes from" },
    { 0 },
};

const struct cli_arg cli_provider_rule_args[] = {
    { "RULE", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "its id" },
    { 0 },
};

int
cli_provider_rule_list(struct cli *cli, struct nt_err *err)
{
    static const struct cli_column columns[] = {
        { "ID", "id" },           { "IP Protocol", "ip_protocol" }, { "From Port", "from_port" },
        { "To Port", "to_port" }, { "IP Range", "cidr" },           { 0 },
    };

    return cli_list(cli, RULES, "provider_rules", columns, err);
}

/* What is no number is for the server to refuse, by its name. */
static struct json *
number(const char *text)
{
    char *end;
    long long value = strtoll(text, &end, 10);

    return *text && !*end ? json_integer_create(value) : json_string_create(text);
}

int
cli_provider_rule_add(struct cli *cli, struct nt_err *err)
{
    struct json *rule = json_object_create();
    struct json *body = json_object_create();
    struct json *answer = NULL;

    json_object_put_string(rule, "ip_protocol", cli_arg(&cli->args, "PROTOCOL"));
    json_object_put(rule, "from_port", number(cli_arg(&cli->args, "FROM")));
    json_object_put(rule, "to_port", number(cli_arg(&cli->args, "TO")));
    json_object_put_string(rule, "cidr", cli_arg(&cli->args, "CIDR"));
    json_object_put(body, "provider_rule", rule);

    int rc = cli_rest(cli, "POST", RULES, body, &answer, err);
    if (rc == 0) {
        const struct json *made = cli_member(answer, "provider_rule");

        rc = made && made->type == JSON_OBJECT
                 ? cli_print_object(cli, made, err)
                 : nt_fail(err, NT_FAULT, "the answer has no provider rule");
    }
    json_destroy(body);
    json_destroy(answer);
    return rc;
}

int
cli_provider_rule_delete(struct cli *cli, struct nt_err *err)
{
    AUTO_FREE char *path = xasprintf(RULES "/%s", cli_arg(&cli->args, "RULE"));

    return cli_rest(cli, "DELETE", path, NULL, NULL, err);
}
