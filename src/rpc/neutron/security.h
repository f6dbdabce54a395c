/* Security groups by device, for agents that keep no cache of objects (topic q-plugin). */
#pragma once

#include "net/port_dict.h"
#include "rpc/method.h"

extern const struct nt_interface nt_neutron_security;

struct nt_security_devices_args {
    struct nt_seen seen;
    struct nt_device_name *devices;
    size_t n_devices;
    char call_version[16]; /* security_group_info_for_devices: members with MACs from 1.3. */
};

/* security_group_rules_for_devices: every rule spelled out, by port.
 * (security_group_info_for_devices answers with struct nt_security_info.) */
struct nt_guarded_ports {
    struct nt_guarded_port *ports;
    size_t n_ports;
};
