#include <config.h>

#include "compute/driver.h"

#include <stdio.h>

#include "base/mem.h"

/* Guests that are only recorded: no process, no devices.  Everything around them is
 * real (addresses, chains, guard, reports), so a host can be filled with any number of
 * them to see what it bears.
 *
 * guest->pid is 1 while a guest "runs": it is in the record, so a restarted program
 * knows. */
#define RUNS 1

struct driver_null {
    struct driver up;
};

static void
null_name(struct driver *driver, struct guest *guest)
{
    (void) driver;
    snprintf(guest->handle, sizeof guest->handle, "null-%lld", (long long) guest->view.number);
}

static int
null_plug(struct driver *driver, struct guest *guest, struct nt_err *err)
{
    (void) driver;
    (void) err;
    for (size_t i = 0; i < guest->view.n_vifs; i++) {
        snprintf(guest->ifnames[i], NT_IFNAME_SIZE, "n%llx.%zu",
                 (unsigned long long) guest->view.number, i);
    }
    return 0;
}

static int
null_start(struct driver *driver, struct guest *guest, struct nt_err *err)
{
    (void) driver;
    (void) err;
    guest->pid = RUNS;
    return 0;
}

static bool
null_is_running(struct driver *driver, const struct guest *guest)
{
    (void) driver;
    return guest->pid == RUNS;
}

static bool
null_adopt(struct driver *driver, struct guest *guest)
{
    return null_is_running(driver, guest);
}

static void
null_stop(struct driver *driver, struct guest *guest, int64_t limit_ms)
{
    (void) driver;
    (void) limit_ms;
    guest->pid = 0;
}

static int
null_unplug(struct driver *driver, struct guest *guest, struct nt_err *err)
{
    (void) driver;
    (void) err;
    for (size_t i = 0; i < guest->view.n_vifs; i++) {
        guest->ifnames[i][0] = '\0';
    }
    return 0;
}

static void
null_nothing(struct driver *driver)
{
    (void) driver;
}

static void
null_free(struct driver *driver)
{
    free(CONTAINER_OF(driver, struct driver_null, up));
}

static const struct driver_class null_class = {
    .label = "null",
    .name = null_name,
    .plug = null_plug,
    .start = null_start,
    .adopt = null_adopt,
    .stop = null_stop,
    .is_running = null_is_running,
    .unplug = null_unplug,
    .run = null_nothing,
    .wait = null_nothing,
    .free = null_free,
};

struct driver *
driver_null_new(const struct driver_env *env)
{
    struct driver_null *d = xzalloc(sizeof *d);

    (void) env;
    d->up.class = &null_class;
    return &d->up;
}
