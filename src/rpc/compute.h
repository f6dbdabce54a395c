/* What the server tells a compute host (topic "compute", always directed). */
#pragma once

#include "net/instance.h"
#include "rpc/method.h"

extern const struct nt_interface nt_compute_host;

/* build_instance (cast): its addresses are already known to dnsmasq. */
struct nt_build_instance_args {
    struct nt_instance_view instance;
};

/* terminate_instance (cast): answered by update_instance with "deleted", also when
 * the instance is not here. */
struct nt_instance_args {
    char id[NT_UUID_SIZE];
    int64_t number;
};

/* stop_instance, start_instance, reboot_instance (casts): what somebody wants of its power.
 * Answered by update_instance with that generation or a later one, also when it was done
 * before.  A host that was away finds the same in get_instances. */
struct nt_power_args {
    char id[NT_UUID_SIZE];
    int64_t number;
    int64_t generation;
    bool hard; /* reboot_instance: without asking the guest to end. */
};

/* get_console_output (call): the last 'length' lines (0: all that is kept). */
struct nt_console_args {
    char id[NT_UUID_SIZE];
    int64_t number;
    int64_t length;
};
struct nt_console_result {
    char *output; /* Owned; valid UTF-8, no control characters but TAB, LF, CR. */
};

/* security_groups_rule_updated, security_groups_member_updated (casts): ask
 * get_security again for these groups. */
struct nt_security_groups_args {
    struct nt_uuid_text *security_groups;
    size_t n_security_groups;
};

/* refresh_instance_security_rules (cast): the groups the instance is in now. */
struct nt_instance_groups_args {
    char id[NT_UUID_SIZE];
    struct nt_uuid_text *security_groups;
    size_t n_security_groups;
};
