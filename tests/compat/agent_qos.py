#!/usr/bin/python3
"""Our agent on h1 and the stock one on h2 make the same OVSDB rows and flows of QoS policies, of
a port or of its network, whatever happens to policy, port and agent.

NT_AGENT=python puts the stock agent on both hosts: what fails then is this test's mistake."""
# timeout: 1200

import os
import re

from check import Failed, check, done, equal, expect, need, wait_for
from neutron_bed import bed_for, recomputed
from neutron_bed.flow_watch import FlowWatch
from neutron_bed.scene import Scene, exact, wait_exact

OURS = os.environ.get("NT_AGENT", "neutrino")
OPTIONS = {"securitygroup": {"firewall_driver": "noop"},
           "agent": {"tunnel_types": "", "l2_population": "false", "arp_responder": "false",
                     "polling_interval": "1", "extensions": "qos"}}
LIMIT = "bandwidth_limit"
MARK = "dscp_marking"
RATE = "packet_rate_limit"
MINIMUM = "minimum_bandwidth"
FASTEST = "34359738367"
LIMIT_S = 120  # A stock agent starts for a minute when the machine is busy.


class Policies:
    """Policies by name, and their rules by a name of their own."""

    def __init__(self, api):
        self.api = api
        self.ids = {}
        self.rules = {}

    def make(self, name, **rules):
        self.ids[name] = self.api.create("policy", name=name)["id"]
        for rule, what in rules.items():
            self.add(name, rule, what)

    def add(self, name, rule, what):
        kind, fields = what
        self.rules[name, rule] = kind, self.api.qos_rule(self.ids[name], kind, **fields)

    def change(self, name, rule, **fields):
        kind, there = self.rules[name, rule]
        self.api.update_qos_rule(self.ids[name], kind, there, **fields)

    def drop(self, name, rule):
        kind, there = self.rules.pop((name, rule))
        self.api.delete_qos_rule(self.ids[name], kind, there)


def egress(kbps, burst=0):
    return LIMIT, {"direction": "egress", "max_kbps": kbps, "max_burst_kbps": burst}


def ingress(kbps, burst=0):
    return LIMIT, {"direction": "ingress", "max_kbps": kbps, "max_burst_kbps": burst}


def mark(dscp):
    return MARK, {"dscp_mark": dscp}


def rate(direction, kpps, burst=0):
    return RATE, {"direction": direction, "max_kpps": kpps, "max_burst_kpps": burst}


def minimum(direction, kbps):
    return MINIMUM, {"direction": direction, "min_kbps": kbps}


# --- what is looked for ------------------------------------------------------------------------


def polices(view, role, limits):
    return view.has("ovsdb", f"tap({role}) policing={limits}") if limits \
        else not view.has("ovsdb", f"tap({role}) policing=")


def queues(view, role, rate, burst=0):
    """The port's own QoS row with its queue 0."""
    if not rate:
        return not view.has("qos", f"tap({role})")
    return (view.has("qos", "QoS linux-htb", f"'id': 'tap({role})'", f"of ['tap({role})']",
                     "queues=[0]")
            and view.has("qos", "Queue", f"'port': 'tap({role})'", f"'max-rate': '{rate * 1000}'",
                         f"'burst': '{burst * 1000}'", "of [0]"))


def marks(view, role, dscp):
    flows = view.find("br-int", f"in_port=tap({role})", "->ip_dscp", f"resubmit:tap({role})")
    return len(flows) == 2 and all(f"set_field:{dscp}->ip_dscp" in flow for flow in flows) \
        if dscp else not flows


def meters(view, role, way, pps):
    """One band that drops, and one flow that leads through it."""
    number = f"meter:{role}_{way},"
    if not pps:
        return not (view.has("meters", f"meter={role}_{way} ") or view.has("br-int", number)
                    or view.has("ovsdb", f"tap({role})", f"id({role})_{way}"))
    there = "dl_dst" if way == "ingress" else f"in_port=tap({role})"
    return (view.has("meters", f"meter={role}_{way} pktps", f"rate={pps}")
            and view.has("br-int", "table=59", there, f"mac({role})", number))


def reserves(view, role, kbps, uplinks=("phys0",)):
    """The port's queue on the uplinks, and flows that lead into it."""
    if not kbps:
        return not (view.has("qos", f"id({role})") or view.has("br-int", f"load:tap({role})->"))
    return (view.has("qos", "QoS linux-htb", f"'_type': '{MINIMUM}'", f"of {sorted(uplinks)}",
                     f"'max-rate': '{FASTEST}'", f"'tap({role})'")
            and view.has("qos", "Queue", f"'port': 'id({role})'", f"'queue-num': 'tap({role})'",
                         f"'type': '{MINIMUM}'", f"'min-rate': '{kbps * 1000}'",
                         f"'max-rate': '{FASTEST}'", f"of ['tap({role})']")
            and view.has("br-int", "table=0, priority=200", "reg4=0", f"in_port=tap({role})",
                         f"load:tap({role})->NXM_NX_PKT_MARK[]")
            and view.has("br-phys", "table=0, priority=200", "reg4=0", "in_port=phy-br-phys",
                         f"pkt_mark=tap({role})", f"set_queue:tap({role})"))


def for_nobody(line):
    """What docs/interop.md says of the flow that sets the queue: ours is there with a limit."""
    return "actions=set_queue:0,load:0x1->NXM_NX_REG3[0],resubmit(,0)" in line


def of_dead(role):
    """What it says of ports on the dead VLAN: the stock agent leaves their other flows."""
    return lambda line: for_nobody(line) or (f"in_port=tap({role})" in line
                                             and "actions=goto_table" in line)


def of_queues(line):
    """What it says of a minimum bandwidth that went: the stock agent leaves flows of br-phys."""
    left = line.startswith("br-phys missing: ") or re.search(r"set_queue:\d", line)
    return for_nobody(line) or (left and line.startswith("br-phys ") and "set_queue:" in line)


def sets_queue(view):
    return view.has("br-int", "set_queue:0,")


def agree(scene, until, known=lambda line: False):
    """Scene.agree(), which tells what there is when it is not what it shall be."""
    try:
        scene.agree(until, known, LIMIT_S)
    except Failed as problem:
        views = [scene.view(host) for host in scene.hosts]
        told = [f"{host.name} {line}" for host, view in zip(scene.hosts, views)
                for line in view.lines["qos"] + view.find("ovsdb", "policing=")
                + view.find("br-int", "set_queue") + view.lines["meters"]
                + view.find("br-int", "meter:") + view.find("br-int", "reg2=0")
                + view.find("br-int", "reg4=0") + view.find("br-phys", "reg4=0")]
        raise Failed("\n".join([str(problem), *told])) from None


# --- steps -------------------------------------------------------------------------------------


def make(scene, policies):
    scene.network("vlan", "vlan", ["10.2.0.0/24"], 123)
    for role in ("v", "w"):
        scene.port(role, "vlan")
    scene.port("d", "vlan", device_owner="network:dhcp")
    policies.make("one", out=egress(3000))
    policies.make("two", out=egress(5000, 600), into=ingress(4000, 500), mark=mark(26))
    policies.make("net", out=egress(7000), into=ingress(6000))
    scene.wait_active("v", "w", "d")


def policy_of_port(scene, policies):
    scene.update("v", qos_policy_id=policies.ids["one"])
    agree(scene, lambda view: polices(view, "v", "3000/2400"), for_nobody)


def rules_change(scene, policies):
    policies.change("one", "out", max_kbps=3500, max_burst_kbps=500)
    policies.add("one", "into", ingress(2000))
    policies.add("one", "mark", mark(14))
    agree(scene, lambda view: polices(view, "v", "3500/500") and queues(view, "v", 2000)
                and marks(view, "v", 14) and sets_queue(view))
    policies.change("one", "into", max_kbps=2500, max_burst_kbps=300)
    policies.change("one", "mark", dscp_mark=46)
    agree(scene, lambda view: queues(view, "v", 2500, 300) and marks(view, "v", 46))


def packet_rates(scene, policies):
    policies.add("one", "slow", rate("egress", 1, 2))
    policies.add("one", "few", rate("ingress", 3))
    agree(scene, lambda view: meters(view, "v", "egress", 1000)
          and meters(view, "v", "ingress", 3000))
    policies.change("one", "slow", max_kpps=4)
    agree(scene, lambda view: meters(view, "v", "egress", 4000))
    policies.drop("one", "slow")
    agree(scene, lambda view: meters(view, "v", "egress", None)
          and meters(view, "v", "ingress", 3000))
    policies.drop("one", "few")
    agree(scene, lambda view: meters(view, "v", "ingress", None) and not view.lines["meters"])


def rules_go(scene, policies):
    policies.drop("one", "mark")
    policies.drop("one", "out")
    agree(scene, lambda view: polices(view, "v", None) and marks(view, "v", None)
                and queues(view, "v", 2500, 300))
    policies.drop("one", "into")
    agree(scene, lambda view: queues(view, "v", None), for_nobody)


def another_policy(scene, policies):
    policies.add("one", "out", egress(3000))
    policies.add("one", "mark", mark(14))
    agree(scene, lambda view: marks(view, "v", 14), for_nobody)
    scene.update("v", qos_policy_id=policies.ids["two"])
    agree(scene, lambda view: polices(view, "v", "5000/600") and queues(view, "v", 4000, 500)
                and marks(view, "v", 26))


def policy_of_network(scene, policies):
    """It holds for ports without a policy of their own, and not for the network's own ports."""
    scene.bed.api.update("network", scene.networks["vlan"], qos_policy_id=policies.ids["net"])
    agree(scene, lambda view: polices(view, "w", "7000/5600") and queues(view, "w", 6000)
                and polices(view, "v", "5000/600")
                and polices(view, "d", None) and queues(view, "d", None))


def back_to_the_network(scene, policies):
    scene.update("v", qos_policy_id=None)
    agree(scene, lambda view: polices(view, "v", "7000/5600") and queues(view, "v", 6000)
                and marks(view, "v", None))
    policies.change("net", "out", max_kbps=8000)
    agree(scene, lambda view: polices(view, "v", "8000/6400") and polices(view, "w", "8000/6400"))


def replugged(scene, policies):
    scene.unplug("w")
    agree(scene, lambda view: queues(view, "w", None))
    scene.plug("w")
    scene.wait_active("w")
    agree(scene, lambda view: polices(view, "w", "8000/6400") and queues(view, "w", 6000))


def restarted(scene, policies):
    """Our agent finds flows and rows as they shall be, and leaves them so."""
    host = scene.hosts[0]
    policies.add("net", "slow", rate("egress", 5))
    agree(scene, lambda view: meters(view, "v", "egress", 5000)
          and meters(view, "w", "egress", 5000))
    rows = qos_rows(host)
    watch = FlowWatch(host, "br-int")
    restart([host], lambda: None)
    # Seen at both ports it shows that the agent has gone through everything.
    policies.change("net", "out", max_kbps=9000)
    agree(scene, lambda view: polices(view, "v", "9000/7200") and polices(view, "w", "9000/7200"))
    if OURS == "neutrino":
        equal(watch.lines(), [], "flows that were touched")
        equal(qos_rows(host), rows, "rows")
    watch.stop()
    policies.drop("net", "slow")
    agree(scene, lambda view: not view.lines["meters"])


def qos_rows(host):
    return {row["_uuid"] for table in ("QoS", "Queue") for row in host.switch.rows(table)}


def restart(hosts, meanwhile):
    kinds = {host.name: host.agent_kind for host in hosts}
    for host in hosts:
        host.agent.stop()
    meanwhile()
    for host in hosts:
        host.start_agent(kinds[host.name], OPTIONS)


def while_away(scene, policies):
    """What changed while the agents were away: a policy of its own, a port that went."""
    def meanwhile():
        scene.update("v", qos_policy_id=policies.ids["one"])
        scene.unplug("w")

    restart(scene.hosts, meanwhile)
    agree(scene, lambda view: polices(view, "v", "3000/2400") and queues(view, "v", None)
                and marks(view, "v", 14) and not view.has("qos", "tap(w)"), for_nobody)


def without(scene, policies):
    scene.bed.api.update("network", scene.networks["vlan"], qos_policy_id=None)
    scene.update("v", qos_policy_id=None)
    agree(scene, lambda view: polices(view, "v", None) and marks(view, "v", None), for_nobody)


def deleted(scene, policies):
    scene.update("v", qos_policy_id=policies.ids["two"])
    agree(scene, lambda view: polices(view, "v", "5000/600") and queues(view, "v", 4000, 500))
    scene.delete("v")
    agree(scene, lambda view: view.has("ovsdb", "tap(v) tag=4095")
          and polices(view, "v", None) and queues(view, "v", None), of_dead("v"))
    scene.unplug("v")
    agree(scene, lambda view: not view.lines["qos"], for_nobody)


def is_queued(scene, host, role):
    """Whether the switch puts a broadcast of the port into a queue before it is sent."""
    port = scene.ports[role, host.name]
    text = host.ovs("appctl", "ofproto/trace", "br-int",
                    f"in_port=tap{port['id'][:11]},dl_src={port['mac_address']},"
                    "dl_dst=ff:ff:ff:ff:ff:ff")
    actions = text.rpartition("Datapath actions:")[2]
    expect("," in actions or actions.strip().isdigit(), text)
    return "skb_priority(" in actions


def reserve(scene, policies):
    """Ports of no instance: placement has a say in those of others."""
    policies.make("least", least=minimum("egress", 1000), most=minimum("ingress", 500))
    for role in ("m", "n"):
        scene.port(role, "vlan", device_owner="lab:guest")
    scene.wait_active("m", "n")
    scene.update("m", qos_policy_id=policies.ids["least"])
    agree(scene, lambda view: reserves(view, "m", 1000) and reserves(view, "n", None), of_queues)
    for host in scene.hosts:
        equal((is_queued(scene, host, "m"), is_queued(scene, host, "n")), (True, False),
              f"{host.name}: whether a frame that leaves is in a queue")
    policies.change("least", "least", min_kbps=2000)
    agree(scene, lambda view: reserves(view, "m", 2000), of_queues)
    for rule, what in (("mark", mark(10)), ("into", ingress(3000)), ("out", egress(9000))):
        policies.add("least", rule, what)
    scene.update("n", qos_policy_id=policies.ids["least"])
    agree(scene, lambda view: all(reserves(view, role, 2000) and marks(view, role, 10)
                                  and queues(view, role, 3000) and polices(view, role, "9000/7200")
                                  for role in ("m", "n")), of_queues)


def reserved_elsewhere(scene, policies):
    """Plugged anew it has another number."""
    scene.unplug("m")
    agree(scene, lambda view: reserves(view, "m", None) and reserves(view, "n", 2000), of_queues)
    scene.plug("m")
    scene.wait_active("m")
    agree(scene, lambda view: reserves(view, "m", 2000) and reserves(view, "n", 2000), of_queues)


def is_reserved(host, scene, role, kbps, uplinks):
    return reserves(scene.view(host), role, kbps, uplinks)


def uplinks_come_and_go(scene, policies):
    """Ours has the queues on a port that is added later; the stock agent once a rule changes."""
    both = ("phys0", "phys1")
    for host in scene.hosts:
        host.run(["ip", "link", "add", "phys1", "type", "veth", "peer", "name", "phys1-end"])
        host.ovs("vsctl", "add-port", "br-phys", "phys1")
    if OURS == "neutrino":
        wait_for(lambda: is_reserved(scene.hosts[0], scene, "m", 2000, both), LIMIT_S, "phys1")
        recomputed.wait_same(scene.hosts[0])
    policies.change("least", "least", min_kbps=3000)
    agree(scene, lambda view: reserves(view, "m", 3000, both) and reserves(view, "n", 3000, both),
          of_queues)
    for host in scene.hosts:
        host.ovs("vsctl", "del-port", "phys1")
        host.run(["ip", "link", "del", "phys1"])
    agree(scene, lambda view: reserves(view, "m", 3000), of_queues)


def reserved_after_restart(scene, policies):
    """The stock agent does not find its own rows again: ours alone is looked at."""
    if OURS != "neutrino":
        return
    host = scene.hosts[0]
    before = exact(host)
    rows = qos_rows(host)
    watches = [FlowWatch(host, bridge) for bridge in ("br-int", "br-phys")]
    restart([host], lambda: None)
    policies.change("least", "out", max_kbps=9500)
    agree(scene, lambda view: all(polices(view, role, "9500/7600") for role in ("m", "n")),
          of_queues)
    policies.change("least", "out", max_kbps=9000)
    wait_exact(host, before)
    equal([line for watch in watches for line in watch.lines()], [], "flows that were touched")
    equal(qos_rows(host), rows, "rows")
    for watch in watches:
        watch.stop()


def reserved_while_away(scene, policies):
    """A rule that went while the agent was away leaves nothing behind."""
    if OURS != "neutrino":
        return
    host = scene.hosts[0]
    restart([host], lambda: scene.update("n", qos_policy_id=None))
    agree(scene, lambda view: reserves(view, "m", 3000) and reserves(view, "n", None), of_queues)


def others_row(scene, policies):
    """Somebody else's row on an uplink stays, where the stock agent takes its place."""
    if OURS != "neutrino":
        return
    host = scene.hosts[0]
    host.ovs("vsctl", "--", "--id=@q", "create", "QoS", "type=linux-htb", "external_ids:id=mine",
             "--", "set", "Port", "phys0", "qos=@q")
    mine = uplink_row(host)
    policies.change("least", "least", min_kbps=2500)
    wait_for(lambda: scene.view(scene.hosts[1]).has("qos", "'min-rate': '2500000'"), LIMIT_S,
             "the rule at the other host")
    recomputed.wait_same(host)
    equal((uplink_row(host), scene.view(host).has("qos", MINIMUM)), (mine, False), "rows")
    with open(host.agent.log, encoding="utf-8", errors="replace") as log:
        equal(log.read().count("minimum bandwidths do not hold there"), 1, "words")
    host.ovs("vsctl", "--", "clear", "Port", "phys0", "qos", "--", "destroy", "QoS", mine)
    agree(scene, lambda view: reserves(view, "m", 2500), of_queues)


def uplink_row(host):
    return next(row["qos"] for row in host.switch.rows("Port") if row["name"] == "phys0")


def unreserve(scene, policies):
    policies.drop("least", "least")
    agree(scene, lambda view: reserves(view, "m", None) and queues(view, "m", 3000), of_queues)
    scene.update("n", qos_policy_id=None)
    scene.update("m", qos_policy_id=None)
    agree(scene, lambda view: not view.lines["qos"], of_queues)


def main():
    bed = bed_for(hosts=2, agents={"h1": OURS, "h2": "python"}, agent_options=OPTIONS)
    scene, policies = Scene(bed), Policies(bed.api)
    need("ports and policies", make, scene, policies)
    check("policy of a port", policy_of_port, scene, policies)
    for name, step in (("rules change", rules_change), ("packet rates", packet_rates),
                       ("rules go", rules_go),
                       ("another policy", another_policy),
                       ("policy of the network", policy_of_network),
                       ("back to the network's", back_to_the_network),
                       ("unplugged and plugged again", replugged),
                       ("agent restarted", restarted),
                       ("changes while the agents are away", while_away),
                       ("no policy", without), ("port deleted", deleted),
                       ("minimum bandwidth", reserve),
                       ("minimum of a port that is plugged anew", reserved_elsewhere),
                       ("minimum on a new uplink", uplinks_come_and_go),
                       ("minimum after a restart", reserved_after_restart),
                       ("minimum that goes while the agent is away", reserved_while_away),
                       ("minimum beside somebody else's row", others_row),
                       ("no minimum", unreserve)):
        check(name, step, scene, policies)
    done()


if __name__ == "__main__":
    main()
