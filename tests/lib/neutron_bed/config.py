"""Configuration files of the stock server and agents.

An agent of ours reads the same files as the stock one.  Options are given by section:
{"DEFAULT": {"debug": "true"}}; they replace and add.
"""

from . import mariadb, wires

SERVER_FILES = ["/etc/neutron/neutron.conf", "/etc/neutron/plugins/ml2/ml2_conf.ini"]
AGENT_FILES = ["/etc/neutron/neutron.conf", "/etc/neutron/plugins/ml2/openvswitch_agent.ini"]
API_PORT = 9696
PHYSNET, PHYS_BRIDGE = "physnet1", "br-phys"
UNDERLAY_BRIDGE = "br-und"


def ini(sections):
    """{section: {option: value}} as text; an option with value None is left out."""
    lines = []
    for section, options in sections.items():
        lines.append(f"[{section}]")
        lines += [f"{name} = {value}" for name, value in options.items() if value is not None]
        lines.append("")
    return "\n".join(lines)


def merged(sections, more):
    result = {name: dict(options) for name, options in sections.items()}
    for name, options in (more or {}).items():
        result.setdefault(name, {}).update(options)
    return result


def server(transport_url, service_plugins, more=None):
    """Files of the controller: {path: text}."""
    neutron = merged({
        "DEFAULT": {
            "auth_strategy": "noauth", "core_plugin": "ml2",
            "service_plugins": ",".join(service_plugins),
            "api_paste_config": "/etc/neutron/api-paste.ini",
            "bind_host": "0.0.0.0", "bind_port": API_PORT,
            "transport_url": transport_url,
            "api_workers": 1, "rpc_workers": 1, "rpc_state_report_workers": 1,
            "notify_nova_on_port_status_changes": "false",
            "notify_nova_on_port_data_changes": "false",
            "dhcp_agent_notification": "false", "state_path": "/var/lib/neutron",
        },
        "database": {"connection": mariadb.URL},
        "oslo_concurrency": {"lock_path": "/var/lib/neutron/lock"},
        "quotas": {f"quota_{name}": -1 for name in
                   ("network", "subnet", "port", "security_group", "security_group_rule")},
    }, {k: v for k, v in (more or {}).items() if not k.startswith(("ml2", "securitygroup"))})
    ml2 = merged({
        "ml2": {
            "type_drivers": "local,flat,vlan,vxlan,gre,geneve",
            "tenant_network_types": "vxlan", "mechanism_drivers": "openvswitch,l2population",
            "extension_drivers": "port_security,qos",
        },
        "ml2_type_flat": {"flat_networks": "*"},
        "ml2_type_vlan": {"network_vlan_ranges": f"{PHYSNET}:100:999"},
        "ml2_type_vxlan": {"vni_ranges": "1000:60000"},
        "ml2_type_gre": {"tunnel_id_ranges": "1000:60000"},
        "ml2_type_geneve": {"vni_ranges": "1000:60000", "max_header_size": 38},
        "securitygroup": {"enable_security_group": "true"},
    }, {k: v for k, v in (more or {}).items() if k.startswith(("ml2", "securitygroup"))})
    return {path: ini(sections) for path, sections in zip(SERVER_FILES, (neutron, ml2))}


def agent(host, transport_url, more=None):
    """Files of a host's agent: {path: text}.  Everything the flow dumps were taken with."""
    own = ("ovs", "agent", "securitygroup", "network_log")
    lower = {name if name == "DEFAULT" else name.lower(): options
             for name, options in (more or {}).items()}
    neutron = merged({
        "DEFAULT": {
            "host": host, "transport_url": transport_url, "state_path": "/var/lib/neutron",
            "core_plugin": "ml2",
        },
        "oslo_concurrency": {"lock_path": "/var/lib/neutron/lock"},
    }, {k: v for k, v in lower.items() if k not in own})
    openvswitch = merged({
        "ovs": {
            "integration_bridge": "br-int", "tunnel_bridge": "br-tun",
            "local_ip": wires.local_ip(host), "bridge_mappings": f"{PHYSNET}:{PHYS_BRIDGE}",
            "datapath_type": "netdev", "ovsdb_connection": "tcp:127.0.0.1:6640",
        },
        "agent": {
            "tunnel_types": "vxlan,gre", "l2_population": "true", "arp_responder": "true",
            # Both run as root: no sudo, no rootwrap between the agent and its commands.
            "root_helper": "", "root_helper_daemon": None,
        },
        "securitygroup": {"firewall_driver": "openvswitch", "enable_security_group": "true"},
    }, {k: v for k, v in lower.items() if k in own})
    return {path: ini(sections) for path, sections in zip(AGENT_FILES, (neutron, openvswitch))}
