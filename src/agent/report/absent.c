#include <config.h>

#include "agent/report/absent.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"
#include "rpc/neutron/plugin.h"
#include "rpc/patience.h"

NT_LOG_MODULE(absent);

struct absent {
    struct absent_options o;
    bool is_due;  /* To be asked, at 'not_before'. */
    bool is_told; /* It was, and has answered. */
    int64_t not_before;
    unsigned n_failed;
};

struct absent *
absent_new(const struct absent_options *o)
{
    struct absent *self = xzalloc(sizeof *self);

    self->o = *o;
    return self;
}

void
absent_free(struct absent *self)
{
    free(self);
}

void
absent_ask(struct absent *self)
{
    self->is_due = true;
}

/* Whether our being here would be what makes it ACTIVE. */
static bool
is_ours(const struct absent *self, const struct nt_port_dict *port)
{
    return !strcmp(port->status, "ACTIVE") && !strcmp(port->vif_type, "ovs")
           && !strcmp(port->host, self->o.host) && strncmp(port->device_owner, "trunk:", 6) != 0;
}

static void
compare(struct absent *self, const struct nt_port_records *records)
{
    for (size_t i = 0; i < records->n_ports; i++) {
        const struct nt_port_dict *port = &records->ports[i].port;

        if (is_ours(self, port) && !self->o.is_plugged(self->o.aux, port->id)) {
            nt_warn("server has a port up that is not plugged here: it is reported down", "port",
                    port->id, NULL);
            self->o.down(self->o.aux, port->id);
        }
    }
}

static void
told(void *self_, const void *result, const struct nt_err *err)
{
    struct absent *self = self_;

    self->is_told = !err || err->code == NT_UNSUPPORTED || err->code == NT_NOT_FOUND;
    if (!err) {
        compare(self, result);
    } else if (self->is_told) {
        nt_debug("server does not tell the ports of a host", "why", err->msg, NULL);
    } else {
        self->is_due = true;
        self->not_before =
            nt_mono_ms(self->o.clock) + nt_patience_pause_ms(self->o.random, ++self->n_failed);
    }
}

void
absent_run(struct absent *self)
{
    struct nt_vnic_type_args args = { .vnic_type = "normal" };

    if (self->is_due && self->not_before <= nt_mono_ms(self->o.clock)) {
        self->is_due = false;
        ovs_strlcpy(args.host, self->o.host, sizeof args.host);
        nt_rpc_call(self->o.bus, NT_TO(&nt_neutron_plugin, NULL, "get_ports_by_vnic_type_and_host"),
                    &args, self->o.timeout_ms, told, self);
    }
}

void
absent_wait(struct absent *self)
{
    if (self->is_due) {
        poll_timer_wait_until(self->not_before);
    }
}

bool
absent_is_settled(const struct absent *self)
{
    return self->is_told;
}
