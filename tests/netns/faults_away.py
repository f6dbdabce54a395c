#!/usr/bin/python3 -B
# serial
# timeout: 600
"""The server is away for long, or hangs: network host and compute hosts serve on from what
they know, also when they are started anew meanwhile.  dnsmasq dies and comes back with all
leases.  A connection of the bus is reset in the middle of a boot."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, equal_text, expect, need, wait_for  # noqa: E402
from crash import Whole, attempt  # noqa: E402
from lab import kernel, lab_for  # noqa: E402
from release import renew  # noqa: E402
from store import fixed_ip  # noqa: E402

STAYERS = [("stay1", "compute-1"), ("stay2", "compute-2")]
AWAY = 20
HOSTS = ("controller-1", "compute-1", "compute-2")


class Away:
    def __init__(self, lab, cloud):
        self.lab = lab
        self.cloud = cloud
        self.addresses = {name: lab.address(name) for name, _ in STAYERS}
        self.macs = {name: lab.guest_mac(name) for name, _ in STAYERS}

    def leases_renew(self):
        for name, address in self.addresses.items():
            renew(self.lab.guest_netns(name), address, self.macs[name])

    def rules(self):
        return {host: self.lab.all_rules(host) for host in HOSTS}

    def same_rules(self, before):
        for host, text in self.rules().items():
            equal_text(text, before[host], f"rules of {host}")

    def hosts_restarted(self):
        """Each host program killed and started while there is no server."""
        before, hosts_file = self.rules(), self.lab.hosts_file()
        for host, program in (("controller-1", "flat"), ("compute-1", "compute"),
                              ("compute-2", "compute")):
            self.lab.restart_program(host, program)
        self.leases_renew()
        self.same_rules(before)
        equal_text(self.lab.hosts_file(), hosts_file, "hosts file")
        self.cloud.no_loss()

    def dnsmasq_restarted(self):
        """From the snapshot alone: dnsmasq asks for its leases while there is no server."""
        self.dnsmasq_killed()
        self.leases_renew()

    def dnsmasq_killed(self):
        old = self.lab.dnsmasq_pid()
        kernel.kill(old, kernel.process_stat(old)[1])
        wait_for(lambda: self.lab.dnsmasq_pid() not in (0, old), 10, "dnsmasq does not come back")

    def killed(self):
        expires = fixed_ip(self.lab, self.addresses["stay1"])["lease_expires"]
        self.lab.stop_program("controller-1", "server")
        gone = time.monotonic()
        check("server killed: leases renew", self.leases_renew)
        check("server killed: host programs start without it", self.hosts_restarted)
        check("server killed: dnsmasq comes back with its leases", self.dnsmasq_restarted)
        time.sleep(max(0, gone + AWAY - time.monotonic()))
        self.cloud.no_loss()
        self.lab.up_program("controller-1", "server")
        self.lab.up_computes_known()
        self.lab.restart_program("controller-1", "flat")
        check("server back: it hears of the leases of meanwhile", wait_for,
              lambda: fixed_ip(self.lab, self.addresses["stay1"])["lease_expires"] >= expires, 10,
              "the lease in the database is older than before")

    def hangs(self):
        pid = self.lab.program("controller-1", "server").pid
        os.kill(pid, signal.SIGSTOP)
        try:
            self.leases_renew()
            time.sleep(AWAY)
            self.leases_renew()
            self.cloud.no_loss()
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_for(lambda: attempt(self.lab.up_computes_known), 30, "computes do not report")
        self.cloud.boot_works("afterhang", "compute-1")

    def leases_survive_dnsmasq(self):
        """Three deaths; then a guest goes, and its release is one of a lease dnsmasq knows."""
        self.lab.boot_and_wait("leaver", "compute-1")
        address, mac = self.lab.address("leaver"), self.lab.guest_mac("leaver")
        self.lab.wait_acked(address, mac)
        for _ in range(3):
            self.dnsmasq_killed()
        self.leases_renew()
        self.lab.delete_and_wait("leaver")
        line = f"DHCPRELEASE(br100) {address} {mac}"
        wait_for(lambda: line in self.lab.dhcp_log(), 10, "no release in dnsmasq's log")
        releases = [text for text in self.lab.dhcp_log().splitlines() if line in text]
        expect("unknown lease" not in releases[0], f"dnsmasq said: {releases[0]}")
        equal([text for text in self.lab.dhcp_log().splitlines() if "DHCPNAK" in text], [],
              "refusals")

    def reset(self, host):
        """Boots and deletes while every packet to the hub is answered with a reset."""
        rule = ["OUTPUT", "-p", "tcp", "--dport", "8770", "-j", "REJECT",
                "--reject-with", "tcp-reset"]
        self.lab.api.boot("cut", host)
        self.lab.in_host(host, ["iptables-nft", "-I", *rule])
        time.sleep(1)
        self.lab.in_host(host, ["iptables-nft", "-D", *rule])
        self.lab.wait_guest("cut")
        attempt(self.lab.api.delete, "cut")
        self.lab.in_host(host, ["iptables-nft", "-I", *rule])
        time.sleep(1)
        self.lab.in_host(host, ["iptables-nft", "-D", *rule])
        self.lab.api.wait_gone("cut")


def main():
    lab = lab_for("fa", guests=STAYERS)
    cloud = Whole(lab, [name for name, _ in STAYERS])
    need("everything is in order before", cloud.check)
    away = Away(lab, cloud)
    away.killed()
    check("server back: everything is in order", cloud.check)
    check(f"server hangs for {AWAY} s: leases renew, nothing is lost, it goes on", away.hangs)
    check("after the hang everything is in order", cloud.check)
    check("dnsmasq killed three times: a release is not one of an unknown lease",
          away.leases_survive_dnsmasq)
    check("after dnsmasq's deaths everything is in order", cloud.check)
    check("connection to the hub reset during a boot and a delete", away.reset, "compute-1")
    check("after the resets everything is in order", cloud.check)
    done()


if __name__ == "__main__":
    main()
