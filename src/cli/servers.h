/* How servers are shown; shared by the commands that show one. */
#pragma once

#include "base/attr.h"
#include "base/err.h"

struct cli;
struct cli_table;
struct json;

/* "label=a, b; label2=c" from a server's addresses, labels sorted.  The caller
 * frees. */
char *cli_networks_text(const struct json *addresses);

/* {"label": ["a", "b"]}, the caller's to destroy. */
struct json *cli_networks_json(const struct json *addresses);

/* A record of what 'server' has, without links and addresses; image and flavor by
 * name, which are asked for. */
NT_NODISCARD int cli_server_record(struct cli *, const struct json *server, struct cli_table **out,
                                   struct nt_err *);
