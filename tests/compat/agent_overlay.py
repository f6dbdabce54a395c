#!/usr/bin/python3
"""Our agents on three hosts, networks in vxlan: where frames go, on the wire; a MAC that moves
while others ping it; agents, switches and the broker restarted under pings.

NT_AGENT=python: stock agents, without what they do not promise."""
# timeout: 600

import os
import statistics
import threading

from check import check, done, equal, expect, need, wait_for
from neutron_bed import bed_for, recomputed, wires
from neutron_bed.scene import Scene, exact, wait_exact
from overlay import Wires, followed, way
from restarts import RATE, WAYS, unnoticed
from tunnels import MODES, options, restart

OURS = os.environ.get("NT_AGENT", "neutrino")
L2POP, _, LEARNING = MODES
KINDS = ("vxlan",)
NOBODY = "02:00:00:00:00:99"
BRIDGES = ("br-int", "br-tun", "br-phys")
GHOST = "172.30.0.99"


def make(scene):
    """"all" has a port on each host, "few" none on h3, "wired" devices that outlive a switch."""
    for i, name in enumerate(("all", "few", "wired")):
        scene.network(name, "vxlan", [f"10.{20 + i}.0.0/24"])
    scene.port("all", "all")
    for name, kind in (("few", "internal"), ("wired", "veth")):
        for host in scene.hosts[:2]:
            port = scene.bed.api.port(scene.networks[name], host, name=f"{name}-{host.name}")
            scene.ports[name, host.name] = port
            scene.guests[name, host.name] = host.plug(port, kind=kind)
    scene.wait_active()
    for name in ("all", "few", "wired"):
        scene.guest(name, "h1").wait_ping(scene.guest(name, "h2"))
    scene.guest("all", "h1").wait_ping(scene.guest("all", "h3"))


# --- where frames go --------------------------------------------------------------------------


def flooded(scene, elsewhere):
    """'elsewhere': what comes to h3 of a flood in a network that it does not have."""
    seen = Wires(scene.hosts[1:], scene.guest("all", "h1"))
    few, everywhere = (scene.guest(name, "h1") for name in ("few", "all"))
    try:
        seen.check(few, NOBODY, {"h2": 1, "h3": elsewhere}, "to nobody")
        seen.check(few, "ff:ff:ff:ff:ff:ff", {"h2": 1, "h3": elsewhere}, "to everybody")
        seen.check(few, scene.guest("few", "h2").mac, {"h2": 1, "h3": 0}, "to the one on h2")
        seen.check(everywhere, NOBODY, {"h2": 1, "h3": 1}, "to nobody, a network of all")
        seen.check(everywhere, scene.guest("all", "h3").mac, {"h2": 0, "h3": 1},
                   "to the one on h3")
    finally:
        seen.close()


# --- restarts ---------------------------------------------------------------------------------


def nobody_notices(scene, fall):
    unnoticed(scene, scene.guest("all", "h1"), scene.guest("all", "h2"), scene.networks["all"],
              fall, BRIDGES)


WAIT_FOR_BRIDGES = "".join(f"while ! test -S /run/openvswitch/{bridge}.mgmt; do sleep 0.01; done\n"
                           for bridge in BRIDGES)


def save_flows(host):
    """A script that puts them back."""
    return host.run(["/usr/share/openvswitch/scripts/ovs-save", "save-flows", *BRIDGES]).stdout


def put_back(host, script):
    host.run(["sh", "-e"], text_input=WAIT_FOR_BRIDGES + script)


def leave_alone(host):
    """No agent, and no controller on any bridge: a switch whose bridge gets one, or loses its
    last one, forgets that bridge's flows, also those that were put back."""
    host.agent.stop()
    script = save_flows(host)
    for bridge in BRIDGES:
        host.ovs("vsctl", "del-controller", bridge)
    put_back(host, script)


def restart_alone(host):
    """Stopped and started as ovs-ctl does it: flows are saved, and put back while addresses come
    back, so that the one does not wait for the other."""
    switch = host.switch
    script = save_flows(host)
    switch.vswitchd.stop()
    switch.vsctl("--no-wait", "set", "Open_vSwitch", ".", "other_config:flow-restore-wait=true")
    switch.start_vswitchd()
    thread = threading.Thread(target=host.mend_switch)
    thread.start()
    put_back(host, script)
    switch.vsctl("--no-wait", "remove", "Open_vSwitch", ".", "other_config", "flow-restore-wait")
    thread.join()


def loss(scene, restarted):
    pinger = scene.bed.pinger(scene.guest("wired", "h1"), scene.guest("wired", "h2"), RATE)
    pinger.late_limit = 3
    pinger.wait_answers(RATE)
    restarted(scene.hosts[0])
    pinger.wait_answers(RATE)
    result = pinger.stop()
    expect(result.lost, f"the restart of the switch was not noticed: {result}")
    return len(result.lost)


def no_more_than_alone(scene):
    """The two take turns, so that what else the machine does meets both."""
    host, ours, alone = scene.hosts[0], [], []
    before = exact(host)
    for _ in range(2):
        ours.append(loss(scene, type(host).restart_vswitchd))
        leave_alone(host)
        try:
            alone.append(loss(scene, restart_alone))
        finally:
            host.start_agent(OURS, options(L2POP, KINDS))
        scene.guest("wired", "h1").wait_ping(scene.guest("wired", "h2"))
        wait_exact(host, before)
    print(f"# lost with the agent {ours}, with flows put back by ovs-ofctl {alone}", flush=True)
    expect(statistics.median(ours) <= max(alone), f"lost with the agent {ours}, without {alone}")


# --- what was not heard -----------------------------------------------------------------------


def set_status(scene, port, status):
    """Nobody is told."""
    scene.bed.mariadb.query("UPDATE ports SET status = %s WHERE id = %s", status, port["id"])


def broker_again(scene):
    scene.bed.broker.kill()
    scene.bed.broker.start()


def entries_are_right(scene):
    """Ports that came and went while nothing could be heard; others do not notice it."""
    h1 = scene.hosts[0]
    left, new = scene.bed.clone_ports(scene.ports["all", "h3"], 2, "h3")
    set_status(scene, left, "ACTIVE")
    h1.ovs("appctl", "-t", "neutrino-agent", "sync")
    wait_for(lambda: way(h1, left["mac_address"])[0], 60, "the entry of a port is not fetched")
    pinger = scene.bed.pinger(scene.guest("all", "h1"), scene.guest("all", "h3"))
    set_status(scene, left, "DOWN")
    set_status(scene, new, "ACTIVE")
    broker_again(scene)
    wait_for(lambda: way(h1, new["mac_address"])[0], 60, "the new port's entry is missing")
    wait_for(lambda: not way(h1, left["mac_address"])[0], 60, "the old port's entry stays")
    equal(pinger.stop().lost, [], "lost pings")


def ends(host):
    return {row["options"].get("remote_ip") for row in host.switch.rows("Interface")
            if row["type"] == "vxlan"}


def end_points_are_right(scene):
    """One that went while nothing could be heard."""
    expect(GHOST in ends(scene.hosts[0]), "no tunnel to an end point that the server knows")
    pinger = scene.bed.pinger(scene.guest("all", "h1"), scene.guest("all", "h3"))
    scene.bed.mariadb.query("DELETE FROM ml2_vxlan_endpoints WHERE ip_address = %s", GHOST)
    broker_again(scene)
    for host in scene.hosts:
        others = {wires.local_ip(other.name) for other in scene.hosts if other is not host}
        wait_for(lambda host=host, others=others: ends(host) == others, 60,
                 lambda host=host: f"{host.name} has tunnels to {ends(host)}")
    equal(pinger.stop().lost, [], "lost pings")


def tunnels_to(host, end):
    return [row["name"] for row in host.switch.rows("Interface")
            if row["options"].get("remote_ip") == end]


def has_tunnel(host, end, name):
    wait_for(lambda: tunnels_to(host, end) == [name], 60,
             lambda: f"{host.name} has {tunnels_to(host, end)} to {end}, not {name}")
    recomputed.wait_same(host)


def numbered(scene):
    """Servers before Juno number the ends of tunnels; others do not."""
    host, far = scene.hosts[0], wires.local_ip("h3")
    before = exact(host)
    scene.bed.notify("q-agent-notifier-tunnel-update", "tunnel_update", tunnel_ip=far,
                     tunnel_id=7, tunnel_type="vxlan")
    has_tunnel(host, far, "vxlan-7")
    scene.guest("all", "h1").wait_ping(scene.guest("all", "h3"))
    host.agent.restart()
    wait_exact(host, before)
    scene.guest("all", "h1").wait_ping(scene.guest("all", "h3"))


def learning(scene):
    """Without l2population, and with an end point of a host that is never there."""
    scene.bed.mariadb.query("INSERT INTO ml2_vxlan_endpoints (ip_address, udp_port, host) "
                            "VALUES (%s, 4789, 'ghost')", GHOST)
    restart(scene, options(LEARNING, KINDS))
    for host in scene.hosts:
        wait_for(lambda host=host: GHOST in ends(host), 60, f"{host.name} has no tunnel to {GHOST}")
        # What was there before stays until the server has told of everybody.
        wait_for(lambda host=host: floods(host) == {3}, 60,
                 lambda host=host: f"{host.name} floods to {floods(host)} tunnels")
    scene.guest("all", "h1").wait_ping(scene.guest("all", "h3"))
    scene.guest("few", "h1").wait_ping(scene.guest("few", "h2"))


def floods(host):
    """How many tunnels floods go to."""
    flows = host.ovs("ofctl", "dump-flows", "br-tun", "table=22")
    return {line.count("output:") for line in flows.splitlines() if "dl_vlan=" in line}


def main():
    bed = bed_for(hosts=3, agents=OURS, agent_options=options(L2POP, KINDS))
    scene = Scene(bed)
    need("ports are ACTIVE", make, scene)
    check(f"{L2POP}: frames go to hosts that have the network", flooded, scene, 0)
    check(f"{L2POP}: a port that moves is followed with the server's word", followed, scene, "all",
          bed.hosts[:2], True)
    for name, fall in WAYS:
        check(f"{RATE} pings a second, the agent is {name}: nobody notices", nobody_notices, scene,
              fall)
    if OURS != "python":
        check("ovs-vswitchd restarts: no more is lost than without an agent", no_more_than_alone,
              scene)
        check("entries that nobody could hear of are right", entries_are_right, scene)
    need(f"{LEARNING}: the agents start anew", learning, scene)
    check(f"{LEARNING}: frames to nobody go to all hosts", flooded, scene, 1)
    check(f"{LEARNING}: a port that moves is followed with one announcement", followed, scene,
          "all", bed.hosts, False)
    if OURS != "python":
        check("an end point that went unheard is gone", end_points_are_right, scene)
        check("a tunnel has the number that an old server gives", numbered, scene)
    done()


if __name__ == "__main__":
    main()
