#!/usr/bin/python3 -B
"""Measures our Open vSwitch agent beside the stock one: same server, same switch, same run.

    make bench-agent [BENCH='--ports 500 --singles 30 --agents python,neutrino']

Both get the same ports of a vlan network (no firewall, no tunnels), one after the other on one
host.  Prints a table for docs/performance.md; everything shares this machine's cores."""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "tests/lib"))

import check  # noqa: E402
from neutron_bed import bed_for  # noqa: E402
from neutron_bed.flow_watch import FlowWatch  # noqa: E402
from neutron_bed.scene import exact  # noqa: E402
from stamps import Active, Rows, memory  # noqa: E402

NAMES = {"python": "neutron-openvswitch-agent", "neutrino": "neutrino-agent"}
OPTIONS = {"securitygroup": {"firewall_driver": "noop"},
           "agent": {"tunnel_types": "", "l2_population": "false", "arp_responder": "false"}}
IDLE_S = 30
LIMIT = 300  # Seconds after which something counts as not happening.
BRIDGES = ("br-int", "br-phys")


def say(text):
    print(f"# {text}", file=sys.stderr, flush=True)


def ms(seconds):
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"


def p50_p99(values):
    """The middle, and what 99 in 100 stay below (with fewer values: the worst)."""
    ordered = sorted(values)
    return f"{ms(statistics.median(ordered))}, {ms(ordered[int(len(ordered) * 0.99)])}"


def tap(port):
    return "tap" + port["id"][:11]


class Bench:
    def __init__(self, bed, kind, options):
        self.bed, self.kind, self.options = bed, kind, options
        self.host = bed.host(1)
        self.figures = {}
        self.net = bed.api.network(f"net-{kind}", "vlan")
        bed.api.subnet(self.net, "10.2.0.0/20")
        self.ports = []

    def note(self, name, value):
        self.figures[name] = value
        say(f"{NAMES[self.kind]}: {name}: {value}")

    def port(self):
        return self.bed.api.port(self.net, self.host)

    def everything(self):
        self.start()
        self.singles()
        self.many()
        self.memory()
        self.idle()
        self.agent_restart()
        self.switch_restart()
        self.clean()
        return self.figures

    def start(self):
        """From the start of the process, with a port that waits for it, to that port ACTIVE."""
        # A port is bound only to a host whose agent the server knows.
        self.host.start_agent(self.kind, OPTIONS)
        self.host.wait_agent()
        port = self.port()
        self.host.agent.stop()
        self.host.plug_idle([port])
        began, active = time.monotonic(), Active(self.bed, [port])
        self.host.start_agent(self.kind, OPTIONS)
        self.note("start until a port that waits is ACTIVE",
                  ms(active.wait(LIMIT)[port["id"]] - began))
        self.ports.append(port)

    def plug(self, ports, rows):
        """({port id: seconds from its row to its tag}, the same to ACTIVE, span of both)."""
        active = Active(self.bed, ports)
        self.host.plug_idle(ports)
        when = active.wait(LIMIT)
        own = [rows.tagged[tap(port)] - rows.plugged[tap(port)] for port in ports]
        whole = [when[port["id"]] - rows.plugged[tap(port)] for port in ports]
        return own, whole

    def singles(self):
        rows = Rows(self.host)
        own, whole = [], []
        for _ in range(self.options.singles):
            port = self.port()
            first, second = self.plug([port], rows)
            own += first
            whole += second
            self.ports.append(port)
        rows.stop()
        self.note("one port: row in OVSDB until its flows and tag are set (p50, p99)",
                  p50_p99(own))
        self.note("one port: row in OVSDB until ACTIVE (p50, p99)", p50_p99(whole))

    def many(self):
        rows, count = Rows(self.host), self.options.ports
        ports = self.bed.clone_ports(self.ports[0], count)
        cpu = self.host.agent.cpu_seconds()
        own, whole = self.plug(ports, rows)
        rows.stop()
        self.ports += ports
        self.note(f"{count} ports at once: all have flows and tags", ms(max(own)))
        self.note(f"{count} ports at once: all ACTIVE", ms(max(whole)))
        self.note(f"{count} ports at once: processor time of the agent",
                  f"{self.host.agent.cpu_seconds() - cpu:.2f} s")

    def memory(self):
        rss, pss = memory(self.host.agent)
        self.note("memory with these ports (RSS, PSS)", f"{rss:.1f} MB, {pss:.1f} MB")

    def idle(self):
        cpu = self.host.agent.cpu_seconds()
        time.sleep(IDLE_S)
        used = self.host.agent.cpu_seconds() - cpu
        self.note(f"idle for {IDLE_S} s: processor time", f"{used:.2f} s "
                  f"({used / IDLE_S * 100:.2f} %)")

    def agent_restart(self):
        """Every port is reported once more; meanwhile the switch tells what is done to flows."""
        before = exact(self.host)
        watches = [FlowWatch(self.host, bridge) for bridge in BRIDGES]
        self.host.agent.stop()
        self.bed.mariadb.query("UPDATE ports SET status = 'DOWN'")
        began, active = time.monotonic(), Active(self.bed, self.ports)
        self.host.agent.start()
        self.note("agent restart until all are ACTIVE again",
                  ms(max(active.wait(LIMIT).values()) - began))
        changed = sum(watch.count() for watch in watches)
        for watch in watches:
            watch.stop()
        self.note("agent restart: flow modifications", changed)
        check.wait_for(lambda: not exact(self.host).difference(before), LIMIT,
                       lambda: exact(self.host).difference(before))

    def is_as(self, before):
        try:
            return not exact(self.host).difference(before)
        except check.Failed:
            return False  # A bridge is still being made.

    def switch_restart(self):
        before = exact(self.host)
        cpu = self.host.agent.cpu_seconds()
        began = time.monotonic()
        self.host.restart_vswitchd()
        # The stock agent may hang longer than this; see docs/testbed.md.
        while not self.is_as(before):
            if time.monotonic() - began > self.options.patience:
                self.note("ovs-vswitchd restart until all flows are back",
                          f"not within {self.options.patience} s")
                return
        self.note("ovs-vswitchd restart until all flows are back",
                  ms(time.monotonic() - began))
        self.note("ovs-vswitchd restart: processor time of the agent",
                  f"{self.host.agent.cpu_seconds() - cpu:.2f} s")

    def clean(self):
        """Nothing of this agent is left for the next one."""
        self.host.agent.kill()
        self.host.ovs("vsctl", "--if-exists", "del-br", "br-int", "--", "--if-exists", "del-port",
                      "br-phys", "phy-br-phys")
        self.host.ovs("ofctl", "del-flows", "br-phys")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--ports", type=int, default=100, help="at once, up to 2000")
    parser.add_argument("--singles", type=int, default=20, help="one after the other")
    parser.add_argument("--agents", default="python,neutrino")
    parser.add_argument("--patience", type=int, default=120,
                        help="seconds for flows after a restart of ovs-vswitchd")
    options = parser.parse_args()
    os.environ["NT_TEST_TMP"] = tempfile.mkdtemp(prefix="neutrino-bench-")
    check.cleanup(shutil.rmtree, os.environ["NT_TEST_TMP"], True)
    bed = bed_for(hosts=1)
    kinds = options.agents.split(",")
    found = {}
    for kind in kinds:
        bench = Bench(bed, kind, options)
        check.need(f"{NAMES[kind]} is measured", lambda bench=bench, kind=kind:
                   found.update({kind: bench.everything()}))
    names = list(dict.fromkeys(name for kind in kinds for name in found[kind]))
    print("| | " + " | ".join(NAMES[kind] for kind in kinds) + " |")
    print("|---" * (len(kinds) + 1) + "|")
    for name in names:
        print(f"| {name} | " + " | ".join(str(found[kind].get(name, "")) for kind in kinds)
              + " |", flush=True)
    check.done()


if __name__ == "__main__":
    main()
