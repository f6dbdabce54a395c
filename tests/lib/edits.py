"""What somebody else changes in a switch while an agent runs: put right and counted."""

import re

from check import expect, wait_for
from neutron_bed.guests import BRIDGE
from neutron_bed.scene import exact, wait_exact

LIMIT = 60  # Seconds; it takes one, but not on a machine that is busy with other things.
FLOWS = 'neutrino_agent_flow_changes_total{what="edited"}'
ROWS = "neutrino_agent_ovsdb_repairs_total"


def metric(host, name):
    text = host.ovs("appctl", "-t", "neutrino-agent", "metrics")
    return int(next(line for line in text.splitlines() if line.startswith(name)).split()[-1])


def edits(scene, host):
    """(counter, command of ovs-TOOL)."""
    tap = "tap" + scene.ports["v", host.name]["id"][:11]
    number = host.ovs("vsctl", "get", "Interface", tap, "ofport").strip()
    cookie = re.search(r"cookie=(0x6e74[0-9a-f]+)", host.ovs("ofctl", "dump-flows", BRIDGE))[1]
    return [(FLOWS, ["ofctl", "--strict", "del-flows", BRIDGE, "table=23,priority=0"]),
            (FLOWS, ["ofctl", "del-flows", BRIDGE, f"in_port={number}"]),
            (FLOWS, ["ofctl", "mod-flows", BRIDGE, "table=60,actions=drop"]),
            (FLOWS, ["ofctl", "add-flow", BRIDGE,
                     f"cookie={cookie},table=0,priority=9,in_port={number},actions=NORMAL"]),
            (FLOWS, ["ofctl", "del-flows", "br-phys"]),
            (FLOWS, ["ofctl", "del-flows", BRIDGE]),
            (ROWS, ["vsctl", "set", "Port", tap, "tag=4000"]),
            (ROWS, ["vsctl", "set", "Interface", "int-br-phys", "options:peer=nobody"]),
            (ROWS, ["vsctl", "del-port", BRIDGE, "int-br-phys"])]


def are_put_right(scene):
    host = scene.hosts[0]
    before = exact(host)
    for counter, (tool, *command) in edits(scene, host):
        n = metric(host, counter)
        host.ovs(tool, *command)
        wait_for(lambda: metric(host, counter) > n, LIMIT, lambda: f"{command} is not counted")
        wait_exact(host, before, LIMIT)
    scene.guest("v", host).wait_ping(scene.guest("v", scene.hosts[1]))
    expect(metric(host, 'neutrino_agent_flow_changes_total{what="repaired"}'), "no repairs")
