"""A datapath without room for one more meter.

The bridges of a datapath share its meters: one of the test's own takes all that are left, and
gives them back when it goes."""

import socket
import struct

from check import expect

BRIDGE = "br-fill"
MANAGEMENT = f"/run/openvswitch/{BRIDGE}.mgmt"
VERSION = 4  # OpenFlow 1.3
HELLO, ERROR, BARRIER_REQUEST, BARRIER_REPLY, METER_MOD = 0, 1, 20, 21, 29
N_METERS = 1 << 18  # Of the userspace datapath.
CHUNK = 1 << 12
PACKETS_PER_S, DROP = 2, 1


def message(kind, body=b"", xid=0):
    return struct.pack(">BBHI", VERSION, kind, 8 + len(body), xid) + body


def add_meter(number):
    return message(METER_MOD, struct.pack(">HHI HHII4x", 0, PACKETS_PER_S, number, DROP, 16, 1000, 0))


def kinds_until(sock, last):
    """Kinds of the messages that come, up to the first of kind 'last'."""
    data, kinds = b"", []
    while last not in kinds:
        data += sock.recv(65536)
        while len(data) >= 4 and len(data) >= int.from_bytes(data[2:4], "big"):
            kinds.append(data[1])
            data = data[int.from_bytes(data[2:4], "big"):]
    return kinds


def fill(host):
    """Meters until the switch refuses one."""
    host.ovs("vsctl", "add-br", BRIDGE, "--", "set", "Bridge", BRIDGE, "datapath_type=netdev",
             "protocols=OpenFlow13")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(60)
        sock.connect(host.machine.file(MANAGEMENT))
        sock.sendall(message(HELLO))
        for first in range(1, N_METERS + 1, CHUNK):
            sock.sendall(b"".join(add_meter(number) for number in range(first, first + CHUNK)))
        sock.sendall(message(BARRIER_REQUEST))
        expect(ERROR in kinds_until(sock, BARRIER_REPLY), "no meter was refused")


def empty(host):
    host.ovs("vsctl", "del-br", BRIDGE)
