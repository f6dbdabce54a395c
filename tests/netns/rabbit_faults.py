#!/usr/bin/python3 -B
# serial
# timeout: 900
"""The cloud over RabbitMQ when the broker dies, when the server starts anew behind it (which
nobody else's connection shows), and when an answer comes twice.  Then multi_host over it."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need, wait_for  # noqa: E402
from crash import Whole, attempt  # noqa: E402
from lab import GUESTS, hosts, lab_for, probes  # noqa: E402
from secgroups import Groups, group_rules  # noqa: E402

STAYERS = [("stay1", "compute-1"), ("stay2", "compute-2")]
# A call whose answer is lost is made again after at most 30 s, and one step follows another.
SETTLE_LIMIT = 120


class Faults:
    def __init__(self, lab, cloud):
        self.lab, self.cloud = lab, cloud
        self.groups = Groups(lab)
        self.count = 0

    def default_group(self):
        groups = self.lab.api.ask("GET", "/os-security-groups")["security_groups"]
        return next(group["id"] for group in groups if group["name"] == "default")

    def in_order(self):
        began = time.monotonic()
        wait_for(lambda: not self.cloud.in_between(), SETTLE_LIMIT,
                 lambda: f"stuck: {self.cloud.in_between()}")
        settled = time.monotonic()
        self.cloud.check(SETTLE_LIMIT)
        print(f"# settled after {settled - began:.1f} s, whole after "
              f"{time.monotonic() - began:.1f} s", flush=True)

    def clear(self):
        for server in self.lab.api.servers():
            if server["name"] not in self.cloud.stayers:
                self.lab.delete_and_wait(server["name"])

    def begin(self):
        """A guest that is there goes, two others come, and a rule is added; its port."""
        self.count += 1
        self.lab.boot_and_wait(f"old{self.count}", "compute-1")
        for host in hosts.COMPUTES:
            self.lab.api.boot(f"new{self.count}-{host}", host)
        self.lab.api.delete(f"old{self.count}")
        port = 2000 + self.count
        answer = self.groups.post_rule(self.default_group(), ip_protocol="tcp", from_port=port,
                                       to_port=port, cidr="0.0.0.0/0")
        equal(answer.status, 200, "status of the rule")
        return port

    def end(self, port):
        self.in_order()
        expect(not self.lab.api.server(f"old{self.count}"), "the deleted guest is there")
        for name, host in STAYERS:
            wait_for(lambda n=name, h=host: any(str(port) in rule for rule in group_rules(
                self.lab, h, n)), SETTLE_LIMIT, f"the rule is not there for {name}")
        self.clear()
        self.in_order()

    def broker_dies(self, delay):
        port = self.begin()
        time.sleep(delay)  # Another moment of the boots each time.
        self.lab.broker.kill()
        for host, program in (("compute-1", "compute"), ("controller-1", "flat")):
            wait_for(lambda p=self.lab.program(host, program): "bus connection lost" in p.log(),
                     60, f"{program} on {host} does not notice")
        self.cloud.no_loss()
        self.lab.broker.start()
        self.lab.up_computes_known()
        self.end(port)

    def server_dies(self, delay):
        port = self.begin()
        time.sleep(delay)
        self.lab.restart_program("controller-1", "server")
        self.end(port)

    def reset(self, host):
        """Its connection to the broker is cut; it is back when this returns."""
        rule = ["OUTPUT", "-p", "tcp", "--dport", "5672", "-j", "REJECT",
                "--reject-with", "tcp-reset"]
        program = self.lab.program(host, "compute")
        before = program.log().count("bus connected")
        lost = program.log().count("bus connection lost")
        self.lab.in_host(host, ["iptables-nft", "-I", *rule])
        try:
            wait_for(lambda: program.log().count("bus connection lost") > lost, 60,
                     "the connection is not lost")
        finally:
            self.lab.in_host(host, ["iptables-nft", "-D", *rule])
        wait_for(lambda: program.log().count("bus connected") > before, 90,
                 "the connection does not come back")

    def answered_twice(self, host):
        """The server hangs while its list is asked for again and again: all are answered."""
        self.lab.boot_and_wait("twice", host)
        pid = self.lab.program("controller-1", "server").pid
        before = self.said(host)
        os.kill(pid, signal.SIGSTOP)
        try:
            for _ in range(3):
                self.reset(host)
        finally:
            os.kill(pid, signal.SIGCONT)
        self.lab.delete_and_wait("twice")
        self.lab.boot_and_wait("again", host)
        self.in_order()
        said = self.said(host)[len(before):]
        expect("no trace of it" not in said and "unknown to the server" not in said,
               "an answer was taken for more than it is")
        self.clear()

    def said(self, host):
        return self.lab.program(host, "compute").log()

    def queues_deleted(self):
        """Somebody deletes every queue; each program declares its own anew."""
        for name in self.lab.broker.control("list_queues", "name").splitlines():
            if name.startswith(("compute.", "network.")):
                self.lab.broker.control("delete_queue", name)
        self.cloud.boot_works("undeleted", "compute-2")


def table(lab):
    wrong = [f"{source} to {target}: {found}, not {wanted}"
             for source, target, wanted, found in probes.connectivity(lab) if wanted != found]
    expect(not wrong, "; ".join(wrong))


def several_hosts():
    lab = lab_for("rfh", guests=GUESTS, profile="default", ha=True, transport="rabbit")
    check("multi_host over one broker: who reaches whom", table, lab)
    check("multi_host: each program has one connection", lambda: equal(
        len(lab.broker.control("list_connections", "--no-table-headers", "pid").splitlines()), len(lab.programs)))
    lab.down()


def main():
    lab = lab_for("rf", guests=STAYERS, transport="rabbit")
    cloud = Whole(lab, [name for name, _ in STAYERS])
    need("everything is in order before", cloud.check)
    faults = Faults(lab, cloud)
    for delay in (0.0, 0.3):
        check(f"broker killed {delay} s into boots, a delete and a new rule: all come through",
              faults.broker_dies, delay)
    for delay in (0.0, 0.2):
        check(f"server killed {delay} s into the same, behind the broker", faults.server_dies,
              delay)
    check("the list of instances is answered several times: nothing comes of it",
          faults.answered_twice, "compute-1")
    check("queues deleted: declared again", faults.queues_deleted)
    check("everything is in order at the end", faults.in_order)
    lab.down()
    several_hosts()
    done()


if __name__ == "__main__":
    main()
