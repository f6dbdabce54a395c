#!/usr/bin/python3 -B
# timeout: 600
"""What an administrator does to addresses and networks: why one is not free, setting one
aside, changing networks, limits; and leases that one side has lost are settled."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need, wait_for  # noqa: E402
from lab import cloud, hosts, lab_for, probes  # noqa: E402
from store import DATABASE, fixed_ip, rows  # noqa: E402

INTERVAL_S = 2  # periodic_interval of this lab.


def neutrino(lab, *argv, status=0, **env):
    """The command line as administrator: what it prints, JSON decoded with -f json."""
    done_ = lab.in_host("controller-1", ["neutrino", *argv],
                        env=hosts.environment({**lab.client_environment(), **env}), check=False,
                        timeout=60)
    equal(done_.returncode != 0, status != 0, f"{argv}: {done_.stderr.strip()}")
    if status:
        return done_.stderr
    return json.loads(done_.stdout) if "json" in argv else done_.stdout


def write(lab, query, *values):
    """Changes the database behind the server's back."""
    code = ("import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=5);"
            "c.execute(sys.argv[2], sys.argv[3:]); c.commit()")
    user = hosts.SERVER_UID
    lab.in_host("controller-1", ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
                                 "--", "/usr/bin/python3", "-I", "-c", code, DATABASE, query,
                                 *values])


def listed(lab, *more):
    return {row["Address"]: row for row in neutrino(lab, "fixed-list", "-f", "json", *more)}


# --- addresses -------------------------------------------------------------------------------


def reasons(lab):
    found = listed(lab)
    instance = lab.api.server("one")["id"]
    equal({address: (row["State"], row["Reason"]) for address, row in found.items()}, {
        "10.0.0.0": ("reserved", "the network's own address"),
        "10.0.0.1": ("reserved", "the gateway"),
        "10.0.0.2": ("allocated", f"in use by instance {instance}"),
        "10.0.0.255": ("reserved", "the broadcast address")}, "fixed-list")
    equal((found["10.0.0.2"]["Hostname"], found["10.0.0.2"]["Host"]), ("one", "compute-1"), "who")
    equal(len(listed(lab, "--all")), 256, "addresses with --all")
    one = lab.api.ask("GET", "/os-fixed-ips/10.0.0.2")["fixed_ip"]
    equal((one["address"], one["cidr"], one["hostname"], one["host"]),
          ("10.0.0.2", "10.0.0.0/24", "one", "compute-1"), "os-fixed-ips")
    equal(lab.api.send("GET", "/os-fixed-ips/10.9.0.2").status, 404, "no such address")
    equal(lab.api.send("GET", "/os-fixed-ips/x").status, 400, "no address")


def waiting(lab):
    """A lease that is not given back keeps its address, and the list says so."""
    lab.boot_and_wait("two", "compute-1")
    lab.wait_acked("10.0.0.3", lab.guest_mac("two"))
    wait_for(lambda: fixed_ip(lab, "10.0.0.3")["leased"], 5, "not leased")
    lab.stop_program("controller-1", "flat")
    lab.api.delete("two")
    lab.api.wait_gone("two")
    row = listed(lab)["10.0.0.3"]
    equal(row["State"], "leased", "state")
    expect(re.fullmatch(r"unused since \S+Z, leased until \S+Z", row["Reason"]), row["Reason"])
    lab.up_program("controller-1", "flat")
    wait_for(lambda: "10.0.0.3" not in listed(lab), 20, lambda: f"still {listed(lab)['10.0.0.3']}")


def reserve(lab):
    neutrino(lab, "fixed-reserve", "10.0.0.4")
    equal(listed(lab)["10.0.0.4"]["Reason"], "set aside", "reason")
    network = lab.api.networks()[0]["id"]
    answer = lab.api.send("POST", "/servers", {"server": {
        "name": "wish", "imageRef": lab.api.image_id("cirros"), "flavorRef": "1",
        "networks": [{"uuid": network, "fixed_ip": "10.0.0.4"}]}})
    equal(answer.status, 409, "a boot with it")
    neutrino(lab, "fixed-unreserve", "10.0.0.4")
    expect("10.0.0.4" not in listed(lab), "it is not free")
    equal(lab.api.send("POST", "/os-fixed-ips/10.0.0.1/action", {"unreserve": None}).status, 409,
          "the gateway")
    equal(lab.api.send("POST", "/os-fixed-ips/10.0.0.4/action", {"eat": None}).status, 400,
          "another action")


def members_may_not(lab):
    member = cloud.Api(lab.netns("controller-1"), "demo", lab.keys["demo"])
    for method, path, body in (("GET", "/os-fixed-ips", None), ("GET", "/os-fixed-ips/10.0.0.2",
                               None), ("POST", "/os-fixed-ips/10.0.0.4/action", {"reserve": None}),
                               ("PUT", f"/os-networks/{lab.api.networks()[0]['id']}",
                                {"network": {"label": "x"}}),
                               ("PUT", "/os-quota-sets/demo", {"quota_set": {"instances": 9}}),
                               ("GET", "/os-quota-sets/admin", None)):
        equal(member.send(method, path, body).status, 403, f"{method} {path}")


# --- reconcile ---------------------------------------------------------------------------------


def database_lost_lease(lab):
    write(lab, "UPDATE fixed_ips SET leased = 0, lease_expires = 0 WHERE address = '10.0.0.2'")
    wait_for(lambda: fixed_ip(lab, "10.0.0.2")["leased"], 60, "the lease is not noted again")
    expect(fixed_ip(lab, "10.0.0.2")["lease_expires"], "without its end")


def database_has_too_much(lab):
    """An address that waits for the end of a lease dnsmasq never had."""
    port, instance = "11111111-2222-4333-8444-555555555555", "11111111-2222-4333-8444-666666666666"
    network = rows(lab, "SELECT network_id, subnet_id FROM fixed_ips LIMIT 1")[0]
    write(lab, "INSERT INTO ports (id, network_id, mac_address, device_id, device_owner, host,"
          " status, admin_state_up, port_security_enabled, created_at, updated_at, revision)"
          " VALUES (?, ?, 'fa:16:3e:00:00:50', ?, '', '', 'DOWN', 1, 1, 0, 0, 1)", port,
          network["network_id"], instance)
    write(lab, "INSERT INTO fixed_ips (ip, address, subnet_id, network_id, port_id, instance_id,"
          " host, reserved, allocated, leased, lease_expires, lease_hostname, client_id,"
          " generation, updated_at) VALUES (167772240, '10.0.0.80', ?, ?, ?, ?, '', 0, 0, 1,"
          " 9999999999999, '', '', 1, 9999999999999)", network["subnet_id"],
          network["network_id"], port, instance)
    equal(listed(lab)["10.0.0.80"]["State"], "leased", "state before")
    wait_for(lambda: "10.0.0.80" not in listed(lab), 60, "it is not free")


def dnsmasq_has_too_much(lab):
    """A lease whose owner the database has lost is given back."""
    lab.boot_and_wait("three", "compute-1")
    address, mac = lab.address("three"), lab.guest_mac("three")
    lab.wait_acked(address, mac)
    wait_for(lambda: fixed_ip(lab, address)["leased"], 5, "not leased")
    released = f"DHCPRELEASE(br100) {address} {mac}"
    expect(released not in lab.dhcp_log(), "released already")
    write(lab, "UPDATE fixed_ips SET port_id = NULL, instance_id = NULL, allocated = 0, leased = 0"
          " WHERE address = ?", address)
    wait_for(lambda: released in lab.dhcp_log(), 60, "it is not given back")
    lab.delete_and_wait("three")


# --- networks ------------------------------------------------------------------------------------


def network(lab):
    return lab.api.networks()[0]


def modify(lab):
    neutrino(lab, "network-modify", "novanetwork", "--project", "demo", "--dns1", "9.9.9.9",
             "--label", "renamed")
    found = network(lab)
    equal((found["project_id"], found["dns1"], found["label"], found["host"]),
          ("demo", "9.9.9.9", "renamed", "controller-1"), "network")
    said = neutrino(lab, "network-modify", "renamed", "--host", "nobody", status=1)
    expect("nobody" in said, said)
    neutrino(lab, "network-modify", "renamed", "--disassociate-project", "--label", "novanetwork")
    equal((network(lab)["project_id"], network(lab)["label"]), (None, "novanetwork"), "network")
    put = f"/os-networks/{network(lab)['id']}"
    for body in ({"cidr": "10.5.0.0/24"}, {"label": ""}, {"label": 7}, {"mtu": 7}, {"mtu": "x"},
                 {"dns1": "x"}, {"host": "a\nb"}, {"label": "x" * 256}):
        equal(lab.api.send("PUT", put, {"network": body}).status, 400, str(body))


def actions(lab):
    path = f"/os-networks/{network(lab)['id']}/action"
    lab.api.ask("PUT", path.removesuffix("/action"), {"network": {"project_id": "demo"}})
    lab.api.ask("POST", path, {"disassociate_project": None})
    equal(network(lab)["project_id"], None, "project")
    equal(lab.api.send("POST", path, {"associate_host": "nobody"}).status, 400, "no such host")
    equal(lab.api.send("POST", path, {"associate_host": None}).status, 400, "no host")
    lab.api.ask("POST", path, {"associate_host": "controller-1"})
    pid = lab.dnsmasq_pid()
    for action in ("disassociate_host", "disassociate"):
        lab.api.ask("POST", path, {action: None})
        wait_for(lambda: network(lab)["host"] == "controller-1", 10, f"{action}: nobody claims it")
    equal(lab.dnsmasq_pid(), pid, "pid of dnsmasq")
    equal(probes.ping(lab.netns("controller-1"), "10.0.0.2"), probes.ANSWERED, "the guest")


def delete_in_use(lab):
    said = neutrino(lab, "network-delete", "novanetwork", status=1)
    expect("in use" in said, said)
    lab.api.create_network("other", "10.7.0.0/24")
    neutrino(lab, "network-modify", "other", "--project", "demo")
    said = neutrino(lab, "network-delete", "other", status=1)
    expect("project" in said, said)
    neutrino(lab, "network-modify", "other", "--disassociate-project")
    neutrino(lab, "network-delete", "other")
    equal([n["label"] for n in lab.api.networks()], ["novanetwork"], "networks")


# --- limits and keys -----------------------------------------------------------------------------


def quotas(lab):
    project = lab.api.server("one")["tenant_id"]
    shown = {row["Quota"]: row for row in neutrino(lab, "quota-show", project, "-f", "json")}
    equal((shown["instances"]["In use"], shown["instances"]["Limit"]), (1, -1), "instances")
    neutrino(lab, "quota-set", "--instances", "1", "--cores", "7", project)
    said = neutrino(lab, "boot", "--image", "cirros", "--flavor", "1", "more", status=1)
    expect("Quota exceeded for instances" in said, said)
    answer = lab.api.send("POST", "/servers", {"server": {
        "name": "more", "imageRef": lab.api.image_id("cirros"), "flavorRef": "1"}})
    equal((answer.status, list(answer.json())), (403, ["overLimit"]), "status")
    equal([s["name"] for s in lab.api.servers()], ["one"], "servers")
    lab.api.ask("DELETE", f"/os-quota-sets/{project}")
    defaults = {row["Quota"]: row["Limit"]
                for row in neutrino(lab, "quota-defaults", project, "-f", "json")}
    equal((defaults["instances"], defaults["floating_ips"]), (-1, 10), "defaults")
    for body in ({"gold": 1}, {"instances": -2}, {"instances": "x"}, {"instances": None},
                 {"instances": 2**40}, {"injected_files": 5}):
        equal(lab.api.send("PUT", f"/os-quota-sets/{project}", {"quota_set": body}).status, 400,
              str(body))


def several_at_once(lab):
    """All instances of one request, or none."""
    project = lab.api.server("one")["tenant_id"]
    neutrino(lab, "quota-set", "--instances", "3", project)
    answer = lab.api.send("POST", "/servers", {"server": {
        "name": "many", "imageRef": lab.api.image_id("cirros"), "flavorRef": "1",
        "min_count": 3, "max_count": 3}})
    equal(answer.status, 403, "status")
    equal([s["name"] for s in lab.api.servers()], ["one"], "servers")
    lab.api.ask("DELETE", f"/os-quota-sets/{project}")


def keypairs(lab):
    private = neutrino(lab, "keypair-add", "made")
    expect(private.startswith("-----BEGIN RSA PRIVATE KEY-----"), private[:40])
    shown = neutrino(lab, "keypair-show", "made", "-f", "json")
    again = lab.in_host("controller-1", ["sh", "-c", "umask 077; cat > /tmp/key && ssh-keygen -y "
                        "-f /tmp/key; rm /tmp/key"], text_input=private).stdout
    equal(shown["public_key"].split()[:2], again.split()[:2], "public half")
    expect("private_key" not in shown, "the private half is shown again")
    listed_ = neutrino(lab, "keypair-list", "-f", "json")
    equal([row["Name"] for row in listed_], ["made"], "names")
    equal(listed_[0]["Fingerprint"], shown["fingerprint"], "fingerprint")
    expect("already exists" in neutrino(lab, "keypair-add", "made", status=1), "twice")
    neutrino(lab, "keypair-delete", "made")
    expect("not found" in neutrino(lab, "keypair-show", "made", status=1), "gone")


def stock(lab, *argv):
    """Debian's own clients, signed in with a password: what they print."""
    env = {name: value for name, value in lab.client_environment().items()
           if name not in ("OS_ENDPOINT", "OS_ENDPOINT_OVERRIDE", "OS_PROJECT_ID")}
    env.update(OS_AUTH_TYPE="password", OS_USER_DOMAIN_ID="default", OS_PROJECT_DOMAIN_ID="default",
               OS_PROJECT_NAME="admin")
    return lab.in_host("controller-1", [*argv], env=hosts.environment(env), timeout=60).stdout


def stock_clients(lab):
    expect("PRIVATE KEY" in stock(lab, "nova", "keypair-add", "theirs"), "nova keypair-add")
    expect("| theirs" in stock(lab, "nova", "keypair-list"), "nova keypair-list")
    expect("theirs" in stock(lab, "openstack", "keypair", "show", "-f", "json", "theirs"), "show")
    stock(lab, "openstack", "keypair", "delete", "theirs")
    equal(json.loads(stock(lab, "openstack", "quota", "show", "-f", "json"))["key-pairs"], 100,
          "openstack quota show")
    stock(lab, "nova", "quota-update", "--instances", "7", "admin")
    expect(re.search(r"\| instances +\| 7 ", stock(lab, "nova", "quota-show")), "nova quota-show")
    stock(lab, "nova", "quota-delete", "--tenant", "admin")
    expect("maxTotalInstances" in stock(lab, "openstack", "limits", "show", "--absolute"), "limits")


def private_key_stays_private(lab):
    """Neither the log nor the database ever holds a private key."""
    private = neutrino(lab, "keypair-add", "secret").splitlines()[5]
    for path in ("/var/log/neutrino", "/var/lib/neutrino"):
        found = lab.in_host("controller-1", ["grep", "-rlF", private, path], check=False).stdout
        equal(found, "", f"files below {path} with a private key")


def main():
    lab = lab_for("aa", options={"controller-1": {"periodic_interval": str(INTERVAL_S)}},
                  guests=[("one", "compute-1")])
    lab.wait_acked("10.0.0.2", lab.guest_mac("one"))
    need("each address and why it is not free", reasons, lab)
    check("a lease that is not given back", waiting, lab)
    check("an address set aside and given back", reserve, lab)
    check("members may not", members_may_not, lab)
    check("a lease the database has lost is noted again", database_lost_lease, lab)
    check("a lease dnsmasq does not have is over", database_has_too_much, lab)
    check("a lease of nobody is given back", dnsmasq_has_too_much, lab)
    check("network-modify", modify, lab)
    check("network actions: project and host", actions, lab)
    check("a network in use or of a project is not deleted", delete_in_use, lab)
    check("quotas: shown, set, refused with the name", quotas, lab)
    check("quotas: all of a request or none", several_at_once, lab)
    check("key pairs", keypairs, lab)
    check("key pairs and quotas by the stock clients", stock_clients, lab)
    check("a private key is in no file", private_key_stays_private, lab)
    done()


if __name__ == "__main__":
    main()
