/* What drivers of virtual machines have in common: the machine's name, its taps, and its
 * process among those of this host. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/child.h"
#include "compute/guest.h"

/* guest->handle: "instance-00000009". */
void machine_name(struct guest *);

/* A guarded-to-be tap per link; undoes itself.  Fails with NT_INVALID or as
 * nt_tap_plug(). */
NT_NODISCARD int machine_plug(struct guest *, struct nt_err *);
NT_NODISCARD int machine_unplug(struct guest *, struct nt_err *);

/* Whether the NUL-separated arguments are those of the guest's machine. */
typedef bool machine_test(const char *cmdline, size_t n, const struct guest *,
                          const char *instances_path);

/* Holds the guest's process: the one noted, or, when that is none or another's, the one
 * with its arguments, which is then noted.  False: there is none. */
bool machine_hold(struct guest *, machine_test *, const char *instances_path,
                  struct nt_pidwatch **out);
