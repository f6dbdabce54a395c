/* Door 3: the metadata service, as a handler for an HTTP server of its own.
 *
 * Who asks is told by the source address alone: the instance that uses this fixed
 * address now.  Nothing is cached, so the next owner of an address never reads what
 * the last one had.  GET and HEAD only.  Loop thread only. */
#pragma once

#include "base/attr.h"
#include "store/store.h"
#include "wire/http/server.h"

struct metadata;

/* Limits for its HTTP server: no bodies, and no guest takes all connections. */
extern const struct nt_http_limits metadata_limits;

/* 'reader' and 'domain' (what host names end in, may be empty) are borrowed. */
struct metadata *metadata_new(struct store *reader, const char *domain);
void metadata_free(struct metadata *);
NT_AUTO(metadata)

/* An nt_http_handler; 'aux' is the struct metadata. */
void metadata_handle(void *metadata, struct nt_http_request *);
