#include <config.h>

#include "cli/rest.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/value.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "wire/http/client.h"

#define MAX_PAGES 10000

void
cli_put_encoded(struct ds *path, const char *text)
{
    for (const unsigned char *p = (const unsigned char *) text; *p; p++) {
        if ((*p < 0x80 && isalnum(*p)) || strchr("-._~", *p)) {
            ds_put_char(path, *p);
        } else {
            ds_put_format(path, "%%%02X", *p);
        }
    }
}

void
cli_put_query(struct ds *path, const char *key, const char *value)
{
    ds_put_format(path, "%c%s=", strchr(ds_cstr(path), '?') ? '&' : '?', key);
    cli_put_encoded(path, value);
}

/* NULL unless it is an object: the parser gives its own errors as a text. */
static struct json *
parse_object(const char *body)
{
    struct json *json = json_from_string(body);

    if (json->type != JSON_OBJECT) {
        json_destroy(json);
        return NULL;
    }
    return json;
}

char *
cli_fault_message(const char *body)
{
    struct json *json = parse_object(body);
    const char *message = cli_member_text(json, "message");
    struct shash_node *node;

    /* The image service has it at the top, the others in the only member. */
    if (json && !*message) {
        SHASH_FOR_EACH (node, json_object(json)) {
            const char *inner = cli_member_text(node->data, "message");

            message = *inner ? inner : message;
        }
    }

    char *copy = *message ? xstrdup(message) : NULL;
    json_destroy(json);
    return copy;
}

static int
fail_with(const struct nt_http_result *result, const char *method, const char *path,
          struct nt_err *err)
{
    AUTO_FREE char *message = cli_fault_message(result->body);
    enum nt_code code = result->status == 404 ? NT_NOT_FOUND : NT_FAULT;

    return message
               ? nt_fail(err, code, "%s", message)
               : nt_fail(err, code, "the server answers %d to %s %s", result->status, method, path);
}

int
cli_rest(struct cli *cli, const char *method, const char *path, const struct json *body,
         struct json **out, struct nt_err *err)
{
    AUTO_FREE char *text = body ? json_to_string(body, JSSF_SORT) : NULL;
    struct nt_http_result result = { 0 };
    int rc = 0;

    if (nt_http_client_request(cli->client, method, path, text, &result, err) < 0) {
        return -1;
    }
    if (result.status < 200 || result.status > 299) {
        rc = fail_with(&result, method, path, err);
    } else if (out) {
        struct json *json = parse_object(result.body);

        if (json) {
            *out = json;
        } else {
            rc = nt_fail(err, NT_FAULT, "the answer to %s %s is not a JSON object", method, path);
        }
    }
    nt_http_result_clear(&result);
    return rc;
}

/* Moves a page's elements to 'all'; the id of the last one, "" after the last page.
 * The caller frees. */
static char *
take_page(const struct json *page, const char *member, struct json *all)
{
    const struct json *list = cli_member_list(page, member);
    AUTO_FREE char *links = xasprintf("%s_links", member);
    size_t n = list ? json_array(list)->n : 0;

    for (size_t i = 0; i < n; i++) {
        json_array_add(all, json_clone(json_array(list)->elems[i]));
    }
    return xstrdup(n && cli_member_list(page, links)
                       ? cli_member_text(json_array(list)->elems[n - 1], "id")
                       : "");
}

int
cli_rest_list(struct cli *cli, const char *path, const char *member, struct json **out,
              struct nt_err *err)
{
    struct json *all = json_array_create_empty();
    char *marker = xstrdup("");
    int rc = 0;

    for (int i = 0; i < MAX_PAGES && (!i || *marker); i++) {
        struct ds next = DS_EMPTY_INITIALIZER;
        struct json *page = NULL;

        ds_put_cstr(&next, path);
        if (*marker) {
            cli_put_query(&next, "marker", marker);
        }
        rc = cli_rest(cli, "GET", ds_cstr(&next), NULL, &page, err);
        ds_destroy(&next);
        if (rc < 0) {
            break;
        }
        free(marker);
        marker = take_page(page, member, all);
        json_destroy(page);
    }
    free(marker);
    if (rc < 0) {
        json_destroy(all);
        return -1;
    }
    *out = all;
    return 0;
}
