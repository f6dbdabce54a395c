"""An agent restarts under load: what the switch and the guests notice of it."""

import re

from check import equal, expect
from neutron_bed.flow_watch import FlowWatch
from neutron_bed.scene import exact, wait_exact

RATE = 1000  # Pings a second meanwhile.
# Flows that the switch learns from frames are nobody's modification: the mark of ours.
LEARNED = re.compile(r"cookie=0x6e74[0-9a-f]{2}0000000001\b")


def lengthen_queues(*guests):
    """What waits for a switch that does not get its turn is not lost."""
    for guest in guests:
        guest.run(["ip", "link", "set", "eth0", "txqueuelen", "50000"])


def unnoticed(scene, guest, peer, network, fall, bridges):
    """The agent of h1 restarts by fall(host) under RATE pings a second from 'guest', which is
    there, to 'peer'; a new port on 'network' shows that it works again."""
    host = scene.hosts[0]
    lengthen_queues(guest, peer)
    is_stock = host.agent_kind == "python"
    before = exact(host)
    watches = [FlowWatch(host, bridge) for bridge in bridges]
    pinger = scene.bed.pinger(guest, peer, RATE)
    pinger.wait_answers(RATE)
    extra = restart(scene, host, network, fall)
    if not is_stock:  # It may leave flows of a port that goes soon after it came.
        wait_exact(host, before)
    pinger.wait_answers(RATE)
    lines = [line for watch in watches for line in watch.lines() if not LEARNED.search(line)]
    touched = [line for line in lines if not extra.search(line)]
    result = pinger.stop()
    for watch in watches:
        watch.stop()
    print(f"# {len(touched)} flow modifications, the new port's {len(lines) - len(touched)}; "
          f"pings: {result}", flush=True)
    equal(result.lost, [], f"lost pings ({result})")
    expect(len(lines) > len(touched), "the new port's flows were not counted")
    if is_stock:
        expect(touched, "the stock agent writes every flow anew, and none was counted")
    else:
        equal(touched, [], "flow modifications")


def restart(scene, host, network, fall):
    """Until the agent has told the server of every port and then of a new one; returns a
    pattern for the new one's flows."""
    active = scene.bed.api.list("port", binding_host_id=host.name)
    # The server hears of every port again.
    scene.bed.mariadb.query("UPDATE ports SET status = 'DOWN' WHERE id IN "
                            "(SELECT port_id FROM ml2_port_bindings WHERE host = %s)", host.name)
    fall(host)
    scene.bed.wait_active(*active)
    port = scene.bed.api.port(network, host)
    host.plug_idle([port])
    scene.bed.wait_active(port)
    tap = "tap" + port["id"][:11]
    number = host.ovs("vsctl", "get", "Interface", tap, "ofport").strip()
    host.ovs("vsctl", "del-port", "br-int", tap)
    scene.bed.api.delete("port", port)
    return re.compile(rf"in_port={number}\b|in_port=\"?{tap}")


def stopped(host):
    host.agent.restart()


def killed(host):
    host.agent.kill()
    host.agent.start()


WAYS = (("stopped", stopped), ("killed", killed))
