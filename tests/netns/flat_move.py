#!/usr/bin/python3 -B
# timeout: 300
"""eth2 carries an address and the default route before the network host starts: both end
on br100, the peer hardly notices, and a program killed half-way finishes later."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need, wait_for  # noqa: E402
from lab import Pinger, hosts, lab_for, probes  # noqa: E402
from neutrinolab import programs  # noqa: E402

OWN, PEER = "172.16.0.1", "172.16.0.2"
SECOND = "172.16.0.9"
LIMIT_MS = 1000
POINTS = 16  # Kills, one after the other netlink change of a start.


def ip(lab, host, *words):
    lab.in_host(host, ["ip", *words])


def set_up_peer(lab):
    ip(lab, "compute-1", "link", "set", "eth2", "up")
    ip(lab, "compute-1", "addr", "add", f"{PEER}/24", "dev", "eth2")


def set_up_eth2(lab):
    """As the distribution left it: two addresses, the default route, one more."""
    ip(lab, "controller-1", "addr", "add", f"{OWN}/24", "brd", "+", "dev", "eth2")
    ip(lab, "controller-1", "addr", "add", f"{SECOND}/24", "brd", "+", "dev", "eth2")
    ip(lab, "controller-1", "route", "add", "default", "via", PEER, "dev", "eth2", "metric", "50")
    ip(lab, "controller-1", "route", "add", "198.51.100.0/24", "via", PEER, "dev", "eth2")


def back_to_before(lab):
    """br100 away, eth2 as it was, no trace of an earlier move."""
    netns = lab.netns("controller-1")
    probes.run(netns, ["ip", "link", "del", "br100"], check=False)
    probes.run(netns, ["ip", "addr", "flush", "dev", "eth2"])
    lab.in_host("controller-1", ["sh", "-c", "rm -f /var/lib/neutrino/flat-move-*"])
    ip(lab, "controller-1", "link", "set", "eth2", "up")
    set_up_eth2(lab)


def as_wanted(lab):
    """What is wrong with the move's result; empty when nothing is."""
    netns = lab.netns("controller-1")
    found = [address for address, _ in probes.addresses(netns, "br100")]
    routes = probes.run(netns, ["ip", "-4", "route", "show", "dev", "br100"],
                        check=False).stdout
    wrong = []
    if sorted(found) != sorted(["10.0.0.1/24", f"{OWN}/24", f"{SECOND}/24"]):
        wrong.append(f"addresses of br100: {found}")
    if found[:1] != ["10.0.0.1/24"]:
        wrong.append(f"the gateway is not first: {found}")
    if probes.addresses(netns, "eth2"):
        wrong.append("eth2 still has addresses")
    for route in (rf"default via {PEER} .*metric 50", rf"198\.51\.100\.0/24 via {PEER}"):
        if not re.search(route, routes):
            wrong.append(f"no route {route}: {routes}")
    link, bridge = probes.link(netns, "eth2"), probes.link(netns, "br100")
    if link["master"] != "br100":
        wrong.append("eth2 is no port")
    if not bridge or link["mac"] != bridge["mac"]:
        wrong.append("br100 does not have eth2's MAC")
    left = lab.in_host("controller-1", ["sh", "-c", "ls /var/lib/neutrino/flat-move-* 2>/dev/null"],
                       check=False).stdout
    return wrong + ([f"left: {left}"] if left else [])


def longest_gap_ms(pinger):
    """Of the answers, in the order they were asked for."""
    numbers = sorted({int(match[1]) for match in (re.search(r"icmp_seq=(\d+)", line)
                                                  for line in pinger.lines) if match})
    return max((b - a - 1 for a, b in zip(numbers, numbers[1:])), default=0) * 10


def move(lab):
    pinger = Pinger(lab.netns("compute-1"), OWN)
    pinger.ensure(50)
    lab.up_program("controller-1", "flat")
    wait_for(lambda: not as_wanted(lab), 10, lambda: "; ".join(as_wanted(lab)))
    pinger.ensure(100)
    pinger.stop()
    gap = longest_gap_ms(pinger)
    print(f"# longest gap {gap} ms", flush=True)
    expect(gap <= LIMIT_MS, f"the peer was cut off for {gap} ms")


def managed_by_it(lab):
    """An interface that carries the address the host is managed by is refused, untouched."""
    lab.stop_program("controller-1", "flat")
    back_to_before(lab)
    lab.up_program("controller-1", "flat", options=[f"--my_ip={OWN}"])
    flat = lab.program("controller-1", "flat")
    wait_for(lambda: "managed by" in flat.log(), 10, flat.why_not)
    found = [address for address, _ in probes.addresses(lab.netns("controller-1"), "eth2")]
    equal(found, [f"{OWN}/24", f"{SECOND}/24"], "addresses of eth2")
    lab.stop_program("controller-1", "flat")


def killed_half_way(lab):
    n_killed = 0
    for n in range(1, POINTS + 1):
        back_to_before(lab)
        flat = programs.start(lab.hosts["controller-1"], "flat",
                              env={"NEUTRINO_FAILPOINT": f"netlink-done:{n}"})
        wait_for(lambda: not flat.lives() or flat.is_ready(), 15, "it neither serves nor ends")
        if flat.lives():
            flat.process.kill()
        else:
            n_killed += 1
        flat.process.wait()
        lab.up_program("controller-1", "flat")
        wait_for(lambda: not as_wanted(lab), 10,
                 lambda: f"after kill {n}: {'; '.join(as_wanted(lab))}")
        equal(probes.ping(lab.netns("compute-1"), OWN), probes.ANSWERED, f"ping after kill {n}")
        lab.stop_program("controller-1", "flat")
    print(f"# killed at {n_killed} points", flush=True)
    expect(n_killed >= 8, f"only {n_killed} of {POINTS} starts were killed")


def main():
    lab = lab_for("fm", start=False, options={"controller-1": {"my_ip": hosts.CONTROLLER}})
    need("a peer on the flat wire", set_up_peer, lab)
    need("eth2 in use", set_up_eth2, lab)
    lab.up_program("controller-1", "server")
    lab.api.create_network(*lab.network)
    check(f"addresses and routes move, the peer is cut off for at most {LIMIT_MS} ms", move, lab)
    check("an interface the host is managed by is left alone", managed_by_it, lab)
    check("killed during the move, the next start finishes it", killed_half_way, lab)
    done()


if __name__ == "__main__":
    main()
