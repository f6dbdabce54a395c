#include <config.h>

#include "cleanup/options.h"

#include <stddef.h>

#define OVS .section = "ovs", .is_apart = true

const struct nt_option cleanup_options[] = {
    { "ovs_all_ports", NT_OPT_BOOL, "false", "Remove all ports of all bridges." },
    { "state_path", NT_OPT_STRING, "/var/lib/neutron", "Stands in other values as $state_path." },
    { "log_file", NT_OPT_STRING, "", "Append the log to this file.", .alias = "logfile" },
    { "log_dir", NT_OPT_STRING, "", "Append the log to neutrino-cleanup.log in this folder.",
      .alias = "logdir" },
    { "debug", NT_OPT_BOOL, "false", "Log what helps developers." },
    { "ovs_run_dir", NT_OPT_STRING, "/var/run/openvswitch",
      "Folder of the switch's sockets; OVS_RUNDIR of the environment holds over the default." },
    { "external_network_bridge", NT_OPT_STRING, "br-ex",
      "Cleaned as well with --delete-veths, as in Juno; empty: none." },
    { "integration_bridge", NT_OPT_STRING, "br-int", "Bridge that guests are plugged into.", OVS,
      .alias = "ovs_integration_bridge" },
    { "ovsdb_connection", NT_OPT_STRING, "tcp:127.0.0.1:6640",
      "The switch's database: tcp:ADDRESS:PORT, unix:PATH or ssl:ADDRESS:PORT.", OVS },
    { "ssl_key_file", NT_OPT_STRING, "", "Key for ssl: in ovsdb_connection.", OVS },
    { "ssl_cert_file", NT_OPT_STRING, "", "Certificate for ssl: in ovsdb_connection.", OVS },
    { "ssl_ca_cert_file", NT_OPT_STRING, "", "Authorities for ssl: in ovsdb_connection.", OVS },
    /* The agent's default is shorter; thousands of ports take their time. */
    { "ovsdb_timeout", NT_OPT_INT, "600", "Seconds that the whole may take.", 1, 86400, OVS },
    { NULL },
};

const char *const cleanup_config_paths[] = {
    "/etc/neutron/neutron.conf",
    "/etc/neutron/plugins/ml2/openvswitch_agent.ini",
    "/etc/neutron/agent.conf.d",
    "/etc/neutrino/neutrino-agent.conf",
    NULL,
};
