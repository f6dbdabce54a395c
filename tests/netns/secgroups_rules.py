#!/usr/bin/python3 -B
# timeout: 400
"""Security groups: each kind of rule as the kernel has it and as packets see it, on running
guests, at once, and nowhere else; with nft and legacy iptables, in both profiles."""

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, wait_for  # noqa: E402
from lab import VARIANTS, kernel, lab_for, probes  # noqa: E402
from secgroups import (Groups, Listener, connects, expect_connection,  # noqa: E402
                       group_rules, link_local, set_name, sets_of, wait_rules)

GUESTS = [("web", "compute-1"), ("quiet", "compute-1"), ("client", "compute-2")]

# (protocol, from, to, cidr) and what the kernel prints
ROWS = [
    (("tcp", 22, 22, "0.0.0.0/0"), "-p tcp -m tcp --dport 22 -j ACCEPT"),
    (("tcp", 1, 65535, "192.168.0.5/24"),
     "-s 192.168.0.0/24 -p tcp -m multiport --dports 1:65535 -j ACCEPT"),
    (("udp", 5000, 5010, "10.0.0.3/32"),
     "-s 10.0.0.3/32 -p udp -m multiport --dports 5000:5010 -j ACCEPT"),
    (("icmp", -1, -1, "0.0.0.0/0"), "-p icmp -j ACCEPT"),
    (("icmp", 8, -1, "0.0.0.0/0"), "-p icmp -m icmp --icmp-type 8 -j ACCEPT"),
    (("icmp", 3, 4, "0.0.0.0/0"), "-p icmp -m icmp --icmp-type 3/4 -j ACCEPT"),
]
ROWS6 = [
    (("tcp", 22, 22, "::/0"), "-p tcp -m tcp --dport 22 -j ACCEPT"),
    (("icmp", -1, -1, "2001:DB8::7/32"), "-s 2001:db8::/32 -p ipv6-icmp -j ACCEPT"),
    (("icmpv6", 128, -1, "::/0"), "-p ipv6-icmp -m icmp6 --icmpv6-type 128 -j ACCEPT"),
    (("icmp", 1, 4, "::/0"), "-p ipv6-icmp -m icmp6 --icmpv6-type 1/4 -j ACCEPT"),
]


def one_row(lab, groups, spec, wanted, ipv6):
    rule = groups.rule(groups.show("web")["id"], *spec)
    try:
        wait_rules(lab, "compute-1", "web", [wanted], ipv6)
        equal(group_rules(lab, "compute-1", "web", not ipv6), [], "rules of the other family")
    finally:
        groups.unrule(rule)
    wait_rules(lab, "compute-1", "web", [], ipv6)


def rows(lab, groups, tag, six):
    for spec, wanted in ROWS:
        check(f"{tag}: {' '.join(map(str, spec))}", one_row, lab, groups, spec, wanted, False)
    for spec, wanted in ROWS6 if six else []:
        check(f"{tag}: {' '.join(map(str, spec))}", one_row, lab, groups, spec, wanted, True)


def letter_case(lab, groups):
    """OSSA-2012-007: TCP 22 opens port 22, not all of TCP."""
    rule = groups.rule(groups.show("web")["id"], "TcP", 22, 22, "0.0.0.0/0")
    wait_rules(lab, "compute-1", "web", ["-p tcp -m tcp --dport 22 -j ACCEPT"])
    groups.unrule(rule)
    wait_rules(lab, "compute-1", "web", [])


def member_rules_one_by_one(lab, groups):
    """Without sets: one rule per member address."""
    web = groups.show("web")["id"]
    rule = groups.rule(web, source=groups.show("clients")["id"])
    address = lab.address("client")
    wait_rules(lab, "compute-1", "web", [f"-s {address}/32 -j ACCEPT"])
    groups.unrule(rule)
    rule = groups.rule(web, "udp", 5000, 5010, source=groups.show("clients")["id"])
    wait_rules(lab, "compute-1", "web",
               [f"-s {address}/32 -p udp -m multiport --dports 5000:5010 -j ACCEPT"])
    groups.leave("client", "clients")
    wait_rules(lab, "compute-1", "web", [])
    groups.join("client", "clients")
    wait_rules(lab, "compute-1", "web",
               [f"-s {address}/32 -p udp -m multiport --dports 5000:5010 -j ACCEPT"])
    groups.unrule(rule)
    wait_rules(lab, "compute-1", "web", [])


def changes_reach_running_guests(lab, groups):
    """OSSA-2015-021: a port opens and closes under a running guest."""
    client, address = lab.guest_netns("client"), lab.address("web")
    listener = Listener(lab, "web", 8080)
    try:
        expect_connection(client, address, 8080, False)
        rule = groups.rule(groups.show("web")["id"], "tcp", 8080, 8080, "0.0.0.0/0")
        wait_for(lambda: connects(client, address, 8080), 5, "the port does not open")
        expect_connection(client, address, 8081, False)
        groups.unrule(rule)
        wait_rules(lab, "compute-1", "web", [])
        expect_connection(client, address, 8080, False)
    finally:
        listener.close()


def ping_needs_icmp(lab, groups):
    client, address = lab.guest_netns("client"), lab.address("web")
    equal(probes.ping(client, address, count=1), probes.LOST, "ping without a rule")
    rule = groups.rule(groups.show("web")["id"], "icmp", 8, -1, "0.0.0.0/0")
    wait_for(lambda: probes.ping(client, address, count=1) == probes.ANSWERED, 5,
             "ping is not let in")
    groups.unrule(rule)
    wait_rules(lab, "compute-1", "web", [])


def protocol_arrives(lab, source, target, protocol):
    """Whether a packet of that IP protocol gets from one guest to another."""
    with kernel.inside_netns(lab.guest_netns(target)):
        receiver = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
    with kernel.inside_netns(lab.guest_netns(source)):
        sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
    with receiver, sender:
        receiver.settimeout(0.5)
        sender.sendto(b"something", (lab.address(target), 0))
        try:
            return receiver.recv(100)[20:] == b"something"
        except TimeoutError:
            return False


def other_protocols_need_a_rule(lab, groups):
    """Unknown IP protocols: shut out like everything else, until a source group that names no
    protocol lets them in; a rule for TCP does not."""
    web, clients = groups.show("web")["id"], groups.show("clients")["id"]
    rules = [groups.rule(web, "tcp", 1, 65535, "0.0.0.0/0")]
    wait_for(lambda: group_rules(lab, "compute-1", "web"), 5, "no rule")
    for protocol in (47, 253):
        equal(protocol_arrives(lab, "client", "web", protocol), False, f"protocol {protocol}")
        equal(protocol_arrives(lab, "client", "quiet", protocol), False,
              f"protocol {protocol} to the default group")
    rules.append(groups.rule(web, source=clients))
    wait_for(lambda: protocol_arrives(lab, "client", "web", 253), 5, "253 is not let in")
    equal(protocol_arrives(lab, "client", "web", 47), True, "GRE")
    equal(protocol_arrives(lab, "quiet", "web", 253), False, "from outside the source group")
    for rule in rules:
        groups.unrule(rule)
    wait_rules(lab, "compute-1", "web", [])


def source_group_by_set(lab, groups):
    """Members come and go in the set; the chain is not touched, and both families follow."""
    web, clients = groups.show("web")["id"], groups.show("clients")["id"]
    name4, name6 = set_name(clients), set_name(clients, True)
    listener = Listener(lab, "web", 8080)
    rule = groups.rule(web, "tcp", 8080, 8080, source=clients)
    client, address = lab.guest_netns("client"), lab.address("web")
    mac6 = link_local(lab.guest_mac("client"))
    try:
        wanted = "-p tcp -m set --match-set {} src -m tcp --dport 8080 -j ACCEPT"
        wait_rules(lab, "compute-1", "web", [wanted.format(name4)])
        wait_rules(lab, "compute-1", "web", [wanted.format(name6)], ipv6=True)
        wait_for(lambda: sets_of(lab, "compute-1") == {name4: {lab.address("client")},
                                                       name6: {mac6}}, 5,
                 lambda: f"sets: {sets_of(lab, 'compute-1')}")
        expect_connection(client, address, 8080, True)
        expect_connection(client, link_local(lab.guest_mac("web")), 8080, True, scope="eth0")
        expect_connection(lab.guest_netns("quiet"), address, 8080, False)

        before = handles(lab, "compute-1")
        groups.join("quiet", "clients")
        wait_for(lambda: connects(lab.guest_netns("quiet"), address, 8080), 5,
                 "the new member is not let in")
        groups.leave("quiet", "clients")
        wait_for(lambda: not connects(lab.guest_netns("quiet"), address, 8080), 5,
                 "the old member is still let in")
        # 'quiet' itself changed its groups; the chain that names the set did not.
        equal(handles(lab, "compute-1"), before, "rules of compute-1")
    finally:
        listener.close()
        groups.unrule(rule)
    wait_rules(lab, "compute-1", "web", [])
    wait_for(lambda: sets_of(lab, "compute-1") == {}, 5, "the sets stay behind")


def handles(lab, host):
    """The rules with what only a rewrite changes: nft's handles, or nothing but the text."""
    if lab.variant == "nft":
        return lab.in_host(host, ["sh", "-c", "nft -a -s list table ip filter 2>/dev/null |"
                                  " grep -v limit | sed 's/counter packets [0-9]* bytes [0-9]*//'"
                                  ]).stdout
    return lab.rules(host, "filter")


def only_affected_chain_changes(lab, groups):
    """Counters of every other chain go on, and those of the rules that stay."""
    number = lab.guest_number("quiet")
    chain = f"nova-compute-inst-{number}"
    probes.ping(lab.netns("controller-1"), lab.address("quiet"), count=1)
    own = f"nova-compute-inst-{lab.guest_number('web')}"
    before, own_before = lab.counters("compute-1", chain), lab.counters("compute-1", own)
    expect(sum(packets for packets, _ in before) > 0, f"nothing was counted: {before}")
    rule = groups.rule(groups.show("web")["id"], "tcp", 1234, 1234, "0.0.0.0/0")
    wait_rules(lab, "compute-1", "web", ["-p tcp -m tcp --dport 1234 -j ACCEPT"])
    equal(lab.counters("compute-1", chain), before, "counters of the other guest's chain")
    kept = [entry for entry in lab.counters("compute-1", own) if "1234" not in entry[1]]
    equal(kept, own_before, "counters of the rules that stay")
    groups.unrule(rule)
    wait_rules(lab, "compute-1", "web", [])


def same_rule_of_two_groups_stands_once(lab, groups):
    first = groups.rule(groups.show("web")["id"], "tcp", 443, 443, "0.0.0.0/0")
    second = groups.rule(groups.show("default")["id"], "tcp", 443, 443, "0.0.0.0/0")
    groups.join("web", "default")
    wait_rules(lab, "compute-1", "web", ["-p tcp -m tcp --dport 443 -j ACCEPT"])
    groups.unrule(first)
    groups.unrule(second)
    groups.leave("web", "default")
    wait_rules(lab, "compute-1", "web", [])


def survives_without_server(lab, groups):
    """compute killed and started while the server is away: every rule stands, at once."""
    clients = groups.show("clients")["id"]
    rule = groups.rule(groups.show("web")["id"], "tcp", 8080, 8080, source=clients)
    wait_rules(lab, "compute-1", "web", ["-p tcp -m set --match-set "
                                         f"{set_name(clients)} src -m tcp --dport 8080 -j ACCEPT"])
    path = "/var/lib/neutrino/security-groups.json"
    wait_for(lambda: rule in lab.hosts["compute-1"].read(path), 5, "the rule is not recorded")
    before = (lab.all_rules("compute-1"), handles(lab, "compute-1"), sets_of(lab, "compute-1"))
    chain = f"nova-compute-inst-{lab.guest_number('web')}"
    lab.stop_program("controller-1", "server")
    lab.stop_program("compute-1", "compute")
    equal((lab.all_rules("compute-1"), handles(lab, "compute-1"), sets_of(lab, "compute-1")),
          before, "rules without anybody")
    lab.up_program("compute-1", "compute")
    wait_for(lambda: "guest taken up" in lab.program("compute-1", "compute").log(), 5,
             "the guests are not taken up")
    equal(lab.all_rules("compute-1"), before[0], "rules after the start")
    lab.in_host("compute-1", [VARIANTS[lab.variant], "-w", "-F", chain])
    wait_for(lambda: lab.all_rules("compute-1") == before[0], 20, "the chain is not repaired")
    equal(sets_of(lab, "compute-1"), before[2], "sets")
    lab.up_program("controller-1", "server")
    groups.unrule(rule)
    wait_rules(lab, "compute-1", "web", [], limit=20)


def foreign_edits_of_sets_are_repaired(lab, groups):
    clients = groups.show("clients")["id"]
    rule = groups.rule(groups.show("web")["id"], source=clients)
    name = set_name(clients)
    wait_for(lambda: name in sets_of(lab, "compute-1"), 5, "no set")
    before = sets_of(lab, "compute-1")
    lab.in_host("compute-1", ["ipset", "create", "theirs", "hash:ip"])
    lab.in_host("compute-1", ["ipset", "flush", name])
    lab.in_host("compute-1", ["ipset", "add", name, "10.0.0.99"])
    wait_for(lambda: sets_of(lab, "compute-1") == before, 15, "the set is not repaired")
    groups.unrule(rule)
    wait_for(lambda: name not in sets_of(lab, "compute-1"), 5, "the set stays behind")
    expect("theirs" in lab.in_host("compute-1", ["ipset", "save"]).stdout, "somebody else's set")


def guests_in_groups(lab, groups):
    groups.create("web")
    groups.create("clients")
    for name, host in GUESTS:
        group = {"web": "web", "quiet": "default", "client": "clients"}[name]
        lab.api.boot(name, host, security_groups=[{"name": group}])
    for name, _ in GUESTS:
        lab.wait_guest(name)


def run(variant, profile):
    tag = f"{variant}, {profile}"
    is_golden = profile == "golden"
    lab = lab_for(f"sg{variant[0]}{profile[0]}", profile=profile, variant=variant,
                  options={"*": {"allow_same_net_traffic": "false"}})
    lab.up_computes_known()
    groups = Groups(lab)
    if not check(f"{tag}: guests in their groups", guests_in_groups, lab, groups):
        return
    rows(lab, groups, tag, not is_golden)
    check(f"{tag}: a protocol in other letters", letter_case, lab, groups)
    if is_golden:
        check(f"{tag}: members get one rule each", member_rules_one_by_one, lab, groups)
    else:
        check(f"{tag}: a source group is a set", source_group_by_set, lab, groups)
        check(f"{tag}: foreign edits of sets are repaired", foreign_edits_of_sets_are_repaired,
              lab, groups)
    check(f"{tag}: changes reach running guests", changes_reach_running_guests, lab, groups)
    check(f"{tag}: ping needs a rule", ping_needs_icmp, lab, groups)
    check(f"{tag}: other IP protocols need a rule", other_protocols_need_a_rule, lab, groups)
    check(f"{tag}: other chains keep their counters", only_affected_chain_changes, lab, groups)
    check(f"{tag}: the same rule of two groups stands once", same_rule_of_two_groups_stands_once,
          lab, groups)
    if not is_golden:
        check(f"{tag}: restart without the server", survives_without_server, lab, groups)
    lab.down()


def main():
    for variant in sys.argv[1:] or ["nft", "legacy"]:
        run(variant, "default")
    run("nft", "golden")
    done()


if __name__ == "__main__":
    main()
