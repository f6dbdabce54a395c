#!/usr/bin/python3 -B
# serial
# timeout: 1200
"""Each failpoint that can fail fails once: the program goes on, what was asked for is there
or in error with a reason, and nothing is lost, leaked, stuck or different."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, need  # noqa: E402
from crash import Scenario, Whole, failpoints  # noqa: E402
from lab import lab_for  # noqa: E402

STAYERS = [("stay1", "compute-1"), ("stay2", "compute-2")]
# The first passages of these are those of a start, which may fail with the reason.
LATER = {"store-commit": 5, "file-write": 2, "file-rename": 2, ("compute", "child-spawn"): 4,
         "bridge-ensure": 2, ("compute", "netlink-send"): 2}


def bears(scenario, cloud, program, point, passage):
    scenario.fails(program, point, passage)
    cloud.check()


def main():
    only = sys.argv[1:]
    lab = lab_for("fp", guests=STAYERS)
    cloud = Whole(lab, [name for name, _ in STAYERS])
    need("everything is in order before", cloud.check)
    scenario = Scenario(lab, cloud)
    for point, users, can_fail in failpoints(lab):
        for program in users if can_fail else ():
            name = f"{program} bears an error at {point}"
            passage = LATER.get((program, point), LATER.get(point, 1))
            if not only or any(word in name for word in only):
                if not check(name, bears, scenario, cloud, program, point, passage):
                    cloud.start_all()
                    cloud.forgive()
    check("a boot works afterwards", cloud.boot_works, "after", "compute-1")
    check("everything is in order at the end", cloud.check)
    done()


if __name__ == "__main__":
    main()
