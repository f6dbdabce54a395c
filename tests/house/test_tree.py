#!/usr/bin/python3
"""The tree itself: a clone has what the build needs, and nothing it should not."""

import glob
import os
import re
import sys

from house import ROOT, Checks, run

PARTS = ["Makefile", "meson.build", "build-aux/ovs-static.sh", "build-aux/lsan.supp", "tools/deps",
         "tools/packages.txt", "tests/run", "packaging/neutrino.conf", "docs/man/neutrino.1",
         ".ci/run", "src/LAYERS"]


def main():
    checks = Checks()
    if os.path.exists(os.path.join(ROOT, ".git")):
        # A pattern such as /build*/ would take build-aux/ with it, and no clone would build.
        ignored = [p for p in PARTS if run("git", "-c", "safe.directory=*", "-C", ROOT,
                                           "check-ignore", "--no-index", "-q", p)[0] == 0]
        checks.that(".gitignore leaves everything in that the build needs", not ignored, ignored)
    missing = [p for p in PARTS if not os.path.exists(os.path.join(ROOT, p))]
    checks.that("the parts of the house are there", not missing, missing)

    with open(os.path.join(ROOT, "LICENSE"), encoding="utf-8") as f:
        checks.that("LICENSE is Apache 2.0", "Apache License\n" in f.read(200))

    scripts = [p for pattern in ("tools/*", "tests/run", "tests/*/test_*.py", "tests/netns/*.py",
                                   "tests/compat/*.py", ".ci/run", "build-aux/*.sh")
               for p in glob.glob(os.path.join(ROOT, pattern))
               if os.path.isfile(p) and open(p, "rb").read(2) == b"#!"]
    idle = [os.path.relpath(p, ROOT) for p in scripts if not os.access(p, os.X_OK)]
    checks.that("scripts are executable", scripts and not idle, idle)
    idle = [os.path.relpath(p, ROOT) for p in glob.glob(os.path.join(ROOT, "tests/*/test_*.py"))
            if p not in scripts]
    checks.that("every tests/*/test_*.py says what runs it", not idle, idle)

    for path in [p for p in scripts if open(p, "rb").readline().startswith(b"#!/bin/sh")]:
        status, output = run("sh", "-n", path)
        checks.that(f"{os.path.relpath(path, ROOT)} is a shell script", status == 0, output)

    with open(os.path.join(ROOT, "tools/packages.txt"), encoding="utf-8") as f:
        lines = [line for line in f if line.strip() and not line.startswith("#")]
    bad = [line for line in lines if not re.match(r"(build|lab|vm|check) +[a-z0-9.+-]+ +\w.{8,}", line)]
    checks.that("every package has a group and a reason", lines and not bad, bad)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
