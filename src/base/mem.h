/* Allocation that does not return NULL (running out of memory ends the process)
 * and small text helpers: libopenvswitch's xmalloc(), xzalloc(), xcalloc(),
 * xrealloc(), xmemdup(), xstrdup(), xasprintf(), x2nrealloc(), ovs_strlcpy(). */
#pragma once

#include "util.h" /* IWYU pragma: export */
