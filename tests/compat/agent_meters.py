#!/usr/bin/python3
"""What becomes of packet rates when the agent, the switch or somebody else was at the meters, and
of flows that a switch refuses: our agents on two hosts."""
# timeout: 600

import re

import full_meters
import refusals
from agent_qos import Policies, rate
from check import check, done, equal, expect, need, wait_for
from neutron_bed import bed_for
from neutron_bed.flow_watch import FlowWatch
from neutron_bed.scene import Scene, exact, wait_exact

OPTIONS = {"securitygroup": {"firewall_driver": "noop"},
           "agent": {"tunnel_types": "vxlan", "polling_interval": "1", "extensions": "qos"}}
LIMIT = 60
MOD = re.compile(r"vconn\|DBG\|.* received: OFPT_METER_MOD \S+ \S+ (\w+) meter=(\d+)")


class MeterMods:
    """Changes of meters that the host's switch is sent, from now on."""

    def __init__(self, host):
        self.host = host
        host.ovs("appctl", "vlog/disable-rate-limit", "vconn")
        host.ovs("appctl", "vlog/set", "vconn:console:dbg")
        self.before = len(host.switch.vswitchd.output())

    def seen(self):
        """[(command, number)]"""
        return MOD.findall(self.host.switch.vswitchd.output()[self.before:])

    def stop(self):
        self.host.ovs("appctl", "vlog/set", "vconn:console:info")


def number(scene, host, role, way):
    """That of the port's meter, as its row has it; None without."""
    port = scene.ports[role, host.name]
    row = next(row for row in host.switch.rows("Port") if row["name"] == "tap" + port["id"][:11])
    return row["other_config"].get(f"{port['id']}_{way}")


def meters(host):
    """{number: packets a second}"""
    return dict(re.fullmatch(r"meter=(\S+) pktps bands= type=drop rate=(\d+)(?: .*)?", line).groups()
                for line in host.meters())


def wait_meters(host, wanted):
    wait_for(lambda: meters(host) == wanted, LIMIT,
             lambda: f"meters {host.meters()}, not {wanted}; {host.agent.why()}")


def make(scene, policies):
    """Guests v with two rates, w with none."""
    scene.network("net", "vxlan", ["10.2.0.0/24"])
    policies.make("one", out=rate("egress", 4), into=rate("ingress", 3, 2))
    policies.make("two", out=rate("egress", 7))
    scene.port("v", "net", qos_policy_id=policies.ids["one"])
    scene.port("w", "net")
    scene.wait_active("v", "w")
    host = scene.hosts[0]
    egress, ingress = (number(scene, host, "v", way) for way in ("egress", "ingress"))
    wait_meters(host, {egress: "4000", ingress: "3000"})
    scene.guest("v", "h1").wait_ping(scene.guest("v", "h2"))


def kept(scene, policies, fall):
    """What is there is as it shall be, with a burst or without: nothing is sent, until a rule
    changes."""
    host = scene.hosts[0]
    before = meters(host)
    egress = number(scene, host, "v", "egress")
    watch, mods = FlowWatch(host, "br-int"), MeterMods(host)
    pps = int(before[egress]) + 1000
    fall(host)
    # Seen at the port it shows that the agent has gone through everything.
    policies.change("one", "out", max_kpps=pps // 1000)
    wait_meters(host, {**before, egress: str(pps)})
    equal(mods.seen(), [("MOD", egress)], "changes of meters")
    equal(watch.lines(), [], "flows that were touched")
    mods.stop()
    watch.stop()


def killed(host):
    host.agent.kill()
    host.agent.start()


def rule_gone(scene, policies):
    """While the agent was away: meter, flow and note go, and nothing else does."""
    host = scene.hosts[0]
    egress, ingress = (number(scene, host, "v", way) for way in ("egress", "ingress"))
    pps = meters(host)[egress]
    mods = MeterMods(host)
    host.agent.stop()
    policies.drop("one", "into")
    host.agent.start()
    wait_meters(host, {egress: pps})
    equal(mods.seen(), [("DEL", ingress)], "changes of meters")
    mods.stop()
    wait_for(lambda: number(scene, host, "v", "ingress") is None, LIMIT, "its number stays")
    equal(number(scene, host, "v", "egress"), egress, "the other one's number")
    scene.agree(lambda view: view.has("br-int", "meter:v_egress,")
                and not view.has("br-int", "meter:v_ingress"))


def port_gone(scene, policies):
    """With its meters."""
    host = scene.hosts[0]
    before = meters(host)
    port = scene.bed.api.port(scene.networks["net"], host, qos_policy_id=policies.ids["two"])
    guest = host.plug(port)
    scene.bed.wait_active(port)
    wait_for(lambda: len(meters(host)) == len(before) + 1, LIMIT, "the port's meter")
    host.agent.stop()
    host.unplug(guest)
    host.agent.start()
    wait_meters(host, before)
    scene.bed.api.delete("port", port)


def put_back(scene, act):
    """Whatever somebody else does to the meters."""
    host = scene.hosts[0]
    before = exact(host)
    act(host)
    wait_exact(host, before)


def removed(host):
    """Flows go along that name them."""
    host.ovs("ofctl", "del-meters", "br-int")
    host.ovs("appctl", "revalidator/wait")


def taken(scene, policies):
    """Somebody else has made a meter of the number that the next port gets."""
    host = scene.hosts[0]
    before = meters(host)
    free = next(str(i) for i in range(1, 9) if str(i) not in before)
    host.ovs("ofctl", "add-meter", "br-int", f"meter={free},pktps,band=type=drop,rate=5")
    scene.update("w", qos_policy_id=policies.ids["two"])
    wait_meters(host, {**before, free: "7000"})
    scene.agree(lambda view: view.has("br-int", "meter:w_egress,"))
    scene.update("w", qos_policy_id=None)
    wait_meters(host, before)


def lost(scene, policies):
    """Somebody else has removed a meter whose rate changes then."""
    host = scene.hosts[0]
    egress = number(scene, host, "v", "egress")
    removed(host)
    policies.change("one", "out", max_kpps=9)
    wait_meters(host, {egress: "9000"})
    scene.agree(lambda view: view.has("meters", "meter=v_egress pktps", "rate=9000")
                and view.has("br-int", "meter:v_egress,"))


def switch_own(scene):
    """A meter of the switch itself, for what goes to controllers, is nobody's of ours."""
    host = scene.hosts[0]
    host.ovs("ofctl", "add-meter", "br-int", "meter=controller,pktps,band=type=drop,rate=100")
    before = meters(host)
    expect("controller" in before, before)
    mods = MeterMods(host)
    host.agent.restart()
    # A port that was plugged meanwhile shows that the agent has gone through everything.
    port = scene.bed.api.port(scene.networks["net"], host)
    guest = host.plug(port)
    scene.bed.wait_active(port)
    host.unplug(guest)
    scene.bed.api.wait_port(port, "DOWN")
    scene.bed.api.delete("port", port)
    equal((mods.seen(), meters(host)), ([], before), "changes of meters, and meters")
    mods.stop()
    host.ovs("ofctl", "del-meter", "br-int", "meter=controller")


def none_left(scene, policies):
    """The switch takes no meter: that is told of once, ports go on without, and so does a new
    one."""
    host = scene.hosts[0]
    before = len(host.agent.output())
    full_meters.fill(host)
    scene.update("w", qos_policy_id=policies.ids["two"])
    port = scene.bed.api.port(scene.networks["net"], host, qos_policy_id=policies.ids["two"])
    guest = host.plug(port)
    try:
        scene.bed.wait_active(port)
        guest.wait_ping(scene.guest("v", "h2"))
        wait_for(lambda: not any("meter:" in flow for flow in host.flows("br-int")), LIMIT,
                 "flows name meters")
        said = [line for line in host.agent.output()[before:].splitlines()
                if re.search(r"\|(WARN|ERR)\|", line)]
        told = [line for line in said if "the switch has no meters" in line]
        equal(len(told), 1, f"lines that tell of it {said}")
        expect("OUT_OF_METERS" in told[0], told[0])
        # The flow that was on its way with its meter is told of as well.
        others = [line for line in said if line not in told]
        expect(len(others) <= 1 and all("actions=meter:" in line for line in others), others)
    finally:
        host.unplug(guest)
        scene.bed.api.delete("port", port)
        full_meters.empty(host)
    # When the switch has some again, the next start limits what shall be.
    host.agent.restart()
    scene.agree(lambda view: view.has("br-int", "meter:w_egress,")
                and view.has("br-int", "meter:v_egress,"))


def main():
    bed = bed_for(hosts=2, agents="neutrino", agent_options=OPTIONS)
    scene, policies = Scene(bed), Policies(bed.api)
    need("ports have their packet rates", make, scene, policies)
    for name, fall in (("stopped", lambda host: host.agent.restart()), ("killed", killed)):
        check(f"the agent is {name}: meters are kept", kept, scene, policies, fall)
    check("a rule that went while the agent was away", rule_gone, scene, policies)
    check("a port that went while the agent was away", port_gone, scene, policies)
    check("meters that others remove are put back", put_back, scene, removed)
    check("meters are put back when ovs-vswitchd was killed", put_back, scene,
          lambda host: host.restart_vswitchd(kill=True))
    check("a meter that others have made is in the way", taken, scene, policies)
    check("a meter that others have removed is changed", lost, scene, policies)
    check("a meter of the switch's own is left alone", switch_own, scene)
    check("a switch without room for meters", none_left, scene, policies)
    for name, step in refusals.STEPS:
        check(name, step, scene, OPTIONS)
    done()


if __name__ == "__main__":
    main()
