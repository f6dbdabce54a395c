#!/usr/bin/python3 -B
# timeout: 300
"""What others change on the network host is put right within ten seconds, and counted."""

import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal_text, expect, wait_for  # noqa: E402
from floating import allocate, associate, make_pool  # noqa: E402
from lab import cloud, kernel, lab_for, probes  # noqa: E402

LIMIT = 10
FLOATING = "192.168.56.225"


def counters(lab):
    text = cloud.request(lab.netns("controller-1"), "127.0.0.1", 9775, "GET", "/metrics").text()
    return {name: float(value) for name, value in re.findall(r"^(\S+) (\S+)$", text, re.MULTILINE)}


def damage(lab, argv, repaired, counter):
    """Runs 'argv' on the network host; 'repaired' must hold again, and the counter grow."""
    before = counters(lab).get(counter, 0)
    lab.in_host("controller-1", argv)
    expect(not repaired(), "the damage did nothing")
    start = time.monotonic()
    wait_for(repaired, LIMIT, f"not repaired within {LIMIT} s")
    print(f"# repaired after {time.monotonic() - start:.1f} s", flush=True)
    wait_for(lambda: counters(lab).get(counter, 0) > before, 2,
             lambda: f"{counter} did not grow: {sorted(counters(lab))}")


def has(lab, device, address):
    return any(found == address for found, _ in probes.addresses(lab.netns("controller-1"), device))


def sysctl(lab, name):
    return lab.in_host("controller-1", ["cat", f"/proc/sys/{name}"]).stdout.strip()


def port_is_back(lab):
    link = probes.link(lab.netns("controller-1"), "eth2")
    return link["master"] == "br100" and link["up"]


def dnsmasq_killed(lab):
    old = lab.kill_dnsmasq()
    wait_for(lambda: lab.dnsmasq_pid() not in (0, old), LIMIT, lambda: "not back: " + "; ".join(
        line for line in lab.program("controller-1", "flat").log().splitlines()
        if "dnsmasq" in line)[-600:])
    wait_for(lambda: any(value > 0 for name, value in counters(lab).items()
                         if name.startswith("neutrino_dnsmasq") and "death" in name), 2,
             lambda: f"not counted: {[n for n in counters(lab) if 'dnsmasq' in n]}")


def dnsmasq_killed_without_bridge(lab):
    """What it tried in vain while the bridge was gone delays neither its return with the
    bridge nor the one after the next death."""
    lab.in_host("controller-1", ["ip", "link", "del", "br100"])
    lab.kill_dnsmasq()
    wait_for(lambda: has(lab, "br100", "10.0.0.1/24"), LIMIT, "the bridge is not back")
    wait_for(lab.dnsmasq_pid, LIMIT, "not back with the bridge")
    dnsmasq_killed(lab)


def rules(lab, name, argv):
    before = lab.all_rules("controller-1")

    def same():
        return lab.all_rules("controller-1") == before

    iptables = f"iptables-{lab.variant}"
    repairs = next(key for key in counters(lab) if "iptables" in key and "repair" in key)
    damage(lab, [iptables, "-w", *argv], same, repairs)
    equal_text(lab.all_rules("controller-1"), before, name)


def unharmed(lab):
    for name in ("cirros",):
        found = probes.ping(lab.netns("controller-1"), lab.address(name))
        expect(found == probes.ANSWERED, f"ping {name}: {found}")
    found = probes.ping(lab.guest_netns("cirros"), "203.0.113.10")
    expect(found == probes.ANSWERED, f"ping outside: {found}")


def renewed(lab):
    """dnsmasq listens on the bridge that is there now, not on the one that was."""
    mac = lab.guest_mac("cirros")
    acks = lab.dhcp_log().count(f"DHCPACK(br100) 10.0.0.2 {mac}")
    lab.renew("cirros")
    wait_for(lambda: lab.dhcp_log().count(f"DHCPACK(br100) 10.0.0.2 {mac}") > acks, 10, "no ACK")


def new_lease(lab):
    lab.up_computes_known()
    lab.boot_and_wait("another", "compute-2")
    lab.wait_acked(lab.address("another"), lab.guest_mac("another"))


def chains(lab):
    for name, argv in (
            ("a rule deleted", ["-t", "nat", "-D", "nova-network-snat", "2"]),
            ("a rule added", ["-I", "nova-network-FORWARD", "-j", "DROP"]),
            ("a chain emptied", ["-F", "nova-network-INPUT"]),
            ("a jump deleted", ["-D", "FORWARD", "1"]),
            ("the table emptied", ["-t", "nat", "-F"])):
        check(f"chains: {name}", rules, lab, name, argv)


def main():
    lab = lab_for("fd", profile="default", guests=[("cirros", "compute-1")])
    make_pool(lab, "192.168.56.224/29", interface="eth1")
    allocate(lab)
    associate(lab, "cirros", FLOATING)
    host = 'neutrino_host_repairs_total{what="%s"}'
    for name, argv, repaired, counter in (
            ("forwarding off", ["sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward"],
             lambda: sysctl(lab, "net/ipv4/ip_forward") == "1", host % "forwarding"),
            ("metadata address gone", ["ip", "addr", "del", "169.254.169.254/32", "dev", "lo"],
             lambda: has(lab, "lo", "169.254.169.254/32"), host % "address"),
            ("floating address gone", ["ip", "addr", "del", f"{FLOATING}/32", "dev", "eth1"],
             lambda: has(lab, "eth1", f"{FLOATING}/32"), host % "address"),
            ("gateway address gone", ["ip", "addr", "del", "10.0.0.1/24", "dev", "br100"],
             lambda: has(lab, "br100", "10.0.0.1/24"), host % "bridge"),
            ("port taken out", ["ip", "link", "set", "eth2", "nomaster"],
             lambda: port_is_back(lab), host % "bridge"),
            ("port down", ["ip", "link", "set", "eth2", "down"], lambda: port_is_back(lab),
             host % "bridge"),
            ("bridge down", ["ip", "link", "set", "br100", "down"],
             lambda: probes.link(lab.netns("controller-1"), "br100")["up"], host % "bridge"),
            ("bridge deleted", ["ip", "link", "del", "br100"],
             lambda: probes.link(lab.netns("controller-1"), "br100") and port_is_back(lab)
             and has(lab, "br100", "10.0.0.1/24"), host % "bridge")):
        check(name, damage, lab, argv, repaired, counter)
    check("afterwards a lease is renewed", renewed, lab)
    check("and another guest gets one", new_lease, lab)
    check("dnsmasq killed", dnsmasq_killed, lab)
    check("dnsmasq killed while its bridge is gone", dnsmasq_killed_without_bridge, lab)
    chains(lab)
    wait_for(lambda: lab.dnsmasq_pid(), 10, "dnsmasq does not run at the end")
    check("afterwards guests reach what they reached", unharmed, lab)
    expect(kernel.process_stat(lab.program("controller-1", "flat").pid), "flat ended")
    done()


if __name__ == "__main__":
    main()
