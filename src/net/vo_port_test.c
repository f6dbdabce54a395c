/* Which binding lets a host wire a port, and which segment carries it there. */
#include <config.h>

#include "net/vo_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "openvswitch/json.h"

struct one_binding {
    const char *host, *status, *migrating_to;
};

/* Of h1.  Found: the host of the binding by which it wires the port, NULL: by none. */
static const struct {
    const char *device_owner;
    struct one_binding bindings[3];
    const char *found;
    bool has_left; /* For another host. */
} binding_cases[] = {
    { "compute:nova", { { "h1", "ACTIVE", NULL } }, "h1" },
    { "compute:nova", { { 0 } }, NULL },
    { "compute:nova", { { "h2", "ACTIVE", NULL } }, NULL },
    { "compute:nova", { { "h1", "INACTIVE", NULL } }, NULL },
    { "compute:nova", { { "h1", "INACTIVE", NULL }, { "h2", "ACTIVE", NULL } }, NULL, true },
    { "compute:nova", { { "h1", "ACTIVE", NULL }, { "h2", "INACTIVE", NULL } }, "h1" },
    { "compute:nova", { { "h2", "INACTIVE", NULL }, { "h1", "ACTIVE", "h2" } }, "h1" },

    /* It migrates: wherever it is plugged, with a binding or without one. */
    { "compute:nova", { { "h1", "INACTIVE", NULL }, { "h2", "ACTIVE", "h1" } }, "h2", true },
    { "compute:nova", { { "h2", "ACTIVE", "h1" } }, "h2" },
    { "compute:nova", { { "h2", "ACTIVE", "h3" } }, "h2" },

    /* What the active binding does not say, or does not say as a host. */
    { "compute:nova", { { "h1", "INACTIVE", "h1" }, { "h2", "ACTIVE", NULL } }, NULL, true },
    { "compute:nova", { { "h2", "ACTIVE", "" } }, NULL },

    /* Routers and DHCP servers are on more hosts than one; some are bound to none. */
    { "network:ha_router_replicated_interface", { { "h2", "ACTIVE", NULL } }, "h2" },
    { "network:router_interface_distributed", { { "", "ACTIVE", NULL } }, "" },
    { "network:dhcp", { { "h2", "INACTIVE", NULL } }, NULL },
    { "", { { "h2", "ACTIVE", NULL } }, "h2" },
    { "baremetal:none", { { "h2", "ACTIVE", NULL } }, "h2" },
};

static struct nt_vo_port *
port_new(const char *device_owner, const struct one_binding *bindings, size_t n)
{
    struct nt_vo_port *port = (struct nt_vo_port *) nt_vo_new(&nt_vo_port_type);

    ovs_strlcpy(port->device_owner, device_owner, sizeof port->device_owner);
    port->bindings = xcalloc(n + 1, sizeof *port->bindings);
    for (size_t i = 0; i < n && bindings[i].host; i++) {
        struct nt_vo_binding *b = &port->bindings[port->n_bindings++];

        ovs_strlcpy(b->host, bindings[i].host, sizeof b->host);
        ovs_strlcpy(b->status, bindings[i].status, sizeof b->status);
        if (bindings[i].migrating_to) {
            b->profile = json_object_create();
            json_object_put_string(b->profile, "migrating_to", bindings[i].migrating_to);
        }
        nt_vo_complete(&b->vo, &nt_vo_binding_type);
    }
    return port;
}

static void
guests_are_wired_where_they_are_or_go_and_others_wherever_they_are_plugged(void **state)
{
    (void) state;
    for (size_t i = 0; i < NT_ARRAY_SIZE(binding_cases); i++) {
        struct nt_vo_port *port =
            port_new(binding_cases[i].device_owner, binding_cases[i].bindings, 3);
        const struct nt_vo_binding *found = nt_vo_port_binding_for(port, "h1");
        const char *host = found ? found->host : "none";
        const char *wanted = binding_cases[i].found ? binding_cases[i].found : "none";

        if (strcmp(host, wanted)) {
            fail_msg("case %zu: binding of '%s', not of '%s'", i, host, wanted);
        }
        if (nt_vo_port_has_left(port, "h1") != binding_cases[i].has_left) {
            fail_msg("case %zu: it has%s left", i, binding_cases[i].has_left ? " not" : "");
        }
        nt_vo_free(&port->vo);
    }
}

static void
a_profile_that_names_no_host_is_no_migration(void **state)
{
    static const struct one_binding elsewhere[] = { { "h2", "ACTIVE", NULL } };
    struct nt_vo_port *port = port_new("compute:nova", elsewhere, 1);

    (void) state;
    port->bindings[0].profile = json_object_create();
    assert_null(nt_vo_port_binding_for(port, "h1"));
    json_object_put(port->bindings[0].profile, "migrating_to", json_null_create());
    assert_null(nt_vo_port_binding_for(port, "h1"));
    nt_vo_free(&port->vo);
}

/* Levels "host/level", each with a segment of the same name, but "-" in front: without one. */
static const struct {
    const char *levels[4];
    const char *found;
} segment_cases[] = {
    { { NULL }, NULL },
    { { "h1/0" }, "h1/0" },
    { { "h1/1", "h1/0" }, "h1/1" },
    { { "h1/0", "h2/0", "h2/1" }, "h1/0" },
    { { "h2/0" }, "h2/0" },
    { { "h2/0", "h2/1" }, "h2/1" },
    { { "h2/1", "h3/0" }, "h2/1" },
    { { "h2/0", "h3/0" }, "h3/0" }, /* As the stock agent: the last one. */
    { { "-h2/0" }, NULL },
    { { "-h1/0", "h2/0" }, NULL },
};

static void
a_segment_is_that_of_the_host_or_of_the_deepest_level(void **state)
{
    (void) state;
    for (size_t i = 0; i < NT_ARRAY_SIZE(segment_cases); i++) {
        struct nt_vo_port *port = port_new("network:dhcp", NULL, 0);

        port->binding_levels = xcalloc(4, sizeof *port->binding_levels);
        for (const char *const *l = segment_cases[i].levels; *l; l++) {
            struct nt_vo_binding_level *level = &port->binding_levels[port->n_binding_levels++];
            const char *name = *l + (**l == '-');

            ovs_strlcpy(level->host, name, 3);
            level->level = name[3] - '0';
            if (**l != '-') {
                ovs_strlcpy(level->segment.id, name, sizeof level->segment.id);
                nt_vo_complete(&level->segment.vo, &nt_vo_segment_type);
            }
            nt_vo_complete(&level->vo, &nt_vo_binding_level_type);
        }

        const struct nt_vo_segment *found = nt_vo_port_segment(port, "h1");
        const char *id = found ? found->id : "none";
        const char *wanted = segment_cases[i].found ? segment_cases[i].found : "none";
        if (strcmp(id, wanted)) {
            fail_msg("case %zu: segment of %s, not of %s", i, id, wanted);
        }
        nt_vo_free(&port->vo);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            guests_are_wired_where_they_are_or_go_and_others_wherever_they_are_plugged),
        cmocka_unit_test(a_profile_that_names_no_host_is_no_migration),
        cmocka_unit_test(a_segment_is_that_of_the_host_or_of_the_deepest_level),
    };

    return cmocka_run_group_tests_name("net/vo_port", tests, NULL, NULL);
}
