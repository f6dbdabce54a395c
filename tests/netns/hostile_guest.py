#!/usr/bin/python3 -B
# timeout: 400
"""What a hostile guest may try on the wire: each frame is dropped at its port and counted by
reason, the same frame goes through where nobody guards, and the other guests notice nothing."""

import json
import os
import random
import re
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, wait_for  # noqa: E402
from frames import (ALL_NODES, ARP, BROADCAST, DESTINATION, FRAGMENT, HOP_BY_HOP,  # noqa: E402
                    ICMP6, IP4, IP6, UDP, arp, dhcp, ether, fragment, icmp6, ip4, ip6,
                    ip6_bytes, mac_bytes, neighbour_advert, neighbour_solicit, options, syn, udp)
from lab import Pinger, cloud, kernel, lab_for, probes  # noqa: E402
from secgroups import link_local  # noqa: E402

# 'free' is on a host that does not guard: what it sends shows that the frames are good.
GUESTS = [("cirros", "compute-1"), ("cirros2", "compute-1"), ("free", "compute-2"),
          ("cirros4", "compute-2")]
CONNECTIONS = 200
OTHER_MAC = "fa:16:3e:77:77:77"
OTHER_IP = "10.0.0.77"
GATEWAY = "10.0.0.1"
OTHER6 = "fe80::f816:3eff:fe77:7777"
GLOBAL6 = "2001:db8::77"
ALL6 = "ff02::1"


class Identity:
    def __init__(self, lab, name):
        self.netns = lab.guest_netns(name)
        self.mac = lab.guest_mac(name)
        self.ip = lab.address(name)
        self.ip6 = link_local(self.mac)


def nd(source, kind, body, hops=255, through=None):
    """An ICMPv6 message to all nodes; 'through' puts extension headers before it."""
    message = icmp6(source, ALL6, kind, body)
    if through is not None:
        return ip6(source, ALL6, through, options(ICMP6) + message, hops)
    return ip6(source, ALL6, ICMP6, message, hops)


def arp_cases(me, them):
    def one(payload, mac=None):
        return ether(BROADCAST, mac or me.mac, ARP, payload)

    yield "ARP request, foreign address", "ARP sender address", one(arp(me.mac, OTHER_IP))
    yield "ARP reply, foreign address", "ARP sender address", one(arp(me.mac, OTHER_IP,
                                                                      operation=2))
    yield ("gratuitous ARP for the gateway", "ARP sender address",
           one(arp(me.mac, GATEWAY, GATEWAY)))
    yield "ARP reply for a neighbour", "ARP sender address", one(arp(me.mac, them.ip, me.ip, 2))
    yield "ARP sender differs from Ethernet's", "ARP sender MAC", one(arp(OTHER_MAC, me.ip))
    yield "ARP reply from 0.0.0.0", "ARP sender address", one(arp(me.mac, "0.0.0.0", operation=2))
    yield "inverse ARP", "ARP operation", one(arp(me.mac, me.ip, operation=8))
    yield "ARP of other hardware", None, one(arp(me.mac, OTHER_IP, hardware=6))
    yield "RARP", "protocol", ether(BROADCAST, me.mac, 0x8035, arp(me.mac, me.ip, operation=3))


def mac_cases(me, them):
    for name, mac in (("foreign", OTHER_MAC), ("a neighbour's", them.mac)):
        yield (f"source MAC {name}", "source MAC",
               ether(BROADCAST, mac, IP4, ip4(me.ip, "255.255.255.255", UDP, udp(4000, 4001))))
    for name, mac in (("multicast", "01:00:5e:00:00:01"), ("zero", "00:00:00:00:00:00"),
                      ("broadcast", BROADCAST)):
        # The bridge itself drops these, before anybody can count.
        yield (f"source MAC {name}", "-",
               ether(BROADCAST, mac, IP4, ip4(me.ip, "255.255.255.255", UDP, udp(4000, 4001))))


def ip4_cases(me, them):
    def one(packet):
        return ether(BROADCAST, me.mac, IP4, packet)

    for source in (OTHER_IP, GATEWAY, them.ip, "203.0.113.5", "0.0.0.0"):
        yield (f"IPv4 from {source}", "source address",
               one(ip4(source, "255.255.255.255", UDP, udp(4000, 4001))))
    yield "IPv4 cut short", None, one(b"\x45\0")
    yield ("first fragment without UDP's header", "cut short",
           one(ip4(me.ip, "255.255.255.255", UDP, b"", 0x2000)))
    for name, option in (("record route", b"\7\7\4\0\0\0\0\0"),
                         ("source route", b"\x83\7\4\x0a\0\0\1\0"),
                         ("timestamp", b"\x44\4\5\0"), ("router alert", b"\x94\4\0\0")):
        yield (f"IPv4 option {name}", "IP options",
               one(ip4(me.ip, "255.255.255.255", UDP, udp(4000, 4001), options=option)))
    yield ("IGMP report with another option", "IP options",
           one(ip4(me.ip, "224.0.0.5", 2, b"\x16\0\x04\xfa\xe0\0\0\5", options=b"\x83\3\4\0")))
    yield "IGMP query", "IGMP query", one(ip4(me.ip, "224.0.0.1", 2, b"\x11\0\xee\xff\0\0\0\0"))


def dhcp_cases(me, them):
    def one(source, target, ports, message, **more):
        return ether(BROADCAST, me.mac, IP4, ip4(source, target, UDP, udp(*ports, message), **more))

    everybody = "255.255.255.255"
    yield ("DHCP server's answer", "DHCP server",
           one(me.ip, everybody, (67, 68), dhcp(them.mac, operation=2, kind=2)))
    yield ("DHCP discover for a neighbour's card", "DHCP hardware address",
           one("0.0.0.0", everybody, (68, 67), dhcp(them.mac)))
    yield ("DHCP release as a neighbour", "DHCP hardware address",
           one(me.ip, everybody, (68, 67), dhcp(them.mac, them.ip, kind=7)))
    yield ("DHCP release of a neighbour's address", "DHCP client address",
           one(me.ip, everybody, (68, 67), dhcp(me.mac, them.ip, kind=7)))
    yield ("DHCP in fragments", "DHCP in fragments",
           one(me.ip, everybody, (68, 67), b"", fragment=0x2000))
    yield ("DHCPv6 server's advertisement", "DHCP server",
           ether(ALL_NODES, me.mac, IP6, ip6(me.ip6, ALL6, UDP, udp(547, 546, b"\2\1\2\3"))))
    yield ("DHCPv6 server's answer behind options", "DHCP server",
           ether(ALL_NODES, me.mac, IP6,
                 ip6(me.ip6, ALL6, DESTINATION, options(UDP) + udp(547, 546, b"\7\1\2\3"))))


def ip6_cases(me, them):
    def one(packet):
        return ether(ALL_NODES, me.mac, IP6, packet)

    for source in (OTHER6, them.ip6, GLOBAL6):
        yield (f"IPv6 from {source}", "IPv6 source address",
               one(ip6(source, ALL6, UDP, udp(4000, 4001))))
    for name, target in (("a neighbour", them.ip6), ("a global address", GLOBAL6)):
        yield (f"neighbour advertisement for {name}", "neighbour discovery",
               one(nd(me.ip6, 136, neighbour_advert(target, me.mac))))
        yield (f"neighbour advertisement from {name}", "IPv6 source address",
               one(nd(target, 136, neighbour_advert(target, me.mac))))
        yield (f"duplicate detection for {name}", "IPv6 source address",
               one(nd("::", 135, neighbour_solicit(target))))
    yield ("neighbour advertisement, foreign card", "neighbour discovery",
           one(nd(me.ip6, 136, neighbour_advert(me.ip6, OTHER_MAC))))
    yield ("neighbour solicitation, foreign card", "neighbour discovery",
           one(nd(me.ip6, 135, neighbour_solicit(them.ip6, OTHER_MAC))))
    yield ("neighbour advertisement from afar", "neighbour discovery",
           one(nd(me.ip6, 136, neighbour_advert(me.ip6, me.mac), hops=64)))
    yield ("neighbour advertisement behind options", "neighbour discovery",
           one(nd(me.ip6, 136, neighbour_advert(them.ip6, me.mac), through=HOP_BY_HOP)))
    whole = icmp6(me.ip6, ALL6, 136, neighbour_advert(them.ip6, me.mac))
    yield ("neighbour advertisement in fragments", "neighbour discovery",
           one(ip6(me.ip6, ALL6, FRAGMENT, fragment(ICMP6, 0, 1, whole[:8]))))
    yield ("first fragment that ends before ICMPv6", "IPv6 cut short",
           one(ip6(me.ip6, ALL6, FRAGMENT, fragment(DESTINATION, 0, 1, options(ICMP6)))))
    yield ("first fragment that ends before UDP", "IPv6 cut short",
           one(ip6(me.ip6, ALL6, FRAGMENT, fragment(DESTINATION, 0, 1, options(UDP)))))
    yield ("router solicitation, foreign card", "neighbour discovery",
           one(nd(me.ip6, 133, bytes(4) + b"\1\1" + mac_bytes(OTHER_MAC))))
    router = bytes([64, 0, 7, 8]) + bytes(8) + b"\1\1" + mac_bytes(me.mac)
    yield "router advertisement", "IPv6 router", one(nd(me.ip6, 134, router))
    yield ("router advertisement behind options", "IPv6 router",
           one(nd(me.ip6, 134, router, through=DESTINATION)))
    yield ("redirect", "IPv6 router",
           one(nd(me.ip6, 137, bytes(4) + ip6_bytes(me.ip6) + ip6_bytes(GLOBAL6))))
    yield "MLD query", "MLD query", one(nd(me.ip6, 130, bytes(20)))


def other_cases(me, _them):
    inner = struct.pack("!H", IP4) + ip4(me.ip, "255.255.255.255", UDP, udp(4000, 4001))
    for name, tag in (("VLAN 5", 5), ("VLAN 0", 0), ("priority 7", 7 << 13), ("VLAN 4095", 4095)):
        yield f"802.1Q {name}", "tag", ether(BROADCAST, me.mac, 0x8100,
                                             struct.pack("!H", tag) + inner)
    yield "802.1ad and 802.1Q", "tag", ether(BROADCAST, me.mac, 0x88a8,
                                             struct.pack("!HHH", 5, 0x8100, 6) + inner)
    yield "old QinQ", "protocol", ether(BROADCAST, me.mac, 0x9100, struct.pack("!H", 5) + inner)
    llc = b"\x42\x42\3" + bytes(35)
    yield "BPDU", "protocol", ether("01:80:c2:00:00:00", me.mac, len(llc), llc)
    yield "LACP", "protocol", ether("01:80:c2:00:00:02", me.mac, 0x8809, bytes(50))
    yield "EAPOL", "protocol", ether("01:80:c2:00:00:03", me.mac, 0x888e, bytes(50))
    # Linux takes these off a bridge's port before any table sees them.
    yield "LLDP", "-", ether("01:80:c2:00:00:0e", me.mac, 0x88cc, bytes(50))
    snap = b"\xaa\xaa\3\0\0\x0c\x20\0" + bytes(40)
    yield "CDP", "protocol", ether("01:00:0c:cc:cc:cc", me.mac, len(snap), snap)
    for name, kind in (("MPLS", 0x8847), ("PPPoE", 0x8863), ("unknown protocol", 0x88b5)):
        yield name, "protocol", ether(BROADCAST, me.mac, kind, bytes(50))


# A bridge passes these on to nobody, guarded or not.
NEVER_FORWARDED = {"LACP", "EAPOL", "LLDP", "source MAC multicast", "source MAC zero",
                   "source MAC broadcast"}
# What the kernel itself takes for broken on its way through the bridge, or keeps until the
# other fragments come.
KEPT = {"IPv4 cut short", "first fragment without UDP's header", "DHCP in fragments",
        "neighbour advertisement in fragments"}


def all_cases(me, them):
    for cases in (arp_cases, mac_cases, ip4_cases, dhcp_cases, ip6_cases, other_cases):
        yield from cases(me, them)


def packet_socket(netns):
    with kernel.inside_netns(netns):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        sock.bind(("eth0", 3))
        # 1: SOL_PACKET's PACKET_ADD_MEMBERSHIP with PACKET_MR_PROMISC.
        sock.setsockopt(263, 1, struct.pack("iHH8s", socket.if_nametoindex("eth0"), 1, 0, b""))
    sock.settimeout(0.01)
    return sock


def received(sock):
    frames = []
    try:
        while True:
            frames.append(sock.recv(4096))
    except (TimeoutError, BlockingIOError):
        return frames


def counters(lab, host, port):
    """{reason: packets dropped} of a guarded port."""
    text = lab.in_host(host, ["nft", "list", "chain", "bridge", "neutrino-guard", port]).stdout
    sums = {}
    for packets, reason in re.findall(
            r'counter packets (\d+) bytes \d+ counter name "([^"]+)" drop', text):
        reason = reason.replace("-", " ")
        sums[reason] = sums.get(reason, 0) + int(packets)
    return sums


def port_of(lab, name, host):
    """The guest's host end."""
    mac = "fe" + lab.guest_mac(name)[2:]
    out = lab.in_host(host, ["ip", "-o", "link"]).stdout
    return re.search(rf"\d+: (vnet\d+)[@:].*link/ether {mac}", out)[1]


def is_dropped(lab, port, sender, receiver, reason, frame):
    before = counters(lab, "compute-1", port)
    received(receiver)
    sender.send(frame)

    def counted():
        after = counters(lab, "compute-1", port)
        return {key: after[key] - before[key] for key in after if after[key] != before[key]}

    if reason != "-":
        wait_for(counted, 2, "not counted at all")
        found = counted()
        if reason:
            equal(found, {reason: 1}, "counted")
        equal(sum(found.values()), 1, f"packets counted in {found}")
    expect(frame not in received(receiver), "it arrives at the neighbour")


def goes_through(sender, receiver, frame):
    received(receiver)
    sender.send(frame)
    arrived = []

    def there():
        # A tag may be taken off on the way up and put beside the packet.
        arrived.extend(received(receiver))
        return any(got[12:] == frame[12:] or got[12:] == frame[16:] or frame[26:] in got
                   for got in arrived)

    wait_for(there, 2, "not even an unguarded guest can send it: the frame proves nothing")


def own_traffic(lab):
    me = lab.guest_netns("cirros")
    equal(probes.ping(me, lab.address("cirros2")), probes.ANSWERED, "ping")
    target = link_local(lab.guest_mac("cirros2")) + "%eth0"
    equal(probes.run(me, ["ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", target],
                     check=False).returncode, 0, "IPv6 ping")
    big = probes.run(me, ["ping", "-n", "-c", "1", "-W", "1", "-s", "4000", target], check=False)
    equal(big.returncode, 0, "IPv6 ping in fragments")
    before = lab.dhcp_log().count(f"DHCPACK(br100) {lab.address('cirros')}")
    lab.renew("cirros")
    wait_for(lambda: lab.dhcp_log().count(f"DHCPACK(br100) {lab.address('cirros')}") > before, 5,
             "the lease is not renewed")


def flood(lab, frames, what):
    """Sends frames as fast as it goes; two other guests lose no ping meanwhile."""
    pinger = Pinger(lab.guest_netns("cirros2"), lab.address("cirros4"))
    with packet_socket(lab.guest_netns("cirros")) as sender:
        for frame in frames:
            sender.send(frame)
    pinger.ensure(20)
    sent, answered = pinger.stop()
    equal(answered, sent, f"pings answered during {what}")


def flapping_macs(lab, me):
    port = port_of(lab, "cirros", "compute-1")
    before = counters(lab, "compute-1", port)["source MAC"]
    count = 50000
    chance = random.Random(1)
    body = struct.pack("!H", IP4) + ip4(me.ip, "255.255.255.255", UDP, udp(4000, 4001))
    flood(lab, (mac_bytes(BROADCAST) + b"\xfa\x16\x3e" + chance.randbytes(3) + body
                for _ in range(count)), "the flood")
    dropped = counters(lab, "compute-1", port)["source MAC"] - before
    expect(dropped >= count - 1, f"only {dropped} of {count} dropped")
    table = lab.in_host("compute-1", ["bridge", "fdb", "show", "br", "br100"]).stdout
    expect(len(table.splitlines()) < 50, f"the bridge learned {len(table.splitlines())} addresses")


def dhcp_starvation(lab, me):
    """Discovers in its own name, as fast as it goes: at most 50 per second get through."""
    port = port_of(lab, "cirros", "compute-1")
    frame = ether(BROADCAST, me.mac, IP4,
                  ip4("0.0.0.0", "255.255.255.255", UDP, udp(68, 67, dhcp(me.mac))))
    before = lab.dhcp_log().count(f"DHCPDISCOVER(br100) {me.mac}")
    start = time.monotonic()
    flood(lab, (frame for _ in range(10000)), "the discovers")
    passed = lab.dhcp_log().count(f"DHCPDISCOVER(br100) {me.mac}") - before
    allowed = 110 + 50 * (time.monotonic() - start)
    expect(passed <= allowed, f"{passed} discovers reached the server, {allowed:.0f} allowed")
    expect(counters(lab, "compute-1", port)["DHCP rate"] > 9000, "too few were counted")


def own_protocols(sender, receiver, me):
    """What a guest's neighbours get to see of other protocols is for their groups to say."""
    for protocol in (0, 2, 47, 50, 132, 253, 255):
        goes_through(sender, receiver, ether(BROADCAST, me.mac, IP4,
                                             ip4(me.ip, "255.255.255.255", protocol, bytes(16))))


def count_connections(lab, host):
    return int(lab.in_host(host, ["cat", "/proc/sys/net/netfilter/nf_conntrack_count"]).stdout)


def dropped_metrics(lab, host):
    """{reason: packets} as neutrino-compute's /metrics has it."""
    answer = cloud.request(lab.netns(host), "127.0.0.1", 9776, "GET", "/metrics")
    found = re.findall(r'neutrino_guard_dropped_packets_total\{reason="([^"]+)"\} (\S+)',
                       answer.text())
    return {reason: float(value) for reason, value in found}


def syn_flood(lab, me):
    """One guest opens no more connections than it may; the others open theirs."""
    gateway = lab.in_host("controller-1", ["cat", "/sys/class/net/br100/address"]).stdout.strip()
    before = count_connections(lab, "compute-1")
    count = 20000
    flood(lab, (ether(gateway, me.mac, IP4,
                      ip4(me.ip, "203.0.113.7", 6, syn(me.ip, "203.0.113.7", 1024 + n, 80)))
                for n in range(count)), "the SYN flood")
    open_now = count_connections(lab, "compute-1")
    expect(open_now <= before + CONNECTIONS + 50, f"{open_now} connections, {before} before")
    expect(open_now >= before + CONNECTIONS / 2, f"only {open_now} connections: no flood at all")
    equal(probes.ping(lab.guest_netns("cirros2"), lab.address("cirros4")), probes.ANSWERED,
          "ping of a neighbour")
    wait_for(lambda: dropped_metrics(lab, "compute-1").get("connections", 0)
             >= count - CONNECTIONS - 50, 30, lambda: str(dropped_metrics(lab, "compute-1")))
    lab.in_host("compute-1", ["conntrack", "-F"])


def counted_for_the_operator(lab):
    """/metrics and doctor have what the kernel counted, by reason."""
    wait_for(lambda: dropped_metrics(lab, "compute-1").get("source-MAC", 0) >= 49999, 30,
             lambda: str(dropped_metrics(lab, "compute-1")))
    values = dropped_metrics(lab, "compute-1")
    for reason in ("DHCP-rate", "IP-options", "tag", "protocol", "neighbour-discovery"):
        expect(values.get(reason, 0) > 0, f"{reason} is not counted in {values}")
    rows = json.loads(lab.in_host("compute-1", ["neutrino", "doctor", "-f", "json"],
                                  check=False).stdout)
    row = next(row for row in rows if row["Check"] == "refused to guests")
    equal(row["State"], "ok", "state")
    for word in ("source-MAC", "IP-options", "connections"):
        expect(word in row["Problem"], f"{word} is not in {row['Problem']!r}")


def run(variant):
    lab = lab_for(f"hg{variant[0]}", profile="default", variant=variant, guests=GUESTS,
                  options={"compute-1": {"guest_connections": str(CONNECTIONS)},
                           "compute-2": {"anti_spoofing": "false"}})
    me, them = Identity(lab, "cirros"), Identity(lab, "cirros2")
    free, beside = Identity(lab, "free"), Identity(lab, "cirros4")
    port = port_of(lab, "cirros", "compute-1")
    with packet_socket(me.netns) as sender, packet_socket(them.netns) as receiver:
        for name, reason, frame in all_cases(me, them):
            check(f"{variant}: {name}", is_dropped, lab, port, sender, receiver, reason, frame)
        check(f"{variant}: other IP protocols", own_protocols, sender, receiver, me)
    with packet_socket(free.netns) as sender, packet_socket(beside.netns) as receiver:
        for name, _, frame in all_cases(free, beside):
            if name not in NEVER_FORWARDED | KEPT:
                check(f"{variant}: unguarded, {name}", goes_through, sender, receiver, frame)
    check(f"{variant}: what is its own passes", own_traffic, lab)
    check(f"{variant}: 50000 source MACs", flapping_macs, lab, me)
    check(f"{variant}: 10000 DHCP discovers", dhcp_starvation, lab, me)
    check(f"{variant}: SYN flood", syn_flood, lab, me)
    check(f"{variant}: metrics and doctor", counted_for_the_operator, lab)
    check(f"{variant}: what is its own still passes", own_traffic, lab)
    lab.down()


def main():
    for variant in sys.argv[1:] or ["nft", "legacy"]:
        run(variant)
    done()


if __name__ == "__main__":
    main()
