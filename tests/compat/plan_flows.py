#!/usr/bin/python3 -B
"""The flows we plan (tests/golden/agent) beside those of the stock agent's own bridge classes,
for the same things, each on a bridge of a real switch: what the switch then shows is equal.

The stock classes talk OpenFlow 1.3 to the bridge's management socket, or run ovs-ofctl where
they do; only their way to the controller is replaced.  What is ours alone is at least taken
by the switch, and neighbour discovery is answered so that a kernel believes it."""
# timeout: 300

import collections
import ctypes
import os
import re
import socket
import struct
import subprocess
import sys
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, cleanup, done, equal, expect, need, wait_for  # noqa: E402
from neutron_bed import dumps  # noqa: E402

warnings.simplefilter("ignore")

from neutron.conf.agent import ovs_conf  # noqa: E402,F401
from neutron.plugins.ml2.drivers.openvswitch.agent import ovs_neutron_agent  # noqa: E402
from neutron.plugins.ml2.drivers.openvswitch.agent.openflow.native import (  # noqa: E402
    br_int, br_phys, br_tun)
from os_ken.ofproto import ofproto_v1_3, ofproto_v1_3_parser  # noqa: E402

GOLDEN = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../golden/agent")
TMP = os.environ["NT_TEST_TMP"]
RUN = os.path.join(TMP, "openvswitch")
ENV = {**os.environ, "OVS_RUNDIR": RUN, "OVS_LOGDIR": RUN, "OVS_DBDIR": RUN}
HEADER = struct.Struct("!BBHI")
CLONE_NEWNET = 0x40000000
HELLO, ERROR, BARRIER_REQUEST, BARRIER_REPLY = 0, 1, 20, 21

Vif = collections.namedtuple("Vif", "port_name ofport vif_mac")


def run(*argv, stdin=None):
    return subprocess.run(argv, env=ENV, check=True, stdin=stdin or subprocess.DEVNULL,
                          stdout=subprocess.PIPE, timeout=120).stdout.decode()


def vsctl(*argv):
    return run("ovs-vsctl", f"--db=unix:{RUN}/db.sock", "--timeout=60", *argv)


def ofctl(*argv, version="OpenFlow14"):
    return run("ovs-ofctl", "-O", version, "--timeout=60", *argv)


# --- the switch ---------------------------------------------------------------------------------


def appctl(*argv):
    return run("ovs-appctl", "-t", f"{RUN}/ovs-vswitchd.ctl", *argv)


def daemon(*argv):
    log = open(os.path.join(RUN, os.path.basename(argv[0]) + ".out"), "wb")
    process = subprocess.Popen(argv, env=ENV, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def stop():
        process.kill()
        process.wait()
    cleanup(stop)


def leave_the_machines_network():
    """From here on this process and its children have a network namespace of their own: the
    switch's bridges are interfaces, and some stay when it is killed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    run("ip", "link", "set", "lo", "up")


def start_switch():
    leave_the_machines_network()
    os.makedirs(RUN)
    run("ovsdb-tool", "create", f"{RUN}/conf.db", "/usr/share/openvswitch/vswitch.ovsschema")
    daemon("/usr/sbin/ovsdb-server", f"{RUN}/conf.db", f"--remote=punix:{RUN}/db.sock",
           f"--pidfile={RUN}/ovsdb-server.pid", f"--unixctl={RUN}/ovsdb-server.ctl")
    wait_for(lambda: os.path.exists(f"{RUN}/db.sock"), 60, "ovsdb-server")
    vsctl("--no-wait", "init")
    daemon("/usr/sbin/ovs-vswitchd", f"unix:{RUN}/db.sock", f"--pidfile={RUN}/ovs-vswitchd.pid",
           f"--unixctl={RUN}/ovs-vswitchd.ctl", "--disable-system")


def add_bridge(name):
    vsctl("add-br", name, "--", "set", "Bridge", name, "datapath_type=netdev",
          "fail_mode=secure", "protocols=OpenFlow10,OpenFlow13,OpenFlow14")


def dump(bridge):
    """reset_counts tells that a flow was sent in OpenFlow 1.0, which is not what it does."""
    return dumps.flows(ofctl("dump-flows", bridge).replace("reset_counts ", ""), {}, learned=True)


# --- the stock classes on it --------------------------------------------------------------------


class Wire:
    """OpenFlow 1.3 on a management socket: just enough for flow_mods to be confirmed."""

    def __init__(self, bridge):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(f"{RUN}/{bridge}.mgmt")
        self.socket.sendall(HEADER.pack(4, HELLO, HEADER.size, 1))

    def receive(self):
        head = self.exactly(HEADER.size)
        _, kind, length, _ = HEADER.unpack(head)
        return kind, self.exactly(length - HEADER.size)

    def exactly(self, n):
        data = b""
        while len(data) < n:
            part = self.socket.recv(n - len(data))
            expect(part, "the switch closed the connection")
            data += part
        return data

    def send(self, message):
        message.xid = 2
        message.serialize()
        self.socket.sendall(bytes(message.buf) + HEADER.pack(4, BARRIER_REQUEST, HEADER.size, 3))
        while True:
            kind, body = self.receive()
            expect(kind != ERROR, lambda: f"the switch refuses {message}: {body.hex()}")
            if kind == BARRIER_REPLY:
                return


class Datapath:
    """What messages of os-ken ask of a connection while they are made."""
    ofproto = ofproto_v1_3
    ofproto_parser = ofproto_v1_3_parser
    id = 1

    def set_xid(self, message):
        message.set_xid(2)
        return 2


def stock(kind, name):
    """A bridge of the stock class 'kind' that writes to our switch."""
    class Bridge(kind):
        def __init__(self):
            self.br_name = name
            self._default_cookie = 0x1234
            self.wire = Wire(name)
            self.ofctl_version = "OpenFlow10"

        def _get_dp(self):
            return Datapath(), ofproto_v1_3, ofproto_v1_3_parser

        def _send_msg(self, msg, reply_cls=None, reply_multi=False, active_bundle=None):
            self.wire.send(msg)

        def dump_flows(self, table_id=None):
            return []

        def add_flow(self, **flow):
            """As ovs_lib gives it to ovs-ofctl; what it defers goes as a bundle of 1.4."""
            actions = flow.pop("actions")
            match = ",".join(f"{key}={value}" for key, value in flow.items())
            ofctl("add-flow", name, f"{match},actions={actions}", version=self.ofctl_version)

    return Bridge()


def int_base(bridge, direct=False):
    bridge.setup_default_table()
    for port in (1, 7):
        bridge.drop_port(in_port=port)
    if direct:
        agent_like = collections.namedtuple(
            "Agent", "direct_for_non_openflow_firewall bridge_mappings int_br int_ofports "
            "enable_tunneling patch_tun_ofport")(True, ["a", "b"], bridge, {"a": 1, "b": 7}, True, 2)
        ovs_neutron_agent.OVSNeutronAgent.install_ingress_direct_goto_flows(agent_like)


def int_networks(bridge):
    bridge.provision_local_vlan(1, 2, 321)
    bridge.provision_local_vlan(1, 4094, None)


def guard(bridge, ofport, mac, fixed, pairs=()):
    ovs_neutron_agent.OVSNeutronAgent.setup_arp_spoofing_protection(
        bridge, Vif(f"tap{ofport}", ofport, mac),
        {"device_owner": "compute:nova", "fixed_ips": [{"ip_address": ip} for ip in fixed],
         "allowed_address_pairs": [{"mac_address": pair[0], "ip_address": pair[1]}
                                   for pair in pairs]})


def int_guard(bridge):
    mac = "fa:16:3e:00:00:0"
    guard(bridge, 3, mac + "3", ["10.21.0.125", "fd00:21::125"],
          [(mac + "3", "10.9.0.0/24"), ("fa:16:3e:00:00:99", "fd00:9::/64"),
           ("fa:16:3e:00:00:99", "10.21.0.125")])
    guard(bridge, 4, mac + "4", ["10.22.0.139"], [(mac + "4", "0.0.0.0/0")])
    guard(bridge, 5, mac + "5", ["10.22.0.140"], [(mac + "5", "::/0")])
    guard(bridge, 6, mac + "6", [])


def int_direct(bridge):
    int_base(bridge, direct=True)
    port = collections.namedtuple("Mapping", "vlan network_type physical_network")
    for ofport, mapping in ((3, port(1, "vxlan", None)), (4, port(2, "flat", "physnet1"))):
        class Agent:
            class vlan_manager:
                @staticmethod
                def get(network, segmentation):
                    return mapping

            class conf:
                class OVS:
                    int_peer_patch_port = "patch-tun"
            int_br = bridge
        bridge.get_port_ofport = lambda name: 2
        bridge.ofctl_version = "OpenFlow14"
        mac = f"fa:16:3e:00:00:0{ofport}"
        ovs_neutron_agent.OVSNeutronAgent.install_accepted_egress_direct_flow(
            Agent, {"network_id": "n", "segmentation_id": 1, "mac_address": mac,
                    "vif_port": Vif("tap", ofport, mac)}, bridge)


def int_qos(bridge):
    bridge.install_dscp_marking_rule(3, 26)
    bridge.set_queue_for_ingress_bandwidth_limit()
    for meter in (5, 6):
        bridge.create_meter(meter, 1000)
    mac = "fa:16:3e:00:00:03"
    bridge.apply_meter_to_port(5, "ingress", mac, local_vlan=1)
    bridge.apply_meter_to_port(6, "egress", mac, in_port=3)
    bridge._set_pkt_mark_for_minimum_bandwidth(3)


def phys(bridge):
    bridge.setup_default_table()
    bridge.drop_port(in_port=2)
    bridge.provision_local_vlan(2, 2, 321, False)
    bridge.provision_local_vlan(2, 4094, None, False)
    bridge.get_bridge_patch_ports_ofports = lambda: [2]
    bridge.set_queue_for_minimum_bandwidth(3)


def tun(bridge):
    bridge.setup_default_table(1, True)
    for kind, port in (("vxlan", 2), ("vxlan", 3), ("gre", 4), ("geneve", 5)):
        bridge.setup_tunnel_port(kind, port)
    for kind, tag, key in (("vxlan", 1, 0x1464), ("gre", 5, 4294967295), ("geneve", 6, 1)):
        bridge.provision_local_vlan(kind, tag, key)
    bridge.install_flood_to_tun(1, 0x1464, [2, 3])
    bridge.install_flood_to_tun(5, 4294967295, [4])
    bridge.install_unicast_to_tun(1, 0x1464, 2, "fa:16:3e:df:4b:41")
    bridge.install_unicast_to_tun(5, 4294967295, 4, "fa:16:3e:7d:ba:93")
    bridge.install_arp_responder(1, "10.1.0.200", "fa:16:3e:df:4b:41")


def tun_plain(bridge):
    bridge.setup_default_table(1, False)


# Golden file, stock class, the same with it.
CASES = [
    ("br-int-base", br_int.OVSIntegrationBridge, int_base),
    ("br-int-networks", br_int.OVSIntegrationBridge, int_networks),
    ("br-int-guard", br_int.OVSIntegrationBridge, int_guard),
    ("br-int-direct", br_int.OVSIntegrationBridge, int_direct),
    ("br-int-qos", br_int.OVSIntegrationBridge, int_qos),
    ("br-phys", br_phys.OVSPhysicalBridge, phys),
    ("br-tun", br_tun.OVSTunnelBridge, tun),
    ("br-tun-plain", br_tun.OVSTunnelBridge, tun_plain),
]

# An address pair 0.0.0.0/0 switches off what guards IPv6 as well there; here it does not.
ONLY_OURS = {
    "br-int-guard": [
        "table=0, priority=10,icmp6,in_port=4,icmp_type=136 actions=goto_table:24",
        "table=24, priority=2,icmp6,in_port=4,icmp_type=136,"
        "nd_target=fe80::f816:3eff:fe00:4 actions=goto_table:59",
    ],
}


def compare(name, kind, build):
    ours, theirs = f"o-{name}", f"s-{name}"
    for bridge in (ours, theirs):
        add_bridge(bridge)
    build(stock(kind, theirs))
    if name == "br-int-qos":
        for meter in (5, 6):
            ofctl("add-meter", ours, f"meter={meter},pktps,band=type=drop,rate=1000")
    ofctl("add-flows", ours, os.path.join(GOLDEN, f"{name}.flows"))
    found, wanted = dump(ours), dump(theirs)
    expect(len(wanted) > 1, f"the stock class wrote {wanted}")
    for line in ONLY_OURS.get(name, []):
        expect(line in found, f"not there: {line}")
        expect(line not in wanted, f"the stock agent has it, too: {line}")
        found.remove(line)
    equal(dumps.difference(found, wanted), "", "difference")
    for bridge in (ours, theirs):
        vsctl("del-br", bridge)


# --- neighbour discovery ------------------------------------------------------------------------


def inside(*argv, ok=True):
    done_ = subprocess.run(["ip", "netns", "exec", "guest", *argv], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    expect(done_.returncode == 0 or not ok, lambda: f"{argv}: {done_.stdout.decode()}")
    return done_.stdout.decode()


def neighbour_is(address, mac):
    inside("ping", "-6", "-c1", "-W1", address, ok=False)
    return mac in inside("ip", "-6", "neigh", "show", "to", address)


def nd_responder():
    """The golden flows on a bridge, and in place of br-int a guest whose frames get a tag."""
    run("ip", "netns", "add", "guest")
    run("ip", "link", "add", "nd0", "type", "veth", "peer", "name", "eth0", "netns", "guest")
    cleanup(lambda: subprocess.run(["ip", "link", "del", "nd0"], stderr=subprocess.DEVNULL))
    cleanup(lambda: subprocess.run(["ip", "netns", "del", "guest"], stderr=subprocess.DEVNULL))
    for argv in (["ip", "link", "set", "nd0", "up"], ["ethtool", "-K", "nd0", "tx", "off"]):
        run(*argv)
    inside("ethtool", "-K", "eth0", "tx", "off")
    inside("ip", "link", "set", "eth0", "up")
    inside("ip", "-6", "address", "add", "fd00::1/64", "dev", "eth0", "nodad")

    add_bridge("nd-tun")
    add_bridge("nd-int")
    vsctl("add-port", "nd-tun", "nd-p1", "--", "set", "Interface", "nd-p1", "type=patch",
          "options:peer=nd-p2", "ofport_request=1",
          "--", "add-port", "nd-int", "nd-p2", "--", "set", "Interface", "nd-p2", "type=patch",
          "options:peer=nd-p1", "ofport_request=1",
          "--", "add-port", "nd-int", "nd0", "tag=1", "--", "set", "Interface", "nd0",
          "ofport_request=2")
    ofctl("add-flow", "nd-int", "actions=NORMAL")
    ofctl("add-flows", "nd-tun", os.path.join(GOLDEN, "br-tun-nd.flows"))
    wait_for(lambda: neighbour_is("fd00::200", "fa:16:3e:df:4b:41"), 60, "the answer")

    # Nobody answers for an address that is not known.
    inside("ping", "-6", "-c1", "-W1", "fd00::201", ok=False)
    expect("lladdr" not in inside("ip", "-6", "neigh", "show", "to", "fd00::201"),
           "fd00::201 has a neighbour")

    # Who asks whether an address is free is not told so or otherwise by us.
    inside("ip", "-6", "address", "add", "fd00::200/64", "dev", "eth0")
    wait_for(lambda: "tentative" not in inside("ip", "-6", "address", "show", "dev", "eth0"), 60,
             "end of the detection of duplicates")
    expect("dadfailed" not in inside("ip", "-6", "address", "show", "dev", "eth0"),
           "our answer made the address a duplicate")


# --- many tunnels -------------------------------------------------------------------------------


def flood(n):
    """What becomes of a broadcast in a network with 'n' tunnels."""
    path = os.path.join(TMP, "flood.flows")
    with open(path, "wb") as file:
        subprocess.run([os.path.join(os.environ["BUILD_DIR"], "tests/compat/plan_flood"), str(n)],
                       check=True, stdout=file, timeout=60)
    add_bridge("many")
    ofctl("add-flow", "many", "actions=goto_table:22")
    ofctl("add-flows", "many", path)
    said = appctl("ofproto/trace", "many", "in_port=1,dl_vlan=1,dl_dst=ff:ff:ff:ff:ff:ff")
    vsctl("del-br", "many")
    equal(sorted(int(port) for port in re.findall(r"^ +output:(\d+)", said, re.M)),
          list(range(100, 100 + n)), "ports")
    equal(said.count("set_field:0x1464->tun_id"), 1, "times the key is set")
    equal(said.count("pop_vlan"), 1, "times the tag is taken off")


def flood_in_datapath(n):
    """The same with real tunnels, encoded as for the kernel: more than 64 kB of actions."""
    path = os.path.join(TMP, "datapath.flows")
    with open(path, "wb") as file:
        subprocess.run([os.path.join(os.environ["BUILD_DIR"], "tests/compat/plan_flood"), str(n)],
                       check=True, stdout=file, timeout=60)
    add_bridge("real")
    appctl("dpif/set-dp-features", "real", "tnl_push_pop", "false")
    arguments = []
    for i in range(n):
        arguments += ["--", "add-port", "real", f"vxlan{i}", "--", "set", "Interface", f"vxlan{i}",
                      "type=vxlan", f"ofport_request={100 + i}", "options:in_key=flow",
                      "options:out_key=flow", f'options:remote_ip="fd00::{i + 1:x}"']
    vsctl(*arguments[1:])
    ofctl("add-flow", "real", "actions=goto_table:22")
    ofctl("add-flows", "real", path)
    said = appctl("ofproto/trace", "real", "in_port=1,dl_vlan=1,dl_dst=ff:ff:ff:ff:ff:ff")
    vsctl("del-br", "real")
    ends = re.findall(r"ipv6_dst=fd00::([0-9a-f]+),", said.rpartition("Datapath actions")[2])
    equal((len(ends), len(set(ends))), (n, n), "ends of tunnels, different ones")


def main():
    need("a switch", start_switch)
    for name, kind, build in CASES:
        check(f"{name}: flows are those of the stock agent", compare, name, kind, build)
    check("neighbour solicitations are answered", nd_responder)
    for n in (3, 1100, 3000):
        check(f"a broadcast goes into {n} tunnels, each once", flood, n)
    check("a broadcast goes into 1100 tunnels when the datapath is told", flood_in_datapath, 1100)
    done()


if __name__ == "__main__":
    main()
