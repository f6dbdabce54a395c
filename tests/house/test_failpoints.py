#!/usr/bin/python3
"""Each failpoint of the table stands at exactly one place in the source, and every place
names one of the table; those that can fail are asked, the others are not."""

import glob
import os
import re
import sys

from house import ROOT, Checks

TABLE = os.path.join(ROOT, "src/base/failpoint.c")


def table():
    """name -> can it fail, of the table."""
    with open(TABLE, encoding="utf-8") as file:
        text = file.read()
    entries = re.findall(r'\{ "([a-z-]+)", "[a-z ]+", (true|false), "[^"]+" \}', text)
    return {name: can_fail == "true" for name, can_fail in entries}


def places():
    """[(file, macro, name)] of the programs' source."""
    found = []
    for path in sorted(glob.glob(os.path.join(ROOT, "src/**/*.c"), recursive=True)):
        if path == TABLE or path.endswith("_test.c"):
            continue
        with open(path, encoding="utf-8") as file:
            found += [(os.path.relpath(path, ROOT), *match) for match in re.findall(
                r'\bNT_(FAILPOINT|CRASHPOINT)\("([^"]*)"\)', file.read())]
    return found


def main():
    checks = Checks()
    points, used = table(), places()
    checks.that("the table of failpoints is read", len(points) > 20, points)
    names = [name for _, _, name in used]
    missing = sorted(set(points) - set(names))
    checks.that("every failpoint of the table is passed somewhere", not missing, missing)
    twice = sorted({name for name in names if names.count(name) > 1})
    checks.that("no failpoint stands at two places", not twice, twice)
    unknown = [place for place in used if place[2] not in points]
    checks.that("every place names a failpoint of the table", not unknown, unknown)
    wrong = [place for place in used
             if place[2] in points and points[place[2]] != (place[1] == "FAILPOINT")]
    checks.that("those that can fail are asked, and no others", not wrong, wrong)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
