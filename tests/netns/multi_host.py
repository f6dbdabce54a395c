#!/usr/bin/python3 -B
# timeout: 600
"""Under multi_host each compute host is gateway, DHCP server, metadata service and SNAT of its
own guests: what one host loses, and the server, no guest elsewhere feels."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need, wait_for  # noqa: E402
from lab import GUESTS, cloud, hosts, kernel, lab_for, probes  # noqa: E402

COMPUTES = hosts.COMPUTES
INSTANCE_ID = "/latest/meta-data/instance-id"


def gateway_of(lab, host):
    """The host's own address on the bridge."""
    found = [text.partition("/")[0] for text, _ in probes.addresses(lab.netns(host), "br100")]
    equal(len(found), 1, f"addresses of br100 on {host}")
    return found[0]


def own_gateways(lab):
    """Each host took one address, and its guests have it as router."""
    equal(sorted(gateway_of(lab, host) for host in COMPUTES), ["10.0.0.2", "10.0.0.3"], "gateways")
    equal(probes.addresses(lab.netns("controller-1"), "br100"), [], "br100 of the controller")
    for name, host in GUESTS:
        equal(probes.default_route(lab.guest_netns(name)), gateway_of(lab, host), name)


def own_guests_alone(lab):
    """A host's DHCP knows its own guests and no other."""
    for host in COMPUTES:
        lines = lab.hosts[host].read("/var/lib/nova/networks/nova-br100.conf").splitlines()
        wanted = sorted(lab.address(name) for name, on in GUESTS if on == host)
        equal(sorted(line.split(",")[2] for line in lines), wanted, f"hosts file of {host}")


def table(lab):
    wrong = [f"{source} to {target}: {found}, not {wanted}"
             for source, target, wanted, found in probes.connectivity(lab) if wanted != found]
    expect(not wrong, "; ".join(wrong))


def snat(lab):
    """A guest's packets leave with the address of its own host."""
    for name, host in GUESTS:
        argv = ["timeout", "10", "tcpdump", "-nn", "-c", "1", "-i", "eth1",
                f"icmp and dst {hosts.OUTSIDE} and src {hosts.HOSTS[host][0]}"]
        watcher = lab.hosts["outside-1"].start(argv, "/var/log/tcpdump.out")
        wait_for(lambda: "listening" in lab.hosts["outside-1"].read("/var/log/tcpdump.out"), 10,
                 "tcpdump does not listen")
        equal(probes.ping(lab.guest_netns(name), hosts.OUTSIDE), probes.ANSWERED, name)
        equal(watcher.wait(), 0, f"status of tcpdump: no packet of {name} from {host}")
        os.truncate(lab.hosts["outside-1"].file("/var/log/tcpdump.out"), 0)


def works(lab, name, host):
    """Traffic in and out, a renewal that dnsmasq acknowledges, and metadata."""
    log = f"DHCPACK(br100) {lab.guest_ip[name]} "
    before = lab.hosts[host].read("/var/log/syslog").count(log)
    equal(probes.ping(lab.guest_netns(name), hosts.OUTSIDE), probes.ANSWERED, f"{name}: outside")
    for other in lab.guest_ip:
        equal(probes.ping(lab.guest_netns(name), lab.guest_ip[other]), probes.ANSWERED,
              f"{name} to {other}")
    lab.renew(name)
    wait_for(lambda: lab.hosts[host].read("/var/log/syslog").count(log) > before, 15,
             f"no ACK of {name}'s renewal on {host}")
    # Meanwhile the client's script sets address and route anew.
    wait_for(lambda: probes.fetch(lab.guest_netns(name), INSTANCE_ID) == (200, lab.guest_id[name]),
             10, lambda: f"{name}: {probes.fetch(lab.guest_netns(name), INSTANCE_ID)}")


def kill_role(lab):
    """The network role of compute-1 dies whole; its guests keep their traffic."""
    lab.stop_program("compute-1", "flat")
    pid = lab.dnsmasq_pid("compute-1")
    kernel.kill(pid, kernel.process_stat(pid)[1])
    works(lab, "cirros3", "compute-2")
    equal(probes.ping(lab.guest_netns("cirros"), hosts.OUTSIDE), probes.ANSWERED, "cirros")
    lab.up_program("compute-1", "flat")
    wait_for(lambda: lab.dnsmasq_pid("compute-1") not in (0, pid), 15, "dnsmasq does not return")
    works(lab, "cirros", "compute-1")


def kept(lab):
    """Whether a host has kept every page of its guests."""
    return all(lab.hosts[host].read(f"/var/lib/neutrino/metadata/{lab.guest_uuid[name]}.json")
               for name, host in GUESTS)


def kill_server(lab):
    """Nobody can be asked: what was said before is said again, after a restart too."""
    wait_for(lambda: kept(lab), 30, "metadata is not kept on the hosts")
    lab.stop_program("controller-1", "server")
    for name, host in GUESTS:
        works(lab, name, host)
    lab.restart_program("compute-2", "flat")
    works(lab, "cirros3", "compute-2")
    for path in ("/2009-04-04/meta-data/local-ipv4", "/latest/meta-data/local-ipv4"):
        equal(probes.fetch(lab.guest_netns("cirros3"), path), (200, lab.guest_ip["cirros3"]), path)
    lab.up_program("controller-1", "server")
    text = cloud.request(lab.netns("compute-2"), "127.0.0.1", 9775, "GET", "/metrics").text()
    expect('neutrino_metadata_proxy_requests_total{what="kept"} ' in text, text)


def strangers(lab):
    """Only a guest of this very host gets an answer, whatever headers it writes."""
    status, _ = probes.fetch(lab.netns("outside-1"), INSTANCE_ID, hosts.HOSTS["compute-1"][0], 8775)
    equal(status, 404, "status for a stranger")
    guest = lab.guest_netns("cirros")
    forged = {"X-Instance-ID": lab.guest_uuid["cirros3"],
              "X-Forwarded-For": lab.guest_ip["cirros3"]}
    answer = cloud.request(guest, "169.254.169.254", 80, "GET", INSTANCE_ID, headers=forged)
    equal(answer.text(), lab.guest_id["cirros"], "instance id with another's headers")


def signed(lab):
    """The server takes a proxy's word only with the right signature."""
    headers = {"X-Instance-ID": lab.guest_uuid["cirros"], "X-Tenant-ID": "admin",
               "X-Forwarded-For": lab.guest_ip["cirros"], "X-Instance-ID-Signature": "0" * 64}
    answer = cloud.request(lab.netns("compute-1"), hosts.CONTROLLER, 8775, "GET", INSTANCE_ID,
                           headers=headers)
    equal(answer.status, 403, "status with a wrong signature")


def drift(lab):
    """Both roles share a host's tables: neither takes the other's rules for its own."""
    before = lab.all_rules("compute-1")
    for name in ("flat", "compute"):
        lab.restart_program("compute-1", name)
    lab.boot_and_wait("another", "compute-1")
    lab.delete_and_wait("another")
    wait_for(lambda: lab.all_rules("compute-1") == before, 20,
             lambda: "rules differ:\n" + lab.all_rules("compute-1"))


def shared_gateway(lab):
    """Both hosts carry 10.0.0.1; each guest's is its own host's."""
    for host in COMPUTES:
        equal(gateway_of(lab, host), "10.0.0.1", f"gateway on {host}")
    for name, host in GUESTS:
        netns = lab.guest_netns(name)
        equal(probes.default_route(netns), "10.0.0.1", f"router of {name}")
        equal(probes.ping(netns, "10.0.0.1"), probes.ANSWERED, f"{name} to its gateway")
        found = probes.run(netns, ["ip", "neigh", "show", "10.0.0.1"]).stdout
        mac = probes.link(lab.netns(host), "br100")["mac"]
        expect(mac in found, f"{name} has {found}, its host's bridge is {mac}")


def other_dhcp_unheard(lab):
    """No host's dnsmasq hears a guest of another."""
    for name, host in GUESTS:
        mac = lab.guest_mac(name)
        for other in COMPUTES:
            heard = mac in lab.hosts[other].read("/var/log/syslog")
            equal(heard, other == host, f"{other} has heard {name}")


def shared_repair(lab):
    """Rules that somebody takes away come back before anything is heard."""
    argv = ["nft", "delete", "table", "bridge", "neutrino-flat"]
    lab.in_host("compute-1", argv)
    wait_for(lambda: "daddr ip 10.0.0.1 drop" in lab.in_host(
        "compute-1", ["nft", "list", "ruleset", "bridge"]).stdout, 20, "not repaired")


def note_guests(lab):
    lab.guest_ip = {name: lab.address(name) for name, _ in GUESTS}
    lab.guest_uuid = {name: lab.api.server(name)["id"] for name, _ in GUESTS}
    lab.guest_id = {name: f"i-{lab.guest_number(name):08x}" for name, _ in GUESTS}


def main():
    lab = lab_for("mh", guests=GUESTS, profile="default", ha=True)
    need("the guests are noted", note_guests, lab)
    check("each host has an address of its own, its guests' router", own_gateways, lab)
    check("each host's DHCP knows its own guests alone", own_guests_alone, lab)
    check("who reaches whom", table, lab)
    check("SNAT happens on the guest's host", snat, lab)
    check("metadata: a stranger and forged headers get nothing of others", strangers, lab)
    check("metadata: the server refuses a proxy's wrong signature", signed, lab)
    check("both roles restart on one host and leave the rules as they are", drift, lab)
    check("one host's network role dies: nobody elsewhere feels it", kill_role, lab)
    check("the server dies: traffic, renewals and metadata go on", kill_server, lab)
    lab.down()
    lab = lab_for("mhs", guests=GUESTS, profile="default", ha=True,
                  options={"controller-1": {"share_dhcp_address": "true"}})
    need("shared gateway: the guests are noted", note_guests, lab)
    check("shared gateway: each guest's is its own host's", shared_gateway, lab)
    check("shared gateway: no host hears another's DHCP", other_dhcp_unheard, lab)
    check("shared gateway: who reaches whom", table, lab)
    check("shared gateway: rules are put back", shared_repair, lab)
    lab.down()
    done()


if __name__ == "__main__":
    main()
