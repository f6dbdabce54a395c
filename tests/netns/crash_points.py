#!/usr/bin/python3 -B
# serial
# timeout: 1500
"""Each failpoint of each program: the program dies there in the middle of boots and
deletes, is started again, and nothing is lost, leaked, stuck or different."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, need  # noqa: E402
from crash import Scenario, Whole, failpoints  # noqa: E402
from lab import lab_for  # noqa: E402

STAYERS = [("stay1", "compute-1"), ("stay2", "compute-2")]
# Passed at the start already, and often: later passages belong to boots and deletes.
LATER = {
    "store-commit": (3, 7), "store-committed": (3, 7), "op-answered": (4, 8),
    "op-published": (4, 8), "http-reply": (3, 5), "bus-send": (3, 5), "bus-flush": (3, 5),
    "bus-flushed": (3, 5), "file-write": (2,), "file-rename": (2,), "file-renamed": (2,),
    "bridge-ensure": (1, 2),
    ("server", "bus-send"): (6, 12), ("server", "bus-flush"): (8,),
    ("server", "bus-flushed"): (8,), ("compute", "child-spawn"): (4, 6),
    ("compute", "child-spawned"): (4, 6), ("compute", "netlink-send"): (1, 4),
    ("compute", "netlink-done"): (1, 4),
}


def survives(scenario, cloud, program, point, passage):
    scenario.dies(program, point, passage)
    cloud.check()


def main():
    only = sys.argv[1:]
    lab = lab_for("cp", guests=STAYERS)
    cloud = Whole(lab, [name for name, _ in STAYERS])
    need("everything is in order before", cloud.check)
    scenario = Scenario(lab, cloud)
    for point, users, _ in failpoints(lab):
        for program in users:
            for passage in LATER.get((program, point), LATER.get(point, (1,))):
                name = f"{program} dies at {point}, passage {passage}"
                if not only or any(word in name for word in only):
                    if not check(name, survives, scenario, cloud, program, point, passage):
                        cloud.start_all()
                        cloud.forgive()
    check("a boot works afterwards", cloud.boot_works, "after", "compute-1")
    check("everything is in order at the end", cloud.check)
    done()


if __name__ == "__main__":
    main()
