#!/usr/bin/python3 -B
# timeout: 300
"""Floating addresses from the pool to packets: rules and address in their order, moves,
connections that end with them, restarts, and what is refused."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, equal_text, expect, need, wait_for  # noqa: E402
from floating import (Listener, act, allocate, allow_all, associate, connect,  # noqa: E402
                      deallocate, disassociate, echoes, floating, make_pool)
from lab import GUESTS, Pinger, cloud, golden, lab_for, probes  # noqa: E402
from store import rows  # noqa: E402

POOL = "192.168.56.224/29"
FIRST, SECOND = "192.168.56.225", "192.168.56.226"
PORT = 2222
RESTARTS = 5


def nat(lab):
    return lab.rules("controller-1", "nat")


def on_interface(lab, address):
    return (f"{address}/32" in
            [found for found, _ in probes.addresses(lab.netns("controller-1"), "eth1")])


def rules_of(lab, address):
    return [line for line in nat(lab).splitlines() if address in line]


# --- pool and project ----------------------------------------------------------------


def pool(lab):
    answer = make_pool(lab, POOL, interface="eth1")
    equal(answer.status, 200, f"status of the range: {answer.text()}")
    equal(make_pool(lab, "198.51.100.1", pool="other", interface="none7").status, 200, "other")
    pools = lab.api.ask("GET", "/os-floating-ip-pools")["floating_ip_pools"]
    equal(pools, [{"name": "nova"}, {"name": "other"}], "pools")
    listed = lab.api.ask("GET", "/os-floating-ips-bulk")["floating_ip_info"]
    equal([row["address"] for row in listed],
          [*(f"192.168.56.{i}" for i in range(225, 231)), "198.51.100.1"], "addresses")


def pool_refusals(lab):
    equal(make_pool(lab, FIRST).status, 409, "again")
    equal(make_pool(lab, "10.0.0.0/8").status, 400, "too many")
    equal(make_pool(lab, "192.168.57.1", interface="eth1 -j ACCEPT").status, 400, "interface")
    demo = cloud.Api(lab.netns("controller-1"), "demo", lab.keys["demo"])
    equal(demo.send("GET", "/os-floating-ips-bulk").status, 403, "for a member")


def allocation(lab):
    equal([allocate(lab), allocate(lab, "nova")], [FIRST, SECOND], "addresses")
    equal(floating(lab, FIRST), {"id": 1, "ip": FIRST, "pool": "nova", "fixed_ip": None,
                                 "instance_id": None}, "record")
    answer = lab.api.send("POST", "/os-floating-ips", {"pool": "nowhere"})
    equal((answer.status, "No more floating ips in pool nowhere." in answer.text()), (404, True),
          f"answer {answer.text()}")


def not_mine(lab):
    demo = cloud.Api(lab.netns("controller-1"), "demo", lab.keys["demo"])
    equal(demo.send("GET", "/os-floating-ips/1").status, 404, "show")
    equal(demo.send("DELETE", "/os-floating-ips/1").status, 404, "delete")
    equal(demo.ask("GET", "/os-floating-ips")["floating_ips"], [], "list")


# --- association -----------------------------------------------------------------------


def rules_are_golden(lab):
    associate(lab, "cirros", FIRST)
    equal_text(nat(lab), golden(f"{lab.golden_name}.txt"), "nat table")
    expect(on_interface(lab, FIRST), "the address is not on eth1")


def shown(lab):
    server = lab.api.server("cirros")
    entries = server["addresses"]["novanetwork"]
    equal([(e["addr"], e["OS-EXT-IPS:type"]) for e in entries],
          [("10.0.0.2", "fixed"), (FIRST, "floating")], "addresses")
    record = floating(lab, FIRST)
    equal((record["fixed_ip"], record["instance_id"]), ("10.0.0.2", server["id"]), "record")
    status, text = probes.fetch(lab.guest_netns("cirros"), "/latest/meta-data/public-ipv4")
    equal((status, text), (200, FIRST), "metadata public-ipv4")
    status, text = probes.fetch(lab.guest_netns("cirros"), "/latest/meta-data/local-ipv4")
    equal((status, text), (200, "10.0.0.2"), "metadata local-ipv4")


def from_outside(lab):
    equal(probes.ping(lab.netns("outside-1"), FIRST), probes.ANSWERED, "ping")
    listener = Listener(lab.guest_netns("cirros"), PORT)
    with connect(lab.netns("outside-1"), FIRST, PORT) as sock:
        expect(echoes(sock), "no echo")
    equal(listener.seen, ["192.168.56.101"], "who the guest saw")
    listener.close()


def to_outside(lab):
    """The guest leaves with its own address; others with the host's."""
    listener = Listener(lab.netns("outside-1"), PORT)
    for guest in ("cirros", "cirros2"):
        connect(lab.guest_netns(guest), "203.0.113.10", PORT).close()
    wait_for(lambda: len(listener.seen) == 2, 3, "not seen")
    equal(listener.seen, [FIRST, "192.168.56.200"], "sources seen outside")
    listener.close()


def from_the_host_itself(lab):
    equal(probes.ping(lab.netns("controller-1"), FIRST), probes.ANSWERED, "ping")


def own_address(lab):
    equal(probes.ping(lab.guest_netns("cirros"), FIRST), probes.ANSWERED, "ping")


def two_guests(lab):
    associate(lab, "cirros3", SECOND)
    listener = Listener(lab.guest_netns("cirros3"), PORT)
    with connect(lab.guest_netns("cirros"), SECOND, PORT) as sock:
        expect(echoes(sock), "no echo")
    # The first release translates the way back by the host's connection table alone.
    equal(listener.seen, [FIRST], "who the second guest saw")
    listener.close()
    disassociate(lab, "cirros3", SECOND)
    equal(rules_of(lab, SECOND), [], "rules left")
    expect(not on_interface(lab, SECOND), "the address is still on eth1")


def again_and_moved(lab):
    n_rules = len(rules_of(lab, FIRST))
    associate(lab, "cirros", FIRST)
    equal(len(rules_of(lab, FIRST)), n_rules, "rules after the same again")
    associate(lab, "cirros2", FIRST)
    equal(len(rules_of(lab, FIRST)), n_rules, "rules after the move")
    expect(not any("10.0.0.2" in rule for rule in rules_of(lab, FIRST)), nat(lab))
    equal(floating(lab, FIRST)["fixed_ip"], "10.0.0.3", "record")
    equal(len(lab.api.server("cirros")["addresses"]["novanetwork"]), 1, "addresses of the first")
    equal(probes.ping(lab.netns("outside-1"), FIRST), probes.ANSWERED, "ping")


def connections_end(lab):
    listener = Listener(lab.guest_netns("cirros2"), PORT)
    inwards = connect(lab.netns("outside-1"), FIRST, PORT)
    direct = connect(lab.netns("controller-1"), "10.0.0.3", PORT)
    outside = Listener(lab.netns("outside-1"), PORT)
    outwards = connect(lab.guest_netns("cirros2"), "203.0.113.10", PORT)
    for name, sock in (("inwards", inwards), ("direct", direct), ("outwards", outwards)):
        expect(echoes(sock), f"no echo {name} before")
    disassociate(lab, "cirros2", FIRST)
    expect(not echoes(inwards), "the connection from outside lives on")
    expect(not echoes(outwards), "the connection to the outside lives on with the address")
    expect(echoes(direct), "a connection that had nothing to do with it ended")
    equal(rules_of(lab, FIRST), [], "rules left")
    expect(not on_interface(lab, FIRST), "the address is still on eth1")
    for thing in (listener, outside, inwards, direct, outwards):
        thing.close()


def removal_refusals(lab):
    equal(act(lab, "cirros2", "removeFloatingIp", FIRST).status, 409, "not associated")
    equal(act(lab, "cirros2", "addFloatingIp", "192.168.56.250").status, 404, "unknown")
    equal(act(lab, "cirros2", "addFloatingIp", "192.168.56.227").status, 403, "not allocated")
    equal(act(lab, "cirros2", "addFloatingIp", "nonsense").status, 400, "no address")


def no_interface(lab):
    address = allocate(lab, "other")
    before = lab.all_rules("controller-1")
    answer = act(lab, "cirros", "addFloatingIp", address)
    equal(answer.status, 400, "status")
    expect("none7" in answer.text(), f"the reason is not named: {answer.text()}")
    equal(floating(lab, address)["fixed_ip"], None, "record")
    equal(len(lab.api.server("cirros")["addresses"]["novanetwork"]), 1, "addresses")
    equal_text(lab.all_rules("controller-1"), before, "rules")
    deallocate(lab, address)


# --- restarts --------------------------------------------------------------------------


def restart_loses_nothing(lab):
    associate(lab, "cirros", FIRST)
    rules = lab.all_rules("controller-1")
    pinger = Pinger(lab.netns("outside-1"), FIRST)
    for _ in range(RESTARTS):
        pinger.ensure(30)
        lab.restart_program("controller-1", "flat")
    pinger.ensure(100)
    sent, received = pinger.stop()
    equal(received, sent, "pings answered")
    equal_text(lab.all_rules("controller-1"), rules, "rules")


def gone_while_away(lab):
    """What ended while nobody listened on the network host goes when it is back."""
    lab.stop_program("controller-1", "flat")
    equal(act(lab, "cirros", "removeFloatingIp", FIRST).status, 202, "status")
    expect(on_interface(lab, FIRST), "the address went by itself")
    lab.up_program("controller-1", "flat")
    wait_for(lambda: not on_interface(lab, FIRST) and not rules_of(lab, FIRST), 10,
             lambda: f"left: {rules_of(lab, FIRST)}")


def away(lab):
    lab.stop_program("controller-1", "flat")
    answer = act(lab, "cirros", "addFloatingIp", FIRST)
    expect(answer.status in (503, 504), f"{answer.status} {answer.text()}")
    equal(floating(lab, FIRST)["fixed_ip"], None, "record")
    lab.up_program("controller-1", "flat")
    wait_for(lambda: act(lab, "cirros", "addFloatingIp", FIRST).status == 202, 10,
             "it is not accepted")
    equal(probes.ping(lab.netns("outside-1"), FIRST), probes.ANSWERED, "ping")


def moved_while_away(lab):
    """A move that fails leaves the address where it was, and reachable there."""
    lab.stop_program("controller-1", "flat")
    answer = act(lab, "cirros2", "addFloatingIp", FIRST)
    expect(answer.status in (503, 504), f"{answer.status} {answer.text()}")
    equal(floating(lab, FIRST)["fixed_ip"], "10.0.0.2", "record")
    lab.up_program("controller-1", "flat")
    wait_for(lambda: any("10.0.0.2" in rule for rule in rules_of(lab, FIRST)), 10,
             lambda: f"rules: {rules_of(lab, FIRST)}")
    equal(probes.ping(lab.netns("outside-1"), FIRST), probes.ANSWERED, "ping")
    wait_for(lambda: act(lab, "cirros", "addFloatingIp", FIRST).status == 202, 10,
             "the network host does not come back to the server")


def server_away(lab):
    """The network host serves on without the server, and over its own restart."""
    lab.stop_program("controller-1", "server")
    lab.stop_program("controller-1", "flat")
    lab.up_program("controller-1", "flat")
    equal(probes.ping(lab.netns("outside-1"), FIRST), probes.ANSWERED, "ping")
    lab.up_program("controller-1", "server")
    wait_for(lambda: act(lab, "cirros3", "addFloatingIp", SECOND).status == 202, 10,
             "the network host does not come back to the server")


def instance_ends(lab):
    lab.delete_and_wait("cirros3")
    wait_for(lambda: not on_interface(lab, SECOND) and not rules_of(lab, SECOND), 10,
             lambda: f"left: {rules_of(lab, SECOND)}")
    record = floating(lab, SECOND)
    equal((record["fixed_ip"], record["instance_id"]), (None, None), "record")


def given_back(lab):
    deallocate(lab, FIRST)
    expect(not on_interface(lab, FIRST) and not rules_of(lab, FIRST), "still in place")
    equal(allocate(lab), FIRST, "the next one")


def quota(lab):
    lab.api.ask("PUT", "/os-quota-sets/admin", {"quota_set": {"floating_ips": 3}})
    allocate(lab)
    answer = lab.api.send("POST", "/os-floating-ips", {"pool": None})
    equal(answer.status, 403, f"status {answer.text()}")
    equal(len(rows(lab, "SELECT * FROM floating_ips WHERE project_id = 'admin'")), 3, "allocated")


def bulk_delete(lab):
    answer = lab.api.send("PUT", "/os-floating-ips-bulk/delete", {"ip_range": POOL})
    equal(answer.status, 409, "while a project has some")
    for row in lab.api.ask("GET", "/os-floating-ips")["floating_ips"]:
        deallocate(lab, row["ip"])
    lab.api.ask("PUT", "/os-floating-ips-bulk/delete", {"ip_range": POOL})
    answer = lab.api.send("PUT", "/os-floating-ips-bulk/delete", {"ip_range": POOL})
    equal(answer.status, 404, "again")


def whole(lab):
    check("an administrator makes pools", pool, lab)
    check("what is no pool is refused", pool_refusals, lab)
    check("a project takes addresses", allocation, lab)
    check("another project's address is not there", not_mine, lab)
    need("association: rules as written down, address on its interface", rules_are_golden, lab)
    check("the server, the list and metadata show it", shown, lab)
    allow_all(lab)
    check("outside reaches the guest by it", from_outside, lab)
    check("the guest leaves with it, another with the host's", to_outside, lab)
    check("the network host itself reaches it", from_the_host_itself, lab)
    check("a guest reaches its own floating address", own_address, lab)
    check("two guests talk by their floating addresses", two_guests, lab)
    check("associated again, then moved: one set of rules", again_and_moved, lab)
    check("its connections end with it, others do not", connections_end, lab)
    check("what cannot be removed or added is refused", removal_refusals, lab)
    check("no such interface: refused with the reason, nothing left", no_interface, lab)
    check("network host killed and started: nothing lost", restart_loses_nothing, lab)
    check("disassociated while it was away: gone when it is back", gone_while_away, lab)
    check("associated while it is away: refused, undone, later accepted", away, lab)
    check("moved while it is away: refused, and it stays where it was", moved_while_away, lab)
    check("server away: served on over a restart", server_away, lab)
    check("the instance's end ends the association, not the allocation", instance_ends, lab)
    check("given back while associated: gone at once", given_back, lab)
    check("quota", quota, lab)
    check("bulk delete", bulk_delete, lab)


def first_release(lab):
    need("pool", pool, lab)
    allocate(lab)
    allocate(lab)
    need("association: the rules of 2012", rules_are_golden, lab)
    allow_all(lab)
    check("outside reaches the guest by it", from_outside, lab)
    check("the guest leaves with it, another with the host's", to_outside, lab)
    check("associated again, then moved: one set of rules", again_and_moved, lab)
    check("its connections end with it, others do not", connections_end, lab)


def main():
    lab = lab_for("fi", profile="default", guests=GUESTS)
    lab.golden_name = "default/nat-floating"
    whole(lab)
    lab.down()
    lab = lab_for("fie", variant="legacy", guests=GUESTS)
    lab.golden_name = "nat-floating"
    first_release(lab)
    lab.down()
    lab = lab_for("fia", profile="default", start=True,
                  options={"*": {"auto_assign_floating_ip": "true", "send_arp_for_ha": "true"}})
    check("auto_assign_floating_ip: given with the boot, announced, back with the end",
          auto_assign, lab)
    lab.down()
    done()


def believe(lab, mac):
    probes.run(lab.netns("outside-1"), ["ip", "neigh", "replace", FIRST, "lladdr", mac, "dev",
                                        "eth1", "nud", "stale"])


def believed(lab):
    return probes.run(lab.netns("outside-1"), ["ip", "neigh", "show", FIRST]).stdout


def auto_assign(lab):
    lab.up_computes_known()
    answer = lab.api.send("POST", "/servers", {"server": {
        "name": "none", "imageRef": lab.api.image_id("cirros"), "flavorRef": "1"}})
    equal(answer.status, 400, f"boot with an empty pool: {answer.text()}")
    make_pool(lab, POOL)
    believe(lab, "02:00:00:00:00:01")
    lab.boot_and_wait("cirros", "compute-1")
    entries = cloud.addresses(lab.api.server("cirros"))
    equal(entries, ["10.0.0.2", FIRST], "addresses")
    allow_all(lab)
    wait_for(lambda: on_interface(lab, FIRST), 5, "not in place")
    # Nobody asked: the network host said so by itself.
    mac = probes.link(lab.netns("controller-1"), "eth1")["mac"]
    wait_for(lambda: mac in believed(lab), 5, lambda: f"outside believes: {believed(lab)}")
    equal(probes.ping(lab.netns("outside-1"), FIRST), probes.ANSWERED, "ping")
    lab.delete_and_wait("cirros")
    wait_for(lambda: floating(lab, FIRST) is None, 5, "still allocated")
    wait_for(lambda: not on_interface(lab, FIRST), 5, "still in place")


if __name__ == "__main__":
    main()
