/* What a guest may read about itself, as a pure function of its path: the EC2 tree
 * here, the OpenStack tree in openstack.c.
 *
 * Paths are "[ec2/]VERSION/meta-data/KEY..." or ".../user-data".  One table names
 * the keys, the version each came with, and where its value comes from; listings are
 * drawn from the same table: sorted, one name per line without a line break after
 * the last, directories with '/'. */
#pragma once

#include "server/metadata/source.h"

/* 'parts' are the 'n' decoded parts of the path.  Fails with NT_NOT_FOUND. */
NT_NODISCARD int tree_get(const struct tree_source *, char *const parts[], size_t n,
                          struct tree_answer *out, struct nt_err *);

/* The newest EC2 meta data as one JSON object, as it is on a config drive: directories are
 * objects. */
void tree_get_json(const struct tree_source *, struct tree_answer *out);

/* True for the one path that may be written to, "openstack/VERSION/password". */
bool tree_is_password(char *const parts[], size_t n);
