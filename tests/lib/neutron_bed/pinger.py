"""Echo requests at a steady rate, each followed until its answer comes.

All bridges of one switch share its main thread, so a burst of changes delays packets.
An answer counts as long as it comes within LATE seconds; only then is a request lost."""

import os
import select
import socket
import struct
import threading
import time

from neutrinolab import kernel
from neutrinolab.kernel import wait_for

LATE = 30
SO_RCVBUFFORCE = 33  # Python does not know it.
REQUEST = {socket.AF_INET: 8, socket.AF_INET6: 128}
REPLY = {socket.AF_INET: 0, socket.AF_INET6: 129}


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


class Result:
    """sent, received; lost: [second of sending since the start]; late: answers after a
    second; slowest: seconds of the slowest answer; gap: longest time without an answer to a
    request sent in it."""

    def __init__(self, started, sent, answered):
        self.sent = len(sent)
        self.received = len(answered)
        self.lost = [round(when - started, 3) for number, when in sorted(sent.items())
                     if number not in answered]
        delays = [answered[number] - sent[number] for number in answered]
        self.late = sum(delay > 1 for delay in delays)
        self.slowest = max(delays, default=0.0)
        self.gap, last = 0.0, started
        for number, when in sorted(sent.items()):
            if number in answered:
                self.gap = max(self.gap, when - last)
                last = when

    def __str__(self):
        return (f"{self.sent} sent, {self.received} received, {self.late} late, slowest "
                f"{self.slowest:.3f} s, longest gap {self.gap:.2f} s, lost at {self.lost[:5]}")


class Pinger:
    """Pings 'address' from a guest 'rate' times a second until stop().

    late_limit: how long stop() waits for answers, LATE unless changed."""

    def __init__(self, guest, address, rate=20):
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.address = address
        self.interval = 1 / rate
        self.ident = os.urandom(2)
        self.sent, self.answered = {}, {}
        self.late_limit = LATE
        self.ending = threading.Event()
        proto = socket.IPPROTO_ICMPV6 if ":" in address else socket.IPPROTO_ICMP
        with kernel.inside_netns(guest.netns):
            self.sock = socket.socket(self.family, socket.SOCK_RAW, proto)
        self.sock.setblocking(False)
        # Answers wait here while this process does not get its turn.
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        self.started = time.monotonic()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def send(self, number):
        body = self.ident + struct.pack("!H", number & 0xffff) + struct.pack("!Q", number)
        kind = REQUEST[self.family]
        # For ICMPv6 the kernel computes the sum, with the pseudo header.
        total = checksum(struct.pack("!BBH", kind, 0, 0) + body) \
            if self.family == socket.AF_INET else 0
        try:
            self.sock.sendto(struct.pack("!BBH", kind, 0, total) + body, (self.address, 0))
        except OSError:
            pass  # No route or no neighbour at this moment: sent in vain, so lost.

    def receive(self):
        while True:
            try:
                data = self.sock.recv(2048)
            except OSError:
                return
            if self.family == socket.AF_INET:
                data = data[(data[0] & 15) * 4:]
            if len(data) >= 16 and data[0] == REPLY[self.family] and data[4:6] == self.ident:
                number = struct.unpack("!Q", data[8:16])[0]
                self.answered.setdefault(number, time.monotonic())

    def work(self):
        number, due = 0, self.started
        while not self.ending.is_set():
            now = time.monotonic()
            if now >= due:
                self.sent[number] = now
                self.send(number)
                number += 1
                due = max(due + self.interval, now - 1)  # After a stall: no burst of seconds.
            select.select([self.sock], [], [], max(0, min(due - time.monotonic(), 0.2)))
            self.receive()
        end = time.monotonic() + self.late_limit
        while len(self.answered) < len(self.sent) and time.monotonic() < end:
            select.select([self.sock], [], [], 0.2)
            self.receive()
        self.sock.close()

    def wait_answers(self, count=1, limit=60):
        """Until that many more answers came than now."""
        wanted = len(self.answered) + count
        wait_for(lambda: len(self.answered) >= wanted, limit,
                 lambda: f"{self.address} does not answer: {len(self.answered)} of "
                         f"{len(self.sent)} so far")

    def stop(self):
        """No more requests; waits for answers still under way and returns the Result."""
        self.ending.set()
        self.thread.join(LATE + 30)
        return Result(self.started, self.sent, self.answered)
