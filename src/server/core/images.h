/* Images: what an instance boots.  Registered from files at start (the server reads
 * image_directory and calls image_put()). */
#pragma once

#include "base/err.h"
#include "net/instance.h"
#include "server/core/env.h"
#include "store/row.h"

extern const struct table images_table; /* struct nt_image */

/* Inserts the image, or updates the one with its id ('id' empty: with its name; a
 * new one gets a fresh id).  number, created_at, updated_at are the store's.
 * '*image' comes back as stored.  Fails with NT_INVALID without a name. */
NT_NODISCARD int image_put(struct store *, const struct core_env *, struct nt_image *image,
                           struct nt_err *);

/* Fails with NT_NOT_FOUND. */
NT_NODISCARD int image_get(struct store *, const char *id, struct nt_image *out, struct nt_err *);

/* By id, else by name; a name several have is NT_CONFLICT. */
NT_NODISCARD int image_find(struct store *, const char *id_or_name, struct nt_image *out,
                            struct nt_err *);

/* Ascending numbers (struct nt_image).  'name' NULL: all, else those of this name. */
NT_NODISCARD int image_list(struct store *, const char *name, struct rows *out, struct nt_err *);
