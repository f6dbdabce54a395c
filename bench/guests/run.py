#!/usr/bin/python3 -B
"""Measures how long a guest of each kind takes from the request to its lease.

    bench/guests/run.py [--boots N]

Prints a table for docs/performance.md.  Everything runs on this machine; virtual machines
are emulated where a short boot with KVM does not end."""

import argparse
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "tests/lib"))

import check  # noqa: E402
from lab import lab_for, wait_for  # noqa: E402
from neutrinolab import cloud, programs  # noqa: E402

HOST = "compute-1"


def boot(lab, name):
    """Seconds from the request to ACTIVE and to the lease."""
    before = lab.dhcp_log().count("DHCPACK(br100)")
    start = time.monotonic()
    lab.api.boot(name, HOST, lab.image)
    lab.api.wait_active(name, lab.boot_limit)
    active = time.monotonic() - start
    wait_for(lambda: lab.dhcp_log().count("DHCPACK(br100)") > before, lab.boot_limit,
             "there is no lease")
    leased = time.monotonic() - start
    cloud.addresses(lab.api.server(name))
    lab.delete_and_wait(name)
    return active, leased


def measure(kind, boots):
    lab = lab_for(f"b{kind[0]}", guest_kind=kind)
    boot(lab, "first")  # Finds out about KVM, and fills caches.
    times = [boot(lab, f"guest{number}") for number in range(boots)]
    lab.down()
    return [statistics.median(column) for column in zip(*times)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--boots", type=int, default=5, help="of each kind")
    boots = parser.parse_args().boots
    print("| guest | request to ACTIVE | request to lease |\n|---|---|---|")
    for kind in programs.GUEST_KINDS:
        active, leased = measure(kind, boots)
        print(f"| {kind} | {active:.2f} s | {leased:.2f} s |", flush=True)
    check.done()


if __name__ == "__main__":
    main()
