#!/usr/bin/python3 -B
"""The golden listings against what the kernel and dnsmasq hold, with iptables-nft and
iptables-legacy.  Instance number 9 and its MAC come from first_instance_number and
random_source; nothing else is arranged."""

import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, equal_text, expect  # noqa: E402
from facts import children_of, dnsmasq_users, guest_address  # noqa: E402
from lab import (GOLDEN_MAC, golden, golden_files, golden_options, hosts, kernel,  # noqa: E402
                 lab_for, probes, wait_for)
from release import send_release  # noqa: E402

NETWORKS = "/var/lib/nova/networks"
DNSMASQ = ["/usr/sbin/dnsmasq", "--strict-order", "--bind-interfaces", "--conf-file=",
           "--domain=novalocal", f"--pid-file={NETWORKS}/nova-br100.pid",
           "--listen-address=10.0.0.1", "--except-interface=lo",
           "--dhcp-range=10.0.0.2,static,120s", "--dhcp-lease-max=256",
           f"--dhcp-hostsfile={NETWORKS}/nova-br100.conf",
           "--dhcp-script=/usr/bin/nova-dhcpbridge", "--leasefile-ro"]
ETH2 = "08:00:27:8f:87:fa"


def controller_links(lab):
    host = lab.netns("controller-1")
    equal(probes.addresses(host, "eth1"), [("192.168.56.200/24", "192.168.56.255")], "eth1")
    equal(probes.link(host, "eth1")["mac"], "08:00:27:9d:c4:b0", "MAC of eth1")
    equal(probes.addresses(host, "br100"), [("10.0.0.1/24", "10.0.0.255")], "br100")
    eth2 = probes.link(host, "eth2")
    equal((eth2["mac"], eth2["master"], eth2["up"]), (ETH2, "br100", True), "eth2")
    bridge = probes.link(host, "br100")
    equal((bridge["mac"], bridge["up"]), (ETH2, True), "MAC of br100, up")
    lo = probes.run(host, ["ip", "-4", "-o", "addr", "show", "dev", "lo"]).stdout
    expect(re.search(r"inet 169\.254\.169\.254/32 scope link", lo), f"lo: {lo}")


def controller_bridge(lab):
    out = lab.in_host("controller-1", ["brctl", "show", "br100"]).stdout
    equal(out.splitlines()[1].split(), golden("G1-controller-brctl-show.txt")
          .splitlines()[1].split(), "brctl show")
    sys_net = "/sys/class/net/br100/bridge"
    equal(lab.in_host("controller-1", ["cat", f"{sys_net}/forward_delay"]).stdout.strip(), "0",
          "forward delay")


def controller_routes(lab):
    out = probes.run(lab.netns("controller-1"), ["ip", "-4", "route"]).stdout
    expect(re.search(r"^10\.0\.0\.0/24 dev br100 .*src 10\.0\.0\.1", out, re.MULTILINE), out)
    expect("default via 192.168.56.101 dev eth1 metric 100" in out, out)


def compute_before(lab):
    host = lab.netns("compute-1")
    equal(probes.addresses(host, "eth1"), [("192.168.56.202/24", "192.168.56.255")], "eth1")
    eth2 = probes.link(host, "eth2")
    equal((eth2["mac"], eth2["up"]), ("08:00:27:15:85:17", False), "eth2")
    equal(probes.link(host, "br100"), None, "br100")


def configuration_accepted(lab):
    equal_text(lab.hosts["controller-1"].read("/etc/nova/nova.conf"), golden("G3-nova.conf"))
    for (host, name), program in lab.programs.items():
        complaints = [line for line in program.log().splitlines() if "nova.conf" in line]
        equal(complaints, [], f"{name} on {host} about nova.conf")


def dnsmasq_arguments(lab):
    pid = lab.dnsmasq_pid()
    expect(pid, "dnsmasq does not run")
    for process in [pid, *children_of(pid)]:
        arguments = kernel.command_line(process).decode().split("\0")[:-1]
        equal(arguments, DNSMASQ, f"arguments of {process}")


def hosts_file_empty(lab):
    status = os.stat(lab.hosts["controller-1"].file(f"{NETWORKS}/nova-br100.conf"))
    equal((status.st_size, status.st_mode & 0o7777), (0, 0o644), "size and mode")


def release_unknown(lab):
    """A DHCPRELEASE for a lease dnsmasq does not have, as after a deleted guest."""
    send_release(lab.netns("controller-1"), "10.0.0.2", "fa:16:3e:5a:9b:de")
    wait_for(lambda: "DHCPRELEASE(br100) 10.0.0.2 fa:16:3e:5a:9b:de unknown lease"
             in lab.dhcp_log(), 5, "dnsmasq does not log the release")


def list_table(lab, status):
    """Our list, with the uuid replaced, against the golden table of that status."""
    out = lab.in_host("controller-1", ["neutrino", "list"],
                      env=client_env(lab)).stdout.rstrip("\n")
    uuid = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    tables = re.split(r"^openstack@.*\n", golden("G8-nova-list.txt"), flags=re.MULTILINE)[1:]
    wanted = next(text for text in tables if status in text)
    equal_text(re.sub(uuid, "UUID", out), re.sub(uuid, "UUID", wanted.rstrip("\n")))


def client_env(lab):
    return hosts.environment(lab.client_environment())


def boot_shows_build(lab):
    """The compute host is stopped, so that the boot cannot end before we look."""
    program = lab.program("compute-1", "compute")
    os.kill(program.pid, signal.SIGSTOP)
    try:
        lab.api.boot("cirros", "compute-1")
        wait_for(lambda: lab.api.server("cirros")["addresses"], 10, "cirros has no address")
        list_table(lab, "BUILD")
    finally:
        os.kill(program.pid, signal.SIGCONT)


def boot_ends_active(lab):
    lab.wait_guest("cirros")
    list_table(lab, "ACTIVE")


def dhcp_sequence(lab):
    lab.wait_acked("10.0.0.2", GOLDEN_MAC)
    lab.renew("cirros")
    client = f"10.0.0.2 {GOLDEN_MAC}"
    wanted = ["DHCP, static leases only on 10.0.0.2, lease time 2m",
              "DHCPRELEASE(br100) 10.0.0.2 fa:16:3e:5a:9b:de unknown lease",
              f"DHCPOFFER(br100) {client}", f"DHCPREQUEST(br100) {client}",
              f"DHCPACK(br100) {client} cirros", f"DHCPREQUEST(br100) {client}",
              f"DHCPACK(br100) {client} cirros"]

    def missing():
        rest = iter(lab.dhcp_log().splitlines())
        return [text for text in wanted if not any(text in line for line in rest)]

    wait_for(lambda: not missing(), 10, lambda: f"dnsmasq's log lacks {missing()}")


def hosts_line(lab):
    equal(lab.hosts_file().rstrip("\n"), golden("G10-hosts-line.txt").rstrip("\n"), "hosts file")


def guest_link(lab):
    link = probes.link(lab.netns("compute-1"), "vnet0")
    expect(link, "there is no vnet0")
    equal((link["mac"], link["master"], link["up"], link["mtu"]),
          ("fe:16:3e:2c:e8:ec", "br100", True, 1500), "vnet0")
    out = probes.run(lab.netns("compute-1"), ["ip", "-6", "addr", "show", "dev", "vnet0"]).stdout
    expect("fe80::fc16:3eff:fe2c:e8ec/64 scope link" in out, out)


def console_steps(lab):
    steps = [r"Starting network", r"udhcpc.*started", r"discover", r"select for 10\.0\.0\.2",
             r"ease of 10\.0\.0\.2 obtained.* lease time 120", r"deleting routers",
             r"adding dns 10\.0\.0\.1",
             r"checking http://169\.254\.169\.254/2009-04-04/meta-data/instance-id",
             r"successful after \d+/30 tries: up [\d.]+\. iid=i-00000009",
             r"wget: server returned error: HTTP/1\.[01] 404 Not Found",
             r"failed to get http://169\.254\.169\.254/latest/meta-data/public-keys",
             r"system completely up in [\d.]+ seconds", r"^  instance-id: i-00000009$",
             r"^  public-ipv4: *$", r"^  local-ipv4 : 10\.0\.0\.2$"]
    rest = iter(lab.api.console("cirros").splitlines())
    missing = [step for step in steps if not any(re.search(step, line) for line in rest)]
    equal(missing, [], "steps missing, in order")


def ping_from(lab, host, wanted):
    equal(probes.ping(lab.netns(host), "10.0.0.2"), wanted, f"ping from {host}")


def rules_equal(lab, host, table, listing):
    equal_text(lab.rules(host, table), golden(listing))


def before_boot(lab, tag):
    check(f"{tag}: G1 addresses, MACs and ports of the controller", controller_links, lab)
    check(f"{tag}: G1 the bridge: id, STP off, no delay, eth2", controller_bridge, lab)
    check(f"{tag}: G1 routes of the controller", controller_routes, lab)
    check(f"{tag}: G2 dnsmasq's arguments in order", dnsmasq_arguments, lab)
    check(f"{tag}: G2 main process is nobody, helper child is root", dnsmasq_users, lab)
    check(f"{tag}: G3 nova.conf is accepted as it stands", configuration_accepted, lab)
    check(f"{tag}: G4 hosts file is empty, mode 0644", hosts_file_empty, lab)
    check(f"{tag}: G5 filter table of the controller", rules_equal, lab, "controller-1",
          "filter", "G5-controller-filter.txt")
    check(f"{tag}: G6 nat table of the controller", rules_equal, lab, "controller-1", "nat",
          "G6-controller-nat.txt")
    check(f"{tag}: G7 compute host before the first guest", compute_before, lab)
    check(f"{tag}: G11 release of an unknown lease", release_unknown, lab)


def after_boot(lab, tag):
    check(f"{tag}: G9 controller reaches the guest", ping_from, lab, "controller-1",
          probes.ANSWERED)
    check(f"{tag}: G10 hosts line", hosts_line, lab)
    check(f"{tag}: G11 dnsmasq's log, in order, with a renewal", dhcp_sequence, lab)
    check(f"{tag}: G12 vnet0", guest_link, lab)
    check(f"{tag}: G13 console steps in order", console_steps, lab)
    check(f"{tag}: G14 filter table of the compute host", rules_equal, lab, "compute-1",
          "filter", "G14-compute-filter.txt")
    check(f"{tag}: G15 the guest's address and route", guest_address, lab)
    check(f"{tag}: G16 compute host cannot send to its guest", ping_from, lab, "compute-1",
          probes.REFUSED)
    check(f"{tag}: G5 the controller's filter table is as before", rules_equal, lab,
          "controller-1", "filter", "G5-controller-filter.txt")
    check(f"{tag}: G6 the controller's nat table is as before", rules_equal, lab,
          "controller-1", "nat", "G6-controller-nat.txt")


def main():
    for variant in sys.argv[1:] or ["nft", "legacy"]:
        lab = lab_for(f"fg{variant[0]}", variant=variant, options=golden_options(),
                      files=golden_files())
        lab.up_computes_known()
        before_boot(lab, variant)
        check(f"{variant}: G8 list while BUILD", boot_shows_build, lab)
        check(f"{variant}: G8 list when ACTIVE", boot_ends_active, lab)
        after_boot(lab, variant)
        lab.down()
    done()


if __name__ == "__main__":
    main()
