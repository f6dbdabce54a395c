#!/usr/bin/python3 -B
"""The table of the first deployment's section 3: who reaches whom, in 28 lines.

Guests cirros (number 9) and cirros2 on compute-1, cirros3 on compute-2."""

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, wait_for  # noqa: E402
from facts import dnsmasq_users, guest_address  # noqa: E402
from lab import (GOLDEN_MAC, GUESTS, golden_files, golden_options, hosts,  # noqa: E402
                 kernel, lab_for, probes)

ANSWERED, LOST = probes.ANSWERED, probes.LOST


def ping(netns, address, wanted, source=None):
    equal(probes.ping(netns, address, source), wanted, f"ping {address} from {netns}")


def vnet0(lab):
    link = probes.link(lab.netns("compute-1"), "vnet0")
    equal((link["master"], link["mac"]), ("br100", "fe:16:3e:2c:e8:ec"), "vnet0")


def compute_bridge(lab):
    link = probes.link(lab.netns("compute-1"), "br100")
    equal(link["mac"], "08:00:27:15:85:17", "MAC of br100")
    equal(probes.addresses(lab.netns("compute-1"), "br100"), [], "IPv4 addresses of br100")


def refused(lab, host, address):
    expect(probes.send_is_refused(lab.netns(host), address), "sendto() did not fail with EPERM")
    ping(lab.netns(host), address, probes.REFUSED)


def outside_with_route(lab):
    """The packet must die in the instance's chain, not for want of a way."""
    outside = lab.netns("outside-1")
    before = fallback_packets(lab)
    probes.run(outside, ["ip", "route", "add", "10.0.0.0/24", "via", hosts.CONTROLLER])
    try:
        ping(outside, "10.0.0.2", LOST)
    finally:
        probes.run(outside, ["ip", "route", "del", "10.0.0.0/24"])
    expect(fallback_packets(lab) > before, "nothing was counted in nova-compute-sg-fallback")


def fallback_packets(lab):
    return sum(packets for packets, _ in lab.counters("compute-1", "nova-compute-sg-fallback"))


def instance_ids(lab):
    for name, _ in GUESTS:
        wanted = f"i-{lab.guest_number(name):08x}"
        equal(probes.fetch(lab.guest_netns(name), "/2009-04-04/meta-data/instance-id"),
              (200, wanted), name)
    equal(lab.guest_number("cirros"), 9, "number of cirros")


def no_key(lab):
    status, _ = probes.fetch(lab.guest_netns("cirros"), "/latest/meta-data/public-keys")
    equal(status, 404, "status")


def metadata_peers(lab):
    out = lab.in_host("controller-1", ["ss", "-Htn", "state", "established",
                                       "( sport = :8775 )"]).stdout
    return [line.split()[-1].rpartition(":")[0].strip("[]").removeprefix("::ffff:")
            for line in out.splitlines()]


def metadata_sees_guest(lab):
    with kernel.inside_netns(lab.guest_netns("cirros")):
        sock = socket.create_connection(("169.254.169.254", 80), timeout=5)
    with sock:
        sock.sendall(b"GET /latest/meta-data/ HTTP/1.1\r\n")
        wait_for(lambda: metadata_peers(lab), 5, "the service has no connection")
        equal(metadata_peers(lab), ["10.0.0.2"], "peers of the service")


def source_outside(lab):
    with kernel.inside_netns(lab.netns("outside-1")):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with kernel.inside_netns(lab.guest_netns("cirros")):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with server, client:
        server.bind((hosts.OUTSIDE, 0))
        server.settimeout(5)
        client.sendto(b"x", server.getsockname())
        equal(server.recvfrom(16)[1][0], hosts.CONTROLLER, "source address")


def other_name(lab):
    equal(probes.ask_name(lab.guest_netns("cirros"), "cirros2.novalocal"), ["10.0.0.3"],
          "cirros2.novalocal")


def bridged_counted(lab):
    counted = sum(packets for packets, _ in lab.counters("compute-1", "nova-compute-inst-9"))
    expect(counted > 0, "all counters are 0")


def forward_dropped(lab, inside):
    """A rule of somebody else before all of ours; should ours be put back to the front
    meanwhile, once more."""
    argv = [f"iptables-{lab.variant}", "-w"]
    for last in (False, False, True):
        lab.in_host("compute-1", [*argv, "-I", "FORWARD", "1", "-j", "DROP"])
        try:
            inside(lab)
            return
        except Exception:
            rules = lab.in_host("compute-1", [*argv, "-S", "FORWARD"]).stdout.splitlines()
            if last or rules[1] == "-A FORWARD -j DROP":
                raise
        finally:
            lab.in_host("compute-1", [*argv, "-D", "FORWARD", "-j", "DROP"])


def ip_is_lost(lab):
    ping(lab.netns("controller-1"), "10.0.0.2", LOST)


def arp_resolves(lab):
    controller = lab.netns("controller-1")
    probes.run(controller, ["ip", "neigh", "flush", "dev", "br100"], check=False)
    probes.run(controller, ["ping", "-c", "1", "-W", "1", "10.0.0.2"], check=False)
    out = probes.run(controller, ["ip", "neigh", "show", "10.0.0.2", "dev", "br100"]).stdout
    expect(GOLDEN_MAC in out, f"neighbour entry: {out}")


def stolen_address(lab):
    guest = lab.guest_netns("cirros")
    probes.run(guest, ["ip", "addr", "add", "10.0.0.77/24", "dev", "eth0"])
    try:
        ping(guest, "10.0.0.3", LOST, source="10.0.0.77")
    finally:
        probes.run(guest, ["ip", "addr", "del", "10.0.0.77/24", "dev", "eth0"])


def chain_of_deleted(lab):
    chain = f"nova-compute-inst-{lab.guest_number('cirros2')}"
    expect(f"-N {chain}\n" in lab.rules("compute-1", "filter"), f"there was no {chain}")
    lab.delete_and_wait("cirros2")
    wait_for(lambda: chain not in lab.rules("compute-1", "filter"), 5, f"{chain} is still there")


def hosts_file_after(lab):
    wait_for(lambda: "10.0.0.3" not in lab.hosts_file(), 5, "the line is still there")
    lines = lab.hosts_file().splitlines()
    equal([line.split(",", 1)[1] for line in lines],
          ["cirros.novalocal,10.0.0.2", "cirros3.novalocal,10.0.0.4"], "lines")


def main(name="fc", transport=""):
    lab = lab_for(name, guests=GUESTS, options=golden_options(), files=golden_files(),
                  transport=transport)
    controller, compute1 = lab.netns("controller-1"), lab.netns("compute-1")
    outside = lab.netns("outside-1")
    one = lab.guest_netns("cirros")

    check("1 guest has 10.0.0.2/24 and its default route by 10.0.0.1", guest_address, lab)
    check("2 compute-1: vnet0 is in br100 with the fe: MAC", vnet0, lab)
    check("3 compute-1: br100 has eth2's MAC and no IPv4 address", compute_bridge, lab)
    check("4 dnsmasq: main process nobody, helper child root", dnsmasq_users, lab)
    check("5 controller to guest on compute-1", ping, controller, "10.0.0.2", ANSWERED)
    check("6 controller to guest on compute-2", ping, controller, "10.0.0.4", ANSWERED)
    check("7 compute-1 to its own guest: EPERM at send", refused, lab, "compute-1", "10.0.0.2")
    check("8 compute-2 to its own guest: EPERM at send", refused, lab, "compute-2", "10.0.0.4")
    check("9 compute-1 to guest on compute-2: lost", ping, compute1, "10.0.0.4", LOST)
    check("10 guest to guest, same host", ping, one, "10.0.0.3", ANSWERED)
    check("11 guest to guest, across hosts", ping, one, "10.0.0.4", ANSWERED)
    check("12 guest to 10.0.0.1", ping, one, "10.0.0.1", ANSWERED)
    check("13 outside to guest without a route: unreachable", ping, outside, "10.0.0.2",
          probes.UNREACHABLE)
    check("14 outside to guest with a route: dropped by the chain", outside_with_route, lab)
    check("15 guest reads its own instance-id", instance_ids, lab)
    check("16 guest reads public-keys without a key: 404", no_key, lab)
    check("17 the metadata service sees the guest's own address", metadata_sees_guest, lab)
    check("18 guest to 203.0.113.10", ping, one, hosts.OUTSIDE, ANSWERED)
    check("19 source address seen there is 192.168.56.200", source_outside, lab)
    check("20 guest to 192.168.56.202 (management)", ping, one, "192.168.56.202", ANSWERED)
    check("21 name of another guest through 10.0.0.1:53", other_name, lab)
    check("22 bridged packets are counted in nova-compute-inst-9", bridged_counted, lab)
    check("23 FORWARD drops all: controller to guest lost", forward_dropped, lab, ip_is_lost)
    check("24 FORWARD drops all: ARP still resolves", forward_dropped, lab, arp_resolves)
    check("25 anti-spoofing: guest to guest answered", ping, one, "10.0.0.3", ANSWERED)
    check("26 anti-spoofing: from a stolen address lost", stolen_address, lab)
    check("27 chain of a deleted instance is gone", chain_of_deleted, lab)
    check("28 hosts file after the delete: that line gone, the others stay", hosts_file_after, lab)
    done()


if __name__ == "__main__":
    main()
