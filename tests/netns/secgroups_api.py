#!/usr/bin/python3 -B
"""Security groups as clients meet them: answers and refusals of the API, our command line,
Debian's openstack client; and a damaged rule in the database, which harms only itself."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, wait_for  # noqa: E402
from lab import hosts, lab_for  # noqa: E402
import store  # noqa: E402
from neutrinolab import cloud  # noqa: E402
from secgroups import Groups, group_rules, wait_rules  # noqa: E402

OPENSTACK = {
    "OS_AUTH_TYPE": "password",
    "OS_AUTH_URL": f"http://{hosts.CONTROLLER}:8774/identity/v3",
    "OS_IDENTITY_API_VERSION": "3",
    "OS_USERNAME": "admin",
    "OS_USER_DOMAIN_NAME": "Default",
    "OS_PROJECT_NAME": "admin",
    "OS_PROJECT_DOMAIN_NAME": "Default",
}


def default_is_there(lab, groups):
    listed = lab.api.ask("GET", "/os-security-groups")["security_groups"]
    equal([group["name"] for group in listed], ["default"], "groups of a new project")
    equal(listed[0]["rules"], [], "its rules")
    equal(groups.show("default")["id"], listed[0]["id"], "found by name")


def views(lab, groups):
    web = groups.create("web")
    rule = groups.post_rule(web, ip_protocol="TCP", from_port="22", to_port=22,
                            cidr="192.168.0.5/24").json()["security_group_rule"]
    equal({key: rule[key] for key in rule if key != "id"},
          {"parent_group_id": web, "ip_protocol": "tcp", "from_port": 22, "to_port": 22,
           "ip_range": {"cidr": "192.168.0.0/24"}, "group": {}}, "rule")
    whole = groups.post_rule(web, group_id=groups.show("default")["id"])
    rule = whole.json()["security_group_rule"]
    equal((rule["ip_protocol"], rule["from_port"], rule["ip_range"], rule["group"]),
          (None, None, {}, {"name": "default", "tenant_id": "admin"}), "rule from a group")
    udp = groups.post_rule(web, group_id=groups.show("default")["id"], ip_protocol="udp")
    rule = udp.json()["security_group_rule"]
    equal((rule["from_port"], rule["to_port"]), (1, 65535), "ports of a group's UDP rule")
    equal(len(groups.show(web)["rules"]), 3, "rules of web")
    for entry in groups.show(web)["rules"]:
        groups.unrule(entry["id"])


REFUSED = [
    ("unknown protocol", {"ip_protocol": "gre", "from_port": 1, "to_port": 2}),
    ("no ports", {"ip_protocol": "tcp"}),
    ("nothing at all", {}),
    ("port 0", {"ip_protocol": "tcp", "from_port": 0, "to_port": 22}),
    ("ports of -1", {"ip_protocol": "tcp", "from_port": -1, "to_port": -1}),
    ("ports in disorder", {"ip_protocol": "udp", "from_port": 2, "to_port": 1}),
    ("port 65536", {"ip_protocol": "udp", "from_port": 1, "to_port": 65536}),
    ("a port that is no number", {"ip_protocol": "udp", "from_port": "1x", "to_port": 2}),
    ("a port that is a list", {"ip_protocol": "udp", "from_port": [1], "to_port": 2}),
    ("ICMP type 256", {"ip_protocol": "icmp", "from_port": 256, "to_port": -1}),
    ("bad network", {"ip_protocol": "tcp", "from_port": 1, "to_port": 2, "cidr": "10.0.0.0/33"}),
    ("network and more", {"ip_protocol": "tcp", "from_port": 1, "to_port": 2,
                          "cidr": "10.0.0.0/8 -j ACCEPT"}),
    ("address for a network", {"ip_protocol": "tcp", "from_port": 1, "to_port": 2,
                               "cidr": "10.0.0.1"}),
    ("unknown member", {"ip_protocol": "tcp", "from_port": 1, "to_port": 2, "direction": "x"}),
]


def refused(groups, body):
    answer = groups.post_rule("web", **body)
    equal(answer.status, 400, f"status; {answer.text()}")
    expect("badRequest" in answer.json(), answer.text())


def status_of(lab, wanted, method, path, body=None):
    answer = lab.api.send(method, path, body)
    equal(answer.status, wanted, f"{method} {path}: {answer.text()}")


def rules_of_the_house(lab, groups):
    group = {"security_group": {"name": "web", "description": ""}}
    status_of(lab, 400, "POST", "/os-security-groups", group)
    status_of(lab, 400, "POST", "/os-security-groups", {"security_group": {"name": " "}})
    status_of(lab, 400, "DELETE", "/os-security-groups/default")
    status_of(lab, 400, "PUT", "/os-security-groups/default", group)
    status_of(lab, 404, "GET", "/os-security-groups/nowhere")
    status_of(lab, 404, "DELETE", "/os-security-groups/4711")
    status_of(lab, 404, "DELETE", "/os-security-group-rules/4711")
    equal(groups.post_rule("nowhere", ip_protocol="icmp", from_port=-1, to_port=-1).status, 404,
          "rule in a group that is not there")
    rule = {"ip_protocol": "tcp", "from_port": 443, "to_port": 443}
    made = groups.post_rule("web", **rule)
    equal(made.status, 200, "a rule")
    equal(groups.post_rule("web", **{**rule, "ip_protocol": "6"}).status, 400, "the same again")
    groups.unrule(made.json()["security_group_rule"]["id"])


def quotas(lab, groups):
    """OSSA-2012-005."""
    made = [groups.post_rule("web", ip_protocol="tcp", from_port=port, to_port=port)
            for port in range(1, 25)]
    equal([answer.status for answer in made], [200] * 20 + [403] * 4, "statuses")
    expect("overLimit" in made[-1].json() or "forbidden" in made[-1].json(), made[-1].text())
    for answer in made[:20]:
        groups.unrule(answer.json()["security_group_rule"]["id"])
    names = [f"g{number}" for number in range(10)]
    statuses = [lab.api.send("POST", "/os-security-groups",
                             {"security_group": {"name": name, "description": ""}}).status
                for name in names]
    equal(statuses, [200] * 8 + [403] * 2, "statuses of groups")
    for name in names[:8]:
        groups.delete(name)


def other_project(lab, groups):
    demo = cloud.Api(lab.netns("controller-1"), "demo", lab.keys["demo"])
    web = groups.show("web")["id"]
    for method, path in (("GET", f"/os-security-groups/{web}"),
                         ("DELETE", f"/os-security-groups/{web}")):
        equal(demo.send(method, path).status, 404, f"{method} {path} of another project")
    rule = {"security_group_rule": {"parent_group_id": web, "ip_protocol": "icmp",
                                    "from_port": -1, "to_port": -1}}
    equal(demo.send("POST", "/os-security-group-rules", rule).status, 404, "rule in it")
    listed = demo.ask("GET", "/os-security-groups?all_tenants=1")["security_groups"]
    equal({group["tenant_id"] for group in listed}, {"demo"}, "projects seen")
    own = listed[0]["id"]
    rule["security_group_rule"].update({"parent_group_id": own, "group_id": web})
    equal(demo.send("POST", "/os-security-group-rules", rule).status, 404,
          "another project's group as source")


def paths_make_no_rows(lab, _groups):
    """CVE-2022-3277: asking for projects makes no groups."""
    before = store.rows(lab, "SELECT COUNT(*) AS n FROM security_groups")[0]["n"]
    for number in range(50):
        lab.api.send("GET", f"/bogus{number}/os-security-groups", base="/v2")
        lab.api.send("GET", f"/os-security-groups?tenant_id=bogus{number}")
    equal(store.rows(lab, "SELECT COUNT(*) AS n FROM security_groups")[0]["n"], before, "groups")


def our_command_line(lab, _groups):
    def run(*argv):
        env = hosts.environment(lab.client_environment())
        return lab.in_host("controller-1", ["neutrino", *argv], env=env).stdout

    run("secgroup-create", "cli", "by hand")
    run("secgroup-add-rule", "cli", "icmp", "-1", "-1", "0.0.0.0/0")
    run("secgroup-add-rule", "cli", "tcp", "80", "81", "2001:db8::/32")
    run("secgroup-add-group-rule", "cli", "web", "--ip-proto", "udp")
    out = run("secgroup-list-rules", "cli", "-f", "value")
    equal(sorted(out.splitlines()),
          ["icmp -1 -1 0.0.0.0/0 ", "tcp 80 81 2001:db8::/32 ", "udp 1 65535  web"], "rules")
    run("secgroup-delete-rule", "cli", "icmp", "-1", "-1", "0.0.0.0/0")
    run("secgroup-delete-group-rule", "cli", "web")
    run("add-secgroup", "one", "cli")
    expect("cli" in run("list-secgroup", "one"), "the server is not in the group")
    run("remove-secgroup", "one", "cli")
    run("secgroup-delete", "cli")
    expect("cli" not in run("secgroup-list"), "the group is still there")


def openstack_client(lab, _groups):
    env = hosts.environment({**OPENSTACK, "OS_PASSWORD": lab.keys["admin"]})

    def run(*argv):
        return lab.in_host("controller-1", ["openstack", *argv], env=env, timeout=60).stdout

    run("security", "group", "create", "--description", "theirs", "osc")
    rule = run("security", "group", "rule", "create", "--protocol", "tcp", "--dst-port", "80:443",
               "--remote-ip", "10.1.0.0/16", "osc", "-f", "value", "-c", "id").strip()
    run("security", "group", "rule", "create", "--protocol", "icmp", "--remote-group", "web",
        "osc")
    run("server", "add", "security", "group", "one", "osc")
    wait_rules(lab, "compute-1", "one",
               ["-s 10.1.0.0/16 -p tcp -m multiport --dports 80:443 -j ACCEPT"]
               + [rule for rule in group_rules(lab, "compute-1", "one") if "match-set" in rule])
    expect("osc" in run("security", "group", "list"), "not listed")
    shown = run("security", "group", "show", "osc")
    expect("port_range='80:443'" in shown and "remote_security_group='web'" in shown, shown)
    run("security", "group", "rule", "delete", rule)
    run("server", "remove", "security", "group", "one", "osc")
    run("security", "group", "delete", "osc")


def bad_rule_harms_nobody(lab, groups):
    """OSSA-2014-014: a rule that should never have got in is left out alone, and named."""
    first = groups.rule("default", "tcp", 22, 22, "10.9.0.0/16")
    bad = groups.rule("default", "tcp", 23, 23, "10.9.0.0/16")
    groups.rule("default", "tcp", 24, 24, "10.9.0.0/16")
    wait_for(lambda: len(group_rules(lab, "compute-1", "one")) == 3, 5, "the rules")
    number = lab.guest_number("one")
    expect(number, "no guest")
    lab.stop_program("controller-1", "server")
    script = ("import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
              " c.execute(\"UPDATE security_group_rules SET remote_ip_prefix = '10.9.0.0/999'"
              " WHERE id = ?\", sys.argv[2:]); c.commit()")
    user = hosts.SERVER_UID
    lab.in_host("controller-1", ["setpriv", f"--reuid={user}", f"--regid={user}",
                                 "--clear-groups", "--", "/usr/bin/python3", "-I", "-c", script,
                                 store.DATABASE, bad])
    lab.up_program("controller-1", "server")
    wait_rules(lab, "compute-1", "one", ["-s 10.9.0.0/16 -p tcp -m tcp --dport 22 -j ACCEPT",
                                         "-s 10.9.0.0/16 -p tcp -m tcp --dport 24 -j ACCEPT"],
               limit=20)
    log = lab.program("compute-1", "compute").log()
    expect(f"rule={bad}" in log, "the log does not name the rule")
    groups.unrule(first)
    wait_rules(lab, "compute-1", "one", ["-s 10.9.0.0/16 -p tcp -m tcp --dport 24 -j ACCEPT"])


def in_use(lab, groups):
    groups.join("one", "web")
    status_of(lab, 400, "DELETE", "/os-security-groups/web")
    answer = lab.api.send("POST", f"/servers/{lab.api.server('one')['id']}/action",
                          {"addSecurityGroup": {"name": "web"}})
    equal(answer.status, 400, "added twice")
    names = {group["name"] for group in lab.api.ask(
        "GET", f"/servers/{lab.api.server('one')['id']}/os-security-groups")["security_groups"]}
    equal(names, {"default", "web"}, "groups of the server")
    groups.leave("one", "web")
    answer = lab.api.send("POST", f"/servers/{lab.api.server('one')['id']}/action",
                          {"removeSecurityGroup": {"name": "web"}})
    equal(answer.status, 400, "removed twice")


def main():
    lab = lab_for("sga", profile="default")
    lab.up_computes_known()
    groups = Groups(lab)
    check("a project has its group default", default_is_there, lab, groups)
    check("what groups and rules look like", views, lab, groups)
    for name, body in REFUSED:
        check(f"refused: {name}", refused, groups, body)
    check("names, the default group, what is not there", rules_of_the_house, lab, groups)
    check("quotas", quotas, lab, groups)
    check("another project sees and uses nothing of it", other_project, lab, groups)
    check("paths and queries make no rows", paths_make_no_rows, lab, groups)
    check("a guest", lab.boot_and_wait, "one", "compute-1")
    check("a group in use", in_use, lab, groups)
    check("our command line", our_command_line, lab, groups)
    check("Debian's openstack client", openstack_client, lab, groups)
    check("a damaged rule harms nobody else", bad_rule_harms_nobody, lab, groups)
    done()


if __name__ == "__main__":
    main()
