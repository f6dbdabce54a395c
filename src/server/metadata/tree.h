/* What a guest may read about itself: the EC2 tree, as a pure function.
 *
 * Paths are "[ec2/]VERSION/meta-data/KEY..." or ".../user-data".  One table names
 * the keys, the version each came with, and where its value comes from; listings are
 * drawn from the same table: sorted, one name per line without a line break after
 * the last, directories with '/'. */
#pragma once

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "server/core/instance_info.h"

struct tree_answer {
    char *body; /* Owned; may hold any bytes (user data). */
    size_t len;
    const char *content_type;
};

/* 'parts' are the 'n' decoded parts of the path.  'domain' is what guests' host
 * names end in, or empty.  Fails with NT_NOT_FOUND. */
NT_NODISCARD int tree_get(const struct instance_info *, const char *domain, char *const parts[],
                          size_t n, struct tree_answer *out, struct nt_err *);
