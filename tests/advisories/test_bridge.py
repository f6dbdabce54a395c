#!/usr/bin/python3 -B
"""Advisories of the bridge: a bridge that forgets at once shows everybody everything, and one
whose frames pass no rules guards nobody."""

import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, wait_for  # noqa: E402
from lab import kernel, lab_for, probes  # noqa: E402
from frames import mac_bytes  # noqa: E402

GUESTS = [("one", "compute-1"), ("two", "compute-1"), ("third", "compute-1"),
          ("far", "compute-2")]
BRIDGED = ("controller-1", "compute-1", "compute-2")
SWITCH = "/proc/sys/net/bridge/bridge-nf-call-iptables"
IDS = "CVE-2017-7543"
LIMIT_S = 10
SLACK_S = 3  # A busy machine's.


def everything(netns, device="eth0"):
    """A socket that gets every frame that comes to a device, whomever it is for."""
    with kernel.inside_netns(netns):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        sock.bind((device, 3))
        # 1: SOL_PACKET's PACKET_ADD_MEMBERSHIP with PACKET_MR_PROMISC.
        sock.setsockopt(263, 1, struct.pack("iHH8s", socket.if_nametoindex(device), 1, 0, b""))
    sock.settimeout(0.01)
    return sock


def received(sock):
    frames = []
    try:
        while True:
            frames.append(sock.recvfrom(4096))
    except (TimeoutError, BlockingIOError):
        return frames


def ageing(lab):
    for host in BRIDGED:
        found = int(lab.in_host(host, ["cat", "/sys/class/net/br100/bridge/ageing_time"]).stdout)
        expect(found > 0, f"{host}: {found}")
        equal(found, 30000, f"{host}: hundredths of a second")


def ageing_zero_is_repaired(lab):
    lab.in_host("controller-1", ["ip", "link", "set", "br100", "type", "bridge", "ageing_time",
                                 "0"])
    lab.restart_program("controller-1", "flat")
    wait_for(lambda: lab.in_host("controller-1", ["cat", "/sys/class/net/br100/bridge/ageing_time"]
                                 ).stdout.strip() == "30000", 15, "not put right at the start")


def third_port(lab):
    """Packets of two guests, of one host and of two, seen from a third guest's port."""
    third = mac_bytes(lab.guest_mac("third"))
    with everything(lab.guest_netns("third")) as sock:
        for target in ("two", "far"):  # From now on every bridge knows where each of them is.
            equal(probes.ping(lab.guest_netns("one"), lab.address(target)), probes.ANSWERED,
                  f"ping to {target}")
        received(sock)
        for target in ("two", "far"):
            equal(probes.ping(lab.guest_netns("one"), lab.address(target), count=20),
                  probes.ANSWERED, f"ping to {target}")
        frames = received(sock)
        # 4: a frame this port sends itself (PACKET_OUTGOING).
        foreign = [frame for frame, where in frames
                   if where[2] != 4 and not frame[0] & 1 and frame[:6] != third]
        equal([frame[:14].hex() for frame in foreign], [], "frames for others")
        # The socket does see what is for this guest.
        probes.ping(lab.guest_netns("one"), lab.address("third"), count=1)
        expect(any(frame[:6] == third for frame, _ in received(sock)), "nothing is seen at all")


def words_in_log(lab):
    return lab.program("compute-1", "compute").log().count("bridge-nf-call-iptables")


def switched_off(lab):
    before = words_in_log(lab)
    lab.in_host("compute-1", ["sh", "-c", f"echo 0 > {SWITCH}"])
    start = time.monotonic()
    wait_for(lambda: lab.in_host("compute-1", ["cat", SWITCH]).stdout.strip() == "1",
             LIMIT_S + SLACK_S, "the switch stays off")
    print(f"# on again after {time.monotonic() - start:.1f} s", flush=True)
    check(f"{IDS}: and it is logged", wait_for, lambda: words_in_log(lab) > before, 2,
          "the log says nothing")


def main():
    lab = lab_for("ow", profile="default", guests=GUESTS)
    check("OSSA-2019-004 CVE-2019-15753: no bridge forgets at once", ageing, lab)
    check("OSSA-2019-004 CVE-2019-15753: a third port sees no frame for others", third_port, lab)
    check("OSSA-2019-004 CVE-2019-15753: a bridge set to forget at once is put right",
          ageing_zero_is_repaired, lab)
    check(f"{IDS}: bridged frames pass the rules again after somebody switched it off",
          switched_off, lab)
    done()


if __name__ == "__main__":
    main()
