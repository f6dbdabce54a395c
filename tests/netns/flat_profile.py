#!/usr/bin/python3 -B
"""PROFILE=default: the same cloud with the project's own defaults instead of what the
first release did."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, equal_text, expect  # noqa: E402
from lab import GUESTS, golden, kernel, lab_for, probes  # noqa: E402

NETWORKS = "/var/lib/nova/networks"
DNSMASQ = ["/usr/sbin/dnsmasq", "--strict-order", "--bind-interfaces", "--conf-file=",
           f"--pid-file={NETWORKS}/nova-br100.pid",
           f"--dhcp-optsfile={NETWORKS}/nova-br100.opts", "--listen-address=10.0.0.1",
           "--except-interface=lo",
           "--dhcp-range=set:novanetwork,10.0.0.2,static,255.255.255.0,86400s",
           "--dhcp-lease-max=256", f"--dhcp-hostsfile={NETWORKS}/nova-br100.conf",
           "--dhcp-script=/usr/bin/nova-dhcpbridge", "--no-hosts", "--leasefile-ro",
           "--domain=novalocal"]


def dnsmasq_arguments(lab):
    arguments = kernel.command_line(lab.dnsmasq_pid()).decode().split("\0")[:-1]
    equal(arguments[:len(DNSMASQ)], DNSMASQ, "arguments")


def lease_of_a_day(lab):
    expect("lease time 86400" in lab.api.console("cirros"), lab.api.console("cirros"))


def snat_outside_only(lab):
    rules = re.findall(r"-A nova-network-snat .*SNAT.*", lab.rules("controller-1", "nat"))
    equal(len(rules), 1, "SNAT rules")
    expect("-o eth1" in rules[0], rules[0])


def rules_say_whose(lab):
    for host, prefixes in (("controller-1", "nova-network|nova-api"),
                           ("compute-1", "nova-compute")):
        for table in ("filter", "nat"):
            rules = re.findall(rf"^-A (?:{prefixes})-\S+ .*$", lab.rules(host, table),
                               re.MULTILINE)
            silent = [rule for rule in rules if "--comment" not in rule]
            equal(silent, [], f"rules without a comment on {host}, {table}")


def hosts_names_stay_inside(lab):
    """The network host's own /etc/hosts is not the guests' business."""
    equal(probes.ask_name(lab.guest_netns("cirros"), "compute-2"), [], "compute-2")


def chains_are_golden(lab):
    for table in ("filter", "nat", "mangle"):
        equal_text(lab.rules("controller-1", table), golden(f"default/controller-{table}.txt"),
                   table)


def both_flavours():
    """The same text whichever iptables writes it."""
    lab = lab_for("fpl", profile="default", variant="legacy")
    check("legacy: the network host's chains are those written down", chains_are_golden, lab)
    lab.down()


def bridge_is_not_filtered(lab):
    """Guests of other hosts only: what is bridged here passes no chain, or a floating
    address could not lead back to the wire it came from."""
    path = "/proc/sys/net/bridge/bridge-nf-call-iptables"
    equal(lab.in_host("controller-1", ["cat", path]).stdout.strip(), "0", "network host")
    equal(lab.in_host("compute-1", ["cat", path]).stdout.strip(), "1", "compute host")


def main():
    lab = lab_for("fp", profile="default", guests=GUESTS)
    check("nft: the network host's chains are those written down", chains_are_golden, lab)
    check("bridged packets pass the chains where guests are, not here", bridge_is_not_filtered,
          lab)
    check("dnsmasq's arguments", dnsmasq_arguments, lab)
    check("leases of a day", lease_of_a_day, lab)
    check("SNAT only towards the outside", snat_outside_only, lab)
    check("every rule says whose it is", rules_say_whose, lab)
    check("guests do not see the host's names", hosts_names_stay_inside, lab)
    for source, target, wanted, found in probes.connectivity(lab):
        check(f"{source} to {target}: {wanted}", equal, found, wanted, "found")
    lab.down()
    both_flavours()
    done()


if __name__ == "__main__":
    main()
