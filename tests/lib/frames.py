"""Ethernet frames a test makes byte by byte."""

import socket
import struct

BROADCAST = "ff:ff:ff:ff:ff:ff"
ALL_NODES = "33:33:00:00:00:01"
ARP, IP4, IP6 = 0x0806, 0x0800, 0x86dd
UDP, ICMP6, FRAGMENT, HOP_BY_HOP, DESTINATION = 17, 58, 44, 0, 60


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def ip6_bytes(address):
    return socket.inet_pton(socket.AF_INET6, address)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ether(target, source, kind, payload):
    return mac_bytes(target) + mac_bytes(source) + struct.pack("!H", kind) + payload


def arp(sender_mac, sender, target="10.0.0.99", operation=1, hardware=1):
    return (struct.pack("!HHBBH", hardware, IP4, 6, 4, operation) + mac_bytes(sender_mac)
            + socket.inet_aton(sender) + bytes(6) + socket.inet_aton(target))


def ip4(source, target, protocol, payload, fragment=0, options=b""):
    """'options' fill whole words."""
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | words, 0, 4 * words + len(payload), 7, fragment, 64,
                       protocol, 0, socket.inet_aton(source), socket.inet_aton(target)) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp(source_port, target_port, payload=b"payload."):
    return struct.pack("!HHHH", source_port, target_port, 8 + len(payload), 0) + payload


def syn(source, target, source_port, target_port):
    """The first packet of a connection, without options."""
    head = struct.pack("!HHIIBBHHH", source_port, target_port, 1, 0, 0x50, 2, 1024, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!HH", 6, len(head))
    return head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]


def dhcp(mac, client="0.0.0.0", operation=1, kind=1):
    """A BOOTP message with one DHCP option."""
    head = struct.pack("!BBBBIHH4s4s4s4s16s192s", operation, 1, 6, 0, 0x4242, 0, 0,
                       socket.inet_aton(client), b"", b"", b"", mac_bytes(mac), b"")
    return head + bytes.fromhex("63825363") + bytes([53, 1, kind, 255])


def ip6(source, target, following, payload, hops=255):
    return (struct.pack("!IHBB", 0x60000000, len(payload), following, hops) + ip6_bytes(source)
            + ip6_bytes(target) + payload)


def icmp6(source, target, kind, body, code=0):
    head = struct.pack("!BBH", kind, code, 0) + body
    pseudo = ip6_bytes(source) + ip6_bytes(target) + struct.pack("!II", len(head), ICMP6)
    return head[:2] + struct.pack("!H", checksum(pseudo + head)) + head[4:]


def options(following, length=8):
    """An empty hop-by-hop or destination options header of 8 bytes."""
    return bytes([following, length // 8 - 1, 1, length - 4]) + bytes(length - 4)


def fragment(following, offset, more, payload):
    return struct.pack("!BBHI", following, 0, offset << 3 | more, 0x1234) + payload


def neighbour_advert(target, mac):
    return bytes([0x20, 0, 0, 0]) + ip6_bytes(target) + bytes([2, 1]) + mac_bytes(mac)


def neighbour_solicit(target, mac=None):
    return bytes(4) + ip6_bytes(target) + (bytes([1, 1]) + mac_bytes(mac) if mac else b"")
