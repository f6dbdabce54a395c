"""What goes through tunnels: frames counted on the wire, and a MAC followed from host to host."""

import os
import re
import socket
import time

import frames
from check import equal, expect, wait_for
from neutron_bed import wires
from neutrinolab import kernel

SO_RCVBUFFORCE = 33  # Python does not know it.
EXPERIMENT = 0x88b5  # An EtherType for local use.
PINGS = 50           # A second.
LATE = 3             # Seconds that pings lost in a move are waited for.


# --- on the wire ------------------------------------------------------------------------------


def send(guest, frame):
    """A frame as it stands, out of the guest's interface."""
    with kernel.inside_netns(guest.netns):
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind((guest.device, 0))
            sock.send(frame)


class Wire:
    """Reads what comes to a host's und0 for its tunnel end point, from now on."""

    def __init__(self, host):
        self.address = socket.inet_aton(wires.local_ip(host.name))
        self.frames = []
        with kernel.inside_netns(host.netns):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        self.sock.bind(("und0", 0))
        self.sock.setblocking(False)

    def count(self, mark):
        """Frames so far that hold 'mark'."""
        while True:
            try:
                frame = self.sock.recv(65536)
            except BlockingIOError:
                return sum(mark in frame for frame in self.frames)
            if frame[12:14] == b"\x08\x00" and frame[30:34] == self.address:
                self.frames.append(frame)

    def close(self):
        self.sock.close()


class Wires:
    """Of several hosts.  fence: (guest, MACs): a frame from there to all is behind everything
    that was sent before, and comes to each of the hosts."""

    def __init__(self, hosts, fence):
        self.wires = {host.name: Wire(host) for host in hosts}
        self.fence = fence

    def mark(self, guest, target):
        """Sends one frame; returns what to look for."""
        mark = os.urandom(12)
        send(guest, frames.ether(target, guest.mac, EXPERIMENT, mark + bytes(40)))
        return mark

    def came(self, mark):
        return {name: wire.count(mark) for name, wire in self.wires.items()}

    def check(self, guest, target, wanted, what):
        """One frame to 'target' comes to hosts as 'wanted' says: {name: count}."""
        mark = self.mark(guest, target)
        for name, count in wanted.items():
            if count:  # The switch sends to all of them in one go.
                wait_for(lambda name=name: self.wires[name].count(mark), 10,
                         f"{what}: nothing comes to {name}")
        last = self.mark(self.fence, frames.BROADCAST)
        wait_for(lambda: all(self.came(last).values()), 10, lambda: f"fence: {self.came(last)}")
        equal(self.came(mark), wanted, what)

    def close(self):
        for wire in self.wires.values():
            wire.close()


# --- a MAC that moves -------------------------------------------------------------------------


def tunnel_number(host, other):
    """The tunnel's port on 'host' that leads to 'other'."""
    ends = (wires.local_ip(other.name), wires.local_ip6(other.name))
    numbers = [row["ofport"] for row in host.switch.rows("Interface")
               if row["type"] == "vxlan" and row["options"].get("remote_ip") in ends]
    return str(numbers[0]) if numbers else None


def way(host, mac):
    """Where the host sends frames for a MAC: (whether the server told it, number of the port)."""
    flows = [line for line in host.ovs("ofctl", "--no-names", "dump-flows", "br-tun",
                                       f"table=20,dl_dst={mac}").splitlines() if "dl_dst=" in line]
    told = [line for line in flows if "priority=2," in line]
    numbers = [re.findall(r"output:(\d+)", line)[-1] for line in told or flows]
    return (bool(told), numbers[0]) if numbers else (False, None)


def know(one, two):
    """Neither asks for the other's MAC."""
    for guest, other in ((one, two), (two, one)):
        guest.run(["ip", "neigh", "replace", other.addresses[0], "lladdr", other.mac, "dev",
                   guest.device, "nud", "permanent"])


def announce(guest):
    """One gratuitous ARP, as a hypervisor sends it for a guest that has moved."""
    address = guest.addresses[0]
    send(guest, frames.ether(frames.BROADCAST, guest.mac, frames.ARP,
                             frames.arp(guest.mac, address, address)))


class Move:
    """One port goes from host to host while guests of other hosts ping it."""

    def __init__(self, scene, role, here):
        self.scene = scene
        self.role = role
        self.port = scene.bed.api.port(scene.networks[role], here, name="mover")
        self.plug(here)
        announce(self.guest)

    def plug(self, host):
        self.host = host
        self.guest = host.plug(self.port, quiet=True)
        for other in self.scene.hosts:
            know(self.guest, self.scene.guest(self.role, other))
        self.scene.bed.wait_active(self.port)

    def go(self, there):
        """Unplugged, bound, plugged and ACTIVE there; it has not said a word."""
        self.host.unplug(self.guest)
        self.scene.bed.api.wait_port(self.port, "DOWN")  # Both at once, and nobody may be told.
        self.port = self.scene.bed.api.update("port", self.port, binding_host_id=there.name)
        self.plug(there)

    def gone(self):
        self.host.unplug(self.guest)
        self.scene.bed.api.delete("port", self.port)

    def arrived(self, seer, told):
        """Waits until that host's switch sends to where the port is; returns when that was."""
        wanted = (told, tunnel_number(seer, self.host))
        wait_for(lambda: way(seer, self.guest.mac) == wanted, 60,
                 lambda: f"{seer.name} sends to {way(seer, self.guest.mac)}, not {wanted}")
        seer.ovs("appctl", "revalidator/wait")
        return time.monotonic()

    def follow(self, there, told):
        """Moves, and checks that after the one event that tells of it no ping is lost.

        The event: without l2 population the announcement, which makes a switch learn; with it
        the server's entry, 'told', and the announcement is for br-int of the new host only."""
        seers = [host for host in self.scene.hosts if host is not there]
        pingers = {host.name: self.scene.bed.pinger(self.scene.guest(self.role, host), self.guest,
                                                    PINGS) for host in self.scene.hosts}
        for pinger in pingers.values():
            pinger.late_limit = LATE
            pinger.wait_answers(PINGS)
        old = self.host
        self.go(there)
        if not told:
            for seer in seers:
                if seer is not old:  # There the frames go until then.
                    equal(way(seer, self.guest.mac), (False, tunnel_number(seer, old)),
                          f"way of {seer.name} before the announcement")
        announce(self.guest)
        events = {seer.name: self.arrived(seer, told) for seer in seers}
        there.ovs("appctl", "revalidator/wait")
        events[there.name] = time.monotonic()
        for pinger in pingers.values():
            pinger.wait_answers(PINGS)
        for pinger in pingers.values():
            pinger.ending.set()  # They wait for late answers together.
        for name, pinger in pingers.items():
            self.none_lost(name, pinger, events[name])

    @staticmethod
    def none_lost(name, pinger, event):
        result = pinger.stop()
        late = [when for when in result.lost if pinger.started + when > event]
        print(f"# from {name}: {result}, after the event: {len(late)} lost", flush=True)
        expect(not late, f"from {name}, lost after {event - pinger.started:.2f} s: {late[:10]}")


def followed(scene, role, hosts, told):
    """A port begins on the first of 'hosts' and goes from one to the next."""
    here, *others = hosts
    move = Move(scene, role, here)
    for there in others:
        move.follow(there, told)
    move.gone()
