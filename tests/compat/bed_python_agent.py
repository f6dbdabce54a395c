#!/usr/bin/python3
"""The test bed with two stock agents: ports of every network type become ACTIVE and reach each
other, flows and OVSDB rows are the recorded ones, and nothing is left afterwards."""
# timeout: 900

import os

from check import check, done, equal, expect, need
from neutron_bed import bed_for, dumps
from neutrinolab import hosts, kernel

GOLDEN = os.path.join(hosts.TREE, "tests/golden/stock-agent")
# In the recording h1 still had members of the default group from before the port with these
# allowed addresses moved to another group.
STALE = {"h1.br-int.flows": [
    "table=82, priority=70,ct_state=+est-rel-rpl,ip,reg6=NET,nw_src=IP/24 "
    "actions=conjunction(CONJ,1/2)",
    "table=82, priority=70,ct_state=+new-est,ip,reg6=NET,nw_src=IP/24 "
    "actions=conjunction(CONJ,1/2)"]}
NETWORKS = {"vxlan": "10.1.0.0/24", "vlan": "10.2.0.0/24", "flat": "10.3.0.0/24",
            "gre": "10.5.0.0/24"}


def make_networks(bed):
    nets = {kind: bed.api.network(kind, kind, 123 if kind == "vlan" else None)
            for kind in NETWORKS}
    for kind, cidr in NETWORKS.items():
        bed.api.subnet(nets[kind], cidr)
    bed.api.subnet(nets["vxlan"], "fd00:1::/64", ipv6_ra_mode="slaac",
                   ipv6_address_mode="slaac", enable_dhcp=True)
    return nets


def make_group(bed):
    """The group of the recording: a range for all, icmp from members, tcp from addresses."""
    addresses = bed.api.create("address_group", name="partners",
                               addresses=["192.0.2.0/24", "198.51.100.7/32"])
    group = bed.api.group("web", [{"protocol": "tcp", "port_range_min": 80,
                                   "port_range_max": 443}])
    bed.api.rule(group, protocol="icmp", remote_group_id=group["id"])
    bed.api.rule(group, protocol="tcp", remote_address_group_id=addresses["id"])
    return group


def make_guests(bed, nets, group):
    """{network: (guest on h1, guest on h2)}; on vxlan these are in 'group'."""
    pairs = [{"ip_address": "10.1.0.200"}, {"ip_address": "10.9.0.0/24"}]
    ports = {kind: [bed.api.port(net, host, name=f"{kind}-{host}",
                                 **({"security_groups": [group["id"]]} if kind == "vxlan" else {}))
                    for host in ("h1", "h2")] for kind, net in nets.items()}
    bed.api.update("port", ports["vxlan"][1], allowed_address_pairs=pairs)
    # One more on h1 that is in the default group and has an IPv6 address.
    ports["other"] = [bed.api.port(nets["vxlan"], host, name=f"other-{host}")
                      for host in ("h1", "h2")]
    return ports, {kind: [bed.host(i + 1).plug(port) for i, port in enumerate(two)]
                   for kind, two in ports.items()}


def compare(bed, host, name):
    with open(os.path.join(GOLDEN, f"{host.name}.{name}"), encoding="utf-8") as file:
        wanted = file.read().splitlines()
    wanted = [line for line in wanted if line not in STALE.get(f"{host.name}.{name}", [])]

    def now():
        if name == "ovsdb":
            return dumps.ovsdb_shapes(host.ovsdb())
        return dumps.shapes(host.flows(name.removesuffix(".flows")))

    try:
        kernel.wait_for(lambda: now() == wanted, 30, "")
    except kernel.Failed:
        expect(False, dumps.difference(now(), wanted))


def nothing_left(bed):
    spaces = {kernel.namespace_id(kernel.netns_path(name)) for name in kernel.netns_names()}
    pids = [daemon.pid for daemon in bed.daemons()] + [bed.broker.pid]
    expect(len(spaces) > 10 and len(pids) > 8, f"{len(spaces)} namespaces, {len(pids)} daemons")
    bed.down()
    equal(kernel.netns_names(), [], "network namespaces")
    equal([pid for pid in pids if kernel.process_stat(pid) and
           kernel.process_stat(pid)[0] not in "ZX"], [], "daemons")
    left = [entry for entry in os.listdir("/proc") if entry.isdigit()
            and int(entry) not in (1, os.getpid()) and kernel.command_line(entry)]
    equal([kernel.command_line(entry) for entry in left], [], "processes")


def main():
    bed = bed_for(hosts=2, agents="python")
    nets = make_networks(bed)
    ports, guests = make_guests(bed, nets, make_group(bed))
    need("every port is ACTIVE", lambda: bed.wait_active(*sum(ports.values(), [])))
    bed.api.rule(bed.api.default_group(), protocol="tcp", port_range_min=5001,
                 port_range_max=5001)
    for kind in NETWORKS:
        check(f"{kind}: a guest reaches the other host's", guests[kind][0].wait_ping,
              guests[kind][1])
        check(f"{kind}: and the other way round", guests[kind][1].wait_ping, guests[kind][0])
    check("IPv6 over vxlan", guests["other"][0].wait_ping, guests["other"][1].addresses[1])
    for kind in ("vlan", "flat", "gre"):
        check(f"{kind}: TCP carries a megabyte", lambda: expect(
            guests[kind][0].carries_tcp(guests[kind][1]), "not all of it arrived"))
    check("who is in no common group does not reach", lambda: expect(
        not guests["other"][0].pings(guests["vxlan"][1]), "an answer came"))
    for rule in bed.api.list("security_group_rule", port_range_min=5001):
        bed.api.delete("security_group_rule", rule)
    for host in bed.hosts:
        for name in ("br-int.flows", "br-tun.flows", "br-phys.flows", "ovsdb"):
            check(f"{host.name}: {name} as recorded", compare, bed, host, name)
    check("nothing is left after down", nothing_left, bed)
    done()


if __name__ == "__main__":
    main()
