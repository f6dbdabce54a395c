#!/usr/bin/python3 -B
# serial
# timeout: 900
"""A hundred boots and deletes: every address comes back, and no program keeps
descriptors or memory."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need, wait_for  # noqa: E402
from lab import hosts, kernel, lab_for  # noqa: E402
from store import in_use  # noqa: E402

HALF = 50
KIND = {"descriptors": lambda pid: len(os.listdir(f"/proc/{pid}/fd")),
        "kB of memory": lambda pid: int(re.search(
            r"^VmRSS:\s+(\d+)", open(f"/proc/{pid}/status", encoding="ascii").read(),
            re.MULTILINE)[1])}


def one_life(lab, i):
    """A guest that is booted, leases its address, and goes."""
    name, host = f"guest{i}", hosts.COMPUTES[i % 2]
    lab.api.boot(name, host)
    server = lab.api.wait_active(name)
    address = server["addresses"]["novanetwork"][0]["addr"]
    lab.wait_acked(address, lab.guest_mac(name))
    lab.delete_and_wait(name)


def lives(lab, first, last):
    for i in range(first, last):
        one_life(lab, i)


def quiet(lab):
    """Nothing of a guest is left anywhere."""
    wait_for(lambda: not in_use(lab), 10, lambda: f"addresses still in use: {in_use(lab)}")
    wait_for(lambda: lab.hosts_file() == "", 5, "the hosts file is not empty")
    prefix = lab.guest_netns("")
    wait_for(lambda: not [name for name in kernel.netns_names() if name.startswith(prefix)], 5,
             "guests' namespaces are left")
    for host in hosts.COMPUTES:
        wait_for(lambda h=host: "inst-" not in lab.rules(h, "filter"), 5, f"chains left on {host}")
        links = lab.in_host(host, ["ip", "-o", "link"]).stdout
        expect("vnet" not in links, f"devices left on {host}: {links}")
        left = lab.in_host(host, ["ls", "/var/lib/nova/instances"]).stdout.split()
        equal([name for name in left if name.startswith("instance-")], [], f"folders on {host}")


def measure(lab):
    return {(host, name, kind): read(lab.program(host, name).pid)
            for host, name in lab.programs for kind, read in KIND.items()}


def no_growth(place, kind, before, after):
    wanted = before[(*place, kind)]
    found = after[(*place, kind)]
    expect(abs(found - wanted) <= wanted * 0.05, f"{wanted} after {HALF}, {found} after {2 * HALF}")


def main():
    lab = lab_for("fu")
    lab.up_computes_known()
    need(f"{HALF} boots and deletes", lives, lab, 0, HALF)
    check(f"nothing is left after {HALF}", quiet, lab)
    before = measure(lab)
    need(f"{HALF} more boots and deletes", lives, lab, HALF, 2 * HALF)
    check(f"nothing is left after {2 * HALF}", quiet, lab)
    after = measure(lab)
    for place in lab.programs:
        for kind in KIND:
            check(f"{place[1]} on {place[0]}: {kind} after {HALF} and {2 * HALF} within 5 %",
                  no_growth, place, kind, before, after)
    done()


if __name__ == "__main__":
    main()
