/* What runs guests.  A driver is a class with one object per program; the phases of
 * a guest (guest.h) call it in this order:
 *
 *     name -> plug -> start -> (running) -> stop -> unplug
 *
 * and adopt() instead of plug and start for a guest an earlier process left.  One that is
 * stopped or rebooted goes from stop back to plug and start under the same handle: devices
 * that are there stay as they are, those that are not (the host was started anew) are made.
 * Calls return at once; what takes time is asked about with is_running().  A guest
 * outlives the program. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/err.h"
#include "compute/guest.h"

struct driver;

struct driver_class {
    const char *label; /* For messages. */
    bool has_drives;   /* Its guests are given a config drive that is in their folder. */

    /* Chooses guest->handle, a name that nothing has yet; makes nothing. */
    void (*name)(struct driver *, struct guest *);

    /* Makes the devices: host ends named vnetN in their bridges (which are there),
     * up, with the fe: MAC.  Fills in guest->ifnames.  Undoes itself on failure; takes up what an
     * earlier process left half-done under the same handle. */
    int (*plug)(struct driver *, struct guest *, struct nt_err *);

    /* Starts it; console output is appended to console.log in its folder.  guest->pid is 0
     * before, and what is noted of the guest says that it may be starting.  1: it is under
     * way (guest->pid may be set); asked again each turn until it is 0 or -1. */
    int (*start)(struct driver *, struct guest *, struct nt_err *);

    /* Takes up what an earlier process left: true if the guest runs.  With guest->pid 0 it
     * may have been started without a note of it, and must be found then. */
    bool (*adopt)(struct driver *, struct guest *);

    /* Asks it to end, and makes it end when 'limit_ms' have passed; 0: at once.  Asked
     * again, the earlier end counts. */
    void (*stop)(struct driver *, struct guest *, int64_t limit_ms);
    bool (*is_running)(struct driver *, const struct guest *);

    /* Removes what plug() made; what is missing is fine. */
    int (*unplug)(struct driver *, struct guest *, struct nt_err *);

    void (*run)(struct driver *);
    void (*wait)(struct driver *);
    void (*free)(struct driver *);
};

struct driver {
    const struct driver_class *class;
};

struct driver_env {
    const struct nt_config *config; /* All borrowed. */
    const struct nt_clock *clock;
    struct nt_children *children;
    const char *instances_path;
};

/* By option compute_driver.  Fails with NT_UNSUPPORTED, listing what is offered. */
NT_NODISCARD int driver_new(const struct driver_env *, struct driver **out, struct nt_err *);

/* Guests as network namespaces that run an init program in their own mount, PID,
 * IPC and UTS namespaces. */
struct driver *driver_netns_new(const struct driver_env *);

/* Guests as virtual machines, each a process of QEMU. */
struct driver *driver_qemu_new(const struct driver_env *);

/* Guests as domains of libvirt.  Fails with NT_UNSUPPORTED where there is no libvirt. */
NT_NODISCARD int driver_libvirt_new(const struct driver_env *, struct driver **out,
                                    struct nt_err *);

/* Guests that are only recorded: for tests of capacity. */
struct driver *driver_null_new(const struct driver_env *);
