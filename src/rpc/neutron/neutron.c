#include <config.h>

#include "rpc/neutron/neutron.h"

#include <string.h>

#include "rpc/neutron/notify.h"
#include "rpc/neutron/plugin.h"
#include "rpc/neutron/reports.h"
#include "rpc/neutron/resources.h"
#include "rpc/neutron/security.h"
#include "rpc/neutron/services.h"

const struct nt_interface *const nt_neutron_interfaces[] = {
    &nt_neutron_plugin,
    &nt_neutron_reports,
    &nt_neutron_juno_reports,
    &nt_neutron_resource_versions,
    &nt_neutron_resources,
    &nt_neutron_pushes[0],
    &nt_neutron_pushes[1],
    &nt_neutron_pushes[2],
    &nt_neutron_pushes[3],
    &nt_neutron_pushes[4],
    &nt_neutron_pushes[5],
    &nt_neutron_pushes[6],
    &nt_neutron_pushes[7],
    &nt_neutron_pushes[8],
    &nt_neutron_security,
    &nt_notify_port_update,
    &nt_notify_port_delete,
    &nt_notify_network_update,
    &nt_notify_network_delete,
    &nt_notify_tunnel_update,
    &nt_notify_tunnel_delete,
    &nt_notify_security_group,
    &nt_notify_l2population,
    &nt_notify_dvr,
    &nt_notify_binding_activate,
    &nt_notify_binding_deactivate,
    &nt_neutron_trunk,
    &nt_neutron_dvr,
    &nt_neutron_dhcp,
    &nt_neutron_metadata,
    &nt_neutron_l3,
    &nt_dhcp_agent,
    &nt_l3_agent,
    NULL,
};

static bool
is_topic(const char *ours, const char *topic)
{
    size_t n = strlen(ours);

    return !strncmp(ours, topic, n)
           && (!topic[n] || topic[n] == '.' || !strcmp(topic + n, "_fanout"));
}

static bool
is_same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : !a && !b;
}

int
nt_neutron_find(const struct nt_neutron_message *msg, const struct nt_interface **iface,
                const struct nt_method **method, struct nt_err *err)
{
    bool is_known = false;

    for (const struct nt_interface *const *i = nt_neutron_interfaces; *i; i++) {
        const struct nt_method *m;

        if (!is_topic((*i)->topic, msg->topic) || !is_same((*i)->namespace, msg->namespace)) {
            continue;
        }
        m = nt_method_find(*i, msg->method);
        if (m && nt_method_serves(*i, m, msg->version)) {
            *iface = *i;
            *method = m;
            return 0;
        }
        is_known |= m != NULL;
    }
    if (is_known) {
        return nt_fail(err, NT_UNSUPPORTED, "version %.16s of %.60s is not served", msg->version,
                       msg->method);
    }
    return nt_fail(err, NT_NOT_FOUND, "no method %.60s on topic %.60s", msg->method, msg->topic);
}
