#!/usr/bin/python3 -B
# timeout: 900
"""Addresses from the wish to the next owner: allocation, what DHCP says, renewal,
metadata by source address, delete, reuse, many at once, and an empty pool."""

import concurrent.futures
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, cleanup, done, equal, expect, need, wait_for  # noqa: E402
from lab import cloud, hosts, lab_for, probes  # noqa: E402
from release import send_release  # noqa: E402
from store import fixed_ip, in_use, is_used, rows  # noqa: E402

# Options of a DHCP answer as udhcpc's script sees them.
WANTED = {"ip": "10.0.0.2", "subnet": "255.255.255.0", "broadcast": "10.0.0.255",
          "router": "10.0.0.1", "dns": "10.0.0.1", "domain": "novalocal", "hostname": "cirros",
          "lease": "120", "opt58": "0000003c", "opt59": "00000069"}
POOL = 253  # Of 10.0.0.0/24: without network, gateway and broadcast.
SMALL = ("novanetwork", "10.0.0.0/28")  # 13 addresses for guests.


# --- allocation and DHCP -----------------------------------------------------------


def boots(lab):
    equal(lab.boot_and_wait("cirros", "compute-1"), "10.0.0.2", "address")


def mac_pattern(lab):
    mac = lab.guest_mac("cirros")
    expect(re.fullmatch(r"fa:16:3e:[0-7][0-9a-f](:[0-9a-f]{2}){2}", mac), mac)
    lab.wait_acked("10.0.0.2", mac)


def hosts_line(lab):
    equal(lab.hosts_file().rstrip("\n"), f"{lab.guest_mac('cirros')},cirros.novalocal,10.0.0.2",
          "hosts file")


def dhcp_values(lab):
    """Asks once more with a script that prints what it is given."""
    folder = tempfile.mkdtemp(prefix="neutrino-test-")
    script = os.path.join(folder, "print")
    cleanup(os.rmdir, folder)
    cleanup(os.unlink, script)
    with open(script, "w", encoding="ascii") as file:
        file.write("#!/bin/busybox sh\nexec busybox env\n")
    os.chmod(script, 0o755)
    out = lab.guest("cirros", ["busybox", "udhcpc", "-f", "-q", "-n", "-i", "eth0", "-s", script,
                               "-O", "0x3a", "-O", "0x3b"]).stdout
    found = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
    equal({name: found.get(name) for name in WANTED}, WANTED, "what the server sent")


def leased(lab):
    wait_for(lambda: fixed_ip(lab, "10.0.0.2")["leased"], 5, "the row is not marked leased")
    row = fixed_ip(lab, "10.0.0.2")
    expect(row["allocated"] and row["lease_expires"], str(row))


def renewal_is_quiet(lab):
    """A renewal changes no file, no rule, and nothing is read again."""
    mac = lab.guest_mac("cirros")
    state = lab.hosts["controller-1"].file("/var/lib/nova/networks/nova-br100.conf")

    def seen():
        return (os.stat(state).st_ino, os.stat(state).st_mtime_ns, lab.dnsmasq_pid(),
                lab.all_rules("controller-1"), lab.dhcp_log().count("read /var/lib/nova"))

    before = seen()
    acks = lab.dhcp_log().count(f"DHCPACK(br100) 10.0.0.2 {mac}")
    lab.renew("cirros")
    wait_for(lambda: lab.dhcp_log().count(f"DHCPACK(br100) 10.0.0.2 {mac}") > acks, 10, "no ACK")
    equal(seen(), before, "what a renewal touched")


# --- metadata ----------------------------------------------------------------------


def metadata_in_order(lab):
    guest = lab.guest_netns("cirros")
    number = f"i-{lab.guest_number('cirros'):08x}"
    for path, wanted in (("/2009-04-04/meta-data/instance-id", (200, number)),
                         ("/latest/meta-data/instance-id", (200, number)),
                         ("/latest/meta-data/public-keys", (404, None)),
                         ("/latest/meta-data/public-ipv4", (200, "")),
                         ("/latest/meta-data/local-ipv4", (200, "10.0.0.2"))):
        status, text = probes.fetch(guest, path)
        equal((status, text if wanted[1] is not None else None), wanted, path)


def metadata_foreign(lab):
    """Who is no guest gets nothing, whatever address it asks for."""
    status, _ = probes.fetch(lab.netns("compute-1"), "/latest/meta-data/instance-id",
                             hosts.CONTROLLER, 8775)
    equal(status, 404, "status for a host that is no guest")


# --- delete and reuse ----------------------------------------------------------------


def free(lab, address):
    return not is_used(fixed_ip(lab, address))


def delete_leased(lab):
    mac = lab.guest_mac("cirros")
    lab.api.delete("cirros")
    lab.api.wait_gone("cirros")
    seconds, _ = cloud.timed(lambda: wait_for(lambda: free(lab, "10.0.0.2"), 10,
                                              lambda: f"row: {fixed_ip(lab, '10.0.0.2')}"))
    expect(seconds < 2, f"the row was free only after {seconds:.1f} s")
    expect(f"DHCPRELEASE(br100) 10.0.0.2 {mac}" in lab.dhcp_log(), "no DHCPRELEASE in the log")
    equal(lab.hosts_file(), "", "hosts file")


def delete_never_leased(lab):
    """A guest whose DHCP never got through blocks its address for no time."""
    argv = [f"iptables-{lab.variant}", "-w"]
    rule = ["FORWARD", "-p", "udp", "--dport", "67", "-j", "DROP"]
    lab.in_host("compute-1", [*argv, "-I", *rule])
    try:
        lab.api.boot("silent", "compute-1")
        lab.api.wait_active("silent")
        address = lab.address("silent")
        lab.delete_and_wait("silent")
        wait_for(lambda: free(lab, address), 2, lambda: f"row: {fixed_ip(lab, address)}")
        expect(f"DHCPACK(br100) {address} " not in lab.dhcp_log(), "it did get a lease")
    finally:
        lab.in_host("compute-1", [*argv, "-D", *rule])


def lost_release(lab):
    """A firewall eats the release; dnsmasq hears it once that is gone."""
    lab.boot_and_wait("unheard", "compute-1")
    address, mac = lab.address("unheard"), lab.guest_mac("unheard")
    argv = [f"iptables-{lab.variant}", "-w"]
    rule = ["INPUT", "-p", "udp", "--dport", "67", "-j", "DROP"]
    lab.in_host("controller-1", [*argv, "-I", *rule])
    try:
        lab.delete_and_wait("unheard")
        wait_for(lambda: "DROP" in counted(lab, argv), 10, "no release was sent")
        row = fixed_ip(lab, address)
        expect(row["leased"] and not row["allocated"], f"row: {row}")
    finally:
        lab.in_host("controller-1", [*argv, "-D", *rule])
    wait_for(lambda: free(lab, address), 30, lambda: f"row: {fixed_ip(lab, address)}")
    expect(f"DHCPRELEASE(br100) {address} {mac}" in lab.dhcp_log(), "no DHCPRELEASE in the log")


def counted(lab, argv):
    """The rules of INPUT that a packet has met."""
    text = lab.in_host("controller-1", [*argv, "-nvxL", "INPUT"]).stdout
    return "".join(line for line in text.splitlines() if line.split()[:1] not in ([], ["0"]))


def late_release(lab):
    """In a small network an address comes round again; the old MAC then releases it."""
    lab.boot_and_wait("old", "compute-1")
    old, mac = lab.address("old"), lab.guest_mac("old")
    lab.delete_and_wait("old")
    for i in range(13):
        lab.api.boot(f"next{i}", hosts.COMPUTES[i % 2])
    for i in range(13):
        lab.wait_guest(f"next{i}", 60)
    owner = next(f"next{i}" for i in range(13) if lab.address(f"next{i}") == old)
    lab.wait_acked(old, lab.guest_mac(owner))
    wait_for(lambda: fixed_ip(lab, old)["leased"], 5, "the new owner's lease is not noted")
    send_release(lab.netns("controller-1"), old, mac)
    wait_for(lambda: f"DHCPRELEASE(br100) {old} {mac}" in lab.dhcp_log(), 5, "no release logged")
    lab.renew(owner)
    row = fixed_ip(lab, old)
    expect(row["allocated"] and row["instance_id"] == lab.api.server(owner)["id"], str(row))
    equal(probes.ping(lab.netns("controller-1"), old), probes.ANSWERED, f"ping {owner}")


def pool_is_empty(lab):
    """All addresses are in use: the next boot fails cleanly and leaves nothing."""
    def stored():
        return [sorted(row["id"] for row in rows(lab, f"SELECT id FROM {table}"))
                for table in ("instances", "ports")] + [in_use(lab)]

    before = stored()
    expect_refusal(lab, "surplus")
    equal(stored(), before, "what is in the database")


def expect_refusal(lab, name):
    image = lab.api.image_id("cirros")
    answer = lab.api.send("POST", "/servers", {"server": {
        "name": name, "imageRef": image, "flavorRef": "1", "min_count": 1, "max_count": 1}})
    expect(400 <= answer.status < 500, f"status {answer.status}: {answer.text()}")
    expect("address" in answer.text().lower(), f"the reason is not named: {answer.text()}")


def address_returns(lab):
    lab.delete_and_wait("next0")
    lab.boot_and_wait("afterwards", "compute-1")


# --- many ------------------------------------------------------------------------------


def boot_parallel(lab, names):
    def boot(pair):
        lab.api.boot(pair[1], hosts.COMPUTES[pair[0] % 2])

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        list(pool.map(boot, enumerate(names)))


def different_addresses(lab, names):
    found = [address for server in lab.api.servers() for address in cloud.addresses(server)]
    equal(len(found), len(names), "addresses given")
    equal(len(set(found)), len(names), "different addresses")


def all_active(lab, names):
    def waiting():
        return [server["name"] for server in lab.api.servers() if server["status"] != "ACTIVE"]

    wait_for(lambda: not waiting(), 120, lambda: f"not ACTIVE: {waiting()[:5]}")
    for name in names:
        lab.wait_acked(lab.address(name), lab.guest_mac(name), 60)


def all_gone(lab):
    for server in lab.api.servers():
        lab.api.ask("DELETE", f"/servers/{server['id']}")
    wait_for(lambda: not lab.api.servers(), 120, "servers are still listed")
    wait_for(lambda: not in_use(lab), 30, lambda: f"addresses still in use: {in_use(lab)[:5]}")
    wait_for(lambda: lab.hosts_file() == "", 5, "the hosts file is not empty")


def parallel(lab):
    names = [f"many{i}" for i in range(100)]
    check("100 boots at once", boot_parallel, lab, names)
    check("they have 100 different addresses", different_addresses, lab, names)
    check("all become ACTIVE and lease their address", all_active, lab, names)
    rest = [f"more{i}" for i in range(POOL - len(names))]
    check(f"boots until all {POOL} addresses are given", boot_parallel, lab, rest)
    check(f"they have {POOL} different addresses", different_addresses, lab, names + rest)
    check("the next boot is refused, nothing stays behind", pool_is_empty, lab)
    check("after their delete every address is free", all_gone, lab)


def one_network(lab):
    check("the first guest gets 10.0.0.2", boots, lab)
    check("its MAC begins with fa:16:3e, fourth byte below 0x80, and has a lease", mac_pattern, lab)
    check("its hosts line", hosts_line, lab)
    check("DHCP sends mask, broadcast, router, DNS, domain, name, lease, T1, T2", dhcp_values, lab)
    check("the address is marked leased", leased, lab)
    check("a renewal touches nothing", renewal_is_quiet, lab)
    check("metadata in the order a guest asks: 200, 200, 404, 200 empty, 200",
          metadata_in_order, lab)
    check("metadata for no guest: 404", metadata_foreign, lab)
    check("delete: line gone, release logged, address free in 2 s", delete_leased, lab)
    check("delete without any lease: free at once", delete_never_leased, lab)
    check("a release that gets lost is sent again", lost_release, lab)
    parallel(lab)


def main():
    lab = lab_for("fa")
    lab.up_computes_known()
    one_network(lab)
    lab.down()
    small = lab_for("fas", network=SMALL)
    small.up_computes_known()
    need("a late release with the old MAC leaves the new owner alone", late_release, small)
    check("no address left: the boot is refused, nothing stays behind", pool_is_empty, small)
    check("an address that comes back is given out again", address_returns, small)
    small.down()
    done()


if __name__ == "__main__":
    main()
