"""What is installed is what a fresh process of ours wants: it is given what the server told the
running agent, looks at the switch by itself, and plans everything anew; the flows are then read
with ovs-ofctl, tags and queues with ovs-vsctl."""

import re

from neutrinolab.kernel import Failed, wait_for

from . import config, dumps

BRIDGES = ("br-int", "br-tun", "br-phys")
MINIMUM = "minimum_bandwidth"
FACTS = "/run/neutrino-facts.json"
COOKIE = re.compile(r"^\s*cookie=0x[0-9a-f]+, ")


def lines_of(lines, pattern):
    """What the groups of the pattern are in lines that match it: [(GROUP, ...)]."""
    return [match.groups() for match in (re.fullmatch(pattern, line) for line in lines) if match]


def wanted(host):
    """(lines "BRIDGE FLOW", {port: tag}, queues) of the fresh process."""
    host.machine.write(FACTS, host.ovs("appctl", "-t", "neutrino-agent", "facts"))
    argv = ["/usr/bin/neutrino-agent"]
    for path in config.AGENT_FILES:
        argv += ["--config-file", path]
    lines = host.run(argv + ["--plan", FACTS]).stdout.splitlines()
    ports = dict(lines_of(lines, r"port (\S+) tag=(\d+)"))
    uplinks = [name for name, in lines_of(lines, r"uplink (\S+)")]
    queues = lines_of(lines, r"queue (\S+) number=(\d+) min_kbps=(\d+)")
    flows = sorted(line for line in lines if not line.startswith(("port ", "uplink ", "queue ")))
    return flows, ports, queues_on(host, uplinks, queues)


def queues_on(host, uplinks, queues):
    """{uplink: {number: (port's id, kbps)}}: an uplink that others have a row on has none."""
    ports, qos = host.switch.tables("Port", "QoS")
    others = [row["_uuid"] for row in qos if row["external_ids"].get("_type") != MINIMUM]
    taken = {port["name"] for port in ports if port["qos"] in others}
    found = {number: (port_id, kbps) for port_id, number, kbps in queues}
    return {name: found for name in uplinks if found and name not in taken}


def installed_queues(host):
    """The same of the switch."""
    ports, qos, queues = host.switch.tables("Port", "QoS", "Queue")
    found = {row["_uuid"]: (row["external_ids"].get("port"),
                            row["other_config"].get("min-rate", "")[:-3]) for row in queues}
    rows = {row["_uuid"]: {str(number): found[queue] for number, queue in row["queues"].items()}
            for row in qos if row["external_ids"].get("_type") == MINIMUM}
    return {port["name"]: rows[port["qos"]] for port in ports if port["qos"] in list(rows)}


def installed(host):
    """wanted() of the switch; flows that it learned by itself are nobody's wish."""
    tree = host.ovsdb()
    lines = []
    for bridge in (name for name in BRIDGES if name in tree):
        for line in host.ovs("ofctl", "--no-names", "--no-stats", "dump-flows",
                             bridge).splitlines():
            flow = COOKIE.sub("", line)
            if "actions=" in line and dumps.LEARNED not in line:
                lines.append(f"{bridge} " + ("" if flow.startswith("table=") else "table=0, ") + flow)
    tags = {name: str(port["tag"]) for bridge in tree.values()
            for name, port in bridge["ports"].items()}
    return sorted(lines), tags, installed_queues(host)


def difference(host):
    """Empty when they are the same."""
    flows, ports, queues = wanted(host)
    found, tags, there = installed(host)
    text = dumps.difference(found, flows)
    wrong = [f"port {name} has tag {tags.get(name)}, not {tag}" for name, tag in ports.items()
             if tags.get(name) != tag]
    if there != queues:
        wrong.append(f"queues are {there}, not {queues}")
    return "\n".join(([text] if text else []) + wrong)


def what_differs(host):
    """An agent that does not answer yet, or was just killed, is asked again."""
    try:
        return difference(host)
    except Failed as failure:
        return str(failure)


def wait_same(host, limit=60):
    """Of a host with our agent; nothing is to be seen of others' wishes."""
    if host.agent_kind == "neutrino" and host.agent.lives():
        wait_for(lambda: not what_differs(host), limit,
                 lambda: f"{host.name}, installed unlike wanted: {what_differs(host)}")
