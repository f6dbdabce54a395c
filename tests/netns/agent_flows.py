#!/usr/bin/python3 -B
"""Flows of the agent against a real switch: what is there is adopted, the rest is sent, and
what somebody else changed is put right."""
# timeout: 600

import glob
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need, wait_for  # noqa: E402
from flow_switch import FlowSwitch, shapes  # noqa: E402
from sanitized import plain_build  # noqa: E402

BRIDGE = "br-int"
GOLDEN = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../golden")
switch = FlowSwitch("flows")


def wanted(n, table=20, port=2):
    """Flows as of a network with many guests."""
    return [f"table={table},priority=2,dl_vlan={1 + i // 250},"
            f"dl_dst=fa:16:3e:00:{i >> 8:02x}:{i & 255:02x},"
            f"actions=pop_vlan,set_field:{100 + i // 250}->tun_id,output:{port}"
            for i in range(n)]


def add_meters():
    """Those that flows of the files name."""
    for meter in (1, 5, 6):
        switch.ofctl("add-meter", BRIDGE, f"meter={meter} pktps bands=type=drop rate=1000",
                     version="OpenFlow13")


def start():
    switch.start()
    switch.bridge(BRIDGE, controller=True)
    add_meters()


def fresh(*reserved, listen=None):
    """A peer with the bridge, and the switch without flows."""
    switch.end_peers()
    switch.ofctl("del-flows", BRIDGE)
    peer = switch.flow_peer(*reserved, **({"listen": listen} if listen else {}))
    peer.bridge(BRIDGE)
    return peer


def adopted(version, listen):
    """Installed by ovs-ofctl; a peer that wants the same sends nothing."""
    switch.end_peers()
    switch.ofctl("del-flows", BRIDGE)
    switch.add_flows(BRIDGE, [f"cookie=0x77,{line}" for line in shapes()], version)
    before = switch.flows(BRIDGE, cookies=True)
    peer = switch.flow_peer(listen=listen)
    peer.bridge(BRIDGE)
    peer.want("all", BRIDGE, shapes())
    peer.settle()
    peer.ask("complete", BRIDGE)
    peer.settle()
    stats = peer.stats()
    equal(switch.flows(BRIDGE, cookies=True), before, "flows")
    equal(stats["flow_mods"], 0, "changes")
    equal(stats["adopted"], len(shapes()), "adopted")
    equal(peer.end(), 0, "status")


def own_adopted(protocols, listen):
    """Installed by one peer, adopted by the next, over the same version."""
    switch.bridge(BRIDGE, protocols=protocols)
    try:
        peer = fresh(listen=listen)
        peer.want("all", BRIDGE, shapes())
        peer.settle()
        equal(peer.stats()["added"], len(shapes()), "added")
        equal(len(switch.flows(BRIDGE)), len(shapes()), "flows")
        for _ in range(2):
            peer.ask("check", BRIDGE)
        stats = peer.stats()
        equal((stats["repaired"], stats["added"], stats["refused"]), (0, len(shapes()), 0), "stats")
        equal(peer.end(), 0, "status")

        before = switch.flows(BRIDGE, cookies=True)
        again = switch.flow_peer(listen=listen)
        again.bridge(BRIDGE)
        again.want("all", BRIDGE, shapes())
        again.ask("complete", BRIDGE)
        again.settle()
        equal(again.stats()["flow_mods"], 0, "changes")
        equal(again.stats()["adopted"], len(shapes()), "adopted")
        equal(switch.flows(BRIDGE, cookies=True), before, "flows")
        equal(again.end(), 0, "status")
    finally:
        switch.bridge(BRIDGE)


def planned():
    """What our planners make: sent, told again by the switch, and the same."""
    peer = fresh()
    for path in sorted(glob.glob(os.path.join(GOLDEN, "agent/*.flows"))):
        with open(path, encoding="utf-8") as file:
            lines = [line for line in file.read().splitlines() if not line.startswith("#")]
        peer.want("plan", BRIDGE, lines)
        peer.settle("plan")
        before = peer.stats()
        equal(switch.n_flows(BRIDGE), before["wanted"], f"flows of {path}")
        peer.ask("check", BRIDGE)
        after = peer.stats()
        equal((after["repaired"], after["added"]), (0, before["added"]), f"changes of {path}")
    equal(after["refused"], 0, "refused")
    peer.end()


def cookies_are_ours():
    """Flows carry their owner's cookie; two owners two cookies, the same one always the same."""
    peer = fresh()
    peer.want("a", BRIDGE, ["in_port=5,actions=drop", "in_port=6,actions=drop"])
    peer.want("b", BRIDGE, ["in_port=7,actions=drop"])
    peer.settle()
    found = [line.split(",")[0] for line in switch.flows(BRIDGE, cookies=True)]
    equal(len(set(found)), 2, "cookies")
    expect(all(cookie.startswith("cookie=0x6e7401") for cookie in found), found)
    peer.end()


def latest_claim_wins():
    peer = fresh()
    peer.want("a", BRIDGE, ["in_port=5,actions=output:1"])
    peer.want("b", BRIDGE, ["in_port=5,actions=output:2", "in_port=6,actions=drop"])
    peer.settle()
    equal(switch.flows(BRIDGE), ["in_port=5 actions=output:2", "in_port=6 actions=drop"], "b")
    peer.want("a", BRIDGE, ["in_port=5,actions=output:1"])
    peer.settle()
    equal(switch.flows(BRIDGE)[0], "in_port=5 actions=output:2", "the same wish again")
    peer.want("b", BRIDGE, [])
    peer.settle()
    equal(switch.flows(BRIDGE), ["in_port=5 actions=output:1"], "b gave up")
    peer.ask("unwant", "a")
    peer.settle()
    equal(switch.flows(BRIDGE), [], "all gave up")
    equal((peer.stats()["wanted"], peer.stats()["installed"]), (0, 0), "nothing is kept")
    peer.end()


def stale_goes_when_complete():
    """Not before; never what is learned, nor what a reserved cookie has."""
    kept = ["table=20,priority=1,hard_timeout=300,dl_dst=fa:16:3e:00:00:01,actions=output:2",
            "cookie=0x6e74010000000001,table=9,hard_timeout=300,in_port=3,actions=output:2",
            "cookie=0x1234,table=9,in_port=4,actions=output:2",
            "cookie=0x12ff,table=9,in_port=5,actions=output:2"]
    stale = ["table=20,priority=1,dl_dst=fa:16:3e:00:00:02,actions=output:2",
             "cookie=0x1334,table=9,in_port=6,actions=output:2",
             "cookie=0x6e74010000000007,table=9,in_port=7,actions=output:2"]
    peer = fresh("0x1200/0xffffffffffffff00", "0x99")
    peer.want("a", BRIDGE, ["in_port=5,actions=output:1"])
    peer.settle()
    switch.add_flows(BRIDGE, kept + stale)
    peer.ask("check", BRIDGE)
    equal(switch.n_flows(BRIDGE), 8, "before all is wanted")
    peer.ask("complete", BRIDGE)
    peer.settle()
    equal(switch.n_flows(BRIDGE), 1 + len(kept), "after")
    peer.want("b", BRIDGE, ["table=9,in_port=5,actions=output:7"])
    wait_for(lambda: peer.stats()["refused"] == 1, 30, "the place is taken")
    expect(any("in_port=5 actions=output:2" in line for line in switch.flows(BRIDGE)), "taken")
    peer.end()


def others_are_put_right():
    """What was deleted, changed and added by hand is found by a check."""
    lines = wanted(300)
    peer = fresh()
    peer.want("net", BRIDGE, lines)
    peer.ask("complete", BRIDGE)
    peer.settle()
    before = switch.flows(BRIDGE, cookies=True)
    switch.ofctl("del-flows", BRIDGE, "table=20,dl_vlan=1")
    switch.ofctl("mod-flows", BRIDGE, "table=20,dl_vlan=2,actions=drop")
    switch.add_flows(BRIDGE, ["cookie=0x5,in_port=1,actions=drop"])
    peer.ask("check", BRIDGE)
    peer.settle()
    equal(switch.flows(BRIDGE, cookies=True), before, "flows")
    equal(peer.stats()["repaired"], 300, "repaired")
    peer.end()


EDITS = [("add-flow", "in_port=1,actions=drop"), ("del-flows", "table=20,dl_vlan=1"),
         ("mod-flows", "table=20,dl_vlan=2,actions=drop"), ("del-flows",)]


def edits_are_noticed(version, listen):
    """The switch tells of them: nobody has to look, and what we do ourselves is no news."""
    switch.vsctl("set", "Bridge", BRIDGE, f"protocols=OpenFlow10,{version}")
    peer = fresh(listen=listen)
    peer.want("net", BRIDGE, wanted(300))
    peer.ask("complete", BRIDGE)
    peer.settle()
    before = switch.flows(BRIDGE, cookies=True)
    equal((peer.stats()["dumps"], peer.stats()["edits"]), (1, 0), "dumps, edits")
    for command, *flow in EDITS:
        switch.ofctl(command, BRIDGE, *flow, version=version)
        expect(switch.flows(BRIDGE, cookies=True) != before or peer.stats()["edits"], "no edit")
        wait_for(lambda: switch.flows(BRIDGE, cookies=True) == before, 10,
                 lambda: f"{command} {flow} is not put right: {peer.stats()}")
    equal(peer.stats()["repaired"], 250 + 50 + 300, "repaired")
    peer.end()
    switch.vsctl("set", "Bridge", BRIDGE, "protocols=OpenFlow10,OpenFlow13,OpenFlow14")


def edits_of_others_are_theirs():
    peer = fresh("0x5500/0xff00")
    peer.want("net", BRIDGE, wanted(3))
    peer.ask("complete", BRIDGE)
    peer.settle()
    switch.add_flows(BRIDGE, ["cookie=0x5501,in_port=7,actions=drop"])
    switch.add_flows(BRIDGE, ["cookie=0x1,in_port=8,actions=drop"])
    wait_for(lambda: peer.stats()["edits"] == 1 and peer.stats()["removed"] == 1, 10,
             lambda: str(peer.stats()))
    expect(any("in_port=7" in line for line in switch.flows(BRIDGE)), switch.flows(BRIDGE))
    peer.end()


def edits_are_left():
    """For who wants to try something by hand."""
    peer = fresh("leave-edits")
    peer.want("net", BRIDGE, wanted(300))
    peer.ask("complete", BRIDGE)
    peer.settle()
    before = switch.flows(BRIDGE, cookies=True)
    for command, *flow in EDITS[:3]:
        switch.ofctl(command, BRIDGE, *flow, version="OpenFlow13")
    edited = switch.flows(BRIDGE, cookies=True)
    wait_for(lambda: peer.stats()["differing"] == 301, 10, lambda: str(peer.stats()))
    peer.ask("check", BRIDGE)
    peer.settle()
    equal(switch.flows(BRIDGE, cookies=True), edited, "flows")
    equal(peer.stats()["repaired"], 0, "repaired")

    # What is wanted anew is installed, and who undoes it is heard as well.
    peer.want("port", BRIDGE, ["in_port=2,actions=drop"])
    peer.settle()
    switch.add_flows(BRIDGE, wanted(300), version="OpenFlow13")
    switch.ofctl("del-flows", BRIDGE, "in_port=1", version="OpenFlow13")
    wait_for(lambda: peer.stats()["differing"] == 0, 10, lambda: str(peer.stats()))
    expect(len(switch.flows(BRIDGE)) == len(before) + 1, switch.flows(BRIDGE))
    peer.end()


def refused_is_left_out():
    """In the middle of a bundle: it is found, logged with its owner, and the rest is there.
    A removal goes in the end all the same."""
    lines = wanted(200)
    bad = "table=59,in_port=77,actions=meter:77,goto_table:60"
    peer = fresh()
    peer.want("old", BRIDGE, ["in_port=9,actions=drop"])
    peer.settle()
    peer.want("old", BRIDGE, [])
    peer.want("good-1", BRIDGE, lines[:100])
    peer.want("bad", BRIDGE, [bad])
    peer.want("good-2", BRIDGE, lines[100:])
    peer.settle()
    equal(switch.n_flows(BRIDGE), 200, "flows")
    equal(peer.stats()["refused"], 1, "refused")
    equal([peer.ask("settled", owner) for owner in ("good-1", "bad", "good-2")],
          [True, False, True], "settled")
    with open(peer.log, encoding="utf-8") as file:
        told = [line for line in file if "flow refused" in line]
    equal(len(told), 1, "log lines")
    expect("owner=bad" in told[0] and "in_port=77" in told[0], told[0])
    expect(any("(refused)" in line and "meter:77" in line for line in peer.format("bad")), "format")

    # It is tried again once there is a meter.
    switch.ofctl("add-meter", BRIDGE, "meter=77 pktps bands=type=drop rate=1000",
                 version="OpenFlow13")
    peer.ask("check", BRIDGE)
    peer.settle("bad")
    equal(switch.n_flows(BRIDGE), 201, "flows")
    peer.want("bad", BRIDGE, [])
    peer.settle()
    switch.ofctl("del-meter", BRIDGE, "meter=77", version="OpenFlow13")
    peer.end()


def many_refused():
    peer = fresh()
    lines = wanted(2000)
    for i in range(0, 2000, 20):
        lines[i] = f"table=59,in_port={1000 + i},actions=meter:78,goto_table:60"
    peer.want("all", BRIDGE, lines)
    peer.settle()
    equal((switch.n_flows(BRIDGE), peer.stats()["refused"]), (1900, 100), "flows, refused")
    peer.end()


def switch_starts_anew():
    """vswitchd killed: what is wanted comes back by itself, on the new connection."""
    lines = wanted(1000)
    for listen in ("ptcp:6633:127.0.0.1", "-"):
        peer = fresh(listen=listen)
        peer.want("net", BRIDGE, lines)
        peer.settle()
        before = switch.flows(BRIDGE)
        switch.stop_vswitchd()
        wait_for(lambda peer=peer: peer.ask("settled", "net") is False, 30, "the end is noticed")
        peer.want("more", BRIDGE, ["in_port=3,actions=drop"])
        switch.start_vswitchd()
        peer.settle()
        equal(switch.flows(BRIDGE), sorted(before + ["in_port=3 actions=drop"]), "flows")
        equal(peer.stats()["repaired"], 0, "repaired")
        peer.end()
    add_meters()


def switch_hangs():
    """Stopped, not ended: the connection is given up, and what was under way is sent again."""
    peer = fresh()
    peer.want("a", BRIDGE, ["in_port=5,actions=drop"])
    peer.settle()
    os.kill(switch.vswitchd.pid, signal.SIGSTOP)
    try:
        peer.want("b", BRIDGE, ["in_port=6,actions=drop"])
        wait_for(lambda: peer.ask("settled", "a") is False, 60, "the silence is noticed")
        equal(peer.ask("settled", "b"), False, "settled")
    finally:
        os.kill(switch.vswitchd.pid, signal.SIGCONT)
    peer.settle()
    equal(switch.flows(BRIDGE), ["in_port=5 actions=drop", "in_port=6 actions=drop"], "flows")
    peer.end()


def second_process_adopts_ten_thousand():
    lines = wanted(10000)
    with plain_build():
        peer = fresh()
    empty = peer.stats()
    peer.want("net", BRIDGE, lines)
    peer.settle()
    full = peer.stats()
    per_flow = (full["heap"] - empty["heap"]) / len(lines)
    print(f"# {per_flow:.0f} bytes of heap per flow", flush=True)
    expect(per_flow < 250, f"{per_flow} bytes per flow")
    peer.end()

    before, told = switch.flows(BRIDGE, cookies=True), switch.n_messages()
    again = switch.flow_peer()
    again.bridge(BRIDGE)
    again.want("net", BRIDGE, lines)
    again.ask("complete", BRIDGE)
    again.settle()
    stats = again.stats()
    equal((stats["adopted"], stats["flow_mods"], stats["bundles"]), (10000, 0, 0), "stats")
    equal(switch.flows(BRIDGE, cookies=True), before, "flows")
    # Hello, features, asynchronous messages off, the dump, and those of ovs-ofctl.
    expect(switch.n_messages() - told < 20, f"{switch.n_messages() - told} messages")
    again.end()


def a_bridge_comes_and_goes():
    """The second one is there later, deleted by somebody, and made anew."""
    peer = fresh()
    peer.ask("bridge", "br-two")
    peer.want("a", BRIDGE, ["in_port=5,actions=drop"])
    peer.want("b", "br-two", ["in_port=6,actions=drop"])
    peer.settle("a")
    for _ in range(2):
        equal(peer.ask("settled", "b"), False, "settled without the bridge")
        switch.bridge("br-two", controller=True)
        peer.bridge("br-two")
        peer.settle()
        equal(switch.flows("br-two"), ["in_port=6 actions=drop"], "second bridge")
        switch.vsctl("del-br", "br-two")
        peer.ask("bridge", "br-two")
    equal(peer.ask("settled", "a"), True, "settled")
    equal((peer.stats()["wanted"], peer.stats()["added"]), (2, 3), "wanted, added")
    peer.end()


def taken_port_is_said():
    peer = fresh()
    second = switch.flow_peer()
    equal(second.process.wait(30), 1, "status")
    switch.peers.remove(second)
    expect("cannot listen" in second.said() and "6633" in second.said(), second.said())
    peer.end()


need("start", start)
for where, listen_at in (("controller", "ptcp:6633:127.0.0.1"), ("management socket", "-")):
    check(f"flows of ovs-ofctl are adopted over the {where}", adopted, "OpenFlow14", listen_at)
    for number in ("13", "14"):
        check(f"own flows are adopted in version {number} over the {where}", own_adopted,
              f"OpenFlow10,OpenFlow{number}", listen_at)
check("what is planned is what is installed", planned)
check("cookies say whose a flow is", cookies_are_ours)
check("the latest claim wins, and the earlier one comes back", latest_claim_wins)
check("stale flows go when all is wanted", stale_goes_when_complete)
check("what others change is put right", others_are_put_right)
for number in ("13", "14"):
    check(f"what others do is noticed in version {number}", edits_are_noticed,
          f"OpenFlow{number}", "ptcp:6633:127.0.0.1")
check("what others do to their own flows is left alone", edits_of_others_are_theirs)
check("what others do is counted and left when that is wished", edits_are_left)
check("a refused flow is left out", refused_is_left_out)
check("many refused flows", many_refused)
check("the switch starts anew", switch_starts_anew)
check("the switch hangs", switch_hangs)
check("a second process adopts ten thousand flows", second_process_adopts_ten_thousand)
check("a bridge comes and goes", a_bridge_comes_and_goes)
check("a listener's port in use", taken_port_is_said)
done()
