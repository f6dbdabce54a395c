/* GET /metrics of a program: what Prometheus reads.
 *
 * The writer is called for each request and writes everything.  Anybody who can reach
 * the address may ask, so it is one of this host only.  Loop thread only. */
#pragma once

#include <stdint.h>

#include "base/program.h"
#include "wire/http/server.h"

struct ds;
struct nt_loop;
struct nt_metrics_door;

typedef void nt_metrics_writer(void *aux, struct ds *out);

/* Listens on the options metrics_listen and 'port_option', and adds itself to 'loop'.
 * What every program has is written here, 'writer' (may be NULL) adds the rest.
 * Returns NULL when the port is 0, or, after a line in the log, when it is taken: a
 * program works without.  All arguments are borrowed. */
struct nt_metrics_door *nt_metrics_door_open(const struct nt_program *, const char *port_option,
                                             struct nt_loop *loop, nt_metrics_writer *writer,
                                             void *aux);
void nt_metrics_door_free(struct nt_metrics_door *);
NT_AUTO(nt_metrics_door)

/* Adds neutrino_http_requests_total of one door, by status; 'first' writes its head. */
void nt_http_server_metrics(const struct nt_http_server *, const char *door, bool first,
                            struct ds *out);
