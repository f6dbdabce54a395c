/* Flavors: the sizes an instance can have.  The five classic ones come with the
 * schema. */
#pragma once

#include "base/err.h"
#include "net/instance.h"
#include "store/row.h"

extern const struct table flavors_table; /* struct nt_flavor */

/* Fails with NT_NOT_FOUND. */
NT_NODISCARD int flavor_get(struct store *, const char *id, struct nt_flavor *out, struct nt_err *);

/* Ascending ids (struct nt_flavor). */
NT_NODISCARD int flavor_list(struct store *, struct rows *out, struct nt_err *);
