#!/usr/bin/python3 -B
"""neutrino-cleanup beside neutron-ovs-cleanup: guests' ports taken off one switch.

    bench/cleanup/run.py [--ports N[,N]...] [--runs N] [--programs NAME[,NAME]]

Prints a table for docs/performance.md, with the machine's load before each program.  Each run
has a new ovsdb-server and ovs-vswitchd (userspace datapath) in a network namespace; the ports are
patch ports with the ids of guests."""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
os.environ.setdefault("BUILD_DIR", os.path.join(ROOT, "build"))

import switch as switches  # noqa: E402
from neutrinolab import kernel  # noqa: E402

PROGRAMS = [("neutrino-cleanup", os.path.join(os.environ["BUILD_DIR"], "src/neutrino-cleanup")),
            ("neutron-ovs-cleanup", "/usr/bin/neutron-ovs-cleanup")]


def transact(switch, operations):
    """ovs-vsctl would take minutes for thousands of ports."""
    request = {"method": "transact", "params": ["Open_vSwitch", *operations], "id": 0}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(switch.sock)
        connection.sendall(json.dumps(request).encode())
        answer = b""
        while True:
            answer += connection.recv(1 << 20)
            try:
                results = json.loads(answer)["result"]
            except ValueError:
                continue
            wrong = [result for result in results if result and result.get("error")]
            if wrong:
                sys.exit(f"the database refused the ports: {wrong}")
            return


def populate(switch, n_ports):
    switch.vsctl("add-br", "br-int", "--", "set", "Bridge", "br-int", "datapath_type=netdev",
                 "fail_mode=secure")
    operations = []
    for number in range(n_ports):
        ids = [["iface-id", f"00000000-0000-0000-0000-{number:012}"],
               ["attached-mac", f"fa:16:3e:00:{number >> 8:02x}:{number & 255:02x}"]]
        operations += [
            {"op": "insert", "table": "Interface", "uuid-name": f"i{number}",
             "row": {"name": f"tap{number}", "type": "patch", "external_ids": ["map", ids],
                     "options": ["map", [["peer", f"tap{number ^ 1}"]]]}},
            {"op": "insert", "table": "Port", "uuid-name": f"p{number}",
             "row": {"name": f"tap{number}", "interfaces": ["named-uuid", f"i{number}"]}}]
    ports = ["set", [["named-uuid", f"p{number}"] for number in range(n_ports)]]
    operations.append({"op": "mutate", "table": "Bridge", "where": [["name", "==", "br-int"]],
                       "mutations": [["ports", "insert", ports]]})
    transact(switch, operations)
    wait_for_switch(switch)


def wait_for_switch(switch):
    """Returns once the switch has taken what is in its database."""
    switch.tool("ovs-vsctl", f"--db={switch.remote}", "set", "Open_vSwitch", ".",
                f"external_ids:turn={time.monotonic()}", limit=900)


def watch_memory(pid, found):
    """The program's own peak: ru_maxrss begins with that of this program."""
    try:
        while True:
            with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
                lines = dict(line.split(":", 1) for line in file)
            if "neutrino" in lines["Name"] or "neutron" in lines["Name"]:
                found.append(int(lines["VmHWM"].split()[0]) / 1024)
            time.sleep(0.002)
    except (OSError, KeyError):
        pass  # It ended.


def run(path, n_ports, number):
    """Seconds until the program ended, its processor seconds and peak MiB, and the seconds
    until the switch had taken the ports off as well."""
    switch = switches.Switch(f"bench-{n_ports}-{number}").start()
    try:
        populate(switch, n_ports)
        config = os.path.join(switch.run_dir, "agent.ini")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"[DEFAULT]\nstate_path = {switch.run_dir}\n"
                       f"[ovs]\novsdb_connection = {switch.remote}\n")
        start = time.monotonic()
        process = subprocess.Popen(switch.argv([path, "--config-file", config]), env=switch.env,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        memory = [0.0]
        watcher = threading.Thread(target=watch_memory, args=(process.pid, memory))
        watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        ended = time.monotonic() - start
        watcher.join()
        wait_for_switch(switch)
        done = time.monotonic() - start
        left = len(switch.rows("Port"))
        if status or left != 1:
            sys.exit(f"{path}: status {status}, {left} ports left")
        return ended, usage.ru_utime + usage.ru_stime, max(memory), done
    finally:
        switch.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ports", default="1000,5000")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--programs", default=",".join(name for name, _ in PROGRAMS))
    args = parser.parse_args()
    number = 0
    # Named namespaces of its own; "make bench-cleanup" starts it in a mount namespace.
    os.makedirs(kernel.NETNS_DIR, exist_ok=True)
    kernel.mount("nt-bench", kernel.NETNS_DIR, "tmpfs")
    with tempfile.TemporaryDirectory(prefix="nt-bench-") as top:
        os.environ["NT_TEST_TMP"] = top
        print("| ports | program | until it ended | its processor time | its memory "
              "| until the switch had done it | load average |\n|---|---|---|---|---|---|---|",
              flush=True)
        for n_ports in (int(text) for text in args.ports.split(",")):
            for name, path in PROGRAMS:
                if name not in args.programs.split(","):
                    continue
                found, load = [], os.getloadavg()[0]
                for _ in range(args.runs):
                    number += 1
                    found.append(run(path, n_ports, number))
                ended, cpu, memory, done = (statistics.median(values) for values in zip(*found))
                print(f"| {n_ports} | {name} | {ended:.2f} s | {cpu:.2f} s | {memory:.0f} MB "
                      f"| {done:.2f} s | {load:.0f} |", flush=True)


if __name__ == "__main__":
    main()
