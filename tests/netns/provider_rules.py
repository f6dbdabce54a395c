#!/usr/bin/python3 -B
"""Rules of the operator: refused to every guest on every host whatever its groups let in, in
the chain the original had for it, at once, and after a restart without the server."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, wait_for  # noqa: E402
from lab import VARIANTS, cloud, hosts, lab_for  # noqa: E402
from secgroups import Listener, connects, expect_connection, wait_rules  # noqa: E402

GUESTS = [("web", "compute-1"), ("client", "compute-2")]
COMPUTES = ("compute-1", "compute-2")

# What is said, and what the kernel prints.
ROWS = [
    (("tcp", "25", "25", "0.0.0.0/0"), "-p tcp -m tcp --dport 25 -j DROP", False),
    (("UDP", "5000", "5010", "10.0.0.7/24"),
     "-s 10.0.0.0/24 -p udp -m multiport --dports 5000:5010 -j DROP", False),
    (("tcp", "-1", "-1", "192.0.2.0/24"), "-s 192.0.2.0/24 -p tcp -j DROP", False),
    (("icmp", "8", "-1", "198.51.100.9/32"),
     "-s 198.51.100.9/32 -p icmp -m icmp --icmp-type 8 -j DROP", False),
    (("tcp", "25", "25", "2001:db8::/32"), "-s 2001:db8::/32 -p tcp -m tcp --dport 25 -j DROP",
     True),
]


def neutrino(lab, *argv, status=0, **env):
    ran = lab.in_host("controller-1", ["neutrino", *argv], check=False,
                      env=hosts.environment({**lab.client_environment(), **env}))
    equal(ran.returncode, status, f"{argv}: {ran.stderr}")
    return json.loads(ran.stdout) if "json" in argv else ran.stderr


def chain(lab, host, ipv6=False):
    tool = VARIANTS[lab.variant].replace("iptables", "ip6tables" if ipv6 else "iptables")
    out = lab.in_host(host, [tool, "-w", "-S", "nova-compute-provider"], check=False).stdout
    lines = [re.sub(r' -m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+)', "", line)
             for line in out.splitlines() if line.startswith("-A")]
    return [line.split(" ", 2)[2] for line in lines]


def wait_chain(lab, wanted, ipv6=False):
    for host in COMPUTES:
        wait_for(lambda where=host: chain(lab, where, ipv6) == wanted, 10,
                 lambda where=host: f"{where}: {chain(lab, where, ipv6)}, not {wanted}")


def row(lab, spec, wanted, ipv6):
    made = neutrino(lab, "provider-rule-add", "-f", "json", "--", *spec)
    wait_chain(lab, [wanted], ipv6)
    wait_chain(lab, [], not ipv6)
    listed = neutrino(lab, "provider-rule-list", "-f", "json")
    equal([rule["ID"] for rule in listed], [made["id"]], "listed")
    neutrino(lab, "provider-rule-delete", made["id"])
    wait_chain(lab, [], ipv6)


def refuses_what_a_group_lets_in(lab):
    """Packets: open by its group, closed by the operator, open again."""
    rule = {"parent_group_id": lab.api.ask("GET", "/os-security-groups")["security_groups"][0]["id"],
            "ip_protocol": "tcp", "from_port": 2525, "to_port": 2526, "cidr": "0.0.0.0/0"}
    lab.api.ask("POST", "/os-security-group-rules", {"security_group_rule": rule})
    wait_rules(lab, "compute-1", "web", ["-p tcp -m multiport --dports 2525:2526 -j ACCEPT"])
    client, address = lab.guest_netns("client"), lab.address("web")
    listeners = [Listener(lab, "web", port) for port in (2525, 2526)]
    try:
        wait_for(lambda: connects(client, address, 2525), 5, "the group does not let it in")
        made = neutrino(lab, "provider-rule-add", "-f", "json", "--", "tcp", "2525", "2525",
                        "0.0.0.0/0")
        wait_chain(lab, ["-p tcp -m tcp --dport 2525 -j DROP"])
        expect_connection(client, address, 2525, False)
        expect_connection(client, address, 2526, True)
        neutrino(lab, "provider-rule-delete", made["id"])
        wait_for(lambda: connects(client, address, 2525), 10, "it stays closed")
    finally:
        for listener in listeners:
            listener.close()


def bad_ones_are_refused(lab):
    for spec in (("sctp", "1", "1", "0.0.0.0/0"), ("tcp", "0", "1", "0.0.0.0/0"),
                 ("tcp", "2", "1", "0.0.0.0/0"), ("tcp", "1", "70000", "0.0.0.0/0"),
                 ("tcp", "1", "1", "10.0.0.0"), ("tcp", "1", "1", "10.0.0.0/33"),
                 ("tcp", "1", "1", "0.0.0.0/0 -j ACCEPT"), ("icmp", "300", "-1", "0.0.0.0/0")):
        said = neutrino(lab, "provider-rule-add", "--", *spec, status=1)
        expect(said.startswith("neutrino: "), said)
    made = neutrino(lab, "provider-rule-add", "-f", "json", "--", "TCP", "1", "1", "10.1.2.3/8")
    expect("already exists" in neutrino(lab, "provider-rule-add", "--", "tcp", "1", "1",
                                        "10.0.0.0/8", status=1), "an equal one")
    neutrino(lab, "provider-rule-delete", made["id"])
    expect("could not be found" in neutrino(lab, "provider-rule-delete", made["id"], status=1),
           "one that is gone")
    wait_chain(lab, [])


def for_administrators(lab):
    member = cloud.Api(lab.netns("controller-1"), "demo", lab.keys["demo"])
    for method, path, body in (
            ("GET", "/os-provider-rules", None),
            ("POST", "/os-provider-rules", {"provider_rule": {
                "ip_protocol": "tcp", "from_port": 1, "to_port": 1, "cidr": "0.0.0.0/0"}}),
            ("DELETE", "/os-provider-rules/1", None)):
        equal(member.send(method, path, body).status, 403, f"{method} {path}")


def burst_costs_few_messages(lab):
    """Many changes at once are joined: few casts to each host, whatever their number."""
    before = applies(lab)
    ids = [lab.api.ask("POST", "/os-provider-rules", {"provider_rule": {
        "ip_protocol": "tcp", "from_port": port, "to_port": port, "cidr": "0.0.0.0/0"}}
        )["provider_rule"]["id"] for port in range(1000, 1040)]
    wait_for(lambda: all(len(chain(lab, host)) == 40 for host in COMPUTES), 15, "rules missing")
    for name in ids:
        lab.api.ask("DELETE", f"/os-provider-rules/{name}")
    wait_chain(lab, [])
    expect(applies(lab) - before < 80, f"{applies(lab) - before} writes for 80 changes")


def applies(lab):
    text = cloud.request(lab.netns("compute-1"), "127.0.0.1", 9776, "GET", "/metrics").text()
    return int(float(re.search(r'neutrino_iptables_applies_total\{family="ipv4"\} (\S+)', text)[1]))


def survives_without_the_server(lab):
    neutrino(lab, "provider-rule-add", "--", "tcp", "25", "25", "0.0.0.0/0")
    wanted = ["-p tcp -m tcp --dport 25 -j DROP"]
    wait_chain(lab, wanted)
    path = "/var/lib/neutrino/security-groups.json"
    wait_for(lambda: '"port_range_min": 25,' in lab.hosts["compute-1"].read(path), 10,
             "not recorded")
    lab.stop_program("controller-1", "server")
    lab.stop_program("compute-1", "compute")
    tool = VARIANTS[lab.variant]
    lab.in_host("compute-1", [tool, "-w", "-F", "nova-compute-provider"])
    lab.up_program("compute-1", "compute")
    wait_chain(lab, wanted)
    lab.up_program("controller-1", "server")
    wait_chain(lab, wanted)


def run(variant):
    lab = lab_for(f"pr{variant[0]}", profile="default", variant=variant, guests=GUESTS,
                  options={"*": {"allow_same_net_traffic": "false"}})
    for spec, wanted, ipv6 in ROWS:
        check(f"{variant}: {' '.join(spec)}", row, lab, spec, wanted, ipv6)
    check(f"{variant}: refuses what a group lets in", refuses_what_a_group_lets_in, lab)
    check(f"{variant}: wrong ones are refused", bad_ones_are_refused, lab)
    check(f"{variant}: only administrators", for_administrators, lab)
    check(f"{variant}: a burst costs few messages", burst_costs_few_messages, lab)
    check(f"{variant}: restart without the server", survives_without_the_server, lab)
    lab.down()


def main():
    for variant in sys.argv[1:] or ["nft", "legacy"]:
        run(variant)
    done()


if __name__ == "__main__":
    main()
