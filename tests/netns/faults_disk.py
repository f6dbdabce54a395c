#!/usr/bin/python3 -B
# serial
# timeout: 600
"""The disk of the server or of the network host is full, the database read-only, an fsync
fails: refused with the reason, nothing acknowledged is lost, packets flow on, and all is
well once the trouble is over."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need, wait_for  # noqa: E402
from crash import Whole, attempt  # noqa: E402
from lab import hosts, lab_for  # noqa: E402

STAYERS = [("stay1", "compute-1"), ("stay2", "compute-2")]
SMALL = "/run/small"
NETWORKS = "/var/lib/nova/networks"
OPTIONS = {"controller-1": {"sql_connection": f"sqlite:///{SMALL}/neutrino.sqlite"}}


def mount_small(lab, path, size):
    lab.in_host("controller-1", ["mkdir", "-p", path])
    lab.in_host("controller-1", ["mount", "-t", "tmpfs", "-o",
                                 f"size={size},mode=755,uid={hosts.SERVER_UID}", "small", path])


class Disk:
    """A small file system of the network host, which can be full."""

    def __init__(self, lab, path):
        self.lab = lab
        self.path = path

    def fill(self):
        self.lab.in_host("controller-1", ["sh", "-c", f"cat /dev/zero >{self.path}/filler; true"],
                         check=False)
        free = os.statvfs(self.lab.hosts["controller-1"].file(self.path)).f_bavail
        equal(free, 0, "free blocks")

    def empty(self):
        self.lab.in_host("controller-1", ["rm", "-f", f"{self.path}/filler"])


class Faults:
    def __init__(self, lab, cloud):
        self.lab = lab
        self.cloud = cloud

    def server_body(self, name):
        return {"server": {"name": name, "imageRef": self.lab.api.image_id("cirros"),
                           "flavorRef": "1", "min_count": 1, "max_count": 1,
                           "availability_zone": "nova:compute-1"}}

    def refused(self, reason):
        """One boot and one delete: both with a status of the server's fault and the reason."""
        before = sorted(server["name"] for server in self.lab.api.servers())
        stay = self.lab.api.server("stay1")["id"]
        for answer in (self.lab.api.send("POST", "/servers", self.server_body("refused")),
                       self.lab.api.send("DELETE", f"/servers/{stay}")):
            expect(answer.status in (500, 503), f"status {answer.status}: {answer.text()}")
            expect(reason in answer.text(), f"no '{reason}' in: {answer.text()}")
        equal(sorted(server["name"] for server in self.lab.api.servers()), before, "servers")
        equal(self.lab.api.server("stay1")["status"], "ACTIVE", "status of stay1")

    def full(self, disk):
        kept = []
        for number in range(3):
            self.lab.api.boot(f"kept{number}", "compute-1")
            kept.append(f"kept{number}")
        disk.fill()
        # What was begun may still take the last pages; then nothing goes any more.
        wait_for(lambda: self.lab.api.send("POST", "/servers", self.server_body("last")).status
                 >= 500, 20, "boots are taken for ever on a full disk")
        self.refused("the disk is full")
        self.cloud.no_loss()
        kept += [server["name"] for server in self.lab.api.servers()
                 if server["name"] not in [*kept, *self.cloud.stayers]]
        return kept

    def full_and_killed(self, kept):
        """It starts on the full disk and shows all that it had acknowledged."""
        program = self.lab.program("controller-1", "server")
        self.lab.stop_program("controller-1", "server")
        program = self.lab.up_program("controller-1", "server", wait=False)
        wait_for(lambda: program.is_ready() or not program.lives(), 15, "neither ready nor ended")
        if program.lives():
            have = {server["name"] for server in self.lab.api.servers()}
            expect(have >= set(kept), f"lost: {set(kept) - have}")
        else:
            expect("full" in program.why_not(), f"it said: {program.why_not()}")
        self.cloud.no_loss()

    def recovered(self, disk, kept):
        disk.empty()
        self.cloud.start_all()
        self.cloud.settle()
        have = {server["name"]: server["status"] for server in self.lab.api.servers()}
        expect(set(have) >= set(kept), f"lost: {set(kept) - set(have)}")
        for name in kept:
            self.lab.delete_and_wait(name)
        self.cloud.boot_works("afterfull", "compute-1")

    def network_host_full(self, disk):
        """No room for dnsmasq's hosts: the boot fails with the reason, guests go on."""
        disk.fill()
        try:
            self.lab.api.boot("nospace", "compute-1")
            server = wait_for(lambda: (lambda s: s if s["status"] == "ERROR" else None)(
                self.lab.api.server("nospace")), 40, "the boot does not fail")
            reason = server["fault"]["message"]
            expect("No space left" in reason, f"reason: {reason}")
            self.cloud.no_loss()
        finally:
            disk.empty()
        self.lab.delete_and_wait("nospace")
        self.cloud.boot_works("afterspace", "compute-1")

    def read_only(self):
        """A server started without write access lists what there is and refuses the rest."""
        host = self.lab.hosts["controller-1"]
        self.lab.stop_program("controller-1", "server")
        host.run(["mount", "-o", "remount,ro", SMALL])
        try:
            self.lab.up_program("controller-1", "server")
            self.refused("read-only")
            self.cloud.no_loss()
            self.lab.stop_program("controller-1", "server")
        finally:
            host.run(["mount", "-o", "remount,rw", SMALL])
        self.cloud.start_all()
        self.cloud.boot_works("afterro", "compute-1")

    def fsync_fails(self):
        """One commit fails as by a disk error: its request is refused, the others are kept."""
        for passage in range(4, 20):
            self.lab.stop_program("controller-1", "server")
            self.lab.up_program("controller-1", "server",
                                env={"NEUTRINO_FAILPOINT": f"store-commit:{passage}=error"})
            self.lab.up_computes_known()
            names = [f"c{passage}x{number}" for number in range(4)]
            answers = {name: self.lab.api.send("POST", "/servers", self.server_body(name))
                       for name in names}
            refused = [name for name, answer in answers.items() if answer.status >= 300]
            self.cloud.settle()
            have = {server["name"] for server in self.lab.api.servers()
                    if server["name"] in names}
            equal(sorted(have), sorted(set(names) - set(refused)), "servers")
            for name in have:
                self.lab.delete_and_wait(name)
            if refused:
                text = answers[refused[0]].text()
                expect("input or output failed" in text, f"no reason in: {text}")
                return
        expect(False, "no request was refused")


def main():
    lab = lab_for("fd", start=False, options=OPTIONS)
    lab.database = f"{SMALL}/neutrino.sqlite"
    mount_small(lab, SMALL, "16m")
    mount_small(lab, NETWORKS, "256k")
    need("the cloud starts on small disks", lab.up, STAYERS)
    cloud = Whole(lab, [name for name, _ in STAYERS])
    need("everything is in order before", cloud.check)
    faults, disk = Faults(lab, cloud), Disk(lab, SMALL)
    kept = []
    check("server's disk full: refused with the reason, lists and packets go on",
          lambda: kept.extend(faults.full(disk)))
    check("server's disk full: killed and started, nothing acknowledged is lost",
          faults.full_and_killed, kept)
    check("server's disk has room again: all goes on", faults.recovered, disk, kept)
    attempt(disk.empty)
    check("after the full disk everything is in order", cloud.check)
    check("network host's disk full: the boot says why, and later works",
          faults.network_host_full, Disk(lab, NETWORKS))
    check("after that everything is in order", cloud.check)
    check("read-only database: lists are served, changes refused with the reason", faults.read_only)
    check("fsync fails: that request is refused, others are kept", faults.fsync_fails)
    check("everything is in order at the end", cloud.check)
    done()


if __name__ == "__main__":
    main()
