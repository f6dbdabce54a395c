/* What must be there, or there in time: without it a start ends. */
#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_impl.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"

/* So often the stock agent tries, each time for ovsdb_timeout. */
#define OVSDB_ATTEMPTS 3

/* A port that had another type keeps what the switch said of that until the switch has looked. */
#define FAILED_PATCH_MS 3000

static void fail(struct agent *self, const char *format, ...) NT_PRINTF(2, 3);

static void
fail(struct agent *self, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (!*self->failure) {
        vsnprintf(self->failure, sizeof self->failure, format, args);
    }
    va_end(args);
}

/* Bridges of physical networks belong to the operator: they are never made. */
void
agent_check_mappings(struct agent *self)
{
    for (size_t i = 0; i < self->config->n_mappings; i++) {
        const struct agent_mapping *mapping = &self->config->mappings[i];
        if (!nt_ovsdb_bridge(self->db, mapping->bridge)) {
            fail(self,
                 "bridge %s for physical network %s does not exist: make it (ovs-vsctl add-br "
                 "%s) or correct bridge_mappings",
                 mapping->bridge, mapping->physical_network, mapping->bridge);
        }
    }
}

static bool
is_failed_patch(const struct nt_ovs_port *port)
{
    return port && port->ofport < 0 && !strcmp(port->type, "patch");
}

void
agent_check_patch(struct agent *self, const char *name)
{
    if (!self->failed_patch_ms && !wiring_is_set_up(self->wiring)
        && is_failed_patch(nt_ovsdb_port(self->db, name))) {
        self->failed_patch_ms = nt_mono_ms(self->env.clock);
    }
}

static void
fail_patch(void *self_, const struct nt_ovs_port *port)
{
    if (is_failed_patch(port)) {
        fail(self_, "switch cannot make patch port %s on %s: %s", port->name, port->bridge,
             *port->error ? port->error : "no reason given");
    }
}

/* A patch port that the switch cannot make: nothing would be wired, ever. */
static void
check_failed_patches(struct agent *self)
{
    if (self->failed_patch_ms
        && nt_mono_ms(self->env.clock) - self->failed_patch_ms >= FAILED_PATCH_MS) {
        self->failed_patch_ms = 0;
        nt_ovsdb_each_port(self->db, NULL, fail_patch, self);
    }
}

void
agent_wait_for_patches(const struct agent *self)
{
    if (self->failed_patch_ms) {
        poll_timer_wait_until(self->failed_patch_ms + FAILED_PATCH_MS);
    }
}

static void
fail_ovsdb(struct agent *self, int limit_s)
{
    const struct agent_config *config = self->config;
    AUTO_FREE char *why = NULL;

    free(nt_ovsdb_near(config->ovsdb_connection, config->ovs_run_dir, &why));
    fail(self, "OVSDB at %s did not answer for %d s (ovsdb_connection, ovsdb_timeout)%s%s",
         config->ovsdb_connection, limit_s, why ? "; " : "", why ? why : "");
}

static void
fail_switch(struct agent *self)
{
    const struct agent_config *config = self->config;

    if (config->use_mgmt_sockets) {
        fail(self,
             "switch did not answer at %s/%s.mgmt within %d s (ovs_run_dir, of_connect_timeout): "
             "is ovs-vswitchd running?",
             config->ovs_run_dir, config->integration_bridge, config->of_connect_timeout_s);
    } else {
        fail(self,
             "switch did not connect to %s:%d within %d s (of_listen_address, of_listen_port, "
             "of_connect_timeout): is ovs-vswitchd running?",
             config->of_listen_address, config->of_listen_port, config->of_connect_timeout_s);
    }
}

void
agent_check_deadlines(struct agent *self)
{
    int64_t past_ms = nt_mono_ms(self->env.clock) - self->started_ms;
    int ovsdb_s = OVSDB_ATTEMPTS * self->config->ovsdb_timeout_s;

    check_failed_patches(self);
    if (!self->has_seen && past_ms > INT64_C(1000) * ovsdb_s) {
        fail_ovsdb(self, ovsdb_s);
    }
    if (!self->br_int && past_ms > INT64_C(1000) * self->config->of_connect_timeout_s) {
        fail_switch(self);
    }
}
