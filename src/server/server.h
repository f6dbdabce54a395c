/* The server: three doors around one database.
 *
 *     rest (8774) ----\
 *     metadata (8775) --> op, core, store --> notify --> bus
 *     bus (conductor) -/
 *
 * Runs unprivileged; touches no interface and no rule of its host. */
#pragma once

#include "base/loop.h"
#include "base/program.h"

struct ds;
struct server;

/* Builds the parts.  'program' is borrowed.  Fails with the reason. */
NT_NODISCARD int server_new(const struct nt_program *program, struct server **out, struct nt_err *);
void server_free(struct server *);
NT_AUTO(server)

/* Adds the parts to the loop, in the order data flows. */
void server_add_to(struct server *, struct nt_loop *);

/* Appends the server's metrics (nt_metrics_writer). */
void server_metrics(void *server, struct ds *out);

/* Reads the credentials again (SIGHUP). */
void server_reload(void *server);
