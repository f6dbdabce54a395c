#!/usr/bin/python3 -B
"""A network that is deleted takes its dnsmasq with it, also one that is just starting."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, need, wait_for  # noqa: E402
from lab import kernel, lab_for  # noqa: E402

SCRIPT, BRAKE = "/etc/neutrino/lease-script", "/var/lib/neutrino/brake"
# dnsmasq asks it for the leases at its start, and waits for the answer.
SLOW = f"""#!/bin/sh
while [ -e {BRAKE} ]; do sleep 0.1; done
exec /usr/bin/nova-dhcpbridge "$@"
"""


def running(lab, program):
    netns = {kernel.namespace_id(kernel.netns_path(lab.netns("controller-1")))}
    return [pid for pid, _ in kernel.processes_in(netns)
            if program.encode() in kernel.command_line(pid).split(b"\0")]


def delete_network(lab):
    network = lab.api.ask("GET", "/os-networks")["networks"][0]
    equal(lab.api.send("DELETE", f"/os-networks/{network['id']}").status, 202, "status")


def create_network(lab):
    answer = lab.api.send("POST", "/os-networks", {"network": {
        "label": "again", "cidr": "10.0.0.0/24", "bridge": "br100"}})
    equal(answer.status, 200, answer.text())
    wait_for(lab.dnsmasq_pid, 20, "dnsmasq does not run")


def n_dropped(lab):
    return lab.program("controller-1", "flat").log().count("network dropped")


def ends(lab):
    delete_network(lab)
    wait_for(lambda: n_dropped(lab) == 1, 20, "the network is not dropped")
    wait_for(lambda: not running(lab, "/usr/sbin/dnsmasq"), 20, "dnsmasq runs on")


def ends_while_it_starts(lab):
    lab.in_host("controller-1", ["touch", BRAKE])
    lab.kill_dnsmasq()
    wait_for(lambda: running(lab, SCRIPT), 20, "no dnsmasq is being started")
    delete_network(lab)
    wait_for(lambda: n_dropped(lab) == 2, 20, "the network is not dropped")
    lab.in_host("controller-1", ["rm", BRAKE])
    wait_for(lambda: not running(lab, "/usr/sbin/dnsmasq") and not running(lab, SCRIPT), 20,
             "dnsmasq runs on")


def main():
    lab = lab_for("fdr", options={"controller-1": {"dhcpbridge": SCRIPT}},
                  files={"controller-1": {SCRIPT: (0o755, 0, SLOW)}})
    check("deleted: dnsmasq ends", ends, lab)
    need("made again: dnsmasq runs", create_network, lab)
    check("deleted while dnsmasq starts: it ends too", ends_while_it_starts, lab)
    check("made again: dnsmasq runs", create_network, lab)
    done()


if __name__ == "__main__":
    main()
