/* The root disk of a virtual machine: an overlay "disk" in its folder over the image's
 * file, which is never written.  The same for every driver that runs real machines.
 *
 * The image is registered by whoever runs the cloud, but its bytes may come from anybody:
 * its format is what the registration says, never guessed from its content, and one that
 * refers to other files of the host (backing or data file) is refused.
 *
 * Work is done by child processes (qemu-img); loop thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/child.h"
#include "base/err.h"
#include "compute/guest.h"

struct disk;

enum disk_state { DISK_WORKING, DISK_READY, DISK_FAILED };

/* The guest's view says which image and how large.  An overlay that is there already is
 * taken as it is.  Everything is copied. */
struct disk *disk_prepare(struct nt_children *, const struct guest *, const char *instances_path);

/* Kills what is still at work. */
void disk_free(struct disk *);
NT_AUTO(disk)

enum disk_state disk_get_state(const struct disk *);
const char *disk_why(const struct disk *); /* Why it failed. */

/* True for an image without a disk of its own: it boots a kernel and a ramdisk. */
bool disk_is_absent(const struct guest *);

/* "PATH/instance-00000009/disk"; the caller frees. */
char *disk_path(const struct guest *, const char *instances_path);

/* Checks what 'qemu-img info --output=json' says of an image.  '*size' is that of the
 * disk in bytes.  Fails with NT_INVALID. */
NT_NODISCARD int disk_check_info(const char *json, int64_t *size, struct nt_err *);
