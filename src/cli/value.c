#include <config.h>

#include "cli/value.h"

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"

const struct json *
cli_member(const struct json *json, const char *key)
{
    return json && json->type == JSON_OBJECT ? shash_find_data(json_object(json), key) : NULL;
}

const struct json *
cli_member_list(const struct json *json, const char *key)
{
    const struct json *member = cli_member(json, key);

    return member && member->type == JSON_ARRAY ? member : NULL;
}

const char *
cli_member_text(const struct json *json, const char *key)
{
    const struct json *member = cli_member(json, key);

    return member && member->type == JSON_STRING ? json_string(member) : "";
}

char *
cli_value_text(const struct json *json)
{
    switch (json->type) {
    case JSON_STRING:
        return xstrdup(json_string(json));
    case JSON_NULL:
        return xstrdup("None");
    case JSON_TRUE:
        return xstrdup("True");
    case JSON_FALSE:
        return xstrdup("False");
    case JSON_OBJECT:
    case JSON_ARRAY:
    case JSON_INTEGER:
    case JSON_REAL:
    case JSON_SERIALIZED_OBJECT:
    case JSON_N_TYPES:
        break;
    }
    return json_to_string(json, JSSF_SORT);
}

char *
cli_join(const struct json *list, const char *key)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; list && list->type == JSON_ARRAY && i < json_array(list)->n; i++) {
        const struct json *element = json_array(list)->elems[i];
        const struct json *value = key ? cli_member(element, key) : element;

        if (value) {
            AUTO_FREE char *text = cli_value_text(value);

            ds_put_format(&out, "%s%s", out.length ? ", " : "", text);
        }
    }
    return ds_steal_cstr(&out);
}

struct json *
cli_member_clone(const struct json *json, const char *key)
{
    const struct json *member = cli_member(json, key);

    return member ? json_clone(member) : json_null_create();
}
