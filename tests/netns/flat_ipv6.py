#!/usr/bin/python3 -B
# timeout: 200
"""IPv6 of a flat network: its range, the router and its advertisements, guests' addresses,
and the chains of the network host."""

import hashlib
import ipaddress
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

import rawhttp  # noqa: E402
from check import check, done, equal, expect, need, wait_for  # noqa: E402
from lab import lab_for, probes  # noqa: E402

GUESTS = [("cirros", "compute-1"), ("cirros3", "compute-2")]
RANGE = "fd00::/64"
GATEWAY = "fd00::1"


def eui64(mac):
    parts = [int(part, 16) for part in mac.split(":")]
    parts[0] ^= 2
    parts[3:3] = [0xff, 0xfe]
    groups = [f"{parts[i] << 8 | parts[i + 1]:x}" for i in range(0, 8, 2)]
    return "fd00::" + ":".join(groups)


def addresses6(netns, device):
    out = probes.run(netns, ["ip", "-6", "-o", "addr", "show", "dev", device, "scope",
                             "global"]).stdout
    return re.findall(r"inet6 ([0-9a-f:]+)/", out)


def ping6(netns, address):
    return probes.run(netns, ["ping", "-6", "-n", "-c", "3", "-i", "0.2", "-W", "1", address],
                      check=False).returncode == 0


def shown(lab):
    network = lab.api.networks()[0]
    equal((network["cidr_v6"], network["gateway_v6"], network["netmask_v6"]), (RANGE, GATEWAY, 64),
          "the network")
    entries = lab.api.server("cirros")["addresses"]["novanetwork"]
    equal([(e["version"], e["addr"]) for e in entries],
          [(4, "10.0.0.2"), (6, eui64(lab.guest_mac("cirros")))], "addresses of the server")


def router(lab):
    expect(GATEWAY in addresses6(lab.netns("controller-1"), "br100"), "no gateway on br100")
    rules = lab.in_host("controller-1", ["ip6tables-nft", "-w", "-S"]).stdout
    for rule in ("nova-network-INPUT -i br100 -p ipv6-icmp .*-j ACCEPT",
                 "nova-network-FORWARD -i br100 .*-j ACCEPT",
                 "nova-network-FORWARD -o br100 .*-j ACCEPT"):
        expect(re.search(rf"^-A {rule}$", rules, re.MULTILINE), f"{rule}: {rules}")


def guest_made_its_address(lab):
    for name, _ in GUESTS:
        wanted = eui64(lab.guest_mac(name))
        wait_for(lambda: wanted in addresses6(lab.guest_netns(name), "eth0"), 12,
                 lambda: f"{name}: {addresses6(lab.guest_netns(name), 'eth0')}")


def default_route(lab):
    out = probes.run(lab.guest_netns("cirros"), ["ip", "-6", "route", "show", "default"]).stdout
    mac = probes.link(lab.netns("controller-1"), "br100")["mac"]
    local = probes.run(lab.netns("controller-1"),
                       ["ip", "-6", "-o", "addr", "show", "dev", "br100", "scope", "link"]).stdout
    router_address = re.search(r"inet6 (fe80:[0-9a-f:]+)/", local)[1]
    expect(f"default via {router_address} dev eth0" in out, f"{out} (router {mac})")
    expect("proto ra" in out, out)


def asked(lab):
    """A guest that asks is answered at once, not at the next turn."""
    netns = lab.guest_netns("cirros")
    probes.run(netns, ["ip", "-6", "route", "flush", "proto", "ra"])
    seconds = -__import__("time").monotonic()
    # Down and up: the kernel then solicits.
    probes.run(netns, ["ip", "link", "set", "eth0", "down"])
    probes.run(netns, ["ip", "link", "set", "eth0", "up"])
    wait_for(lambda: "default via" in probes.run(
        netns, ["ip", "-6", "route", "show", "default"]).stdout, 10, "no default route again")
    seconds += __import__("time").monotonic()
    print(f"# default route {seconds:.1f} s after the link came up", flush=True)


def packets(lab):
    three = eui64(lab.guest_mac("cirros3"))
    wait_for(lambda: ping6(lab.guest_netns("cirros"), GATEWAY), 10, "gateway")
    wait_for(lambda: ping6(lab.guest_netns("cirros"), three), 10, "guest to guest, other host")
    wait_for(lambda: ping6(lab.netns("controller-1"), three), 10, "network host to guest")


def restart(lab):
    """The router is not taken away while the program restarts."""
    lab.stop_program("controller-1", "flat")
    out = probes.run(lab.guest_netns("cirros"), ["ip", "-6", "route", "show", "default"]).stdout
    expect("default via" in out, "route gone")
    lab.up_program("controller-1", "flat")
    packets(lab)


def off(lab):
    out = lab.in_host("controller-1", ["cat", "/proc/sys/net/ipv6/conf/all/forwarding"]).stdout
    equal(out.strip(), "0", "forwarding")
    equal(addresses6(lab.netns("controller-1"), "br100"), [], "addresses of br100")
    equal(lab.api.networks()[0]["cidr_v6"], None, "cidr_v6")


def account(tenant, mac):
    """The address by project and MAC."""
    project = hashlib.sha1(tenant.encode()).digest()[:4]
    tail = project + b"\xff" + bytes(int(part, 16) for part in mac.split(":")[3:])
    return str(ipaddress.IPv6Address(ipaddress.IPv6Address("fd00::").packed[:8] + tail))


def account_shown(lab):
    """The server shows the address, the guest reads it, and no other one is advertised."""
    server = lab.api.server("cirros")
    wanted = account(server["tenant_id"], lab.guest_mac("cirros"))
    equal([e["addr"] for e in server["addresses"]["novanetwork"] if e["version"] == 6], [wanted],
          "address of the server")
    status, _, body = rawhttp.exchange(
        lab.guest_netns("cirros"),
        rawhttp.request("GET", "/openstack/latest/network_data.json"))
    equal(status, 200, "status")
    found = [n for n in json.loads(body)["networks"] if n["type"] == "ipv6"]
    equal([(n["ip_address"], n["netmask"]) for n in found],
          [(wanted, "ffff:ffff:ffff:ffff::")], "network_data.json")
    wait_for(lambda: "default via" in probes.run(
        lab.guest_netns("cirros"), ["ip", "-6", "route", "show", "default"]).stdout, 12,
             "no router")
    equal(addresses6(lab.guest_netns("cirros"), "eth0"), [], "addresses a guest makes")


def account_packets(lab):
    """What the guest was given passes the guard, what it could make of its MAC does not."""
    netns = lab.guest_netns("cirros")
    own = eui64(lab.guest_mac("cirros"))
    probes.run(netns, ["ip", "-6", "addr", "add", own + "/64", "dev", "eth0", "nodad"])
    equal(ping6(netns, GATEWAY), False, "ping from the MAC's address")
    probes.run(netns, ["ip", "-6", "addr", "del", own + "/64", "dev", "eth0"])
    given = account(lab.api.server("cirros")["tenant_id"], lab.guest_mac("cirros"))
    probes.run(netns, ["ip", "-6", "addr", "add", given + "/64", "dev", "eth0", "nodad"])
    wait_for(lambda: ping6(netns, GATEWAY), 10, "gateway")


def main():
    lab = lab_for("f6", profile="default", guests=GUESTS,
                  options={"*": {"use_ipv6": "true", "fixed_range_v6": "fd00::/48"}})
    check("network, server and their IPv6 addresses", shown, lab)
    check("the gateway is on the bridge, its chains let it be found", router, lab)
    need("guests make their addresses of what is advertised", guest_made_its_address, lab)
    check("their default route is the bridge's own address", default_route, lab)
    check("gateway, other guests and the network host are reached", packets, lab)
    check("a guest that asks is answered", asked, lab)
    check("network host restarted: nothing lost", restart, lab)
    lab.down()
    lab = lab_for("f6a", profile="default", guests=GUESTS[:1],
                  options={"*": {"use_ipv6": "true", "fixed_range_v6": "fd00::/48",
                                 "ipv6_backend": "account_identifier"}})
    check("account_identifier: the address is told, not made", account_shown, lab)
    check("account_identifier: it is the one that gets through", account_packets, lab)
    lab.down()
    lab = lab_for("f6n", profile="default")
    check("without use_ipv6 none of it", off, lab)
    lab.down()
    done()


if __name__ == "__main__":
    main()
