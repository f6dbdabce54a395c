/* The OpenStack tree of the metadata service, as a pure function. */
#pragma once

#include "server/metadata/source.h"

/* 'parts' are the 'n' decoded parts of the path behind "openstack".  Fails with
 * NT_NOT_FOUND. */
NT_NODISCARD int openstack_get(const struct tree_source *, char *const parts[], size_t n,
                               struct tree_answer *out, struct nt_err *);

/* True for the one path that may be written to, "VERSION/password". */
bool openstack_is_password(char *const parts[], size_t n);
