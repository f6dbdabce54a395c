/* Request and answer over one rtnetlink socket; for the files of this folder. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "openvswitch/ofpbuf.h"
#include "wire/netlink/rtnl.h"

struct nlattr;

/* Starts 'request' (initialised by the caller) with its header and 'body', the
 * family's fixed part. */
void nt_nl_begin(struct ofpbuf *request, uint16_t type, uint16_t flags, const void *body,
                 size_t size);

/* Sends 'request' and waits for the kernel's word.  '*reply' (may be NULL when only
 * success matters) is the caller's to ofpbuf_delete(). */
NT_NODISCARD int nt_nl_transact(struct nt_nl *, struct ofpbuf *request, struct ofpbuf **reply);

/* Sends a dump request and calls 'each' per answer.  A dump that raced with a
 * change starts again, after 'restart'. */
struct nt_nl_dump {
    void (*each)(void *aux, const struct ofpbuf *msg);
    void (*restart)(void *aux);
    void *aux;
};
NT_NODISCARD int nt_nl_dump(struct nt_nl *, struct ofpbuf *request, const struct nt_nl_dump *);

/* The attributes of 'msg' behind a fixed part of 'size' bytes, the last of each
 * type below 'n' in 'attrs', NULL where absent.  False when 'msg' is too short. */
bool nt_nl_attrs(const struct ofpbuf *msg, size_t size, const struct nlattr *attrs[], size_t n);
bool nt_nl_nested(const struct nlattr *, const struct nlattr *attrs[], size_t n);

/* An attribute's value, or 0 when it is absent or of another size. */
uint32_t nt_nl_u32(const struct nlattr *);
uint32_t nt_nl_ip4(const struct nlattr *);
uint8_t nt_nl_u8(const struct nlattr *);

/* Copies text, cutting what does not fit. */
void nt_nl_text(const struct nlattr *, char *out, size_t size);
