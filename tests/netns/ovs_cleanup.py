#!/usr/bin/python3 -B
# timeout: 600
"""neutrino-cleanup leaves on a switch what neutron-ovs-cleanup leaves, in one transaction, and
says what it removes."""

import json
import os
import pty
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need  # noqa: E402
from neutrinolab import kernel  # noqa: E402
from switch import Switch  # noqa: E402

OURS = os.path.join(os.environ["BUILD_DIR"], "src/neutrino-cleanup")
STOCK = "/usr/bin/neutron-ovs-cleanup"
VIF = {"iface-id": "11111111-2222-3333-4444-555555555555", "attached-mac": "fa:16:3e:00:00:01"}

# Bridge, port, type, external_ids of its interface.
PORTS = [
    ("br-int", "tapvif", "internal", VIF),
    ("br-int", "tapskip", "internal", {**VIF, "skip_cleanup": "true"}),
    ("br-int", "taphalf", "internal", {"iface-id": "x"}),
    ("br-int", "other", "internal", {}),
    ("br-int", "patch-tun", "patch", {}),
    ("br-tun", "vxlan-1", "vxlan", {}),
    ("br-ex", "qgvif", "internal", VIF),
]


def populate(switch):
    words = []
    for bridge in ("br-int", "br-tun", "br-ex"):
        words += ["--", "--if-exists", "del-br", bridge]
    for bridge in ("br-int", "br-tun", "br-ex"):
        words += ["--", "add-br", bridge, "--", "set", "Bridge", bridge, "datapath_type=netdev"]
    for bridge, name, kind, ids in PORTS:
        words += ["--", "add-port", bridge, name, "--", "set", "Interface", name, f"type={kind}",
                  *(f"external_ids:{key}=\"{value}\"" for key, value in ids.items())]
    words += ["--", "set", "Interface", "patch-tun", "options:peer=none",
              "--", "set", "Interface", "vxlan-1", "options:remote_ip=10.0.0.9",
              "--", "add-bond", "br-int", "bondvif", "e1", "e2",
              "--", "set", "Interface", "e1", "type=internal",
              "--", "set", "Interface", "e2", "type=internal",
              *(f"external_ids:{key}=\"{value}\"" for key, value in VIF.items())]
    switch.vsctl(*words[1:], wait=False)


def left(switch):
    """{bridge: its ports}"""
    names = {row["_uuid"]: row["name"] for row in switch.rows("Port")}
    return {row["name"]: sorted(names[uuid] for uuid in as_list(row["ports"]))
            for row in switch.rows("Bridge")}


def as_list(value):
    return value if isinstance(value, list) else [value]


def config(switch, *lines):
    path = os.path.join(switch.run_dir, "agent.ini")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(["[DEFAULT]", f"state_path = {switch.run_dir}", "[ovs]",
                              f"ovsdb_connection = {switch.remote}", *lines]) + "\n")
    return path


def run(switch, program, *arguments, lines=(), ok=True):
    return switch.tool(program, "--config-file", config(switch, *lines), *arguments, ok=ok,
                       limit=120)


def changes_nothing_dry(switch):
    populate(switch)
    before = left(switch)
    rows = json.loads(run(switch, OURS, "--dry-run", "-f", "json").stdout)
    equal([(row["Bridge"], row["Port"], row["Interface ID"], row["MAC"]) for row in rows],
          [("br-int", name, VIF["iface-id"], VIF["attached-mac"])
           for name in ("bondvif", "tapvif")], "what it would remove")
    equal(left(switch), before, "ports")
    equal(switch.n_transactions("neutrino-cleanup"), 0, "transactions")


def removes_guests_ports(switch):
    ran = run(switch, OURS)
    equal(left(switch), {
        "br-int": ["br-int", "other", "patch-tun", "taphalf", "tapskip"],
        "br-tun": ["br-tun", "vxlan-1"], "br-ex": ["br-ex", "qgvif"]}, "ports left")
    expect("Cleaning bridge: br-int" in ran.stderr
           and "OVS cleanup completed successfully" in ran.stderr, ran.stderr)
    expect("| br-int | tapvif" in ran.stdout, ran.stdout)
    equal(switch.n_transactions("neutrino-cleanup"), 1, "transactions")
    again = run(switch, OURS, "-f", "json")
    equal(json.loads(again.stdout), [], "removed by a second run")


def leaves_what_the_stock_one_leaves(switch, *arguments, lines=()):
    found = []
    for program in (OURS, STOCK):
        populate(switch)
        run(switch, program, *arguments, lines=lines)
        found.append(left(switch))
    equal(found[0], found[1], "ports left by ours, and by the stock one")


def needs_no_bridge(switch):
    switch.vsctl("--if-exists", "del-br", "br-int", wait=False)
    ran = run(switch, OURS)
    expect("Cleaning bridge" not in ran.stderr, ran.stderr)
    expect("completed successfully" in ran.stderr, ran.stderr)


def deletes_veths(switch):
    """Those of removed ports, both ends; not what is plugged in otherwise."""
    populate(switch)
    for name in ("qvoone", "qvotwo", "vethfree"):
        kernel.run(switch.argv(["ip", "link", "add", name, "type", "veth", "peer", "name",
                                f"{name}p"]))
    switch.vsctl("add-port", "br-int", "qvoone", "--", "set", "Interface", "qvoone",
                 *(f"external_ids:{key}=\"{value}\"" for key, value in VIF.items()),
                 "--", "add-port", "br-int", "qvotwo", wait=False)

    def links():
        listed = json.loads(kernel.run(switch.argv(["ip", "-j", "link"])).stdout)
        return {link["ifname"] for link in listed if link["ifname"].startswith(("qvo", "veth"))}

    run(switch, OURS, "--dry-run", "--delete-veths")
    equal(len(links()), 6, "links after a dry run")
    rows = json.loads(run(switch, OURS, "--delete-veths", "-f", "json").stdout)
    equal({row["Port"]: row["Done"] for row in rows},
          {"bondvif": "removed", "qvoone": "removed, with its veth", "tapvif": "removed",
           "qgvif": "removed"}, "rows")
    equal(links(), {"qvotwo", "qvotwop", "vethfree", "vethfreep"}, "links left")
    populate(switch)
    rows = json.loads(run(switch, OURS, "--delete-veths", "--external_network_bridge=", "-f",
                          "json").stdout)
    expect("qgvif" not in [row["Port"] for row in rows], "br-ex is cleaned though it is not told")


def needs_no_listener(switch):
    """A database that was never told to listen on TCP is reached by its socket; a dry run, too.
    Where it is comes from the environment, as for the tools of the switch."""
    populate(switch)
    switch.vsctl("del-manager", wait=False)
    lines = ["ovsdb_connection = tcp:127.0.0.1:6640", "ovsdb_timeout = 20"]
    rows = json.loads(run(switch, OURS, "--dry-run", "-f", "json", lines=lines).stdout)
    equal([row["Port"] for row in rows], ["bondvif", "tapvif"], "what it would remove")
    run(switch, OURS, f"--ovs_run_dir={switch.run_dir}", lines=lines)
    equal(left(switch)["br-int"], ["br-int", "other", "patch-tun", "taphalf", "tapskip"], "ports")
    equal(switch.rows("Manager"), [], "managers")


def names_what_is_missing(switch):
    """A socket that is there and may not be used: group and permission are told."""
    os.chmod(switch.run_dir, 0o755)
    os.chmod(switch.sock, 0o750)
    ran = switch.tool("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", OURS,
                      "--config-file", "/dev/null", "--ovsdb_timeout=1", ok=False)
    equal(ran.returncode, 1, "exit status")
    expect(f"{switch.sock} may be used by its owner and group root only" in ran.stderr, ran.stderr)


def says_who_does_not_answer(switch):
    ran = switch.tool(OURS, "--config-file", config(switch, "ovsdb_timeout = 1"),
                      f"--ovsdb_connection=unix:{switch.run_dir}/nobody", ok=False)
    equal(ran.returncode, 1, "exit status")
    expect("did not answer within 1 s" in ran.stderr and "nobody" in ran.stderr, ran.stderr)
    os.kill(switch.ovsdb.pid, 19)
    ran = run(switch, OURS, lines=["ovsdb_timeout = 1"], ok=False)
    os.kill(switch.ovsdb.pid, 18)
    equal(ran.returncode, 1, "exit status with a server that hangs")
    expect("did not answer within 1 s" in ran.stderr, ran.stderr)


def shows_what_it_waits_for(switch):
    """To a terminal, after two seconds; a log file or a pipe gets no such line."""
    ours, theirs = pty.openpty()
    os.kill(switch.ovsdb.pid, 19)
    process = subprocess.Popen(
        switch.argv([OURS, "--config-file", config(switch, "ovsdb_timeout = 5")]),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs, env=switch.env)
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 4096):
            said += chunk
    except OSError:
        pass  # The program ended, and with it the other end.
    os.close(ours)
    equal(process.wait(60), 1, "exit status")
    os.kill(switch.ovsdb.pid, 18)
    expect(re.search(rb"waiting for the switch's database, [2-9] s", said), repr(said))
    ran = run(switch, OURS)
    expect("\r" not in ran.stderr, repr(ran.stderr))


def refuses_nonsense(switch):
    for arguments, word in (["--ovsdb_timeout=soon"], "ovsdb_timeout"), (["-f", "xml"], "xml"), \
            (["br-int"], "br-int"), (["--ovsdb_connection=db"], "db"):
        ran = run(switch, OURS, *arguments, ok=False)
        equal(ran.returncode, 1, f"exit status with {arguments}")
        expect(word in ran.stderr, ran.stderr)


def main():
    switch = Switch("clean").start()
    need("a dry run says what would go, and changes nothing", changes_nothing_dry, switch)
    check("guests' ports go in one transaction", removes_guests_ports, switch)
    check("as the stock program", leaves_what_the_stock_one_leaves, switch)
    check("as the stock program, another bridge", lambda: leaves_what_the_stock_one_leaves(
        switch, lines=["integration_bridge = br-ex"]))
    check("as the stock program, all ports", leaves_what_the_stock_one_leaves, switch,
          "--ovs_all_ports")
    check("without the bridge there is nothing to do", needs_no_bridge, switch)
    check("veths of removed ports are deleted when asked for", deletes_veths, switch)
    check("the database need not listen", needs_no_listener, switch)
    check("a socket that may not be used is named", names_what_is_missing, switch)
    check("who does not answer is named", says_who_does_not_answer, switch)
    check("a terminal is told what is waited for", shows_what_it_waits_for, switch)
    check("nonsense is refused by name", refuses_nonsense, switch)
    done()


if __name__ == "__main__":
    main()
