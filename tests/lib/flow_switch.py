"""A switch of a test with bridges for flows, and tests/peer/flow_peer.c towards it.

    switch = FlowSwitch("a").start()
    switch.bridge("br-int", controller=True)
    peer = switch.flow_peer()
    peer.bridge("br-int")
    peer.want("port 1", "br-int", ["table=0,in_port=1,actions=drop"])
    peer.settle()
"""

import os
import queue
import re
import subprocess
import threading

import check
import sanitized
from switch import LIMIT, Peer, Switch

LISTEN = "ptcp:6633:127.0.0.1"
SHAPES = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../golden/flows/shapes.flows")


def shapes():
    """The forms of flows that agents install; without what a switch learns, which nobody
    wants."""
    with open(SHAPES, encoding="utf-8") as file:
        lines = file.read().splitlines()
    return [line for line in lines if line and not line.startswith("#")
            and not line.startswith("table=20, hard_timeout=")]


class FlowSwitch(Switch):
    def __init__(self, name):
        super().__init__(name)
        self.flow_peers = []

    def bridge(self, name, controller=False, protocols="OpenFlow10,OpenFlow13,OpenFlow14"):
        self.vsctl("--may-exist", "add-br", name, "--", "set", "Bridge", name,
                   "datapath_type=netdev", "fail_mode=secure", f"protocols={protocols}")
        if controller:
            self.vsctl("set-controller", name, "tcp:127.0.0.1:6633", "--", "set", "controller",
                       name, "connection_mode=out-of-band", "max_backoff=1000")

    def datapath_id(self, name):
        return self.vsctl("get", "Bridge", name, "datapath_id").strip().strip('"')

    def ofctl(self, command, name, *arguments, version="OpenFlow13,OpenFlow14"):
        """By way of the management socket, past all controllers."""
        return self.tool("ovs-ofctl", "-O", version, f"--timeout={LIMIT}", command,
                         f"unix:{self.run_dir}/{name}.mgmt", *arguments).stdout

    def file(self, name, lines):
        path = os.path.join(self.run_dir, name)
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
        return path

    def add_flows(self, name, lines, version="OpenFlow13,OpenFlow14"):
        self.ofctl("add-flows", name, self.file("add.flows", lines), version=version)

    def flows(self, name, cookies=False):
        """The flows of a bridge, as text without what changes by itself, sorted."""
        lines = self.ofctl("dump-flows", name, "--no-stats").splitlines()
        lines = [line.strip() for line in lines if "actions=" in line]
        if not cookies:
            lines = [re.sub(r"^cookie=0x[0-9a-f]+, ", "", line) for line in lines]
        return sorted(lines)

    def n_flows(self, name):
        text = self.ofctl("dump-aggregate", name)
        return int(re.search(r"flow_count=(\d+)", text)[1])

    def n_messages(self):
        """How many OpenFlow messages the switch was sent so far, by anybody."""
        return int(self.tool("ovs-appctl", "-t", f"{self.run_dir}/ovs-vswitchd.ctl",
                             "coverage/read-counter", "ofproto_recv_openflow").stdout)

    def stop_vswitchd(self):
        """As by kill -9."""
        self.stop(self.vswitchd)

    def flow_peer(self, *reserved, listen=LISTEN):
        self.n_peers += 1
        self.flow_peers.append(FlowPeer(self, f"flow-peer-{self.n_peers}", listen, *reserved))
        return self.flow_peers[-1]

    def end_peers(self):
        """Also those that a failed check has left."""
        while self.flow_peers:
            self.flow_peers.pop().kill()


class FlowPeer(Peer):
    """Commands as lines, one answer to each: see the head of flow_peer.c."""

    def __init__(self, switch, name, listen, *reserved):
        self.switch = switch
        self.name = name
        self.n_files = 0
        self.log = os.path.join(switch.run_dir, f"{name}.log")
        program = sanitized.program("tests/peer/flow_peer")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                switch.argv([program, listen, switch.run_dir, *reserved]), stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
        self.look_at_end(switch)
        self.answers = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def ask(self, *words, limit=LIMIT):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        return self.answer(limit)

    def bridge(self, name):
        return self.ask("bridge", name, self.switch.datapath_id(name))

    def want(self, owner, bridge, lines):
        self.n_files += 1
        path = self.switch.file(f"{self.name}-{self.n_files}.flows", lines)
        self.ask("want", owner, bridge, path)

    def settle(self, *owner, limit=LIMIT):
        self.ask("settle", *owner, limit=limit)

    def stats(self):
        return self.ask("stats")

    def format(self, *owner):
        path = os.path.join(self.switch.run_dir, f"{self.name}.format")
        self.ask("format", path, *owner)
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
