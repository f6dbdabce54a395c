#!/usr/bin/python3 -B
"""Measures our Open vSwitch agent beside the stock one: same server, same switch, same run.

    make bench-agent [BENCH='--only ports,restarts,forwarding --agents python,neutrino --quick']

One after the other they get the same configuration, the same number of ports of a vlan network
on the same host, and the same forwarding entries of a vxlan network.  Prints a table for
docs/performance.md; everything shares this machine's cores.  A quarter of an hour or more,
most of which the stock server needs to make ports ACTIVE."""

import argparse
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "tests/lib"))

import check  # noqa: E402
from neutron_bed import bed_for  # noqa: E402
import coming_back  # noqa: E402
import forwarding  # noqa: E402
import ports  # noqa: E402
from subject import NAMES, Subject, say  # noqa: E402

PARTS = ("ports", "restarts", "forwarding")
QUICK = {"ports": [5, 10], "singles": 2, "entries": 500, "fdb_hosts": 5, "rate": 100,
         "seconds": 2}


def measure(bed, kind, options):
    subject = Subject(bed, kind, options)
    began = time.monotonic()
    steps = [lambda count=count: ports.several(subject, count) for count in options.ports] \
        if "ports" in options.only else []
    if "restarts" in options.only:
        # After the first number of ports: with all of them the server would need minutes.
        steps.insert(1, lambda: coming_back.everything(subject))
    if steps:
        ports.start(subject)
    for step in steps:
        step()
    if "ports" in options.only:
        ports.rest(subject)
        ports.singles(subject)
    if subject.ports:
        subject.clear()
    if "forwarding" in options.only:
        forwarding.everything(subject)
        subject.clear()
    say(f"{NAMES[kind]}: measured in {time.monotonic() - began:.0f} s")
    return subject.figures


def ratio(found, kinds, name):
    numbers = [found[kind].get(name, (None, ""))[0] for kind in kinds]
    if len(numbers) < 2 or not all(numbers):
        return ""
    return f"{numbers[0] / numbers[1]:.3g}"


def print_table(found, kinds):
    names = list(dict.fromkeys(name for kind in kinds for name in found[kind]))
    print("| | " + " | ".join(NAMES[kind] for kind in kinds) + " | ratio |")
    print("|---" * (len(kinds) + 2) + "|")
    for name in names:
        print(f"| {name} | "
              + " | ".join(found[kind].get(name, (None, ""))[1] for kind in kinds)
              + f" | {ratio(found, kinds, name)} |", flush=True)


def numbers(text):
    return [int(part) for part in text.split(",")]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--agents", default="python,neutrino")
    parser.add_argument("--only", default=",".join(PARTS), help="parts")
    parser.add_argument("--quick", action="store_true", help="does it work? the figures are none")
    parser.add_argument("--ports", type=numbers, default=[100, 500],
                        help="at once, one number after the other")
    parser.add_argument("--singles", type=int, default=10, help="one after the other")
    parser.add_argument("--entries", type=int, default=20000, help="of the forwarding table")
    parser.add_argument("--fdb-hosts", type=int, default=100)
    parser.add_argument("--rate", type=int, default=1000, help="updates a second")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--patience", type=int, default=180,
                        help="seconds for many ports, and for a forwarding table")
    parser.add_argument("--patience-updates", type=int, default=60,
                        help="seconds after the last update of a forwarding entry")
    parser.add_argument("--patience-switch", type=int, default=45,
                        help="seconds for flows after a restart of ovs-vswitchd")
    options = parser.parse_args()
    options.only = options.only.split(",")
    if set(options.only) - set(PARTS):
        parser.error(f"parts are {', '.join(PARTS)}")
    if options.quick:
        vars(options).update(QUICK)
    return options


def main():
    options = parse()
    os.environ["NT_TEST_TMP"] = tempfile.mkdtemp(prefix="neutrino-bench-")
    check.cleanup(shutil.rmtree, os.environ["NT_TEST_TMP"], True)
    bed = bed_for(hosts=1)
    kinds, found = options.agents.split(","), {}
    for kind in kinds:
        check.need(f"{NAMES[kind]} is measured", lambda kind=kind:
                   found.update({kind: measure(bed, kind, options)}))
    print_table(found, kinds)
    check.done()


if __name__ == "__main__":
    main()
