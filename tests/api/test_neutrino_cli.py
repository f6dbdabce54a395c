#!/usr/bin/python3 -B
"""Our own command line through the life of an instance, as tables and as JSON."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need  # noqa: E402
from lab import hosts, lab_for  # noqa: E402


def run(lab, *argv, status=0, **more):
    env = hosts.environment({**lab.client_environment(), **more})
    ended = lab.in_host("controller-1", ["neutrino", *argv], env=env, check=False)
    expect((ended.returncode == 0) == (status == 0),
           f"neutrino {' '.join(argv)}: exit {ended.returncode}: {ended.stderr.strip()}")
    return ended.stdout if status == 0 else ended.stderr


def cells(text):
    return [[cell.strip() for cell in line.strip("|").split("|")]
            for line in text.splitlines() if line.startswith("|")]


def boot(lab):
    shown = dict(row[:2] for row in cells(run(lab, "boot", "--image", "cirros", "--flavor", "1",
                                              "cirros")))
    equal((shown["name"], shown["flavor"], shown["image"]), ("cirros", "m1.tiny", "cirros"),
          "name, flavor and image")
    lab.wait_guest("cirros")


def list_columns(lab):
    rows = cells(run(lab, "list"))
    equal(rows[0], ["ID", "Name", "Status", "Networks"], "columns")
    equal(rows[1][1:], ["cirros", "ACTIVE", "novanetwork=10.0.0.2"], "row")


def list_json(lab):
    rows = json.loads(run(lab, "list", "-f", "json"))
    equal([(row["Name"], row["Status"], row["Networks"]) for row in rows],
          [("cirros", "ACTIVE", {"novanetwork": ["10.0.0.2"]})], "rows")


def show(lab):
    shown = json.loads(run(lab, "show", "cirros", "-f", "json"))
    equal((shown["novanetwork network"], shown["status"], shown["OS-EXT-STS:vm_state"]),
          (["10.0.0.2"], "ACTIVE", "active"), "values")


def console(lab):
    expect("system completely up" in run(lab, "console-log", "cirros"), "the console's end")
    equal(len(run(lab, "console-log", "--length", "2", "cirros").splitlines()), 2, "lines")


def networks(lab):
    expect("10.0.0.0/24" in run(lab, "network-list"), "novanetwork is not listed")
    run(lab, "network-create", "--label=second", "--cidr=10.7.0.0/24")
    said = run(lab, "network-create", "--label=third", "--cidr=10.7.0.0/25", status=1)
    expect("10.7.0.0" in said, f"it does not say which range: {said}")
    run(lab, "network-delete", "second")
    expect("second" not in run(lab, "network-list"), "it is still listed")


def network_in_use(lab):
    said = run(lab, "network-delete", "novanetwork", status=1)
    expect("in use" in said, said)


def unknown(lab):
    said = run(lab, "show", "nobody", status=1)
    expect("nobody" in said, said)


def wrong_password(lab):
    said = run(lab, "list", status=1, OS_PASSWORD="wrong")
    expect(re.search("401|password|credentials|nauthorized", said), said)


def host_list(lab):
    out = run(lab, "host-list")
    for name in ("controller-1", "compute-1", "compute-2"):
        expect(name in out, f"{name} is not listed: {out}")


def as_json(lab, *argv):
    return json.loads(run(lab, *argv, "-f", "json"))


def power(lab):
    run(lab, "stop", "--wait", "cirros")
    equal(as_json(lab, "show", "cirros")["status"], "SHUTOFF", "after stop --wait")
    said = run(lab, "stop", "cirros", status=1)
    expect("while it is in vm_state stopped" in said, said)
    run(lab, "start", "--wait", "cirros")
    run(lab, "reboot", "--wait", "cirros")
    run(lab, "reboot", "--hard", "--wait", "cirros")
    equal(as_json(lab, "show", "cirros")["status"], "ACTIVE", "after the reboots")
    lab.wait_guest("cirros")
    run(lab, "reset-state", "cirros")
    equal(as_json(lab, "show", "cirros")["status"], "ERROR", "after reset-state")
    run(lab, "reset-state", "--active", "cirros")


def edit(lab):
    run(lab, "rename", "cirros", "other")
    run(lab, "meta", "other", "set", "a=1", "b=x=y")
    equal(as_json(lab, "show", "other")["metadata"], {"a": "1", "b": "x=y"}, "metadata")
    run(lab, "meta", "other", "delete", "a")
    equal(as_json(lab, "show", "other")["metadata"], {"b": "x=y"}, "after a delete")
    said = run(lab, "meta", "other", "set", "novalue", status=1)
    expect("novalue" in said, said)
    run(lab, "rename", "other", "cirros")


def history(lab):
    rows = as_json(lab, "instance-action-list", "cirros")
    equal(sorted(row["Action"] for row in rows), ["create", "reboot", "reboot", "start", "stop"],
          "actions")
    shown = as_json(lab, "instance-action", "cirros", rows[0]["Request_ID"])
    equal((shown["action"], shown["events"][0]["result"]), (rows[0]["Action"], "Success"), "one")
    row = as_json(lab, "interface-list", "cirros")[0]
    equal((row["IP addresses"][0]["ip_address"], row["Port State"]), ("10.0.0.2", "ACTIVE"),
          "interface-list")


def hypervisors(lab):
    expect(["nova", "available"] in cells(run(lab, "availability-zone-list")), "zones")
    rows = as_json(lab, "hypervisor-list")
    equal([(row["Hypervisor hostname"], row["State"]) for row in rows],
          [("compute-1", "up"), ("compute-2", "up")], "hypervisor-list")
    equal(as_json(lab, "hypervisor-show", "compute-2")["id"], 2, "hypervisor-show")
    equal(as_json(lab, "hypervisor-stats")["running_vms"], 1, "hypervisor-stats")
    expect("nowhere" in run(lab, "hypervisor-show", "nowhere", status=1), "an unknown one")
    rows = as_json(lab, "usage-list")
    expect(rows[0]["Project"] == "admin" and rows[0]["Hours"] > 0, rows)
    expect("start" in run(lab, "usage-list", "--start", "soon", status=1), "a bad time")


def limits(lab):
    before = as_json(lab, "limits")["maxTotalInstances"]
    run(lab, "quota-set", "--instances", "77", "admin")
    equal(as_json(lab, "limits")["maxTotalInstances"], 77, "limits")
    run(lab, "quota-delete", "admin")
    equal(as_json(lab, "limits")["maxTotalInstances"], before, "after quota-delete")


def groups(lab):
    run(lab, "secgroup-create", "web", "for tests")
    run(lab, "secgroup-update", "web", "--description", "for more")
    shown = as_json(lab, "secgroup-show", "web")
    equal((shown["name"], shown["description"]), ("web", "for more"), "secgroup-show")
    run(lab, "secgroup-update", "web", "--name", "www")
    run(lab, "secgroup-delete", "www")
    run(lab, "floating-ip-bulk-create", "192.168.56.224/30")
    address = as_json(lab, "floating-ip-create")[0]["Ip"]
    equal(as_json(lab, "floating-ip-show", address)["pool"], "nova", "floating-ip-show")
    run(lab, "floating-ip-delete", address)


def delete(lab):
    run(lab, "delete", "cirros")
    lab.api.wait_gone("cirros")
    equal(len(cells(run(lab, "list"))), 1, "rows left, the header among them")


def main():
    lab = lab_for("ac")
    lab.up_computes_known()
    need("boot", boot, lab)
    check("list has the first release's columns", list_columns, lab)
    check("list -f json", list_json, lab)
    check("show", show, lab)
    check("console-log, whole and --length", console, lab)
    check("network-create, refused where it overlaps, network-delete", networks, lab)
    check("network-delete of one in use is refused", network_in_use, lab)
    check("host-list", host_list, lab)
    check("stop, start, reboot, reset-state", power, lab)
    check("rename, meta", edit, lab)
    check("instance-action-list, instance-action, interface-list", history, lab)
    check("availability-zone-list, hypervisor-*, usage-list", hypervisors, lab)
    check("limits, quota-delete", limits, lab)
    check("secgroup-show, secgroup-update, floating-ip-show", groups, lab)
    check("show of what is not there", unknown, lab)
    check("a wrong password", wrong_password, lab)
    check("delete", delete, lab)
    done()


if __name__ == "__main__":
    main()
