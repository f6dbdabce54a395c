#!/usr/bin/python3 -B
# timeout: 200
"""What dnsmasq is told beyond the plain case: a folder of hosts, name servers, and one
default gateway for a guest of two networks."""

import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, cleanup, done, equal, expect, need, wait_for  # noqa: E402
from lab import kernel, lab_for, probes  # noqa: E402

NETWORKS = "/var/lib/nova/networks"


def arguments(lab):
    return kernel.command_line(lab.dnsmasq_pid()).decode().split("\0")[:-1]


def listing(lab, path):
    return lab.in_host("controller-1", ["ls", path]).stdout.split()


def read(lab, path):
    return lab.hosts["controller-1"].read(path)



# --- a folder of hosts -------------------------------------------------------------------


def folder_arguments(lab):
    found = arguments(lab)
    expect(f"--dhcp-hostsdir={NETWORKS}/nova-br100.hosts.d" in found, str(found))
    expect(not any("hostsfile" in argument for argument in found), str(found))


def signals(lab):
    """Its start and SIGHUPs: after each it says so."""
    return lab.dhcp_log().count("cleared cache")


def new_guest_needs_no_signal(lab):
    lab.up_computes_known()
    wait_for(lambda: signals(lab), 5, "dnsmasq has not logged its start")
    before, pid = signals(lab), lab.dnsmasq_pid()
    for name in ("one", "two"):
        lab.boot_and_wait(name, "compute-1")
        lab.wait_acked(lab.address(name), lab.guest_mac(name))
    equal(signals(lab), before, "signals")
    equal(lab.dnsmasq_pid(), pid, "process")
    macs = sorted(lab.guest_mac(name).replace(":", "") for name in ("one", "two"))
    equal(sorted(listing(lab, f"{NETWORKS}/nova-br100.hosts.d")), macs, "files")
    equal(len(lab.hosts_file().splitlines()), 2, "lines of the list for people")
    mac = lab.guest_mac("one")
    equal(read(lab, f"{NETWORKS}/nova-br100.hosts.d/{mac.replace(':', '')}"),
          f"{mac},one.novalocal,10.0.0.2\n", "a file")


def deleted_guest_needs_one(lab):
    before = signals(lab)
    lab.delete_and_wait("one")
    wait_for(lambda: len(listing(lab, f"{NETWORKS}/nova-br100.hosts.d")) == 1, 5, "file not gone")
    wait_for(lambda: signals(lab) > before, 5, "no signal")


def folder_over_restart(lab):
    pid = lab.dnsmasq_pid()
    lab.restart_program("controller-1", "flat")
    equal(lab.dnsmasq_pid(), pid, "process")
    lab.boot_and_wait("three", "compute-2")
    lab.wait_acked(lab.address("three"), lab.guest_mac("three"))
    equal(len(listing(lab, f"{NETWORKS}/nova-br100.hosts.d")), 2, "files")


# --- name servers, one default gateway ---------------------------------------------------


def servers(lab):
    found = [argument for argument in arguments(lab)
             if argument.startswith(("--server", "--no-resolv"))]
    equal(found, ["--no-resolv", "--server=192.168.56.101", "--server=8.8.4.4"], "arguments")


def second_network(lab):
    probes.run(lab.netns("controller-1"),
               ["ip", "link", "add", "eth3", "type", "veth", "peer", "name", "eth3", "netns",
                lab.netns("compute-1")])
    lab.api.ask("POST", "/os-networks", {"network": {
        "label": "second", "cidr": "10.1.0.0/24", "bridge": "br200", "bridge_interface": "eth3"}})
    network = next(net for net in lab.api.networks() if net["label"] == "second")
    # Nobody claims a bridge that is not configured: the administrator says whose it is.
    lab.api.ask("POST", f"/os-networks/{network['id']}/action",
                {"associate_host": "controller-1"})
    wait_for(lambda: probes.link(lab.netns("controller-1"), "br200"), 10, "no br200")


def tags(lab):
    lab.up_computes_known()
    nets = {net["label"]: net["id"] for net in lab.api.networks()}
    lab.api.boot("both", "compute-1", networks=[{"uuid": nets["novanetwork"]},
                                                {"uuid": nets["second"]}])
    lab.api.wait_active("both")
    lines = {}
    for bridge in ("br100", "br200"):
        line = read(lab, f"{NETWORKS}/nova-{bridge}.conf")
        opts = read(lab, f"{NETWORKS}/nova-{bridge}.opts")
        tag = re.search(r",net:(NW-[0-9a-f-]{36})$", line)
        expect(tag, line)
        lines[bridge] = opts.replace(tag[1], "NW-x")
    equal(lines, {"br100": "NW-x,3,10.0.0.1", "br200": "NW-x,3"}, "opts files")


def asked_on(lab, device):
    """What a server answers on a link: udhcpc's script prints its environment."""
    folder = tempfile.mkdtemp(prefix="neutrino-test-")
    script = os.path.join(folder, "print")
    cleanup(os.rmdir, folder)
    cleanup(os.unlink, script)
    with open(script, "w", encoding="ascii") as file:
        file.write("#!/bin/busybox sh\nexec busybox env\n")
    os.chmod(script, 0o755)
    lab.guest("both", ["ip", "link", "set", device, "up"])
    out = lab.guest("both", ["busybox", "udhcpc", "-f", "-q", "-n", "-i", device, "-s",
                             script]).stdout
    return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)


def answers(lab):
    """What DHCP sends on either link."""
    address, mac = lab.address("both"), lab.guest_mac("both")
    lab.wait_acked(address, mac)
    wait_for(lambda: probes.default_route(lab.guest_netns("both")) == "10.0.0.1", 5,
             "no default route by the first link")
    router = asked_on(lab, "eth1")
    equal(router.get("ip"), "10.1.0.2", "the second link's address")
    equal(router.get("router"), None, "the second link's router")


def main():
    lab = lab_for("fdh", profile="default", options={"*": {"dnsmasq_hostsdir": "true"}})
    check("dnsmasq watches a folder", folder_arguments, lab)
    need("a new guest is served without a signal", new_guest_needs_no_signal, lab)
    check("a deleted one takes a signal", deleted_guest_needs_one, lab)
    check("the folder over a restart", folder_over_restart, lab)
    lab.down()
    lab = lab_for("fdg", profile="default",
                  options={"*": {"use_network_dns_servers": "true",
                                 "dns_server": "192.168.56.101",
                                 "use_single_default_gateway": "true"}})
    check("name servers: the configured one, then the network's", servers, lab)
    need("a second network on a bridge of its own", second_network, lab)
    check("the first link has the router, the other none", tags, lab)
    check("the guest's default route", answers, lab)
    lab.down()
    done()


if __name__ == "__main__":
    main()
