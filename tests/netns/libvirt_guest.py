#!/usr/bin/python3 -B
# timeout: 600
"""One guest that libvirt runs: from boot to lease, taken up while libvirtd is away, and
nothing left after it is deleted."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need, wait_for  # noqa: E402
from lab import golden_files, golden_options, kernel, lab_for, probes  # noqa: E402
from servers import DOWN, HARD, SOFT, START, STOP, UP, Server  # noqa: E402

HOST = "compute-1"


def machines(lab):
    """Pids of the machines of compute-1."""
    net = kernel.namespace_id(kernel.netns_path(lab.netns(HOST)))
    return [pid for pid, _ in kernel.processes_in({net})
            if b"\0-uuid\0" in kernel.command_line(pid)]


def console(lab):
    wait_for(lambda: re.search(r"local-ipv4 : 10\.0\.0\.2", lab.api.console("cirros")), 60,
             "the console does not end")
    text = lab.api.console("cirros")
    for wanted in ("lease time 120", "iid=i-00000009", "404 Not Found"):
        expect(wanted in text, f"{wanted} is not on the console")


def device(lab):
    link = probes.link(lab.netns(HOST), "vnet0")
    equal((link["master"], link["mac"], link["up"]), ("br100", "fe:16:3e:2c:e8:ec", True), "vnet0")
    expect("vnet0" in lab.in_host(HOST, ["nft", "list", "ruleset"]).stdout,
           "the guard does not know vnet0")


def taken_up(lab):
    """libvirtd is ended too: the guest's process alone says that it runs."""
    [pid] = machines(lab)
    ping = subprocess.Popen(probes.in_netns(lab.netns("controller-1"),
                                            ["ping", "-n", "-q", "-i", "0.1", "-W", "30",
                                             "10.0.0.2"]), stdout=subprocess.PIPE, text=True)
    lab.stop_libvirtd(HOST)
    lab.restart_program(HOST, "compute")
    wait_for(lambda: "guest taken up" in lab.program(HOST, "compute").log(), 30,
             "the guest is not taken up")
    equal(machines(lab), [pid], "machines")
    equal(lab.api.server("cirros")["status"], "ACTIVE", "status")
    probes.run(lab.netns("controller-1"), ["ping", "-n", "-q", "-c", "5", "-i", "0.2", "10.0.0.2"])
    ping.send_signal(2)
    said = ping.communicate()[0]
    sent, received = (int(n) for n in re.search(r"(\d+) packets transmitted, (\d+) received",
                                                said).groups())
    expect(sent > 5 and sent - received <= 1, f"lost while it was taken up: {said}")
    lab.start_libvirtd(HOST)


def stopped(lab, server):
    farewells = server.console().count(DOWN)
    rules = lab.all_rules(HOST)
    server.act(STOP)
    server.wait("SHUTOFF", 60)
    equal(server.states(), ("SHUTOFF", "stopped", None, 4), "states")
    equal(machines(lab), [], "machines")
    equal(server.console().count(DOWN) - farewells, 1, "farewells")
    equal(lab.all_rules(HOST), rules, "rules")
    expect(probes.link(lab.netns(HOST), "vnet0"), "vnet0 is gone")


def up_again(lab, server, wish, farewells):
    """By a wish, with as many farewells before."""
    text = server.console()
    server.act(wish)
    server.wait("ACTIVE", 90)
    server.wait_up(text.count(UP) + 1, lab.boot_limit)
    equal(len(machines(lab)), 1, "machines")
    equal(server.console().count(DOWN) - text.count(DOWN), farewells, "farewells")
    equal(probes.ping(lab.netns("controller-1"), "10.0.0.2"), probes.ANSWERED, "ping")


def config_drive(lab):
    found = probes.ask_vm(lab.netns("controller-1"), "10.0.0.2",
                          "busybox mount -t iso9660 -o ro $(busybox findfs LABEL=config-2) /mnt;"
                          " busybox cat /mnt/ec2/latest/meta-data.json")
    expect('"instance-id":"i-00000009"' in found, found)


def leaves_nothing(lab):
    lab.delete_and_wait("cirros")
    equal(machines(lab), [], "machines")
    out = probes.run(lab.netns(HOST), ["ip", "-o", "link", "show", "type", "tun"]).stdout
    equal(out, "", "taps")
    equal(lab.in_host(HOST, ["ls", "/var/lib/nova/instances"]).stdout, "", "folders")


def main():
    options = golden_options()
    options["*"] = {"libvirt_type": "qemu"}
    lab = lab_for("lv", options=options, files=golden_files(), guest_kind="libvirt")

    need("libvirt boots a virtual machine to the end",
         lambda: lab.boot_and_wait("cirros", HOST, config_drive=True))
    check("its console goes through the reference's steps", console, lab)
    check("vnet0 has the fe: MAC, its bridge and its guard", device, lab)
    check("the network host reaches it", lambda: equal(
        probes.ping(lab.netns("controller-1"), "10.0.0.2"), probes.ANSWERED, "ping"))
    check("it has its config drive", config_drive, lab)
    check("it is taken up while libvirtd is away: no packet lost", taken_up, lab)
    server = Server(lab, "cirros")
    check("stopped, it keeps its device and rules", stopped, lab, server)
    check("started, it has its address again", up_again, lab, server, START, 0)
    check("rebooted, it is asked to end, and starts again", up_again, lab, server, SOFT, 1)
    check("rebooted hard, it is not asked", up_again, lab, server, HARD, 0)
    check("deleted, it leaves nothing", leaves_nothing, lab)
    done()


if __name__ == "__main__":
    main()
