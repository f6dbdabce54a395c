#!/usr/bin/python3 -B
# timeout: 600
"""A compute host is lost: its instance runs on another one by one command, with its address,
and what it left behind is ended when the host returns."""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need, wait_for  # noqa: E402
import clients  # noqa: E402
from lab import hosts, kernel, lab_for, probes  # noqa: E402

LOST, OTHER = "compute-2", "compute-1"
FAST = {"report_interval": "1", "service_down_time": "5"}


def cli(lab, *argv, check=True):
    env = hosts.environment(lab.client_environment())
    return lab.hosts["controller-1"].run(["neutrino", *argv], env=env, check=check)


def lose(lab):
    """No cable, and nothing of ours alive."""
    for device in ("eth1", "eth2"):
        lab.in_host(LOST, ["ip", "link", "set", device, "down"])
    for host, name in lab.places:
        if host == LOST:
            lab.stop_program(host, name)
    wait_for(lambda: LOST not in lab.api.hosts_up("compute"), 30, f"{LOST} is still up")


def refused_while_up(lab):
    answer = cli(lab, "evacuate", "web", check=False)
    expect(answer.returncode != 0, "it is evacuated from a host that is up")
    expect(f"Compute service of {LOST} is still in use." in answer.stderr, answer.stderr)


def evacuated(lab):
    lab.before = lab.api.server("web")
    lab.old_guests = set(kernel.netns_names())
    number = lab.guest_number("web")
    if lab.ha:
        cli(lab, "evacuate", "--wait", "web")
    else:
        env = clients.environment(lab, clients.BASIC)
        lab.hosts["controller-1"].run(["nova", "evacuate", "web", OTHER], env=env)
        lab.api.wait_active("web")
    now = lab.api.server("web")
    equal(now["OS-EXT-SRV-ATTR:host"], OTHER, "host")
    equal(now["addresses"], lab.before["addresses"], "addresses")
    equal(lab.guest_number("web"), number, "number")
    lab.wait_booted("web")


def new_guest(lab):
    """The guest's namespace: the one that was not there before."""
    found = [name for name in kernel.netns_names()
             if name.startswith(lab.netns("vm-")) and name not in lab.old_guests]
    equal(len(found), 1, "new guests")
    return found[0]


def reachable(lab):
    """Its address answers, and its metadata; its gateway is the new host's."""
    address = lab.address("web")
    guest = new_guest(lab)
    equal([text.partition("/")[0] for text, _ in probes.addresses(guest, "eth0")], [address],
          "addresses inside")
    equal(probes.ping(guest, hosts.OUTSIDE), probes.ANSWERED, "outside")
    status, text = probes.fetch(guest, "/latest/meta-data/instance-id")
    equal((status, text), (200, f"i-{lab.guest_number('web'):08x}"), "metadata")
    equal(probes.ping(lab.netns(lab.network_hosts[0]), address), probes.ANSWERED, "ping")


def returns(lab):
    """The host that was lost ends what it still has, and touches nothing of the new guest."""
    address = lab.address("web")
    for device in ("eth2", "eth1"):
        lab.in_host(LOST, ["ip", "link", "set", device, "up"])
    # What the distribution sets up when a link comes up.
    lab.in_host(LOST, ["ip", "route", "replace", "default", "via", hosts.GATEWAY, "dev", "eth1",
                       "metric", "100"])
    for host, name in lab.places:
        if host == LOST:
            lab.up_program(host, name)
    wait_for(lambda: "vnet" not in lab.in_host(LOST, ["ip", "-o", "link"]).stdout, 30,
             f"a guest is left on {LOST}")
    wait_for(lambda: LOST in lab.api.hosts_up("compute"), 30, f"{LOST} does not report")
    equal(lab.api.server("web")["status"], "ACTIVE", "status")
    equal(probes.ping(new_guest(lab), hosts.OUTSIDE), probes.ANSWERED, "outside")
    log = f"DHCPACK(br100) {address} "
    before = lab.hosts[lab.network_hosts[0]].read("/var/log/syslog").count(log)
    os.kill(lab.udhcpc_in(new_guest(lab)), signal.SIGUSR1)
    wait_for(lambda: lab.hosts[lab.network_hosts[0]].read("/var/log/syslog").count(log) > before,
             15, "its lease is not renewed")


def actions(lab):
    text = cli(lab, "instance-action-list", "web").stdout
    expect("evacuate" in text, text)


def whole(kind, lab):
    need(f"{kind}: both hosts report", lab.up_computes_known)
    need(f"{kind}: a guest on {LOST}", lab.boot_and_wait, "web", LOST)
    check(f"{kind}: refused while its host is up", refused_while_up, lab)
    need(f"{kind}: the host is lost", lose, lab)
    check(f"{kind}: evacuated by one command, with its address", evacuated, lab)
    check(f"{kind}: it is reached, reaches out, and has its metadata", reachable, lab)
    check(f"{kind}: the host returns and ends what it left behind", returns, lab)
    check(f"{kind}: listed among its actions", actions, lab)
    lab.down()


def main():
    whole("multi_host", lab_for("evh", profile="default", ha=True, options={"*": FAST}))
    whole("one network host", lab_for("ev", profile="default", options={"*": FAST}))
    done()


if __name__ == "__main__":
    main()
