#!/usr/bin/python3 -B
"""Starting the network host: what it makes, started twice, killed and started, before
and after the server, next to rules that are not ours."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, equal_text, expect, need, wait_for  # noqa: E402
from lab import golden, kernel, lab_for, probes  # noqa: E402
from neutrinolab import programs  # noqa: E402


BUILT_IN = {"filter": ["INPUT", "FORWARD", "OUTPUT"],
            "nat": ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]}
FOREIGN = "198.51.100.7"


def iptables(lab, table, *words):
    return lab.in_host("controller-1", [f"iptables-{lab.variant}", "-w", "-t", table, *words])


def add_foreign_rules(lab):
    """One in each built-in chain, with counters that only survive if nobody rewrites them."""
    for table, chains in BUILT_IN.items():
        for chain in chains:
            iptables(lab, table, "-A", chain, "-s", FOREIGN, "-j", "RETURN", "-c", "7", "77")


def foreign_rules_survive(lab):
    for table, chains in BUILT_IN.items():
        save = lab.in_host("controller-1",
                           [f"iptables-{lab.variant}-save", "-c", "-t", table]).stdout
        for chain in chains:
            rules = re.findall(rf"^(\[\d+:\d+\]) -A {chain} (.*)$", save, re.MULTILINE)
            foreign = [i for i, (_, rule) in enumerate(rules) if FOREIGN in rule]
            equal(len(foreign), 1, f"foreign rules in {table} {chain}")
            equal(rules[foreign[0]][0], "[7:77]", f"counters in {table} {chain}")
            equal(foreign[0], len(rules) - 1, f"place in {table} {chain}")


def own_rules(lab, table):
    """The listing without what the test itself put there."""
    return "".join(line + "\n" for line in lab.rules("controller-1", table).splitlines()
                   if FOREIGN not in line)


def golden_rules(lab):
    equal_text(own_rules(lab, "filter"), golden("G5-controller-filter.txt"), "filter")
    equal_text(own_rules(lab, "nat"), golden("G6-controller-nat.txt"), "nat")


def rules_unchanged(lab):
    golden_rules(lab)
    foreign_rules_survive(lab)


def one_dnsmasq(lab):
    pid = lab.dnsmasq_pid()
    expect(pid, "dnsmasq does not run")
    netns = {kernel.namespace_id(kernel.netns_path(lab.netns("controller-1")))}
    pids = [found for found, _ in kernel.processes_in(netns)
            if kernel.command_line(found).startswith(b"/usr/sbin/dnsmasq\0")]
    equal(len(pids), 2, "dnsmasq processes (main and helper)")


def start_second(lab):
    """A second one beside the first, until it serves or gives up."""
    first = lab.program("controller-1", "flat")
    second = programs.start(lab.hosts["controller-1"], "flat")
    wait_for(lambda: second.is_ready() or not second.lives(), 15, "it neither serves nor ends")
    kernel.kill(second.pid, second.starttime)
    second.process.wait()
    expect(first.lives(), "the first one ended")


def kill_and_start(lab):
    before = lab.all_rules("controller-1")
    lab.stop_program("controller-1", "flat")
    equal_text(lab.all_rules("controller-1"), before, "rules while it is away")
    lab.up_program("controller-1", "flat")
    equal_text(lab.all_rules("controller-1"), before, "rules afterwards")


def flat_before_server(lab):
    for name in ("flat", "server"):
        lab.stop_program("controller-1", name)
    lab.up_program("controller-1", "flat", wait=False)
    lab.up_program("controller-1", "server")
    lab.program("controller-1", "flat").wait_ready(20)


def both_killed_server_first(lab):
    for name in ("flat", "server"):
        lab.stop_program("controller-1", name)
    lab.up_program("controller-1", "server")
    lab.up_program("controller-1", "flat")


def fresh_flat_first(tag):
    """A new cloud whose network host is started before the server has ever run."""
    lab = lab_for(tag, start=False)
    add_foreign_rules(lab)
    lab.up_program("controller-1", "flat", wait=False)
    lab.up_program("controller-1", "server")
    lab.program("controller-1", "flat").wait_ready(20)
    lab.up_network()
    return lab


def rules_as_wanted(lab, name):
    wait_for(lambda: "nova-network-INPUT -i br100" in lab.rules("controller-1", "filter"), 10,
             "the network's rules are not there")
    check(f"{name}: G5, G6 as they were, foreign rules below with their counters",
          rules_unchanged, lab)
    check(f"{name}: one dnsmasq serves", one_dnsmasq, lab)


def main():
    lab = lab_for("fs", start=False)
    need("foreign rules", add_foreign_rules, lab)
    need("the programs start", lab.up, [])
    rules_as_wanted(lab, "first start")
    for name, change in (("started twice", start_second), ("killed and started", kill_and_start),
                         ("server after flat", flat_before_server),
                         ("flat after server", both_killed_server_first)):
        check(name, change, lab)
        rules_as_wanted(lab, name)
    check("gateway answers on the wire's host",
          lambda: equal(probes.ping(lab.netns("controller-1"), "10.0.0.1"), probes.ANSWERED))
    lab.down()
    fresh = fresh_flat_first("fsf")
    rules_as_wanted(fresh, "first start, flat before server")
    fresh.down()
    done()


if __name__ == "__main__":
    main()
