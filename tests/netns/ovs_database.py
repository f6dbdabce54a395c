#!/usr/bin/python3 -B
# timeout: 600
"""What the agent wants of a switch's database gets there, once, in one transaction; what
others do there is told once, left alone when it is theirs, and changed back when it is ours."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need, wait_for  # noqa: E402
from neutrinolab import kernel  # noqa: E402
from switch import SCHEMA, Switch  # noqa: E402

CONTROLLER = "tcp:127.0.0.1:6633"
BRIDGE = {"name": "br-int", "datapath_type": "netdev", "create": True, "fail_mode": "secure",
          "protocols": ["OpenFlow10", "OpenFlow13", "OpenFlow14"], "controller": CONTROLLER,
          "probe": 10000, "snooping": 0, "other_config": {"mac-table-size": "50000"}}
VIF = {"iface-id": "11111111-2222-3333-4444-555555555555", "attached-mac": "fa:16:3e:00:00:01"}
LIMIT = 60


def log_of(peer):
    with open(peer.log, encoding="utf-8", errors="replace") as file:
        return file.read()


def columns(row, *names):
    return {name: row[name] for name in names}


def want_bridges(peer):
    for name in ("br-int", "br-tun"):
        peer.ask("bridge", **{**BRIDGE, "name": name})


def want_patches(peer):
    peer.ask("port", name="patch-tun", bridge="br-int", type="patch",
             options={"peer": "patch-int"}, other_config={"mcast-snooping-flood": "false"})
    peer.ask("port", name="patch-int", bridge="br-tun", type="patch",
             options={"peer": "patch-tun"})


def makes_all(switch, peer):
    """Two bridges, their patch ports and a tunnel, in one transaction."""
    before = peer.ask("state")["committed"]
    peer.ask("hold")
    want_bridges(peer)
    want_patches(peer)
    peer.ask("port", name="vxlan-0a000002", bridge="br-tun", type="vxlan",
             options={"remote_ip": "10.0.0.2", "local_ip": "10.0.0.1", "in_key": "flow",
                      "out_key": "flow", "df_default": "true"})
    equal(peer.settle()["committed"] - before, 1, "transactions")
    bridge = switch.row("Bridge", "br-int")
    equal(columns(bridge, "datapath_type", "fail_mode", "mcast_snooping_enable"),
          {"datapath_type": "netdev", "fail_mode": "secure", "mcast_snooping_enable": False},
          "bridge")
    equal(sorted(bridge["protocols"]), BRIDGE["protocols"], "protocols")
    equal(bridge["other_config"], BRIDGE["other_config"], "other_config")
    controllers = switch.rows("Controller")
    equal([columns(row, "target", "connection_mode", "inactivity_probe",
                   "max_backoff") for row in controllers],
          [{"target": CONTROLLER, "connection_mode": "out-of-band",
            "inactivity_probe": 10000, "max_backoff": 1000}] * 2, "controllers")
    equal(switch.row("Interface", "patch-tun")["options"], {"peer": "patch-int"}, "options")
    equal(switch.row("Port", "patch-tun")["other_config"], {"mcast-snooping-flood": "false"},
          "other_config")
    equal(switch.row("Interface", "vxlan-0a000002")["type"], "vxlan", "type")


def sees_ofports(peer):
    port = peer.wait("look_port", lambda found: found and found["ofport"] > 0, "an ofport",
                     name="patch-tun")
    equal(columns(port, "bridge", "type", "tag", "n_interfaces", "error"),
          {"bridge": "br-int", "type": "patch", "tag": 0, "n_interfaces": 1, "error": ""}, "port")
    bridge = peer.wait("look_bridge", lambda found: len(found["datapath_id"]) == 16,
                       "a datapath id", name="br-int")
    equal(bridge["datapath_type"], "netdev", "datapath_type")
    equal(sorted(port["name"] for port in peer.ask("ports", bridge="br-int")),
          ["br-int", "patch-tun"], "ports of br-int")


def knows_the_switch(switch, peer):
    switch.vsctl("set", "Open_vSwitch", ".", "ovs_version=3.1.0")  # Written by the start script.
    state = peer.wait("state", lambda found: found["version"], "a version")
    expect("vxlan" in state["iface_types"] and "netdev" in state["datapath_types"], str(state))


def writes_nothing_twice(switch, peer):
    """A second agent that wants the same finds it, and nothing is sent."""
    before = switch.n_transactions("ovsdb_peer")
    other = switch.peer()
    want_bridges(other)
    want_patches(other)
    equal(other.settle()["committed"], 0, "transactions of the second")
    want_bridges(peer)
    peer.settle()
    equal(switch.n_transactions("ovsdb_peer"), before, "records of the database")
    equal(other.end(), 0, "exit status")


def plug(switch, name, **columns_of_port):
    switch.vsctl("add-port", "br-int", name, "--", "set", "Interface", name, "type=internal",
                 *(f"external_ids:{key}=\"{value}\"" for key, value in VIF.items()),
                 *[word for key, value in columns_of_port.items()
                   for word in ("--", "set", "Port", name, f"{key}={value}")])


def tells_a_port_once(switch, peer):
    peer.changes()
    plug(switch, "tap0")
    port = peer.wait("look_port", lambda found: found and found["ofport"] > 0, "the new port",
                     name="tap0")
    equal(columns(port, "iface_id", "attached_mac", "skip_cleanup"),
          {"iface_id": VIF["iface-id"], "attached_mac": VIF["attached-mac"],
           "skip_cleanup": False}, "port")
    changes = peer.ask("changes")
    expect({tuple(change) for change in changes} == {("port", "tap0", False)}, str(changes))
    equal(peer.ask("changes"), [], "later changes")


def tags_a_port_of_others(switch, peer):
    """Tag and other_config in one transaction; what else is in the maps stays."""
    switch.vsctl("set", "Port", "tap0", "other_config:theirs=1")
    before = peer.ask("state")["committed"]
    peer.ask("port", name="tap0", bridge="br-int", tag=5, other_config={"net_uuid": "n1"},
             kbps=2000, burst=1600)
    equal(peer.settle()["committed"] - before, 1, "transactions")
    row = switch.row("Port", "tap0")
    equal(columns(row, "tag", "other_config"),
          {"tag": 5, "other_config": {"net_uuid": "n1", "theirs": "1"}}, "port")
    equal(columns(switch.row("Interface", "tap0"), "ingress_policing_rate",
                  "ingress_policing_burst", "external_ids"),
          {"ingress_policing_rate": 2000, "ingress_policing_burst": 1600, "external_ids": VIF},
          "interface")
    equal(peer.ask("look_port", name="tap0")["tag"], 5, "tag in the copy")
    peer.ask("port", name="tap0", bridge="br-int", tag=5, other_config={"net_uuid": None})
    peer.settle()
    equal(switch.row("Port", "tap0")["other_config"], {"theirs": "1"}, "other_config")


def leaves_the_dead_vlan(switch, peer):
    """Neutron's own drivers make ports that trunk the dead VLAN."""
    plug(switch, "tap1", tag=4095, vlan_mode="trunk", trunks=4095)
    before = peer.ask("state")["committed"]
    peer.wait("look_port", bool, "the port", name="tap1")
    peer.ask("port", name="tap1", tag=4095)
    equal(peer.settle()["committed"], before, "transactions for what is so")
    peer.ask("port", name="tap1", tag=7)
    peer.settle()
    equal(columns(switch.row("Port", "tap1"), "tag", "vlan_mode", "trunks"),
          {"tag": 7, "vlan_mode": [], "trunks": []}, "port")


def repairs(switch, peer):
    before = peer.ask("state")["repaired"]
    switch.vsctl("set", "Port", "tap0", "tag=99", "--", "set", "Interface", "patch-tun",
                 "options:peer=elsewhere", "--", "del-controller", "br-int")

    def is_repaired():
        return (switch.row("Port", "tap0")["tag"] == 5
                and switch.row("Interface", "patch-tun")["options"] == {"peer": "patch-int"}
                and len(switch.rows("Controller")) == 2)
    wait_for(is_repaired, LIMIT, "tag, peer and controller as they were")
    equal(peer.settle()["repaired"] - before, 3, "repairs")
    switch.vsctl("del-port", "br-int", "patch-tun")
    wait_for(lambda: switch.row("Port", "patch-tun"), LIMIT, "the patch port")
    equal(peer.settle()["repaired"] - before, 4, "repairs")


def leaves_what_others_change(switch):
    """For who wants to try something by hand."""
    plug(switch, "tap8")
    other = switch.peer(more=["leave-edits"])
    other.wait("look_port", bool, "the port", name="tap8")
    other.ask("port", name="tap8", tag=6)
    other.settle()
    switch.vsctl("set", "Port", "tap8", "tag=99")
    other.wait("state", lambda state: state["differing"] == 1, "count")
    equal(switch.row("Port", "tap8")["tag"], 99, "tag")
    switch.vsctl("set", "Port", "tap8", "tag=6")
    other.wait("state", lambda state: state["differing"] == 0, "count")
    switch.vsctl("set", "Port", "tap8", "tag=98")
    other.wait("state", lambda state: state["differing"] == 1, "count")
    other.ask("port", name="tap8", tag=7)
    equal(other.settle()["differing"], 0, "count after a wish")
    equal((switch.row("Port", "tap8")["tag"], other.ask("state")["repaired"]), (7, 0), "tag")


def tells_readded(switch, peer):
    peer.settle()
    peer.changes()
    switch.vsctl("del-port", "br-int", "tap0", "--", "add-port", "br-int", "tap0", "--", "set",
                 "Interface", "tap0", "type=internal", wait=False)
    changes = peer.wait("changes", lambda found: found, "a change")
    equal([change for change in changes if change[1] == "tap0"][0], ["port", "tap0", True],
          "change")
    wait_for(lambda: switch.row("Port", "tap0")["tag"] == 5, LIMIT, "the tag")


def waits_for_a_port(switch, peer):
    """A wish about somebody's port waits until that one makes it."""
    peer.ask("port", name="tap9", bridge="br-int", tag=9)
    expect(not peer.ask("settled", name="tap9"), "a port that is not there is settled")
    plug(switch, "tap9")
    wait_for(lambda: switch.row("Port", "tap9")["tag"] == 9, LIMIT, "the tag")
    peer.settle()
    switch.vsctl("del-port", "br-int", "tap9")
    peer.wait("look_port", lambda found: found is None, "the end of the port", name="tap9")
    expect(not peer.ask("settled", name="tap9"), "a port that is gone is settled")
    peer.ask("forget", name="tap9")
    peer.settle()


def limits(switch, peer):
    """The rows a limit is made of, changed in place, and gone with it."""
    peer.ask("qos", name="tap0", kbps=3000, burst=2400)
    peer.settle()
    qos, queue = switch.rows("QoS")[0], switch.rows("Queue")[0]
    equal(columns(qos, "type", "external_ids", "other_config", "queues"),
          {"type": "linux-htb", "external_ids": {"id": "tap0", "_type": "bandwidth_limit"},
           "other_config": {"max-rate": "34359738367"}, "queues": {0: queue["_uuid"]}}, "QoS")
    equal(columns(queue, "external_ids", "other_config"),
          {"external_ids": {"port": "tap0", "type": "bandwidth_limit", "queue-num": "0"},
           "other_config": {"max-rate": "3000000", "burst": "2400000"}}, "Queue")
    peer.ask("qos", name="tap0", kbps=4000, burst=3200)
    peer.settle()
    equal([row["other_config"] for row in switch.rows("Queue")],
          [{"max-rate": "4000000", "burst": "3200000"}], "Queue")
    equal(switch.rows("QoS")[0]["_uuid"], qos["_uuid"], "the QoS row")
    switch.vsctl("--", "--id=@q", "create", "QoS", "type=linux-htb", "external_ids:id=other",
                 "--", "set", "Port", "tap1", "qos=@q")
    peer.ask("qos", name="tap0", kbps=0)
    peer.ask("qos", name="tap1", kbps=0)
    peer.settle()
    equal([row["external_ids"] for row in switch.rows("QoS")], [{"id": "other"}], "QoS rows left")
    equal(switch.rows("Queue"), [], "Queue rows left")
    peer.ask("qos", name="tap0", kbps=3000, burst=2400)
    peer.settle()


def limit_goes_with_its_port(switch, peer):
    """Those rows outlive a port that somebody else removes."""
    switch.vsctl("del-port", "br-int", "tap0")
    peer.wait("look_port", lambda found: found is None, "the end of the port", name="tap0")
    equal(len(switch.rows("QoS")), 2, "QoS rows before")
    peer.ask("forget", name="tap0")
    peer.settle()
    equal([row["external_ids"] for row in switch.rows("QoS")], [{"id": "other"}], "QoS rows left")


def lost_limits(switch, peer):
    """Rows of limits of ports that went while nobody looked; those of others stay."""
    marks = ["external_ids:_type=bandwidth_limit", "type=linux-htb"]
    queue = ["external_ids:type=bandwidth_limit", "external_ids:queue-num=0"]
    switch.vsctl("--", "--id=@q", "create", "Queue", *queue, "external_ids:port=tap7",
                 "--", "create", "QoS", *marks, "external_ids:id=tap7", "queues:0=@q",
                 "--", "create", "Queue", *queue, "external_ids:port=tap8",
                 "--", "create", "Queue", "external_ids:port=tap8",
                 "--", "create", "QoS", "type=linux-htb", "external_ids:id=theirs",
                 "--", "--id=@used", "create", "QoS", *marks, "external_ids:id=tap1",
                 "--", "set", "Port", "tap1", "qos=@used")
    peer.ask("complete")

    def left():
        return (sorted(row["external_ids"]["id"] for row in switch.rows("QoS")),
                [row["external_ids"] for row in switch.rows("Queue")])

    wait_for(lambda: left() == (["other", "tap1", "theirs"], [{"port": "tap8"}]), LIMIT,
             lambda: f"left are {left()}")
    peer.settle()


def odd_limits(switch, peer):
    """A queue under two numbers, and one that is in a row of somebody else's, too."""
    def make(name, *more):
        plug(switch, name)
        switch.vsctl("--", "--id=@q", "create", "Queue", f"external_ids:port={name}",
                     "--", "--id=@row", "create", "QoS", "type=linux-htb",
                     "external_ids:_type=bandwidth_limit", f"external_ids:id={name}",
                     "queues:0=@q", "queues:1=@q", "--", "set", "Port", name, "qos=@row", *more)

    def of(table, column):
        return sorted(row["external_ids"][column] for row in switch.rows(table)
                      if row["external_ids"].get(column) in ("tap5", "tap6", "shared"))

    make("tap5")
    make("tap6", "--", "create", "QoS", "type=linux-htb", "external_ids:id=shared", "queues:0=@q")
    peer.wait("look_port", bool, "the port", name="tap6")
    peer.ask("qos", name="tap5", kbps=0)
    peer.ask("qos", name="tap6", kbps=1000)
    equal(peer.settle()["failed"], 0, "refused transactions")
    equal((of("QoS", "id"), of("Queue", "port")), (["shared", "tap6"], ["tap6", "tap6"]), "rows")
    peer.ask("qos", name="tap6", kbps=0)
    peer.settle()
    equal((of("QoS", "id"), of("Queue", "port")), (["shared"], ["tap6"]), "rows")
    switch.vsctl("--", "del-port", "tap5", "--", "del-port", "tap6")
    for name in ("tap5", "tap6"):
        peer.ask("forget", name=name)
    peer.settle()


KIND = "minimum_bandwidth"
FASTEST = "34359738367"


def queues(switch):
    """({port's id: (number, rate)} of the QoS row that uplinks share, names of these uplinks)."""
    of_row = [row for row in switch.rows("QoS") if row["external_ids"].get("_type") == KIND]
    if not of_row:
        return {}, []
    equal([(row["type"], row["external_ids"]["id"], row["other_config"]) for row in of_row],
          [("linux-htb", "neutrino-agent", {"max-rate": FASTEST})], "QoS rows")
    found = {}
    rows = {row["_uuid"]: row for row in switch.rows("Queue")}
    for number, queue in of_row[0]["queues"].items():
        ids, config = rows[queue]["external_ids"], rows[queue]["other_config"]
        if "port" in ids:
            equal((ids["type"], ids["queue-num"], config["max-rate"]), (KIND, str(number), FASTEST),
                  f"queue of {ids['port']}")
        found[ids.get("port")] = number, config["min-rate"]
    return found, sorted(row["name"] for row in switch.rows("Port")
                         if row["qos"] == of_row[0]["_uuid"])


def n_queues(switch):
    return sum(row["external_ids"].get("type") == KIND for row in switch.rows("Queue"))


def minimums(switch, peer):
    """One row with all queues, on all uplinks, changed in place, and gone with the last queue."""
    for name in ("up0", "up1"):
        switch.vsctl("add-port", "br-tun", name, "--", "set", "Interface", name, "type=internal")
        peer.ask("uplink", name=name)
    peer.ask("queue", name="a", number=5, kbps=3000)
    peer.settle()
    equal(queues(switch), ({"a": (5, "3000000")}, ["up0", "up1"]), "queues and uplinks")
    row = [row["_uuid"] for row in switch.rows("Queue") if row["external_ids"].get("port") == "a"]

    before = peer.ask("state")["committed"]
    peer.ask("hold")
    peer.ask("queue", name="a", number=6, kbps=4000)
    peer.ask("queue", name="b", number=5, kbps=1000)
    equal(peer.settle()["committed"] - before, 1, "transactions")
    equal(queues(switch)[0], {"a": (6, "4000000"), "b": (5, "1000000")}, "queues")
    equal([found["_uuid"] for found in switch.rows("Queue")
           if found["external_ids"].get("port") == "a"], row, "rows of the queue")

    # They change their numbers, of which each is told by itself.
    peer.ask("queue", name="a", number=5, kbps=4000)
    peer.ask("queue", name="b", number=6, kbps=1000)
    peer.settle()
    equal((queues(switch)[0], n_queues(switch)), ({"a": (5, "4000000"), "b": (6, "1000000")}, 2),
          "queues, and rows of them")

    switch.vsctl("clear", "QoS", switch.row("Port", "up0")["qos"], "other_config",
                 "--", "clear", "Port", "up0", "qos")
    wait_for(lambda: is_row_whole(switch), LIMIT, "what was changed as it was")
    peer.ask("no_uplink", name="up1")
    peer.settle()
    equal(queues(switch)[1], ["up0"], "uplinks")
    for name in ("a", "b"):
        peer.ask("queue", name=name)
    peer.settle()
    equal((queues(switch), n_queues(switch)), (({}, []), 0), "what is left")
    equal(switch.row("Port", "up0")["qos"], [], "row of the uplink")


def is_row_whole(switch):
    uplink = switch.row("Port", "up0")
    return any(row["other_config"] == {"max-rate": FASTEST} for row in switch.rows("QoS")
               if row["_uuid"] == uplink["qos"])


def leaves_others_qos(switch, peer):
    """Somebody else's row on an uplink, of which a word is said, and queues in our row."""
    switch.vsctl("--", "--id=@q", "create", "QoS", "type=linux-htb", "external_ids:id=mine",
                 "--", "set", "Port", "up1", "qos=@q")
    mine = switch.row("Port", "up1")["qos"]
    peer.ask("uplink", name="up1")
    for rate in (1000, 2000, 3000):
        peer.ask("queue", name="a", number=5, kbps=rate)
        peer.settle()
    equal((queues(switch), switch.row("Port", "up1")["qos"]),
          (({"a": (5, "3000000")}, ["up0"]), mine), "queues, row of the uplink")
    with open(peer.log, encoding="utf-8") as file:
        equal(file.read().count("minimum bandwidths do not hold there"), 1, "words")
    switch.vsctl("--", "--id=@q", "create", "Queue", "other_config:min-rate=7",
                 "--", "set", "QoS", switch.row("Port", "up0")["qos"], "queues:77=@q")
    peer.ask("queue", name="a", number=5, kbps=4000)
    peer.settle()
    equal(queues(switch)[0], {"a": (5, "4000000"), None: (77, "7")}, "queues")
    peer.ask("queue", name="a")
    peer.settle()
    equal(queues(switch), ({None: (77, "7")}, ["up0"]), "what is left")
    switch.vsctl("clear", "QoS", switch.row("Port", "up0")["qos"], "queues")
    wait_for(lambda: queues(switch) == ({}, []), LIMIT, "the end of our row")

    # It is taken off.
    peer.ask("queue", name="a", number=5, kbps=4000)
    peer.settle()
    equal(queues(switch)[1], ["up0"], "uplinks before")
    switch.vsctl("clear", "Port", "up1", "qos")
    wait_for(lambda: queues(switch)[1] == ["up0", "up1"], LIMIT, "both uplinks")
    peer.ask("queue", name="a")
    for name in ("up0", "up1"):
        peer.ask("no_uplink", name=name)
    peer.settle()
    equal((queues(switch), n_queues(switch)), (({}, []), 0), "what is left")


def peer_with_uplinks(switch):
    peer = switch.peer()
    for name in ("up0", "up1"):
        peer.ask("uplink", name=name)
    return peer


def adopts_queues(switch):
    """What other agents have left stays until an agent knows everything."""
    def wishes(agent, name, number, kbps):
        agent.ask("queue", name=name, number=number, kbps=kbps)
        return agent.settle()["committed"]

    def rows():
        return {row["_uuid"] for table in ("QoS", "Queue") for row in switch.rows(table)}

    first = peer_with_uplinks(switch)
    equal((wishes(first, "a", 5, 4000), first.end()), (1, 0), "transactions, exit status")
    before = rows()
    second = peer_with_uplinks(switch)
    equal((wishes(second, "a", 5, 4000), second.end()), (0, 0), "transactions, exit status")
    equal(rows(), before, "rows")

    # As the stock agent has left it; the rule of the one port went meanwhile.
    switch.vsctl("set", "QoS", switch.row("Port", "up0")["qos"], "external_ids:id=random",
                 "--", "clear", "Port", "up1", "qos")
    third = peer_with_uplinks(switch)
    wishes(third, "b", 6, 1000)
    equal(queues(switch), ({"a": (5, "4000000"), "b": (6, "1000000")}, ["up0", "up1"]),
          "before all is known")
    third.ask("complete")
    third.settle()
    equal((queues(switch), n_queues(switch)), (({"b": (6, "1000000")}, ["up0", "up1"]), 1),
          "queues afterwards")
    equal(third.end(), 0, "exit status")

    # No rule is left.
    last = peer_with_uplinks(switch)
    last.settle()
    equal(queues(switch), ({"b": (6, "1000000")}, ["up0", "up1"]), "before all is known")
    last.ask("complete")
    last.settle()
    equal((queues(switch), n_queues(switch), last.end()), (({}, []), 0, 0), "what is left")


def odd_queues(switch):
    """One queue under several numbers, and in somebody else's row, too."""
    marks = ["external_ids:_type=" + KIND, "type=linux-htb"]
    switch.vsctl("--", "--id=@q", "create", "Queue", "external_ids:type=" + KIND,
                 "external_ids:port=a", "external_ids:queue-num=5",
                 "--", "--id=@row", "create", "QoS", *marks, "external_ids:id=x", "queues:5=@q",
                 "queues:6=@q", "queues:7=@q", "--", "set", "Port", "up0", "qos=@row",
                 "--", "--id=@old", "create", "QoS", *marks, "external_ids:id=old", "queues:5=@q",
                 "queues:6=@q", "--", "set", "Port", "up1", "qos=@old")
    peer = switch.peer()
    peer.ask("uplink", name="up0")
    peer.ask("complete")
    equal(peer.settle()["failed"], 0, "refused transactions")
    equal([row["external_ids"]["id"] for row in switch.rows("QoS")
           if row["external_ids"].get("_type") == KIND], ["old"], "QoS rows")
    equal(n_queues(switch), 1, "Queue rows")
    peer.ask("uplink", name="up1")
    peer.settle()
    wait_for(lambda: n_queues(switch) == 0, LIMIT, "the end of the queue")
    equal((queues(switch), peer.end()), (({}, []), 0), "what is left, exit status")


def removes(switch, peer):
    peer.ask("no_port", name="vxlan-0a000002")
    peer.settle()
    expect(not switch.row("Port", "vxlan-0a000002"), "the port is there")
    before = peer.ask("state")["committed"]
    peer.ask("no_port", name="vxlan-0a000002")
    equal(peer.settle()["committed"], before, "transactions for what is gone")


def moves_home(switch, peer):
    """A port of ours that somebody moved to another bridge keeps its row."""
    row = switch.row("Port", "patch-int")["_uuid"]
    switch.vsctl("remove", "Bridge", "br-tun", "ports", row, "--", "add", "Bridge", "br-int",
                 "ports", row)
    wait_for(lambda: row in switch.row("Bridge", "br-tun")["ports"], LIMIT, "the port at home")
    peer.settle()
    equal(peer.ask("look_port", name="patch-int")["bridge"], "br-tun", "bridge in the copy")


def leaves_a_name_to_another_agent(switch, peer):
    """Agents on one switch name tunnels to one host alike: who has the name keeps it, the other one
    says so once and waits.  With the same end of its own it is the same tunnel, and comes home."""
    name = "vxlan-0a000009"

    def want(agent, bridge, local_ip):
        agent.ask("port", name=name, bridge=bridge, type="vxlan",
                  options={"remote_ip": "10.0.0.9", "local_ip": local_ip})

    def place():
        return next((bridge["name"], switch.row("Interface", name)["options"]["local_ip"])
                    for bridge in switch.rows("Bridge")
                    if switch.row("Port", name)["_uuid"] in bridge["ports"])

    other = switch.peer()
    other.ask("bridge", **{**BRIDGE, "name": "br-tun2"})
    other.settle()
    want(peer, "br-tun", "10.0.0.1")
    peer.settle()
    want(other, "br-tun2", "10.0.0.2")
    wait_for(lambda: log_of(other).count("another agent's tunnel has the name"), LIMIT, other.said)
    other.changes()
    switch.vsctl("set", "Port", name, "other_config:seen=again")
    other.wait("changes", lambda found: any(change[1] == name for change in found), "it changed")
    expect(not other.ask("settled", name=name), "the other one believes to have it")
    equal(place(), ("br-tun", "10.0.0.1"), "bridge, end")
    peer.ask("no_port", name=name)
    peer.settle()
    other.settle()
    equal(place(), ("br-tun2", "10.0.0.2"), "bridge, end")
    equal(log_of(other).count("another agent's tunnel"), 1, "lines that tell of it")
    equal(other.end(), 0, "exit status")
    want(peer, "br-tun", "10.0.0.2")
    peer.settle()
    equal(place(), ("br-tun", "10.0.0.2"), "bridge, end")
    switch.vsctl("del-br", "br-tun2")
    peer.ask("no_port", name=name)
    peer.settle()


def sees_bonds_and_failures(switch, peer):
    switch.vsctl("add-bond", "br-int", "bond0", "e1", "e2", "--", "set", "Interface", "e1",
                 "type=internal", "--", "set", "Interface", "e2", "type=internal",
                 "external_ids:iface-id=b", "external_ids:attached-mac=m", wait=False)
    port = peer.wait("look_port", bool, "the bond", name="bond0")
    equal(columns(port, "n_interfaces", "iface_id"), {"n_interfaces": 2, "iface_id": "b"}, "bond")
    switch.vsctl("add-port", "br-int", "nothere", wait=False)
    port = peer.wait("look_port", lambda found: found and found["ofport"] == -1,
                     "a port that failed", name="nothere")
    expect(port["error"], "no reason of the failure")
    switch.vsctl("del-port", "bond0", "--", "del-port", "nothere", wait=False)


def replaces_a_controller(switch, peer):
    """Ours goes, the operator's stays."""
    switch.vsctl("set-controller", "br-int", CONTROLLER, "tcp:127.0.0.1:1")
    want = {**BRIDGE, "no_controller": CONTROLLER}
    del want["controller"]
    peer.ask("bridge", **want)
    peer.settle()
    equal(sorted(row["target"] for row in switch.rows("Controller")),
          ["tcp:127.0.0.1:1", CONTROLLER], "controllers")
    peer.ask("bridge", **BRIDGE)
    peer.settle()
    equal(len(switch.rows("Controller")), 3, "controllers")


def moves_its_controller(switch, peer):
    """Another port to listen on: the row of before goes, the operator's stays."""
    def targets():
        by_uuid = {row["_uuid"]: row["target"] for row in switch.rows("Controller")}
        rows = switch.row("Bridge", "br-int")["controller"]
        return sorted(by_uuid[uuid] for uuid in (rows if isinstance(rows, list) else [rows]))

    for target in ("tcp:127.0.0.1:6644", "tcp:127.0.0.1:6645", CONTROLLER):
        peer.ask("bridge", **{**BRIDGE, "controller": target})
        peer.settle()
        equal(targets(), sorted(["tcp:127.0.0.1:1", target]), "controllers")
    # One that another agent made is ours once it has our target.
    switch.vsctl("clear", "Controller", next(
        row["_uuid"] for row in switch.rows("Controller") if row["target"] == CONTROLLER
        and row["_uuid"] in switch.row("Bridge", "br-int")["controller"]), "external_ids")
    peer.settle()
    peer.ask("bridge", **{**BRIDGE, "controller": "tcp:127.0.0.1:6644"})
    peer.settle()
    equal(targets(), ["tcp:127.0.0.1:1", "tcp:127.0.0.1:6644"], "controllers")
    peer.ask("bridge", **BRIDGE)
    peer.settle()


def opens_a_door(switch, peer):
    """A Manager row lets others in over TCP."""
    peer.ask("manager", name="ptcp:6640:127.0.0.1", probe=10000)
    peer.settle()
    other = switch.peer(remote="tcp:127.0.0.1:6640")
    equal(other.wait("look_bridge", bool, "the copy over TCP", name="br-int")["name"], "br-int",
          "bridge")
    equal(other.end(), 0, "exit status")


def isolates_what_is_refused(switch, peer):
    """A wish the database refuses holds up no other one."""
    peer.ask("hold")
    peer.ask("port", name="bad", bridge="br-int", type="internal", tag=5000)
    for number in range(20):
        peer.ask("port", name=f"good{number}", bridge="br-int", type="patch",
                 options={"peer": f"none{number}"})
    peer.ask("go")
    for number in range(20):
        peer.wait("settled", bool, "a good port settled", name=f"good{number}")
    expect(not peer.ask("settled", name="bad"), "the refused one is settled")
    expect("constraint" in peer.ask("state")["error"], str(peer.ask("state")["error"]))
    peer.ask("forget", name="bad")
    for number in range(20):
        peer.ask("no_port", name=f"good{number}")
    peer.settle()


def survives_a_restart(switch, peer):
    before = peer.ask("state")
    peer.changes()
    switch.stop_ovsdb()
    peer.wait("state", lambda found: not found["ready"], "the loss noticed")
    equal(peer.ask("look_port", name="patch-tun")["bridge"], "br-int", "what was known")
    peer.ask("port", name="patch-new", bridge="br-int", type="patch", options={"peer": "none"})
    switch.start_ovsdb()
    after = peer.settle()
    expect(after["connection"] > before["connection"], "the connection has the same number")
    expect(switch.row("Port", "patch-new"), "what was wanted meanwhile is not there")
    changes = {name for kind, name in peer.changes() if kind == "port"}
    expect({"patch-tun", "patch-int", "br-int"} <= changes, str(changes))
    peer.ask("no_port", name="patch-new")
    peer.settle()


def survives_an_empty_database(switch, peer):
    peer.settle()
    peer.changes()
    switch.stop_ovsdb()
    os.unlink(switch.db)
    switch.start_ovsdb()
    peer.wait("look_port", lambda found: found is None, "the end of tap1", name="tap1")
    peer.ask("forget", name="tap1")
    peer.settle()
    equal(sorted(row["name"] for row in switch.rows("Bridge")), ["br-int", "br-tun"], "bridges")
    equal(sorted(row["name"] for row in switch.rows("Port")),
          ["br-int", "br-tun", "patch-int", "patch-tun"], "ports")
    expect(("port", "tap1") in peer.changes(), "its end was not told")


def survives_a_stopped_server(switch, peer):
    """The server hangs with a transaction under way, and is replaced."""
    os.kill(switch.ovsdb.pid, 19)
    peer.ask("port", name="patch-late", bridge="br-int", type="patch", options={"peer": "none"})
    expect(not peer.ask("settled", name="patch-late"), "settled without an answer")
    switch.stop_ovsdb()
    switch.start_ovsdb()
    peer.settle()
    expect(switch.row("Port", "patch-late"), "the port is not there")


def thousand_ports(switch, peer):
    """A thousand tags are one transaction, and a change of one port is told alone."""
    names = [f"p{number}" for number in range(1000)]
    words = []
    for number, name in enumerate(names):
        words += ["--", "add-port", "br-int", name, "--", "set", "Interface", name, "type=patch",
                  f"options:peer=p{number ^ 1}"]
    switch.vsctl(*words[1:], wait=False)
    wait_for(lambda: all(port["ofport"] > 0 for port in peer.ask("ports", bridge="br-int")
                         if port["name"] in names) and peer.ask("look_port", name=names[-1]),
             LIMIT, "a thousand ports with their numbers")
    before = peer.ask("state")["committed"]
    peer.ask("hold")
    for number, name in enumerate(names):
        peer.send("port", name=name, bridge="br-int", tag=number + 1,
                  other_config={"tag": str(number + 1)})
    for _ in names:
        peer.answer()
    equal(peer.settle()["committed"] - before, 1, "transactions")
    tags = {row["name"]: row["tag"] for row in switch.rows("Port")}
    equal([tags[name] for name in names], list(range(1, 1001)), "tags")
    peer.changes()
    switch.vsctl("set", "Port", "p500", "other_config:theirs=1", wait=False)
    changes = []

    def is_told():
        changes.extend(peer.ask("changes"))
        return any(name == "p500" for _, name, _ in changes)
    wait_for(is_told, LIMIT, lambda: f"the change told: {changes}")
    # What the switch still has to say of other ports is no matter.
    equal([change for change in changes if change[1] in names], [["port", "p500", False]],
          "changes")


def lives_with_an_older_schema():
    """Columns that the server does not know are neither read nor written."""
    path = os.path.join(os.environ["NT_TEST_TMP"], "older.ovsschema")
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    for table, column in (("Bridge", "mcast_snooping_enable"), ("Bridge", "protocols"),
                          ("Interface", "error"), ("Open_vSwitch", "iface_types"),
                          ("Open_vSwitch", "datapath_types")):
        del schema["tables"][table]["columns"][column]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(schema, file)
    older = Switch("older", schema=path).start(vswitchd=False)
    peer = older.peer()
    peer.ask("hold")
    want_bridges(peer)
    want_patches(peer)
    equal(peer.settle()["committed"], 1, "transactions")
    equal(older.row("Bridge", "br-int")["fail_mode"], "secure", "fail_mode")
    equal(peer.end(), 0, "exit status")


def make_keys(folder):
    """A certificate authority of its own, and one key it vouches for: (key, certificate, CA)."""
    key, cert, ca_key, ca = (os.path.join(folder, name)
                             for name in ("key.pem", "cert.pem", "ca-key.pem", "ca.pem"))
    new_key = ["-newkey", "rsa:2048", "-nodes", "-subj"]
    kernel.run(["openssl", "req", "-x509", "-days", "2", *new_key, "/CN=ca", "-keyout", ca_key,
                "-out", ca])
    kernel.run(["openssl", "req", *new_key, "/CN=db", "-keyout", key, "-out", f"{cert}.csr"])
    kernel.run(["openssl", "x509", "-req", "-days", "2", "-in", f"{cert}.csr", "-CA", ca, "-CAkey",
                ca_key, "-CAcreateserial", "-out", cert])
    return key, cert, ca


def speaks_tls():
    key, cert, ca = make_keys(os.environ["NT_TEST_TMP"])
    server = Switch("tls", ovsdb_options=[f"--private-key={key}", f"--certificate={cert}",
                                          f"--ca-cert={ca}", "--remote=pssl:6641:127.0.0.1"])
    server.start(vswitchd=False)
    peer = server.peer(remote="ssl:127.0.0.1:6641", keys=(key, cert, ca))
    want_bridges(peer)
    peer.settle()
    expect(server.row("Bridge", "br-int"), "the bridge is not there")
    equal(peer.end(), 0, "exit status")


def main():
    switch = Switch("db").start()
    peer = switch.peer()
    need("bridges, patch ports and a tunnel are made in one transaction", makes_all, switch, peer)
    check("what the switch assigned is seen", sees_ofports, peer)
    check("types and version of the switch are known", knows_the_switch, switch, peer)
    check("what is so is not written", writes_nothing_twice, switch, peer)
    check("a new port is told once", tells_a_port_once, switch, peer)
    check("a port of others gets tag and other_config", tags_a_port_of_others, switch, peer)
    check("a port leaves the dead VLAN as an access port", leaves_the_dead_vlan, switch, peer)
    check("what others change is changed back and counted", repairs, switch, peer)
    check("what others change is left when that is wished", leaves_what_others_change, switch)
    check("a port made anew is told as that", tells_readded, switch, peer)
    check("a wish waits for somebody's port", waits_for_a_port, switch, peer)
    check("a limit is rows of our own", limits, switch, peer)
    check("a limit goes with its port", limit_goes_with_its_port, switch, peer)
    check("limits of ports that are gone are removed", lost_limits, switch, peer)
    check("a queue goes once, and not while others use it", odd_limits, switch, peer)
    check("minimum bandwidths are queues of one row", minimums, switch, peer)
    check("others' QoS rows and queues stay", leaves_others_qos, switch, peer)
    check("queues that others have left are adopted", adopts_queues, switch)
    check("rows that nobody makes so are no harm", odd_queues, switch)
    check("a port is removed once", removes, switch, peer)
    check("a port comes back to its bridge", moves_home, switch, peer)
    check("a name that another agent's tunnel has is left to it", leaves_a_name_to_another_agent,
          switch, peer)
    check("bonds and failed ports are seen", sees_bonds_and_failures, switch, peer)
    check("one controller is removed, others stay", replaces_a_controller, switch, peer)
    check("a controller that moved leaves nothing behind", moves_its_controller, switch, peer)
    check("a Manager row opens a door", opens_a_door, switch, peer)
    check("a refused wish holds up no other", isolates_what_is_refused, switch, peer)
    check("ovsdb-server may restart", survives_a_restart, switch, peer)
    check("ovsdb-server may come back empty", survives_an_empty_database, switch, peer)
    check("ovsdb-server may hang", survives_a_stopped_server, switch, peer)
    check("a thousand ports", thousand_ports, switch, peer)
    check("nothing is left of the copy at the end", lambda: equal(peer.end(), 0, "exit status"))
    check("a server with an older schema is served", lives_with_an_older_schema)
    check("TLS with keys of one's own", speaks_tls)
    done()


if __name__ == "__main__":
    main()
