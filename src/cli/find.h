/* Things by id or by name. */
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

struct cli;
struct json;

/* One kind of thing the server has. */
struct cli_noun {
    const char *name;    /* "server", as messages say it. */
    const char *path;    /* Of its collection. */
    const char *member;  /* The list's name in the answer. */
    const char *wrapper; /* The thing's name in the answer; NULL: it is the answer. */
    const char *label;   /* The member that names it. */
    bool any_id;         /* Ids are not only UUIDs. */
};

extern const struct cli_noun cli_server_noun, cli_flavor_noun, cli_image_noun, cli_network_noun,
    cli_secgroup_noun;

/* The one thing in 'list' with id or name 'what'; an id comes before a name.
 * '*out' is borrowed from the list.  Fails with NT_NOT_FOUND or NT_CONFLICT, in the
 * words of the stock client. */
NT_NODISCARD int cli_find_in(const struct cli_noun *, const struct json *list, const char *what,
                             const struct json **out, struct nt_err *);

/* The id of the server's thing 'what', the caller's to free. */
NT_NODISCARD int cli_find(struct cli *, const struct cli_noun *, const char *what, char **id,
                          struct nt_err *);

/* The whole thing, the caller's to destroy; by id alone, or by id or name. */
NT_NODISCARD int cli_get(struct cli *, const struct cli_noun *, const char *id, struct json **out,
                         struct nt_err *);
NT_NODISCARD int cli_load(struct cli *, const struct cli_noun *, const char *what,
                          struct json **out, struct nt_err *);

/* The path of one thing, the caller's to free. */
char *cli_path(const struct cli_noun *, const char *id);
