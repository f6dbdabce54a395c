#!/usr/bin/python3
"""Man pages format without a warning and say what the programs do."""

import glob
import os
import re
import sys

from house import ROOT, Checks, run


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def options():
    """(name, default) of each option that has an effect, and the names of those without."""
    table = re.sub(r"/\*.*?\*/", "", text_of("src/base/options.c"), flags=re.S)
    string = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
    active, ignored = {}, []
    for match in re.finditer(r'\{\s*"(\w+)",\s*NT_OPT_\w+,\s*' + string + r",\s*" + string
                             + r"(.*?)\}", table, re.S):
        default = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', match.group(2)))
        if "IGNORED" in match.group(4):
            ignored.append(match.group(1))
        else:
            active[match.group(1)] = default
    return active, ignored


def main():
    checks = Checks()
    pages = sorted(glob.glob(os.path.join(ROOT, "docs/man/*.[1-8]")))
    checks.that("there are man pages", pages)
    for page in pages:
        status, output = run("groff", "-man", "-ww", "-rCHECKSTYLE=3", "-Tutf8", "-z", page)
        checks.that(f"{os.path.basename(page)} formats without a warning",
                    status == 0 and not output, output)
        with open(page, encoding="utf-8") as f:
            wide = [n for n, line in enumerate(f, 1) if re.search(r"[ \t]\n$", line)]
        checks.that(f"{os.path.basename(page)} has no trailing blanks", not wide, wide)
    names = {os.path.basename(p) for p in pages}
    text = "".join(text_of("docs/man/" + n) for n in names).replace("\\-", "-")
    asked = {f"{n}.{s}" for n, s in re.findall(r"\b(neutrino[\w.-]*) \(([158])\)", text)}
    checks.that("every page named under SEE ALSO exists", asked and asked <= names, asked - names)

    page = text_of("docs/man/neutrino.conf.5").replace("\\-", "-")
    described = dict(re.findall(r'^\.BR (\w+) "\s\([^,]*, default: (.*)\)"$', page, re.M))
    active, ignored = options()
    wanted = {name: default or "none" for name, default in active.items()}
    missing = sorted(set(wanted) - set(described))
    extra = sorted(set(described) - set(wanted))
    wrong = sorted(n for n in set(wanted) & set(described) if wanted[n] != described[n])
    checks.that("the option table was read", len(active) > 20, active)
    checks.that("neutrino.conf.5 has every option", not missing, missing)
    checks.that("neutrino.conf.5 has no option that does not exist", not extra, extra)
    checks.that("neutrino.conf.5 has the defaults of the program", not wrong, wrong)
    absent = [n for n in ignored if not re.search(rf"\b{n}\b", page)]
    checks.that("neutrino.conf.5 names the options without effect", not absent, absent)

    sample = re.findall(r"^#(\w+) =(?: (.*))?$", text_of("packaging/neutrino.conf"), re.M)
    wrong = [n for n, value in sample
             if n not in active or (n != "bus_endpoint" and active[n] != value)]
    checks.that("the sample shows options and their defaults", sample and not wrong, wrong)

    status, output = run(os.path.join(ROOT, "tools/man-options"), "--check")
    checks.that("neutrino.conf.5 is what the program's table makes of it", status == 0, output)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
