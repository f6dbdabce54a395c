#!/usr/bin/python3 -B
"""Who connects to the agent's OpenFlow port need not be a switch of ours, nor a switch: it is
turned away, and the bridge gets its flows all the same."""

import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need, wait_for  # noqa: E402
from flow_switch import FlowSwitch  # noqa: E402
from neutrinolab import kernel  # noqa: E402

BRIDGE = "br-int"
HELLO, ERROR, FEATURES_REQUEST, FEATURES_REPLY = 0, 1, 5, 6
MULTIPART_REQUEST, MULTIPART_REPLY, BUNDLE_CONTROL = 18, 19, 33
FLOW_STATS, FLOW_MONITOR = b"\0\1", b"\0\x10"
WANTED = ["in_port=5,actions=drop", "table=20,in_port=6,actions=output:3"]
switch = FlowSwitch("hostile")
peer = None


class Fake:
    """A connection to the agent as a switch makes one."""

    def __init__(self):
        with kernel.inside_netns(switch.netns):
            self.socket = socket.create_connection(("127.0.0.1", 6633), timeout=30)

    def send(self, kind, body=b"", xid=0, version=5, length=None):
        length = 8 + len(body) if length is None else length
        self.raw(struct.pack(">BBHI", version, kind, length, xid) + body)

    def raw(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # Turned away already: the next read tells.

    def ends(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # Turned away already, likewise.

    def exactly(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def message(self):
        """(kind, xid, body) of the next one; None at the end of the connection."""
        try:
            _version, kind, length, xid = struct.unpack(">BBHI", self.exactly(8))
            return kind, xid, self.exactly(length - 8)
        except (EOFError, ConnectionError):
            return None

    def next_of(self, wanted):
        while True:
            message = self.message()
            expect(message, f"closed before message {wanted}")
            if message[0] == wanted:
                return message[1], message[2]

    def flow_request(self):
        """The number of the one that asks for all flows; another asks to be told of changes."""
        while True:
            xid, body = self.next_of(MULTIPART_REQUEST)
            if body[:2] == FLOW_STATS:
                return xid

    def is_closed(self):
        """Reads to the end; fails when there is none within the socket's limit."""
        while self.message():
            pass
        return True

    def shake_hands(self, datapath_id):
        self.send(HELLO)
        xid, _ = self.next_of(FEATURES_REQUEST)
        self.send(FEATURES_REPLY, struct.pack(">QIBB2xII", datapath_id, 0, 254, 0, 0x4f, 0), xid)


def start():
    global peer
    switch.start()
    switch.bridge(BRIDGE, controller=True)
    peer = switch.flow_peer()
    peer.bridge(BRIDGE)
    peer.want("a", BRIDGE, WANTED)
    peer.settle()


def still_settled():
    """The bridge is served, by the same process."""
    peer.want("a", BRIDGE, WANTED + ["in_port=9,actions=drop"])
    peer.settle()
    equal(switch.n_flows(BRIDGE), 3, "flows")
    peer.want("a", BRIDGE, WANTED)
    peer.settle()
    equal(switch.n_flows(BRIDGE), 2, "flows")


def stranger():
    fake = Fake()
    fake.shake_hands(0xdead)
    expect(fake.is_closed(), "closed")
    still_settled()


def no_switch():
    for garbage in (b"GET / HTTP/1.0\r\n\r\n", b"\0" * 4096, b"\x05\x00\x00\x04abcd", b"\xff" * 999,
                    struct.pack(">BBHI", 1, 0, 8, 1), struct.pack(">BBHI", 5, 0, 4, 1)):
        fake = Fake()
        fake.raw(garbage)
        fake.ends()
        expect(fake.is_closed(), f"closed after {garbage[:8]!r}")
    still_settled()


def silent():
    """One that says hello and no more, and one that says nothing."""
    mute, quiet = Fake(), Fake()
    quiet.send(HELLO)
    expect(quiet.is_closed() and mute.is_closed(), "closed")
    still_settled()


def many():
    fakes = [Fake() for _ in range(100)]
    for fake in fakes:
        fake.send(HELLO)
    with_request = 0
    for fake in fakes:
        kinds = []
        while True:
            message = fake.message()
            if not message:
                break
            kinds.append(message[0])
            if message[0] == FEATURES_REQUEST:
                fake.ends()
        with_request += FEATURES_REQUEST in kinds
    expect(with_request < 100, "some were turned away at once")
    still_settled()


def impostor(reply):
    """One with the bridge's own id takes its place; what it then says of flows is nonsense.
    It is given up, and the real one, which comes back, is served."""
    before = peer.stats()["connections"]
    fake = Fake()
    fake.shake_hands(int(switch.datapath_id(BRIDGE), 16))
    reply(fake, fake.flow_request())
    expect(fake.is_closed(), "closed")
    wait_for(lambda: peer.stats()["connections"] >= before + 2, 60, "the switch is back")
    peer.settle()
    still_settled()


def flow_stats(*entries, more=0):
    return struct.pack(">HH4x", 1, more) + b"".join(entries)


def entry(length, match=b"\0\x01\0\x04\0\0\0\0", rest=b""):
    return struct.pack(">HBxIIHHHHH2xQQQ", length, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0) + match + rest


NONSENSE = {
    "an entry of no length": [flow_stats(entry(0))],
    "an entry longer than the message": [flow_stats(entry(60000))],
    "half an entry": [flow_stats(entry(56)[:20])],
    "a match of no length that is followed by an entry of none": [
        flow_stats(entry(56, b"\0\x01\xff\xff\0\0\0\0"), more=1), flow_stats(entry(1))],
}


def nonsense(bodies):
    def reply(fake, xid):
        for body in bodies:
            fake.send(MULTIPART_REPLY, body, xid)
        fake.send(MULTIPART_REPLY, flow_stats(), xid + 1)
    impostor(reply)


def chatter():
    """Errors, bundles and replies to nothing, of odd lengths; then the end."""
    def reply(fake, xid):
        for n in range(0, 64):
            fake.send(ERROR, b"\xff" * n, xid + n)
            fake.send(BUNDLE_CONTROL, b"\0" * n, xid)
            fake.send(MULTIPART_REPLY, b"\0" * n, xid + 7)
            fake.send(MULTIPART_REPLY, FLOW_MONITOR + b"\0" * 6 + b"\0\x30\0\0" * n, 0)
            fake.send(n, b"\x01" * n, xid + 9)
        fake.ends()
    impostor(reply)


need("start", start)
check("a bridge that is not ours", stranger)
check("what is no switch", no_switch)
check("who says nothing", silent)
check("a hundred at once", many)
for name, said in NONSENSE.items():
    check(name, nonsense, said)
check("messages that nobody asked for", chatter)
equal(peer.end(), 0, "status")
done()
