#include <config.h>

#include "agent/apply/unmade.h"

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"

NT_LOG_MODULE(unmade);

#define MIN_PAUSE_MS 1000
#define MAX_PAUSE_MS 60000

struct unmade {
    struct nt_ovsdb *db;
    const struct nt_clock *clock;
    struct shash names;
    int64_t due_ms;   /* When the switch is asked again. */
    int64_t pause_ms; /* After that. */
};

struct unmade *
unmade_new(struct nt_ovsdb *db, const struct nt_clock *clock)
{
    struct unmade *u = xzalloc(sizeof *u);

    u->db = db;
    u->clock = clock;
    u->pause_ms = MIN_PAUSE_MS;
    shash_init(&u->names);
    return u;
}

void
unmade_free(struct unmade *u)
{
    if (u) {
        shash_destroy(&u->names);
        free(u);
    }
}

/* Others are devices of guests and of the machine: the switch is told when they come. */
static bool
is_made_by_switch(const struct nt_ovs_port *port)
{
    return *port->type && strcmp(port->type, "internal");
}

static void
add(struct unmade *u, const struct nt_ovs_port *port)
{
    if (shash_add_once(&u->names, port->name, NULL)) {
        nt_warn("switch could not make a port; it is asked again", "name", port->name, "type",
                port->type, "bridge", port->bridge, "why", port->error, NULL);
        u->pause_ms = MIN_PAUSE_MS;
        u->due_ms = nt_mono_ms(u->clock);
    }
}

void
unmade_port_seen(struct unmade *u, const char *name, const struct nt_ovs_port *port)
{
    if (port && port->ofport < 0 && is_made_by_switch(port)) {
        add(u, port);
    } else {
        shash_find_and_delete(&u->names, name);
    }
}

void
unmade_run(struct unmade *u)
{
    int64_t now = nt_mono_ms(u->clock);

    if (shash_is_empty(&u->names) || now < u->due_ms || !nt_ovsdb_reconfigure(u->db)) {
        return;
    }
    u->due_ms = now + u->pause_ms;
    u->pause_ms = MIN(2 * u->pause_ms, MAX_PAUSE_MS);
}

void
unmade_wait(struct unmade *u)
{
    /* What is under way in the database wakes the loop when it ends. */
    if (!shash_is_empty(&u->names) && !nt_ovsdb_is_busy(u->db)) {
        poll_timer_wait_until(u->due_ms);
    }
}

size_t
unmade_n_ports(const struct unmade *u)
{
    return shash_count(&u->names);
}
