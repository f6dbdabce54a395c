/* The config drive of a virtual machine: an ISO 9660 image "disk.config" in its folder,
 * labelled config-2, with what the server says the guest may read about itself.  Made once,
 * before the first start; only its owner (root) reads it on the host.
 *
 *     ASKING  the server is asked; again when it was away
 *     MAKING  genisoimage is at work
 *
 * Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "bus/bus.h"
#include "compute/guest.h"

struct config_drives;

struct config_drives_env {
    struct nt_bus *bus; /* All borrowed. */
    const struct nt_clock *clock;
    struct nt_children *children;
    const char *host, *instances_path;
};

struct config_drives *config_drives_new(const struct config_drives_env *);

/* After the bus: what it still owes is answered there. */
void config_drives_free(struct config_drives *);
NT_AUTO(config_drives)

/* 0: it is there; 1: under way, to be asked again each turn; -1: it cannot be made, which is
 * said once: the next asking tries anew. */
NT_NODISCARD int config_drives_make(struct config_drives *, const struct guest *, struct nt_err *);

/* Nobody waits for it any more. */
void config_drives_forget(struct config_drives *, const char *instance_id);
void config_drives_wait(const struct config_drives *);

/* The image's path, NULL while there is none; the caller frees. */
char *config_drive_path(const struct guest *, const char *instances_path);
