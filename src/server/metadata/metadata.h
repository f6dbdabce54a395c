/* Door 3: the metadata service, as a handler for an HTTP server of its own.
 *
 * Who asks is told by the source address: the instance that uses this fixed address
 * now; or by a configured proxy (sender.h).  What is kept is kept by instance (cache.h), so
 * the next owner of an address never reads what the last one had.  GET and HEAD, and one POST: the
 * password a guest stores of itself, once.
 *
 * Order of the end: op_queue_free(), metadata_free(), nt_http_server_free().  Loop
 * thread only. */
#pragma once

#include "base/attr.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/err.h"
#include "base/random.h"
#include "rpc/conductor.h"
#include "server/op.h"
#include "store/store.h"
#include "wire/http/server.h"

struct metadata;

/* Limits for its HTTP server: small bodies, and no guest takes all connections. */
extern const struct nt_http_limits metadata_limits;

/* Everything is borrowed and must outlive the result. */
struct metadata_options {
    struct store *reader;
    struct op_queue *ops;
    struct nt_random *random;
    const struct nt_clock *clock;
    const struct nt_config *config;
};

/* Fails with NT_INVALID, naming the option that is wrong. */
NT_NODISCARD int metadata_new(const struct metadata_options *, struct metadata **out,
                              struct nt_err *);
void metadata_free(struct metadata *);
NT_AUTO(metadata)

/* What the instance's config drive holds: the pages it could read here, without the password it
 * may store later.  A conductor_config_drive_fn. */
NT_NODISCARD int metadata_config_drive(void *metadata, const char *instance_id,
                                       struct nt_config_drive_result *out, struct nt_err *);

/* An nt_http_handler; 'aux' is the struct metadata. */
void metadata_handle(void *metadata, struct nt_http_request *);
