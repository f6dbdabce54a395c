/* What is known and wanted, as text for people. */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_impl.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"

static const char *
wire_name(const struct model_port *port)
{
    static const char *const names[] = {
        [WIRE_NOTHING] = "not ready",
        [WIRE_LEFT] = "as found",
        [WIRE_DEAD] = "dead",
        [WIRE_BOUND] = "bound",
    };

    return port->is_ancillary ? "ancillary" : names[port->wire];
}

static const char *
answer_name(enum model_answer answer)
{
    static const char *const names[] = {
        [ANSWER_NONE] = "not told",
        [ANSWER_KNOWN] = "known",
        [ANSWER_GONE] = "unknown to the server",
    };

    return names[answer];
}

void
agent_show_ports(const struct agent *self, struct ds *out)
{
    const struct model *model = wiring_model(self->wiring);
    const struct shash_node **nodes = shash_sort(&model->port_names);

    for (size_t i = 0; i < shash_count(&model->port_names); i++) {
        const struct model_port *port = nodes[i]->data;
        ds_put_format(out, "%s id=%s bridge=%s ofport=%" PRId64 " tag=%d state=%s server=%s",
                      port->name, port->id, port->bridge, port->ofport, port->tag, wire_name(port),
                      answer_name(port->answer));
        if (port->network) {
            ds_put_format(out, " network=%s/%s lvlan=%d", port->network->network_id,
                          port->network->segmentation, port->network->lvlan);
        }
        ds_put_format(out, " reported=%s\n", port->is_reported_up ? "up" : "no");
    }
    free(nodes);
}

static int
compare_networks(const void *a_, const void *b_)
{
    const struct model_network *const *a = a_, *const *b = b_;

    return (*a)->lvlan - (*b)->lvlan;
}

void
agent_show_vlans(const struct agent *self, struct ds *out)
{
    const struct model *model = wiring_model(self->wiring);
    const struct model_network *network;
    size_t n = 0;
    const struct model_network **sorted = xcalloc(hmap_count(&model->networks) + 1, sizeof *sorted);

    HMAP_FOR_EACH (network, node, &model->networks) {
        sorted[n++] = network;
    }
    qsort(sorted, n, sizeof *sorted, compare_networks);
    for (size_t i = 0; i < n; i++) {
        network = sorted[i];
        ds_put_format(
            out,
            "%d network=%s type=%s segment=%s physical_network=%s ports=%zu"
            " macs=%zu floods=%zu\n",
            network->lvlan, network->network_id, network->network_type, network->segmentation,
            *network->physical_network ? network->physical_network : "None", network->n_ports,
            hmap_count(&network->macs), ovs_list_size(&network->floods));
    }
    free(sorted);
}

void
agent_show_tunnels(const struct agent *self, struct ds *out)
{
    const struct model *model = wiring_model(self->wiring);
    const struct shash_node **nodes = shash_sort(&model->tunnel_names);

    for (size_t i = 0; i < shash_count(&model->tunnel_names); i++) {
        const struct model_tunnel *tunnel = nodes[i]->data;
        ds_put_format(out, "%s type=%s remote_ip=%s ofport=%" PRId64 " networks=%zu macs=%zu\n",
                      tunnel->name, tunnel->type, tunnel->remote_ip, tunnel->ofport,
                      ovs_list_size(&tunnel->floods), ovs_list_size(&tunnel->macs));
    }
    free(nodes);
}

void
agent_show_flows(const struct agent *self, const char *owner, struct ds *out)
{
    flows_format(self->flows, owner, out);
}

void
agent_show_plan(const struct agent *self, const char *bridge, struct ds *out)
{
    size_t before = out->length;

    if (!bridge) {
        bridges_format_plan(self->bridges, out);
    }
    flows_format_plan(self->flows, bridge, out);
    if (out->length == before) {
        ds_put_cstr(out, "nothing to do\n");
    }
}
