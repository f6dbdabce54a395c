#!/usr/bin/python3 -B
# long
# timeout: 1200
"""What 'make up GUEST=qemu' brings up: three virtual machines on two hosts, and who they
reach."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal  # noqa: E402
from lab import GUESTS, lab_for, probes  # noqa: E402


def main():
    # Whether KVM works is found out here, as it is by default.
    lab = lab_for("q2", guests=GUESTS, guest_kind="qemu")
    for source, target, wanted, found in probes.connectivity(lab):
        check(f"{source} to {target}", equal, found, wanted)
    done()


if __name__ == "__main__":
    main()
