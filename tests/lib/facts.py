"""Facts about a running lab that several test files check."""

import os

from check import equal, expect
from lab import GOLDEN_MAC, probes


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(text) for text in file.read().split()]


def user_of(pid):
    return os.stat(f"/proc/{pid}").st_uid


def dnsmasq_users(lab):
    """The main process runs as nobody; its one child, for the lease script, as root."""
    pid = lab.dnsmasq_pid()
    expect(pid, "dnsmasq does not run")
    children = children_of(pid)
    equal(len(children), 1, "number of dnsmasq's children")
    nobody = int(lab.in_host("controller-1", ["id", "-u", "nobody"]).stdout)
    equal((user_of(pid), user_of(children[0])), (nobody, 0), "users of main process and helper")


def guest_address(lab):
    """What DHCP gave the guest of the golden listings."""
    netns = lab.guest_netns("cirros")
    equal(probes.link(netns, "eth0")["mac"], GOLDEN_MAC, "MAC")
    equal(probes.addresses(netns, "eth0"), [("10.0.0.2/24", "10.0.0.255")], "address")
    equal(probes.default_route(netns), "10.0.0.1", "default route")
