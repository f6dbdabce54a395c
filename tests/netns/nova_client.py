#!/usr/bin/python3 -B
"""Debian's own nova client, with the environment of the lab's openrc, through the life of
an instance; and what it is told without the right password."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need, wait_for  # noqa: E402
from lab import hosts, lab_for  # noqa: E402

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def environment(lab):
    """openrc as a shell would read it."""
    text = lab.hosts["controller-1"].read("/etc/neutrino/openrc")
    return dict(re.findall(r"^export (\w+)='([^']*)'$", text, re.MULTILINE))


def nova(lab, *argv, status=0, **more):
    env = hosts.environment({**environment(lab), **more})
    done_ = lab.in_host("controller-1", ["nova", *argv], env=env, check=False, timeout=60)
    expect((done_.returncode == 0) == (status == 0),
           f"nova {' '.join(argv)}: exit {done_.returncode}: {done_.stderr.strip()[-300:]}")
    return done_.stdout if status == 0 else done_.stderr


def table(text):
    """Rows of a client's table as lists of cells, the header first."""
    return [[cell.strip() for cell in line.strip("|").split("|")]
            for line in text.splitlines() if line.startswith("|")]


def properties(text):
    return {row[0]: row[1] for row in table(text)[1:]}


def boot(lab):
    shown = properties(nova(lab, "boot", "--image", "cirros", "--flavor", "1", "cirros"))
    equal(shown["name"], "cirros", "name")
    expect(re.fullmatch(UUID, shown["id"]), f"id {shown['id']}")
    expect(shown["status"] in ("BUILD", "ACTIVE"), f"status {shown['status']}")
    expect(shown["image"].startswith("cirros"), f"image {shown['image']}")


def becomes_active(lab):
    lab.wait_guest("cirros")
    rows = table(nova(lab, "list", "--fields", "name,status,networks"))
    equal(rows[0], ["ID", "Name", "Status", "Networks"], "columns")
    equal(rows[1][1:], ["cirros", "ACTIVE", "novanetwork=10.0.0.2"], "row")


def plain_list(lab):
    rows = table(nova(lab, "list"))
    equal(rows[0], ["ID", "Name", "Status", "Task State", "Power State", "Networks"], "columns")
    equal(rows[1][1:], ["cirros", "ACTIVE", "-", "Running", "novanetwork=10.0.0.2"], "row")


def show(lab):
    by_name = properties(nova(lab, "show", "cirros"))
    equal((by_name["novanetwork network"], by_name["status"]), ("10.0.0.2", "ACTIVE"), "values")
    by_id = properties(nova(lab, "show", by_name["id"]))
    equal(by_id["name"], "cirros", "name by id")


def console(lab):
    text = nova(lab, "console-log", "cirros")
    expect("system completely up" in text and "ease of 10.0.0.2" in text, text)
    short = nova(lab, "console-log", "--length", "2", "cirros")
    equal(len(short.strip().splitlines()), 2, "lines with --length 2")


def flavors(lab):
    rows = table(nova(lab, "flavor-list"))
    equal([row[1] for row in rows[1:]],
          ["m1.tiny", "m1.small", "m1.medium", "m1.large", "m1.xlarge"], "names")


def unknown(lab):
    said = nova(lab, "show", "nobody", status=1)
    expect("No server with a name or ID of 'nobody' exists" in said, said)


def wrong_password(lab):
    said = nova(lab, "list", status=1, OS_PASSWORD="wrong")
    expect("401" in said or "nauthorized" in said or "uthentic" in said, said)


def delete(lab):
    nova(lab, "delete", "cirros")
    lab.api.wait_gone("cirros")
    equal(len(table(nova(lab, "list"))), 1, "rows left, the header among them")
    wait_for(lambda: lab.hosts_file() == "", 5, "its hosts line is still there")


def main():
    lab = lab_for("nc")
    lab.up_computes_known()
    need("nova boot", boot, lab)
    need("nova list --fields: ACTIVE with its address", becomes_active, lab)
    check("nova list", plain_list, lab)
    check("nova show by name and by id", show, lab)
    check("nova console-log, whole and --length", console, lab)
    check("nova flavor-list", flavors, lab)
    check("nova show of what is not there", unknown, lab)
    check("nova with a wrong password", wrong_password, lab)
    check("nova delete", delete, lab)
    done()


if __name__ == "__main__":
    main()
