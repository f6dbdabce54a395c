/* Objects one by one: for who wants few of the many that are pushed, and must not lose all
 * that one answer brings because one object in it is not readable.
 *
 * The tables of rpc/neutron/resources.h read a message as a whole; here its objects stay
 * JSON until somebody wants them. */
#pragma once

#include "net/security_group.h"
#include "net/vo.h"
#include "rpc/neutron/resources.h"

/* bulk_pull of the objects of 'type' with these ids; all borrowed for the call.  The answer is
 * as it came: a list of primitives, in any order, of those that exist. */
struct nt_neutron_question {
    const struct nt_vo_type *type;
    const struct nt_uuid_text *ids;
    size_t n_ids;
};
void nt_neutron_pull(struct nt_bus *, const struct nt_neutron_question *, int64_t timeout_ms,
                     nt_bus_reply_cb *, void *aux);

/* The objects of a push, and whether they were deleted.  '*list' is borrowed from 'args'.
 * Fails with NT_INVALID. */
NT_NODISCARD int nt_neutron_push_open(const struct json *args, const struct json **list,
                                      bool *deleted, struct nt_err *);

/* The id of a primitive that says it is of 'type', in lower case; nothing else is looked at.
 * 'what' begins messages.  Fails with NT_INVALID. */
NT_NODISCARD int nt_neutron_object_id(const struct nt_vo_type *type, const struct json *,
                                      const char *what, char id[NT_UUID_SIZE], struct nt_err *);

/* All of it.  Fails with NT_INVALID and NT_UNSUPPORTED. */
NT_NODISCARD int nt_neutron_object_read(const struct nt_vo_type *type, const struct json *,
                                        const char *what, struct nt_vo **out, struct nt_err *);
