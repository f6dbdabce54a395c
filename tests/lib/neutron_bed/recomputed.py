"""What is installed is what a fresh process of ours wants: it is given what the server told the
running agent, looks at the switch by itself, and plans everything anew; the flows are then read
with ovs-ofctl, the tags with ovs-vsctl."""

import re

from neutrinolab.kernel import Failed, wait_for

from . import config, dumps

BRIDGES = ("br-int", "br-tun", "br-phys")
FACTS = "/run/neutrino-facts.json"
COOKIE = re.compile(r"^\s*cookie=0x[0-9a-f]+, ")


def wanted(host):
    """(lines "BRIDGE FLOW", {port: tag}) of the fresh process."""
    host.machine.write(FACTS, host.ovs("appctl", "-t", "neutrino-agent", "facts"))
    argv = ["/usr/bin/neutrino-agent"]
    for path in config.AGENT_FILES:
        argv += ["--config-file", path]
    lines = host.run(argv + ["--plan", FACTS]).stdout.splitlines()
    ports = dict(re.fullmatch(r"port (\S+) tag=(\d+)", line).groups()
                 for line in lines if line.startswith("port "))
    return sorted(line for line in lines if not line.startswith("port ")), ports


def installed(host):
    """The same of the switch; flows that it learned by itself are nobody's wish."""
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
    return sorted(lines), tags


def difference(host):
    """Empty when they are the same."""
    flows, ports = wanted(host)
    found, tags = installed(host)
    text = dumps.difference(found, flows)
    wrong = [f"port {name} has tag {tags.get(name)}, not {tag}" for name, tag in ports.items()
             if tags.get(name) != tag]
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
