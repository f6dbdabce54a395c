/* Reading what the server answered: JSON whose shape nobody promises. */
#pragma once

#include "base/attr.h"
#include "openvswitch/json.h"

/* The member 'key' of an object; NULL when 'json' is NULL, no object, or has none. */
const struct json *cli_member(const struct json *, const char *key);

/* The same if it is an array, else NULL. */
const struct json *cli_member_list(const struct json *, const char *key);

/* The text of the member; "" when it is not there or not a text. */
const char *cli_member_text(const struct json *, const char *key);

/* How a value is shown: a text as it is, None, True and False as the stock client
 * writes them, objects and lists as JSON.  The caller frees. */
char *cli_value_text(const struct json *);

/* The texts of 'list' (of each element's member 'key' if not NULL), with ", "
 * between them.  The caller frees. */
char *cli_join(const struct json *list, const char *key);

/* A copy of the member, or JSON null.  The caller owns it. */
struct json *cli_member_clone(const struct json *, const char *key);
