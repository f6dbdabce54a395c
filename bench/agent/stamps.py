"""When things happened on a switch and in the stock server's database, for the bench."""

import json
import subprocess
import threading
import time

from neutrinolab import hosts
from neutrinolab.kernel import Failed, wait_for


class Rows:
    """Listens to OVSDB: plugged[name] and tagged[name] are the times at which the interface
    came and at which its port had a tag other than that of the dead VLAN."""

    def __init__(self, host):
        self.host = host
        self.plugged, self.tagged = {}, {}
        self.processes = [self.listen("Interface", "name,external_ids", self.see_interface),
                          self.listen("Port", "name,tag", self.see_port)]
        wait_for(lambda: {"br-int"} <= set(self.seen), 60, "ovsdb-client says nothing")

    seen = ()

    def listen(self, table, columns, see):
        process = subprocess.Popen(
            self.host.machine.argv(["ovsdb-client", "--format=json", "monitor",
                                    "unix:/run/openvswitch/db.sock", "Open_vSwitch", table,
                                    columns]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True, env=hosts.environment(), cwd="/")

        def read():
            for line in process.stdout:
                now = time.monotonic()
                try:
                    update = json.loads(line)
                except ValueError:
                    continue
                for row in update["data"]:
                    if row[1] in ("initial", "insert", "new"):
                        see(now, *row[2:])

        threading.Thread(target=read, daemon=True).start()
        return process

    def see_interface(self, now, name, external_ids):
        if any(key == "iface-id" for key, _ in external_ids[1]):
            self.plugged.setdefault(name, now)

    def see_port(self, now, name, tag):
        self.seen = {*self.seen, name}
        if isinstance(tag, int) and tag != 4095:
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
        marks = ", ".join(["%s"] * len(self.wanted))
        with self.bed.mariadb.connect() as connection, connection.cursor() as cursor:
            while len(self.when) < len(self.wanted) and not self.ending.is_set():
                cursor.execute("SELECT id FROM ports WHERE status = 'ACTIVE' AND id IN "
                               f"({marks})", sorted(self.wanted))
                now = time.monotonic()
                for row in cursor.fetchall():
                    self.when.setdefault(row[0], now)
                time.sleep(0.003)

    def wait(self, limit):
        """Times by id, once all are ACTIVE."""
        try:
            wait_for(lambda: len(self.when) == len(self.wanted), limit,
                     lambda: f"{len(self.when)} of {len(self.wanted)} ports are ACTIVE")
        finally:
            self.ending.set()
            self.thread.join()
        return self.when


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
