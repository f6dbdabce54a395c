/* Named network namespaces, as `ip netns` keeps them: a mount at /run/netns/NAME.
 *
 * The program's own namespace is left for an instant by nt_netns_add() and entered
 * again before it returns; call from the loop thread only.  Names: letters, digits,
 * '-', '_' and '.', at most 200, not "." or "..". */
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

#define NT_NETNS_DIR "/run/netns"
#define NT_NETNS_NAME_MAX 200

bool nt_netns_name_is_valid(const char *);

/* Makes the namespace, with lo up.  One that is there is fine.  Fails with
 * NT_INVALID (the name) or NT_FAULT. */
NT_NODISCARD int nt_netns_add(const char *name, struct nt_err *);

/* Removes the name; the namespace goes with its last process.  Fine when it is not
 * there.  Fails with NT_INVALID or NT_FAULT. */
NT_NODISCARD int nt_netns_delete(const char *name, struct nt_err *);

bool nt_netns_exists(const char *name);

/* '*fd' is the caller's to close (close-on-exec), for setns(2), nt_nl_open() and
 * nt_vif_plug().  Fails with NT_INVALID, NT_NOT_FOUND or NT_FAULT. */
NT_NODISCARD int nt_netns_open(const char *name, int *fd, struct nt_err *);
