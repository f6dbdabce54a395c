#!/usr/bin/python3 -B
# timeout: 900
"""Debian's own openstack and nova clients, command by command, with a token exchange and
with http_basic: servers, flavors, images, key pairs, quotas, groups, floating addresses."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need, wait_for  # noqa: E402
from clients import BASIC, KEYSTONE, Nova, Openstack  # noqa: E402
from floating import make_pool  # noqa: E402
from lab import lab_for  # noqa: E402

FLAVORS = ["m1.tiny", "m1.small", "m1.medium", "m1.large", "m1.xlarge"]
POOL, FIRST = "192.168.56.224/29", "192.168.56.225"
NOT_OFFERED = "not offered"


# --- openstack ---------------------------------------------------------------------------


def flavors(one):
    rows = one.data("flavor", "list")
    equal([row["Name"] for row in rows], FLAVORS, "names")
    equal((rows[0]["ID"], rows[0]["RAM"], rows[0]["VCPUs"], rows[0]["Is Public"]),
          ("1", 512, 1, True), "m1.tiny")
    by_name, by_id = one.data("flavor", "show", "m1.small"), one.data("flavor", "show", "2")
    equal((by_name["id"], by_id["name"], by_id["disk"]), ("2", "m1.small", 20), "show")
    equal(len(one.data("flavor", "list", "--long")), len(FLAVORS), "rows with --long")
    said = one.refused("flavor", "show", "nothing")
    expect("No Flavor found" in said, said)


def images(one):
    rows = one.data("image", "list")
    equal([(row["Name"], row["Status"]) for row in rows], [("cirros", "active")], "list")
    by_name = one.data("image", "show", "cirros")
    by_id = one.data("image", "show", rows[0]["ID"])
    equal((by_name["id"], by_id["name"]), (rows[0]["ID"], "cirros"), "show")
    equal(one.data("image", "list", "--long")[0]["Disk Format"], "raw", "list --long")
    said = one.refused("image", "show", "nothing")
    expect("No Image found" in said, said)


def keypairs(one):
    private = one.text("keypair", "create", "kp")
    expect(private.startswith("-----BEGIN RSA PRIVATE KEY-----"), private[:60])
    rows = one.data("keypair", "list")
    equal([row["Name"] for row in rows], ["kp"], "names")
    shown = one.data("keypair", "show", "kp")
    equal((shown["name"], shown["fingerprint"], shown["type"]),
          ("kp", rows[0]["Fingerprint"], "ssh"), "show")
    expect(one.text("keypair", "show", "--public-key", "kp").startswith("ssh-rsa "), "public key")
    expect("409" in one.refused("keypair", "create", "kp"), "twice")


def quotas(one):
    if one.way == BASIC:  # The client knows of no project then, and says so before it asks.
        expect("requires an ID" in one.refused("quota", "show"), "without a project")
        return
    shown = one.data("quota", "show")
    equal((shown["floating-ips"], shown["secgroups"], shown["secgroup-rules"],
           shown["key-pairs"]), (10, 10, 20, 100), "limits")
    equal(one.data("quota", "show", "--default")["floating-ips"], 10, "defaults")
    limits = {row["Name"]: row["Value"] for row in one.data("limits", "show", "--absolute")}
    equal(limits["maxTotalFloatingIps"], 10, "limits show")


def create_server(one):
    made = one.data("server", "create", "--image", "cirros", "--flavor", "m1.tiny", "--key-name",
                    "kp", "--property", "role=test", "--wait", "vm")
    equal((made["status"], made["name"], made["key_name"], made["properties"]),
          ("ACTIVE", "vm", "kp", {"role": "test"}), "server")
    expect(made["image"].startswith("cirros ("), made["image"])
    equal(made["flavor"], "m1.tiny (1)", "flavor")
    expect(made["adminPass"], "no adminPass")


def servers(one, lab):
    row = one.data("server", "list")[0]
    address = lab.address("vm")
    equal((row["Name"], row["Status"], row["Networks"], row["Image"], row["Flavor"]),
          ("vm", "ACTIVE", {"novanetwork": [address]}, "cirros", "m1.tiny"), "list")
    long_row = one.data("server", "list", "--long")[0]
    # As a number here, in words in a table.
    equal((long_row["Task State"], long_row["Power State"], long_row["Availability Zone"]),
          (None, 1, "nova"), "list --long")
    expect(long_row["Host"].startswith("compute-"), f"host {long_row['Host']}")
    expect("Running" in one.text("server", "list", "--long"), "no power state in the table")
    by_name, by_id = one.data("server", "show", "vm"), one.data("server", "show", row["ID"])
    equal((by_name["id"], by_id["name"]), (row["ID"], "vm"), "show")
    equal((by_id["addresses"], by_id["security_groups"]),
          ({"novanetwork": [address]}, [{"name": "default"}]), "show")
    equal(one.data("server", "list", "--status", "ERROR"), [], "list --status")
    equal(len(one.data("server", "list", "--name", "v", "--all-projects")), 1, "list --name")
    expect("No server" in one.refused("server", "show", "nobody"), "an unknown server")


def console(one, lab):
    lab.wait_guest("vm")
    text = one.text("console", "log", "show", "vm")
    expect("system completely up" in text, text)
    short = one.text("console", "log", "show", "--lines", "2", "vm")
    equal(len(short.strip().splitlines()), 2, "lines with --lines 2")


def groups(one):
    made = one.data("security", "group", "create", "--description", "for tests", "web")
    equal((made["name"], made["description"], made["rules"]), ("web", "for tests", []), "group")
    rows = one.data("security", "group", "list")
    equal([row["Name"] for row in rows], ["default", "web"], "names")
    equal(one.data("security", "group", "show", "web")["id"], made["id"], "by name")
    equal(one.data("security", "group", "show", made["id"])["name"], "web", "by id")
    expect("404" in one.refused("security", "group", "show", "nothing"), "an unknown group")
    expect("HTTP 400" in one.refused("security", "group", "create", "web"), "twice")


def rules(one):
    create = ("security", "group", "rule", "create", "web")
    tcp = one.data(*create, "--protocol", "tcp", "--dst-port", "22:80")
    equal((tcp["ip_protocol"], tcp["port_range"], tcp["ip_range"]), ("tcp", "22:80", "0.0.0.0/0"),
          "tcp")
    icmp = one.data(*create, "--protocol", "icmp", "--remote-ip", "10.0.0.0/8")
    equal((icmp["ip_protocol"], icmp["port_range"], icmp["ip_range"]), ("icmp", "", "10.0.0.0/8"),
          "icmp")
    group = one.data(*create, "--protocol", "udp", "--dst-port", "53", "--remote-group", "web")
    equal((group["remote_security_group"], group["ip_range"]), ("web", ""), "from a group")
    # In a table this client has a column too few for what it prints itself.
    listed = one.data("security", "group", "rule", "list", "web")
    equal({row["ID"] for row in listed}, {tcp["id"], icmp["id"], group["id"]}, "list of a group")
    equal(len(one.data("security", "group", "rule", "list")), 3, "list of all")
    shown = one.data("security", "group", "rule", "show", tcp["id"])
    equal(shown["port_range"], "22:80", "show")
    one.text("security", "group", "rule", "delete", tcp["id"], icmp["id"])
    equal(len(one.data("security", "group", "rule", "list", "web")), 1, "after the delete")


def server_groups(one):
    one.text("server", "add", "security", "group", "vm", "web")
    equal(sorted(group["name"] for group in one.data("server", "show", "vm")["security_groups"]),
          ["default", "web"], "groups")
    expect("HTTP 400" in one.refused("security", "group", "delete", "web"), "while in use")
    one.text("server", "remove", "security", "group", "vm", "web")
    equal(one.data("server", "show", "vm")["security_groups"], [{"name": "default"}], "after")


def floating(one, lab):
    equal(one.data("floating", "ip", "pool", "list"), [{"Name": "nova"}], "pools")
    made = one.data("floating", "ip", "create", "nova")
    equal((made["ip"], made["pool"], made["fixed_ip"]), (FIRST, "nova", None), "created")
    one.text("server", "add", "floating", "ip", "vm", FIRST)
    row = one.data("floating", "ip", "list")[0]
    vm = one.data("server", "show", "vm")
    fixed = lab.address("vm")
    equal((row["Floating IP Address"], row["Fixed IP Address"], row["Server"], row["Pool"]),
          (FIRST, fixed, vm["id"], "nova"), "list")
    equal(vm["addresses"], {"novanetwork": [fixed, FIRST]}, "addresses of the server")
    equal(one.data("floating", "ip", "show", FIRST)["instance_id"], vm["id"], "show by address")
    one.text("server", "remove", "floating", "ip", "vm", FIRST)
    equal(one.data("floating", "ip", "show", str(made["id"]))["fixed_ip"], None, "show by id")
    one.text("floating", "ip", "delete", FIRST)
    equal(one.data("floating", "ip", "list"), [], "after the delete by address")
    again = one.data("floating", "ip", "create", "nova")
    one.text("floating", "ip", "delete", str(again["id"]))
    equal(one.data("floating", "ip", "list"), [], "after the delete by id")
    expect("nowhere not found" in one.refused("floating", "ip", "create", "nowhere"), "no pool")


def not_offered(one):
    said = one.refused("server", "pause", "vm")
    expect(NOT_OFFERED in said, f"server pause: {said}")


def power(one, lab):
    one.text("server", "stop", "vm")
    wait_for(lambda: lab.api.server("vm")["status"] == "SHUTOFF", 20, "vm is not stopped")
    row = one.data("server", "list", "--long")[0]
    equal((row["Status"], row["Power State"]), ("SHUTOFF", 4), "list --long")
    expect("HTTP 409" in one.refused("server", "stop", "vm"), "stopped twice")
    one.text("server", "start", "vm")
    lab.wait_guest("vm")
    one.text("server", "reboot", "--wait", "vm")
    one.text("server", "reboot", "--hard", "--wait", "vm")
    equal(one.data("server", "show", "vm")["status"], "ACTIVE", "after the reboots")
    lab.wait_guest("vm")


def zones(one):
    rows = one.data("availability", "zone", "list", "--compute")
    expect({"Zone Name": "nova", "Zone Status": "available"} in rows, rows)
    rows = one.data("availability", "zone", "list", "--compute", "--long")
    equal({row["Host Name"] for row in rows if row["Zone Name"] == "nova"},
          {"compute-1", "compute-2"}, "hosts of the zone")


def hypervisors(one, lab):
    rows = one.data("hypervisor", "list")
    equal([(row["Hypervisor Hostname"], row["State"]) for row in rows],
          [("compute-1", "up"), ("compute-2", "up")], "list")
    host = lab.api.server("vm")["OS-EXT-SRV-ATTR:host"]
    shown = one.data("hypervisor", "show", host)
    equal((shown["hypervisor_hostname"], shown["running_vms"], shown["memory_mb_used"]),
          (host, 1, 512), "show")
    expect("No hypervisor" in one.refused("hypervisor", "show", "nowhere"), "an unknown one")
    stats = one.data("hypervisor", "stats", "show")
    equal((stats["count"], stats["running_vms"], stats["vcpus_used"]), (2, 1, 1), "stats show")


def server_group_list(one):
    equal(one.data("server", "group", "list"), [], "server groups")


def server_set(one):
    one.text("server", "set", "--name", "renamed", "--property", "a=1", "--property", "b=2", "vm")
    shown = one.data("server", "show", "renamed")
    equal(shown["properties"], {"a": "1", "b": "2", "role": "test"}, "properties")
    one.text("server", "unset", "--property", "a", "renamed")
    equal(one.data("server", "show", "renamed")["properties"], {"b": "2", "role": "test"},
          "after the unset")
    one.text("server", "set", "--name", "vm", "renamed")
    equal(one.data("server", "list")[0]["Name"], "vm", "name")


def events(one):
    rows = one.data("server", "event", "list", "vm")
    equal(sorted({row["Action"] for row in rows}), ["create", "reboot", "start", "stop"],
          "actions")
    shown = one.data("server", "event", "show", "vm", rows[-1]["Request ID"])
    equal((shown["action"], shown["events"][0]["result"]), ("create", "Success"), "show")


def usage(one):
    rows = one.data("usage", "list")
    equal([row["Project"] for row in rows], ["admin"], "list")
    expect(rows[0]["RAM MB-Hours"] > 0, rows)
    there = [row for row in rows[0]["Servers"] if row["state"] != "terminated"]
    equal([(row["name"], row["flavor"], row["ended_at"]) for row in there],
          [("vm", "m1.tiny", None)], "servers that are there")
    shown = one.data("usage", "show", *([] if one.way == KEYSTONE else ["--project", "admin"]))
    expect(shown["CPU Hours"] > 0, f"show: {shown}")


def quota_set(one):
    limits = {"instances": 33, "cores": 44, "ram": 51200, "key-pairs": 7}
    if one.way == KEYSTONE:  # Else these are the network service's, for this client.
        limits.update({"secgroups": 12, "floating-ips": 9})
    one.text("quota", "set", *[word for name, limit in limits.items()
                               for word in (f"--{name}", str(limit))], "admin")
    shown = one.lab.api.ask("GET", "/os-quota-sets/admin")["quota_set"]
    names = {"key-pairs": "key_pairs", "secgroups": "security_groups",
             "floating-ips": "floating_ips"}
    equal({name: shown[names.get(name, name)] for name in limits}, limits, "after the set")
    if one.way == KEYSTONE:
        shown = one.data("quota", "show", "admin")
        equal({name: shown[name] for name in limits}, limits, "quota show")
    rows = one.data("quota", "list", "--compute")
    equal([(row["Project ID"], row["Instances"], row["Cores"]) for row in rows],
          [("admin", 33, 44)], "quota list")
    expect("nobody" in one.refused("quota", "set", "--cores", "1", "nobody"),
           "an unknown project")
    one.lab.api.ask("DELETE", "/os-quota-sets/admin")


def projects(one):
    equal([row["Name"] for row in one.data("project", "list")], ["admin", "demo"], "projects")
    equal(one.data("project", "show", "demo")["id"], "demo", "show")
    equal([row["Name"] for row in one.data("user", "list")], ["admin", "demo"], "users")


def administration(one):
    rows = one.data("compute", "service", "list")
    equal(sorted((row["Binary"], row["Host"], row["State"]) for row in rows),
          [("neutrino-compute", "compute-1", "up"), ("neutrino-compute", "compute-2", "up"),
           ("neutrino-flat", "controller-1", "up")], "services")


def network_list(one):
    equal([(row["Name"], row["Subnet"]) for row in one.data("network", "list")],
          [("novanetwork", "10.0.0.0/24")], "networks")


def no_network_service(one):
    """docs/limits.md: nothing a server says keeps the client from the network API then."""
    for argv in (["security", "group", "list"], ["floating", "ip", "list"], ["network", "list"]):
        said = one.refused(*argv)
        expect("404" in said or "endpoint" in said, f"{' '.join(argv)}: {said}")


def take_away(one):
    one.text("server", "delete", "--wait", "vm")
    one.text("keypair", "delete", "kp")
    equal((one.data("server", "list"), one.data("keypair", "list")), ([], []), "what is left")


def group_delete(one):
    one.text("security", "group", "delete", "web")
    equal([row["Name"] for row in one.data("security", "group", "list")], ["default"], "names")


def network_nouns(one, lab):
    check("security group create, list, show", groups, one)
    check("security group rule create, list, show, delete", rules, one)
    check("server add and remove security group", server_groups, one)
    check("security group delete", group_delete, one)
    check("floating ip, its pools, and a server's", floating, one, lab)
    check("network list", network_list, one)


def openstack(lab, way):
    one = Openstack(lab, way)
    check(f"{way}: flavor list, show", flavors, one)
    check(f"{way}: image list, show", images, one)
    check(f"{way}: keypair create, list, show", keypairs, one)
    check(f"{way}: quota show, limits show", quotas, one)
    need(f"{way}: server create --wait", create_server, one)
    check(f"{way}: server list, list --long, show", servers, one, lab)
    check(f"{way}: console log show", console, one, lab)
    if way == KEYSTONE:  # Without a catalog the client takes it that there is a network service.
        network_nouns(one, lab)
    else:
        check(f"{way}: groups and floating addresses need a catalog", no_network_service, one)
    check(f"{way}: server stop, start, reboot --wait, reboot --hard", power, one, lab)
    check(f"{way}: actions that are not offered say so", not_offered, one)
    check(f"{way}: compute service list", administration, one)
    check(f"{way}: availability zone list", zones, one)
    check(f"{way}: hypervisor list, show, stats show", hypervisors, one, lab)
    check(f"{way}: server group list", server_group_list, one)
    check(f"{way}: server set --name --property, unset", server_set, one)
    check(f"{way}: server event list, show", events, one)
    check(f"{way}: usage list, show", usage, one)
    if way == KEYSTONE:
        check("project list, show, user list", projects, one)
    check(f"{way}: quota set, show, list", quota_set, one)
    check(f"{way}: server delete --wait, keypair delete", take_away, one)
    one.end()


# --- nova --------------------------------------------------------------------------------


def nova_boot(nova):
    expect("PRIVATE KEY" in nova.text("keypair-add", "kn"), "no key")
    said = nova.text("boot", "--image", "cirros", "--flavor", "m1.tiny", "--key-name", "kn",
                     "--poll", "vn")
    expect("100% complete" in said, said[-200:])


def nova_servers(nova, lab):
    address = f"novanetwork={lab.address('vn')}"
    equal(nova.rows("list")[1][1:], ["vn", "ACTIVE", "-", "Running", address], "list")
    equal(nova.rows("list", "--fields", "name,status,networks")[1][1:],
          ["vn", "ACTIVE", address], "list --fields")
    shown = nova.properties("show", "vn")
    equal((shown["key_name"], shown["security_groups"], shown["flavor"]),
          ("kn", "default", "m1.tiny (1)"), "show")
    lab.wait_guest("vn")
    expect("system completely up" in nova.text("console-log", "vn"), "console-log")


def nova_others(nova):
    equal([row[1] for row in nova.rows("flavor-list")[1:]], FLAVORS, "flavor-list")
    equal(nova.properties("flavor-show", "m1.tiny")["id"], "1", "flavor-show")
    equal(nova.rows("keypair-list")[1][0], "kn", "keypair-list")
    equal(nova.properties("keypair-show", "kn")["name"], "kn", "keypair-show")
    equal(nova.properties("quota-show")["floating_ips"], "10", "quota-show")
    equal([row[1] for row in nova.rows("list-secgroup", "vn")[1:]], ["default"], "list-secgroup")


def nova_groups(nova):
    nova.text("remove-secgroup", "vn", "default")
    equal(nova.rows("list-secgroup", "vn")[1:], [], "after remove-secgroup")
    nova.text("add-secgroup", "vn", "default")
    equal([row[1] for row in nova.rows("list-secgroup", "vn")[1:]], ["default"], "add-secgroup")


def nova_power(nova, lab):
    for argv in (["reboot", "--poll", "vn"], ["reboot", "--hard", "--poll", "vn"]):
        nova.text(*argv)
        equal(lab.api.server("vn")["status"], "ACTIVE", " ".join(argv))
    nova.text("stop", "vn")
    wait_for(lambda: nova.rows("list")[1][2:5] == ["SHUTOFF", "-", "Shutdown"], 20,
             "vn is not stopped")
    expect("HTTP 409" in nova.refused("stop", "vn"), "stopped twice")
    nova.text("start", "vn")
    lab.wait_guest("vn")
    nova.text("reset-state", "vn")
    equal(nova.rows("list")[1][2], "ERROR", "after reset-state")
    nova.text("reset-state", "--active", "vn")
    equal(nova.rows("list")[1][2], "ACTIVE", "after reset-state --active")


def nova_reads(nova, lab):
    host = lab.api.server("vn")["OS-EXT-SRV-ATTR:host"]
    expect(["nova", "available"] in [row[:2] for row in nova.rows("availability-zone-list")],
           nova.rows("availability-zone-list"))
    equal([row[1:] for row in nova.rows("hypervisor-list")[1:]],
          [["compute-1", "up", "enabled"], ["compute-2", "up", "enabled"]], "hypervisor-list")
    equal(nova.properties("hypervisor-show", host)["running_vms"], "1", "hypervisor-show")
    equal(nova.properties("hypervisor-stats")["count"], "2", "hypervisor-stats")
    equal([row[1] for row in nova.rows("hypervisor-servers", host)[1:]],
          [lab.api.server("vn")["OS-EXT-SRV-ATTR:instance_name"]], "hypervisor-servers")
    equal(nova.rows("server-group-list")[1:], [], "server-group-list")
    equal(len(nova.rows("service-list")[1:]), 3, "service-list")


def nova_history(nova, lab):
    address = lab.address("vn")
    row = nova.rows("interface-list", "vn")[1]
    equal((row[0], row[3]), ("ACTIVE", address), "interface-list")
    rows = nova.rows("instance-action-list", "vn")[1:]
    equal({row[0] for row in rows}, {"create", "reboot", "start", "stop"},
          "instance-action-list")
    create = [row for row in rows if row[0] == "create"][0]
    equal(nova.properties("instance-action", "vn", create[1])["action"], "create",
          "instance-action")


def nova_edit(nova):
    nova.text("meta", "vn", "set", "a=1", "b=2")
    nova.text("meta", "vn", "delete", "a")
    equal(json.loads(nova.properties("show", "vn")["metadata"]), {"b": "2"}, "metadata")
    nova.text("update", "--name", "other", "vn")
    equal(nova.rows("list")[1][1], "other", "update --name")
    nova.text("update", "--name", "vn", "other")


def nova_usage(nova):
    rows = nova.rows("usage-list")
    equal([row[0] for row in rows[1:]], ["admin"], "usage-list")
    expect(nova.rows("usage")[1:], "usage")
    expect("Instances" in nova.text("limits"), "limits")
    nova.text("quota-update", "--instances", "21", "admin")
    equal(nova.properties("quota-show", "--tenant", "admin")["instances"], "21", "quota-update")
    nova.text("quota-delete", "--tenant", "admin")


def nova_take_away(nova, lab):
    nova.text("delete", "vn")
    lab.api.wait_gone("vn")
    nova.text("keypair-delete", "kn")
    equal((nova.rows("list")[1:], nova.rows("keypair-list")[1:]), ([], []), "what is left")


def nova_client(lab, way):
    nova = Nova(lab, way)
    need(f"nova with {way}: keypair-add, boot --poll", nova_boot, nova)
    check(f"nova with {way}: list, list --fields, show, console-log", nova_servers, nova, lab)
    check(f"nova with {way}: flavor-*, keypair-*, quota-show", nova_others, nova)
    check(f"nova with {way}: add-secgroup, remove-secgroup, list-secgroup", nova_groups, nova)
    check(f"nova with {way}: reboot, reboot --hard, stop, start, reset-state", nova_power, nova,
          lab)
    check(f"nova with {way}: availability zones, hypervisors, server groups, services", nova_reads,
          nova, lab)
    check(f"nova with {way}: interface-list, instance-action-list, instance-action", nova_history,
          nova, lab)
    check(f"nova with {way}: meta set and delete, update --name", nova_edit, nova)
    check(f"nova with {way}: usage-list, usage, limits, quota-update, quota-delete", nova_usage,
          nova)
    check(f"nova with {way}: delete, keypair-delete", nova_take_away, nova, lab)


def main():
    lab = lab_for("oc")
    lab.up_computes_known()
    answer = make_pool(lab, POOL, interface="eth1")
    equal(answer.status, 200, f"the pool: {answer.text()}")
    openstack(lab, KEYSTONE)
    wait_for(lambda: lab.hosts_file() == "", 5, "the server's hosts line is still there")
    openstack(lab, BASIC)
    nova_client(lab, KEYSTONE)
    done()


if __name__ == "__main__":
    main()
