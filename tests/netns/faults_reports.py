#!/usr/bin/python3 -B
# timeout: 300
"""What the hosts report is not lost when the server's database fails for a while; a guest's
device that was taken out of its bridge goes back; a guest starts when its own rules are in
place, however many come after it."""

import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import Failed, check, done, equal, expect, wait_for  # noqa: E402
from lab import hosts, kernel, lab_for  # noqa: E402
from store import DATABASE, fixed_ip  # noqa: E402

HOST = "compute-1"
WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=10)
connection.executescript(sys.argv[2])
connection.close()
"""


def write(lab, sql):
    """Into the server's database, as its user."""
    user = hosts.SERVER_UID
    lab.in_host("controller-1", ["setpriv", f"--reuid={user}", f"--regid={user}",
                                 "--clear-groups", "--", "/usr/bin/python3", "-I", "-c", WRITER,
                                 DATABASE, sql])


class Broken:
    """While inside, every update of a table fails."""

    def __init__(self, lab, table):
        self.lab, self.table = lab, table

    def wait_noticed(self, method):
        """The server has refused a report at least once."""
        def is_noticed():
            return any("broken_by_a_test" in line and method in line for line in
                       self.lab.program("controller-1", "server").log().splitlines())

        wait_for(is_noticed, 20, f"no {method} has failed")

    def __enter__(self):
        # No broken rule, which would be an answer, but a statement that cannot run.
        write(self.lab, f"CREATE TRIGGER broken BEFORE UPDATE ON {self.table}"
              " BEGIN INSERT INTO broken_by_a_test VALUES (1); END")
        return self

    def __exit__(self, *_):
        write(self.lab, "DROP TRIGGER broken")


def act(lab, body):
    lab.api.ask("POST", f"/servers/{lab.api.server('vm')['id']}/action", body)


def lease_waits(lab):
    """A guest that is stopped gives its lease back."""
    address = lab.address("vm")
    wait_for(lambda: fixed_ip(lab, address)["leased"], 20, "the lease is not known")
    with Broken(lab, "fixed_ips") as broken:
        act(lab, {"os-stop": None})
        broken.wait_noticed("release_fixed_ip")
        equal(fixed_ip(lab, address)["leased"], 1, "the lease while it is broken")
    wait_for(lambda: not fixed_ip(lab, address)["leased"], 20,
             "the server never heard of the release")
    wait_for(lambda: lab.api.server("vm")["status"] == "SHUTOFF", 20, "vm is not stopped")
    act(lab, {"os-start": None})
    lab.wait_guest("vm")
    wait_for(lambda: fixed_ip(lab, address)["leased"], 20, "it has no lease again")


def state_waits(lab):
    netns = {kernel.namespace_id(kernel.netns_path(lab.guest_netns("vm")))}
    with Broken(lab, "instances") as broken:
        for pid, start in kernel.processes_in(netns):
            kernel.kill(pid, start)
        wait_for(lambda: not kernel.processes_in(netns), 10, "the guest lives")
        broken.wait_noticed("update_instance")
        equal(lab.api.server("vm")["status"], "ACTIVE", "status while it is broken")
    wait_for(lambda: lab.api.server("vm")["status"] == "SHUTOFF", 20,
             "the server never heard of the guest's end")
    act(lab, {"os-start": None})
    lab.wait_guest("vm")


def port_goes_back(lab):
    def is_port():
        text = lab.in_host(HOST, ["ip", "-d", "link", "show", "vnet0"]).stdout
        return "master br100" in text and "state UP" in text and "hairpin on" in text

    expect(is_port(), "vnet0 is no port of br100 at the start")
    for change in (["nomaster"], ["down"]):
        lab.in_host(HOST, ["ip", "link", "set", "vnet0", *change])
        expect(not is_port(), f"{change} did nothing")
        wait_for(is_port, 30, f"vnet0 stays {change}")


def starts_in_a_stream(lab):
    """Boots follow each other until one of them is active; the rest goes on by itself."""
    stop = threading.Event()
    names = []

    def stream():
        while not stop.is_set() and len(names) < 120:
            name = f"s{len(names)}"
            lab.api.boot(name, "compute-2")
            names.append(name)

    thread = threading.Thread(target=stream)
    thread.start()
    try:
        wait_for(lambda: any(server["status"] == "ACTIVE" for server in lab.api.servers()
                             if server["name"] in names), 60, "none is active")
        expect(thread.is_alive(), f"none was active before all {len(names)} were asked for")
    finally:
        stop.set()
        thread.join()
    for name in list(names):
        try:
            lab.api.delete(name)
        except Failed:
            pass
    wait_for(lambda: len(lab.api.servers()) == 1, 120, "they do not go")


def main():
    lab = lab_for("fr", guests=[("vm", HOST)],
                  options={"compute-2": {"compute_driver": "null"}})
    check("a lease is reported until the server can keep it", lease_waits, lab)
    check("a guest's end is reported until the server can keep it", state_waits, lab)
    check("a device taken out of its bridge or down is put back", port_goes_back, lab)
    check("a guest starts while others keep coming", starts_in_a_stream, lab)
    done()


if __name__ == "__main__":
    main()
