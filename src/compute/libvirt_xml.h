/* The description of a machine for libvirt.  A pure function. */
#pragma once

#include <stdbool.h>

#include "compute/guest.h"

/* The link is a tap of ours that is in its bridge and guarded already: libvirt gives the
 * devices of a bridge interface names of its own when the machine starts, so their guard
 * would come after them.  'config_drive' is its image, or NULL.  The caller frees. */
char *libvirt_xml(const struct guest *, const char *instances_path, const char *config_drive,
                  bool kvm);

/* Whether the NUL-separated 'cmdline' of 'n' bytes is that of the guest's machine, as
 * libvirt starts it. */
bool libvirt_is_of(const char *cmdline, size_t n, const struct guest *, const char *instances_path);
