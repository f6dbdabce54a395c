"""When things happened on a switch and in the stock server's database, and what it cost."""

import json
import os
import re
import subprocess
import threading
import time

from neutrinolab import hosts
from neutrinolab.kernel import Failed, wait_for


class Rows:
    """Listens to OVSDB: plugged[name], numbered[name] and tagged[name] are the times at which the
    interface came, had its OpenFlow number, and its port a tag other than the dead VLAN's."""

    def __init__(self, host):
        self.host = host
        self.plugged, self.numbered, self.tagged = {}, {}, {}
        self.seen = set()
        self.processes = [
            self.listen("Interface", "name,external_ids,ofport", self.see_interface),
            self.listen("Port", "name,tag", self.see_port)]
        wait_for(lambda: "br-int" in self.seen, 60, "ovsdb-client says nothing")

    def listen(self, table, columns, see):
        process = subprocess.Popen(
            self.host.machine.argv(["ovsdb-client", "--format=json", "monitor",
                                    "unix:/run/openvswitch/db.sock", "Open_vSwitch", table,
                                    columns]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True, env=hosts.environment(), cwd="/")

        def read():
            names = {}
            for line in process.stdout:
                now = time.monotonic()
                try:
                    update = json.loads(line)
                except ValueError:
                    continue
                # By heading: ovsdb-client sorts columns, and a changed row tells only those
                # that changed.
                headings = update["headings"]
                for row in update["data"]:
                    cells = dict(zip(headings, row))
                    if cells["action"] not in ("initial", "insert", "new"):
                        continue
                    name = names.setdefault(cells["row"], cells["name"])
                    see(now, cells["name"] or name, cells)

        threading.Thread(target=read, daemon=True).start()
        return process

    def see_interface(self, now, name, cells):
        ids = cells["external_ids"]
        if isinstance(ids, list) and any(key == "iface-id" for key, _ in ids[1]):
            self.plugged.setdefault(name, now)
        if isinstance(cells["ofport"], int) and cells["ofport"] > 0:
            self.numbered.setdefault(name, now)

    def see_port(self, now, name, cells):
        self.seen.add(name)
        if isinstance(cells["tag"], int) and cells["tag"] != 4095:
            self.tagged.setdefault(name, now)

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()


class Active:
    """Looks every few milliseconds which of the ports are ACTIVE; when[id] is a time."""

    def __init__(self, bed, ports):
        self.bed = bed
        self.wanted = {port["id"] for port in ports}
        self.when = {}
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        # Few ports are looked at often; a look at many must not cost what is measured.
        pause = 0.003 if len(self.wanted) < 5 else 0.1
        with self.bed.mariadb.connect() as connection, connection.cursor() as cursor:
            while not self.is_done() and not self.ending.is_set():
                left = sorted(self.wanted - set(self.when))
                cursor.execute("SELECT id FROM ports WHERE status = 'ACTIVE' AND id IN "
                               f"({', '.join(['%s'] * len(left))})", left)
                now = time.monotonic()
                for row in cursor.fetchall():
                    self.when.setdefault(row[0], now)
                time.sleep(pause)

    def is_done(self):
        return len(self.when) == len(self.wanted)

    def settle(self, patience):
        """Returns when all are ACTIVE, or when time is up."""
        end = time.monotonic() + patience
        while not self.is_done() and time.monotonic() < end:
            time.sleep(0.005)

    def stop(self):
        self.ending.set()
        self.thread.join()


# --- flows -------------------------------------------------------------------------------------


def bridges(host):
    return sorted(set(host.ovs("vsctl", "list-br").split()) & {"br-int", "br-phys", "br-tun"})


def count_flows(host, bridge, match=""):
    """Flows of a bridge that match at least that closely; cheap for the switch."""
    text = host.ovs("ofctl", "dump-aggregate", bridge, *([match] if match else []))
    return int(re.search(r"flow_count=(\d+)", text)[1])


# --- what a program costs ----------------------------------------------------------------------


def memory(daemon):
    """(RSS, PSS) of a daemon and what it started, in MB."""
    totals = [0, 0]
    for pid in daemon.pids():
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                fields = {line.split()[0]: int(line.split()[1]) for line in file
                          if line.split()[-1] == "kB"}
        except OSError:
            continue
        for i, name in enumerate(("Rss:", "Pss:")):
            totals[i] += fields[name] / 1024
    if not totals[1]:
        raise Failed(f"{daemon.name} does not run")
    return totals


def tasks(daemon):
    """Folders in /proc of all threads of a daemon and of what it started."""
    for pid in daemon.pids():
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                yield f"/proc/{pid}/task/{task}"
        except OSError:
            continue


def cpu(daemon):
    """Processor seconds so far: of living threads to the nanosecond, of ended children of theirs
    to the hundredth."""
    total = 0.0
    for pid in daemon.pids():
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
            total += sum(int(field) for field in fields[13:15]) / os.sysconf("SC_CLK_TCK")
        except OSError:
            continue
    for task in tasks(daemon):
        try:
            with open(f"{task}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0]) / 1e9
        except OSError:
            continue
    return total


def wakeups(daemon):
    """How often threads that slept were woken so far."""
    total = 0
    for task in tasks(daemon):
        try:
            with open(f"{task}/status", encoding="utf-8", errors="replace") as file:
                total += sum(int(line.split()[1]) for line in file
                             if line.startswith("voluntary_ctxt_switches"))
        except OSError:
            continue
    return total
