#!/usr/bin/python3 -B
# serial
"""kill -9 of each program while idle, then its start: rules stay as they are and guests
answer 100 pings per second without a loss."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, equal_text, expect, wait_for  # noqa: E402
from lab import Pinger, kernel, lab_for, probes  # noqa: E402
from neutrinolab import programs  # noqa: E402

GUESTS = [("cirros", "compute-1"), ("cirros3", "compute-2")]
RULE_HOSTS = ["controller-1", "compute-1", "compute-2"]


def rules(lab):
    return {host: lab.all_rules(host) for host in RULE_HOSTS}


def same_rules(lab, before, when):
    for host, text in rules(lab).items():
        equal_text(text, before[host], f"rules of {host} {when}")


def pingers(lab):
    controller = lab.netns("controller-1")
    return [Pinger(controller, lab.address("cirros")), Pinger(controller, lab.address("cirros3")),
            Pinger(lab.guest_netns("cirros"), lab.address("cirros3"))]


def no_loss(running):
    for pinger in running:
        sent, received = pinger.stop()
        expect(sent > 100, f"only {sent} pings were sent to {pinger.address}")
        equal(received, sent, f"answers from {pinger.address}")


def restart_under_load(lab, place):
    before = rules(lab)
    running = pingers(lab)
    lab.stop_program(*place)
    same_rules(lab, before, "while it is away")
    lab.up_program(*place)
    lab.up_computes_known()
    for pinger in running:
        pinger.ensure(100)
    expect(lab.program(*place).lives(), "it ended again")
    same_rules(lab, before, "after its start")
    no_loss(running)


def guests_still_listed(lab):
    for name, _ in GUESTS:
        equal(lab.api.server(name)["status"], "ACTIVE", f"status of {name}")
        equal(probes.ping(lab.netns("controller-1"), lab.address(name)), probes.ANSWERED, name)


def dnsmasq_comes_back(lab):
    before, old = rules(lab), lab.dnsmasq_pid()
    arguments = kernel.command_line(old)
    running = pingers(lab)
    kernel.kill(old, kernel.process_stat(old)[1])
    wait_for(lambda: lab.dnsmasq_pid() not in (0, old), 5, "dnsmasq is not started again")
    equal(kernel.command_line(lab.dnsmasq_pid()), arguments, "arguments")
    same_rules(lab, before, "afterwards")
    for pinger in running:
        pinger.ensure(100)
    no_loss(running)


def lease_survives(lab):
    """After all of it a guest renews the same address, and dnsmasq agrees."""
    mac, address = lab.guest_mac("cirros"), lab.address("cirros")
    acks = lab.dhcp_log().count(f"DHCPACK(br100) {address} {mac}")
    lab.renew("cirros")
    wait_for(lambda: lab.dhcp_log().count(f"DHCPACK(br100) {address} {mac}") > acks, 10,
             "no ACK for the renewal")


def boot_works(lab):
    lab.boot_and_wait("after", "compute-1")
    lab.delete_and_wait("after")


def main():
    lab = lab_for("fr", guests=GUESTS)
    for place in programs.PLACES:
        program = f"neutrino-{place[1]} on {place[0]}"
        check(f"{program} killed and started: rules unchanged, no ping lost",
              restart_under_load, lab, place)
        check(f"guests are there after {program}", guests_still_listed, lab)
    check("dnsmasq killed: started again, rules unchanged, no ping lost", dnsmasq_comes_back, lab)
    check("a lease survives all restarts", lease_survives, lab)
    check("a boot works after all restarts", boot_works, lab)
    done()


if __name__ == "__main__":
    main()
