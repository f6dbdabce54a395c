#!/usr/bin/python3 -B
"""What a guest's chain lets through, and what a guest may send: its own MAC, address and
ARP only, and no DHCP answers."""

import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, equal_text, expect  # noqa: E402
from lab import (GOLDEN_MAC, golden, golden_files, golden_options, hosts, kernel,  # noqa: E402
                 lab_for, probes)

GUESTS = [("cirros", "compute-1"), ("cirros2", "compute-1"), ("cirros3", "compute-2")]
ETH_P_ALL = 3
BROADCAST = "ff:ff:ff:ff:ff:ff"


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def udp_frame(source_mac, target_mac, source, target, ports, text):
    udp = struct.pack("!HHHH", *ports, 8 + len(text), 0) + text
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                       socket.inet_aton(source), socket.inet_aton(target))
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return mac_bytes(target_mac) + mac_bytes(source_mac) + b"\x08\x00" + head + udp


def arp_frame(source_mac, sender_mac, sender, target):
    """An ARP request; padded with a text that tells which one it is."""
    return (mac_bytes(BROADCAST) + mac_bytes(source_mac) + b"\x08\x06"
            + struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + mac_bytes(sender_mac)
            + socket.inet_aton(sender) + bytes(6) + socket.inet_aton(target))


def packet_socket(netns):
    with kernel.inside_netns(netns):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sock.bind(("eth0", ETH_P_ALL))
    sock.settimeout(5)
    return sock


def frames_that_arrive(lab, target, frames):
    """Sends frames from cirros in order; those that reach the guest 'target'.

    The last one must be harmless: its arrival says that the others had their time."""
    arrived = []
    with packet_socket(lab.guest_netns(target)) as receiver:
        with packet_socket(lab.guest_netns("cirros")) as sender:
            for frame in frames:
                sender.send(frame)
            while not arrived or arrived[-1] != frames[-1]:
                try:
                    frame = receiver.recv(2048)
                except TimeoutError:
                    raise kernel.Failed("not even the last, harmless frame arrives") from None
                if frame in frames:
                    arrived.append(frame)
    return arrived


class Frames:
    """What cirros sends to another guest; the bad ones differ from 'good' in one point."""

    def __init__(self, lab, target):
        self.mac = lab.guest_mac(target)
        self.address = lab.address(target)

    def udp(self, text, mac=GOLDEN_MAC, source="10.0.0.2", ports=(4000, 4001)):
        return udp_frame(mac, self.mac, source, self.address, ports, text)

    def good(self, text=b"good"):
        return self.udp(text)


def only_good_arrives(lab, target, bad):
    frames = Frames(lab, target)
    first, last = frames.good(b"first"), frames.good(b"last")
    equal(frames_that_arrive(lab, target, [first, *bad(frames), last]), [first, last],
          f"what reaches {target}")


def spoofed_mac(frames):
    return [frames.udp(b"mac", mac="fa:16:3e:11:22:33")]


def spoofed_address(frames):
    return [frames.udp(b"ip", source="10.0.0.77"), frames.udp(b"gateway", source="10.0.0.1")]


def spoofed_arp(frames):
    return [arp_frame(GOLDEN_MAC, GOLDEN_MAC, "10.0.0.1", frames.address),
            arp_frame(GOLDEN_MAC, "fa:16:3e:11:22:33", "10.0.0.2", frames.address)]


def rogue_dhcp(frames):
    return [frames.udp(b"offer", ports=(67, 68))]


def own_arp_arrives(lab):
    frame = arp_frame(GOLDEN_MAC, GOLDEN_MAC, "10.0.0.2", lab.address("cirros2"))
    equal(frames_that_arrive(lab, "cirros2", [frame]), [frame], "what reaches cirros2")


def foreign_source(lab):
    outside = lab.netns("outside-1")
    probes.run(outside, ["ip", "route", "add", "10.0.0.0/24", "via", hosts.CONTROLLER])
    try:
        equal(probes.ping(outside, "10.0.0.2"), probes.LOST, "ping")
    finally:
        probes.run(outside, ["ip", "route", "del", "10.0.0.0/24"])


def ping(lab, netns, address, wanted):
    equal(probes.ping(netns, address), wanted, f"ping {address}")


def outgoing_tcp(lab):
    """A connection out and its answers: the chain lets replies in."""
    with kernel.inside_netns(lab.netns("outside-1")):
        server = socket.create_server((hosts.OUTSIDE, 0))
    with server, kernel.inside_netns(lab.guest_netns("cirros")):
        client = socket.create_connection(server.getsockname(), timeout=5)
        with client:
            peer, _ = server.accept()
            with peer:
                peer.sendall(b"answer")
                equal(client.recv(16), b"answer", "what the guest read")


def same_network_tcp(lab):
    with kernel.inside_netns(lab.guest_netns("cirros2")):
        client = socket.create_connection(("10.0.0.2", 22), timeout=5)
    with client:
        expect(client.recv(100).startswith(b"neutrino guest"), "no greeting from port 22")


def main():
    lab = lab_for("fch", guests=GUESTS, options=golden_options(), files=golden_files())
    golden_text = golden("G14-compute-filter.txt").splitlines()

    def chains_of_first():
        own = [line for line in lab.rules("compute-1", "filter").splitlines()
               if "inst-10" not in line]
        equal_text("\n".join(own), "\n".join(golden_text), "rules without the second guest's")

    def chains_of_second():
        number = lab.guest_number("cirros2")
        have = [line for line in lab.rules("compute-1", "filter").splitlines()
                if f"inst-{number}" in line]
        wanted = [line.replace("inst-9", f"inst-{number}").replace("10.0.0.2/32", "10.0.0.3/32")
                  for line in golden_text if "inst-9" in line]
        equal_text("\n".join(have), "\n".join(wanted), "rules of the second guest")

    check("chains of the first guest are G14's", chains_of_first)
    check("chains of the second guest differ in number and address only", chains_of_second)
    check("reached from 10.0.0.1", ping, lab, lab.netns("controller-1"), "10.0.0.2",
          probes.ANSWERED)
    check("not reached from a foreign source", foreign_source, lab)
    check("not reached from its compute host", ping, lab, lab.netns("compute-1"), "10.0.0.2",
          probes.REFUSED)
    check("its outgoing traffic is free", ping, lab, lab.guest_netns("cirros"), hosts.OUTSIDE,
          probes.ANSWERED)
    check("answers to its own connections come back", outgoing_tcp, lab)
    check("a guest of the same network connects", same_network_tcp, lab)
    check("its own ARP passes", own_arp_arrives, lab)
    for target, where in (("cirros2", "same host"), ("cirros3", "other host")):
        for what, bad in (("MAC", spoofed_mac), ("address", spoofed_address),
                          ("ARP", spoofed_arp), ("DHCP answer", rogue_dhcp)):
            check(f"forged {what} is dropped, {where}", only_good_arrives, lab, target, bad)
    done()


if __name__ == "__main__":
    main()
