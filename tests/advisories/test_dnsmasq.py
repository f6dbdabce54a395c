#!/usr/bin/python3 -B
# timeout: 600
"""Advisories of dnsmasq: values that are more to it than values, and parts of it that are not
in use here."""

import ipaddress
import os
import random
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, wait_for  # noqa: E402
from facts import dnsmasq_users  # noqa: E402
from lab import cloud, kernel, lab_for, probes  # noqa: E402

CONTROLS = [chr(number) for number in [*range(32), 127, 0x85, 0x2028]]
PAYLOAD = "dhcp-script=/bin/evil"
# Names of servers that mean something to dnsmasq, without a control byte.
NAMES = ["a,set:x", "#" + PAYLOAD, 'a"b', "id:*", "ignore", "infinite", "120", "10.0.0.9", "a b",
         "a;reboot", "$(reboot)", "`reboot`", "a\\nb", "fa:16:3e:00:00:01", "net:x", "[::1]", "-a",
         "\u00fc", "x" * 200, "..", "a/../../b", "%0a" + PAYLOAD, "=", "*", "tag:!x"]
LINE = re.compile(r"(fa:16:3e(?::[0-9a-f]{2}){3}),([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?),"
                  r"(10\.0\.0\.\d+)(?:,(?:net|set):[\w.-]+)?")


def arguments(lab):
    return kernel.command_line(lab.dnsmasq_pid()).decode().split("\0")[:-1]


def files(lab):
    """Every file that dnsmasq reads, by its name in the arguments."""
    names = [argument.split("=", 1)[1] for argument in arguments(lab)
             if re.match(r"--(dhcp-(hosts|opts)file|conf-file|addn-hosts)=/", argument)]
    expect(names, "dnsmasq reads no file")
    return {name: lab.hosts["controller-1"].read(name) for name in names}


def hosts_lines(lab):
    """{address: (MAC, name)}: what dnsmasq makes of the hosts file."""
    found = {}
    for line in lab.hosts_file().splitlines():
        match = LINE.fullmatch(line)
        expect(match, f"line {line!r}")
        expect(match[3] not in found, f"{match[3]} twice")
        found[match[3]] = (match[1], match[2])
    return found


def is_read_whole(lab):
    """dnsmasq itself takes all files, with the arguments it runs with."""
    done_ = lab.in_host("controller-1", [*arguments(lab), "--test"], check=False)
    equal(done_.returncode, 0, done_.stderr)
    for name, text in files(lab).items():
        expect(PAYLOAD not in text, f"{name}: {text}")
        expect(not re.search(r"[^\n\x20-\x7e]", text), f"{name} has control bytes: {text!r}")


def names_with_controls(lab):
    """Refused, and nothing is there."""
    before = (arguments(lab), files(lab))
    image = lab.api.image_id("cirros")
    accepted = []
    for control in CONTROLS:
        for name in (f"a{control}b", f"a{control}{PAYLOAD}{control}"):
            answer = lab.api.send("POST", "/servers", {"server": {
                "name": name, "imageRef": image, "flavorRef": "1"}})
            expect(answer.status in (202, 400), f"{name!r}: {answer.status}")
            if answer.status == 202:
                accepted.append(name)
                lab.api.ask("DELETE", f"/servers/{answer.json()['server']['id']}")
    # Those outside ASCII are text to everybody but dnsmasq, and no part of a host name.
    expect(all(ord(max(name)) > 127 for name in accepted), f"accepted: {accepted}")
    wait_for(lambda: not lab.api.servers(), 30, "servers stay behind")
    wait_for(lambda: (arguments(lab), files(lab)) == before, 10, "dnsmasq's files changed")


def odd_names(lab):
    """Accepted or not: the file has one line for each, with a name of letters and digits."""
    for name in NAMES:
        answer = lab.api.send("POST", "/servers", {"server": {
            "name": name, "imageRef": lab.api.image_id("cirros"), "flavorRef": "1",
            "availability_zone": "nova:compute-1"}})
        expect(answer.status in (202, 400), f"{name!r}: {answer.status} {answer.text()[:200]}")
    servers = lab.api.servers()
    expect(len(servers) > len(NAMES) / 2, f"only {len(servers)} names were accepted")
    wait_for(lambda: all(cloud.addresses(server) for server in lab.api.servers()), 60,
             "servers without an address")
    wanted = {cloud.addresses(server)[0] for server in lab.api.servers()}
    wait_for(lambda: set(hosts_lines(lab)) == wanted, 30,
             lambda: f"wanted {wanted}, found {hosts_lines(lab)}")
    names = [name for _, name in hosts_lines(lab).values()]
    equal(len(names), len(set(names)), "names")
    is_read_whole(lab)
    for server in lab.api.servers():
        lab.api.ask("DELETE", f"/servers/{server['id']}")
    wait_for(lambda: not lab.api.servers(), 60, "servers stay behind")


def networks(lab):
    """Values of a network that become arguments or files."""
    before = (arguments(lab), files(lab), len(lab.api.networks()))
    chance = random.Random(21)
    base = {"label": "evil", "cidr": "10.77.0.0/24", "bridge": "br177"}
    tail = {"label": PAYLOAD, "bridge": "x", "bridge_interface": "x"}
    for field in ("label", "cidr", "gateway", "dhcp_server", "dns1", "dns2", "bridge",
                  "bridge_interface"):
        good = base.get(field, "10.77.0.9")
        for control in CONTROLS:
            at = chance.randint(0, len(good))
            for value in (good + control + tail.get(field, "port=0"),
                          good[:at] + control + good[at:]):
                answer = lab.api.send("POST", "/os-networks", {"network": {**base, field: value}})
                if answer.status == 200 and field == "label":
                    expect(ord(control) > 127, f"{field} {value!r} was accepted")
                    lab.api.ask("DELETE", f"/os-networks/{answer.json()['network']['id']}")
                    continue
                equal(answer.status, 400, f"status of {field} {value!r}")
    equal((arguments(lab), files(lab), len(lab.api.networks())), before, "dnsmasq and networks")


def changes(lab):
    """The same for a network that dnsmasq serves already."""
    before = (arguments(lab), files(lab))
    network = lab.api.networks()[0]["id"]
    for field, good in (("dns1", "8.8.8.8"), ("dns2", "8.8.8.8")):
        for control in [*CONTROLS, ",", "#", " ", "@", "/", "\n"]:
            answer = lab.api.send("PUT", f"/os-networks/{network}",
                                  {"network": {field: f"{good}{control}port=0"}})
            equal(answer.status, 400, f"status of {field} with {control!r}")
    equal((arguments(lab), files(lab)), before, "dnsmasq")


def lease_names(lab):
    """Whatever a guest calls itself, it is known by the name it was given."""
    lab.up_computes_known()
    lab.boot_and_wait("client", "compute-1")
    mac, address = lab.guest_mac("client"), lab.address("client")
    lab.wait_acked(address, mac)
    before = (arguments(lab), files(lab))
    for name in ("evil\n" + PAYLOAD, "a,b", "$(id)", "`id`", "-x", "a'b", "x" * 200):
        acks = lab.dhcp_log().count(f"DHCPACK(br100) {address} {mac}")
        probes.run(lab.guest_netns("client"),
                   ["busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-t", "2", "-T", "1", "-f",
                    "-s", "/bin/true", "-x", "0x0c:" + name.encode().hex(), "-F",
                    name.replace("\n", "")[:60]], check=False, timeout=20)
        wait_for(lambda acks=acks: lab.dhcp_log().count(f"DHCPACK(br100) {address} {mac}") > acks,
                 5, f"{name!r}: no ACK")
        expect(lab.program("controller-1", "flat").lives(), f"{name!r}: flat ended")
    equal((arguments(lab), files(lab)), before, "dnsmasq")
    equal(hosts_lines(lab)[address][0], mac, "card")


def parts_off(lab):
    """What the advisories are about and FlatDHCP does not need is not switched on."""
    found = " ".join(arguments(lab))
    expect("--conf-file= " in found or found.endswith("--conf-file="), f"a file: {found}")
    for part in ("dnssec", "enable-ra", "ra-", "relay", "tftp", "enable-tftp", "auth-", "add-mac",
                 "add-cpe-id", "add-subnet", "proxy-dnssec", "split-relay", "pxe", "dhcp-boot",
                 "log-queries", "umbrella"):
        expect(f"--{part}" not in found, f"--{part} in {found}")
    ranges = re.findall(r"--dhcp-range=(\S+)", found)
    equal(len(ranges), 1, "ranges")
    for word in ranges[0].split(","):
        expect(":" not in word or word.startswith("set:"), f"IPv6 in {ranges[0]}")
    # Nobody but the network's guests is listened to.
    gateway = re.findall(r"--listen-address=(\S+)", found)
    equal(gateway, ["10.0.0.1"], "addresses listened at")
    ports = lab.in_host("controller-1", ["ss", "-lnuHp"]).stdout + lab.in_host(
        "controller-1", ["ss", "-lntHp"]).stdout
    bound = {line.split()[3] for line in ports.splitlines() if '"dnsmasq"' in line}
    for address in bound:
        host, _, port = address.rpartition(":")
        host = host.partition("%")[0].strip("[]")
        expect(port == "67" or ipaddress.ip_address(host) == ipaddress.ip_address("10.0.0.1")
               or host.startswith("fe80:"), f"dnsmasq listens at {address}")
        expect(port in ("53", "67"), f"dnsmasq listens at {address}")


def main():
    for profile in ("default", "golden"):
        lab = lab_for(f"od{profile[0]}", profile=profile)
        check(f"{profile}: dnsmasq CVE-2017-14491..14496, CVE-2020-25681..25687, CVE-2022-0934, "
              "CVE-2026-2291, 4890..4893, 5172: no DNSSEC, DHCPv6, RA, relay, TFTP", parts_off, lab)
        check(f"{profile}: dnsmasq CVEs: main process is nobody", dnsmasq_users, lab)
        check(f"{profile}: OSSA-2021-005 CVE-2021-40085: control bytes in a server's name",
              names_with_controls, lab)
        check(f"{profile}: OSSA-2021-005 CVE-2021-40085: control bytes in a network", networks, lab)
        check(f"{profile}: OSSA-2021-005 CVE-2021-40085: control bytes in a change", changes, lab)
        check(f"{profile}: dnsmasq generic: names that mean more to dnsmasq", odd_names, lab)
        check(f"{profile}: dnsmasq generic: names that guests give themselves", lease_names, lab)
        check(f"{profile}: dnsmasq generic: it reads its files as they were meant", is_read_whole,
              lab)
        lab.down()
    done()


if __name__ == "__main__":
    main()
