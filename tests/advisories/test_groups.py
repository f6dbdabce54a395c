#!/usr/bin/python3 -B
# timeout: 600
"""Advisories of security groups: rules without limit, letters of a protocol, boots that cost
more the more there are, networks that are none, ports a protocol does not have."""

import collections
import concurrent.futures
import ipaddress
import itertools
import json
import os
import random
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need, wait_for  # noqa: E402
from lab import VARIANTS, cloud, hosts, lab_for  # noqa: E402
from secgroups import Groups, group_rules, wait_rules  # noqa: E402
from store import fixed_ips, rows  # noqa: E402

TRIES = 10000  # Rules that one project asks for.
APPLIED_S = 5
BOOTS = 250  # Of each half.
AT_ONCE = 25
COMPUTE = "compute-1"


def put_quota(lab, name, limit):
    lab.api.ask("PUT", "/os-quota-sets/admin", {"quota_set": {name: limit}})


def clear(groups, name):
    for rule in groups.show(name)["rules"]:
        groups.unrule(rule["id"])


def ask_for_rules(lab, group, ports):
    """The statuses of one rule for each port, all on one connection."""
    connection = cloud.NamespaceConnection(lab.netns("controller-1"), hosts.CONTROLLER, 8774, 60)
    headers = {**lab.api.headers(), "Content-Type": "application/json"}
    statuses = []
    for port in ports:
        body = {"security_group_rule": {"parent_group_id": group, "ip_protocol": "tcp",
                                        "from_port": port, "to_port": port}}
        connection.request("POST", "/compute/v2.1/os-security-group-rules", json.dumps(body),
                           headers)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()
    return statuses


def endless_rules(lab, groups):
    """Refused at the quota, and what the host has is bounded by it."""
    web = groups.show("web")["id"]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(ask_for_rules, lab, web, range(first, TRIES + 1, 4))
                for first in range(1, 5)]
        statuses = collections.Counter(itertools.chain(*(job.result() for job in jobs)))
    equal(statuses, {200: 20, 403: TRIES - 20}, "statuses")
    wait_for(lambda: len(group_rules(lab, COMPUTE, "one")) == 20, APPLIED_S,
             lambda: f"{len(group_rules(lab, COMPUTE, 'one'))} rules on the host")
    start = time.monotonic()
    clear(groups, "web")
    wait_rules(lab, COMPUTE, "one", [], limit=APPLIED_S)
    print(f"# 20 rules gone after {time.monotonic() - start:.1f} s", flush=True)


def spellings(word, number):
    """A protocol's name in all letters, and as a number."""
    pairs = [(letter.lower(), letter.upper()) for letter in word]
    return ["".join(letters) for letters in itertools.product(*pairs)] + [str(number), number]


def letters(lab, groups):
    """Every spelling is the same rule; what is no protocol is refused."""
    web = groups.show("web")["id"]
    wanted = {"tcp": "-p tcp -m tcp --dport 22 -j ACCEPT",
              "udp": "-p udp -m udp --dport 22 -j ACCEPT", "icmp": "-p icmp -j ACCEPT"}
    for word, number in (("tcp", 6), ("udp", 17), ("icmp", 1)):
        ports = (-1, -1) if word == "icmp" else (22, 22)
        for spelling in spellings(word, number):
            answer = groups.post_rule(web, ip_protocol=spelling, from_port=ports[0],
                                      to_port=ports[1], cidr="0.0.0.0/0")
            if not isinstance(spelling, str) and answer.status == 400:
                continue  # A number where a text belongs may be refused, but never ignored.
            equal(answer.status, 200, f"{spelling!r}: {answer.text()}")
            rule = answer.json()["security_group_rule"]
            equal(rule["ip_protocol"], word, f"protocol of {spelling!r}")
            wait_rules(lab, COMPUTE, "one", [wanted[word]])
            groups.unrule(rule["id"])
            wait_rules(lab, COMPUTE, "one", [])
    for bad in ("tcpx", "tcp ", " tcp", "t\u0441p", "TCP\n", "6 ", "06x", "-6", "any", "all"):
        status = groups.post_rule(web, ip_protocol=bad, from_port=22, to_port=22).status
        equal(status, 400, f"status of {bad!r}")
    equal(groups.show("web")["rules"], [], "rules left")


def is_network(text):
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def networks(lab, groups):
    """Odd texts for a network: refused, or the network that they are; never an error inside."""
    web = groups.show("web")["id"]
    chance = random.Random(14)
    parts = ["0", "1", "10", "255", "256", ".", ":", "::", "/", "8", "32", "33", "128", "129", "-",
             " ", "\t", "\n", "\0", "f", "g", "fe80", "!", "%eth0", "0x1", "\u0661", "+", "e1"]
    texts = ["0.0.0.0/0/0", "10.0.0.0/8 ", "10.0.0.0/08", "010.0.0.0/8", "10.0.0.0/255.0.0.0",
             "10.0.0.0/-1", "10.0.0.0/1e1", "1.2.3/24", "::/129", "::ffff:10.0.0.1/104", "/8", "",
             "10.0.0.0/8,11.0.0.0/8", "10.0.0.0/8 -j ACCEPT", "!10.0.0.0/8", "10.0.0.0/4294967304"]
    texts += ["".join(chance.choices(parts, k=chance.randint(1, 9))) for _ in range(1500)]
    for text in texts:
        answer = groups.post_rule(web, ip_protocol="tcp", from_port=1, to_port=2, cidr=text)
        expect(answer.status in (200, 400), f"{text!r}: {answer.status} {answer.text()[:200]}")
        if answer.status == 200:
            rule = answer.json()["security_group_rule"]
            groups.unrule(rule["id"])
            found = rule["ip_range"].get("cidr", "")
            expect(is_network(found), f"{text!r} became {found!r}")
            expect(not text or (is_network(text) and ipaddress.ip_network(text, strict=False)
                                == ipaddress.ip_network(found)), f"{text!r} became {found!r}")
    rule = groups.rule(web, "tcp", 22, 22, "10.9.0.0/16")
    wait_rules(lab, COMPUTE, "one", ["-s 10.9.0.0/16 -p tcp -m tcp --dport 22 -j ACCEPT"])
    groups.unrule(rule)
    wait_rules(lab, COMPUTE, "one", [])


def every_protocol(lab, groups):
    """256 protocols, with and without ports: what is accepted never keeps out what is good."""
    web = groups.show("web")["id"]
    put_quota(lab, "security_group_rules", -1)
    accepted = []
    for number in range(256):
        for ports in ((None, None), (-1, -1), (0, 0), (1, 65535), (8, 0), (80, 81)):
            answer = groups.post_rule(web, ip_protocol=str(number), from_port=ports[0],
                                      to_port=ports[1], cidr="0.0.0.0/0")
            expect(answer.status in (200, 400), f"{number} {ports}: {answer.status}")
            if answer.status == 200:
                accepted.append((number, ports))
    groups.rule(web, "tcp", 4711, 4711, "10.9.0.0/16")
    wanted = "-s 10.9.0.0/16 -p tcp -m tcp --dport 4711 -j ACCEPT"
    wait_for(lambda: wanted in group_rules(lab, COMPUTE, "one"), APPLIED_S,
             lambda: f"the good rule is not there: {group_rules(lab, COMPUTE, 'one')}")
    equal({number for number, _ in accepted} - {1, 6, 17, 58}, set(), "protocols with rules")
    clear(groups, "web")
    wait_rules(lab, COMPUTE, "one", [])


def open_ports(lab):
    """Port ranges the kernel lets in, by protocol, as its rules are."""
    found = {"tcp": set(), "udp": set()}
    for rule in group_rules(lab, COMPUTE, "one"):
        match = re.fullmatch(r"-p (tcp|udp)(?: -m \w+)* --dports? (\d+)(?::(\d+))? -j ACCEPT",
                             rule)
        expect(match, f"unexpected rule {rule}")
        found[match[1]].update(range(int(match[2]), int(match[3] or match[2]) + 1))
    return found


def overlapping(lab, groups):
    """Random ranges that overlap, in two groups of one guest: the union of all."""
    other = groups.create("other")
    groups.join("one", "other")
    ids = [groups.show("web")["id"], other]
    chance = random.Random(1)
    ranges = set()
    while len(ranges) < 60:
        low = chance.randint(1, 300)
        ranges.add((chance.randint(0, 1), chance.choice(["tcp", "udp"]), low,
                    low + chance.choice([0, 1, 5, 40])))
    wanted = {"tcp": set(), "udp": set()}
    for group, protocol, low, high in sorted(ranges):
        groups.rule(ids[group], protocol, low, high, "0.0.0.0/0")
        wanted[protocol].update(range(low, high + 1))
    wait_for(lambda: open_ports(lab) == wanted, APPLIED_S, "the open ports are not the union")
    groups.leave("one", "other")
    only = {"tcp": set(), "udp": set()}
    for _, protocol, low, high in (entry for entry in ranges if entry[0] == 0):
        only[protocol].update(range(low, high + 1))
    wait_for(lambda: open_ports(lab) == only, APPLIED_S, "not those of the group that stays")
    groups.delete("other")
    clear(groups, "web")
    wait_rules(lab, COMPUTE, "one", [])


def costs(lab):
    """What compute has done so far that boots may multiply: {name: count}."""
    text = cloud.request(lab.netns(COMPUTE), "127.0.0.1", 9776, "GET", "/metrics").text()
    wanted = re.compile(r"^(neutrino_(?:iptables|bus|guard)\w*_total(?:\{[^}]*\})?) (\S+)$",
                        re.MULTILINE)
    return {name: float(value) for name, value in wanted.findall(text)}


def active(lab):
    return rows(lab, "SELECT COUNT(*) AS n FROM instances WHERE vm_state = 'active'")[0]["n"]


def chain_sizes(lab):
    """How many rules each guest's chain has."""
    tool = VARIANTS[lab.variant]
    rules = lab.in_host(COMPUTE, [tool, "-w", "-S"]).stdout
    return collections.Counter(re.findall(r"^-A (nova-compute-inst-\d+) ", rules, re.MULTILINE))


def boot_storm(lab, groups):
    """The second half of the boots into one group that names itself costs what the first did."""
    crowd = groups.create("crowd")
    groups.rule(crowd, "tcp", 1, 65535, source=crowd)

    def half(booted):
        before, start = costs(lab), time.monotonic()
        for first in range(booted, booted + BOOTS, AT_ONCE):
            lab.api.boot("crowd", COMPUTE, min_count=AT_ONCE, max_count=AT_ONCE,
                         security_groups=[{"name": "crowd"}])
            wait_for(lambda n=first + AT_ONCE: active(lab) == n, 60,
                     lambda: f"{active(lab)} guests are active")
        addresses = {row["address"] for row in fixed_ips(lab) if row["allocated"]}
        equal(len(addresses), booted + BOOTS, "addresses")
        wait_for(lambda: addresses <= members(lab), 30, "the set lacks members")
        after = costs(lab)
        print(f"# {BOOTS} boots in {time.monotonic() - start:.1f} s", flush=True)
        return {name: after[name] - before.get(name, 0) for name in after}

    half_one, half_two = half(0), half(BOOTS)
    expect(half_one, "nothing is counted")
    print(f"# {half_one}\n# {half_two}", flush=True)
    for name, count in half_two.items():
        first = half_one.get(name, 0)
        # Three times the work would be the sign of the square.  How many boots one write
        # covers, and what is done by time, are not what is looked at.
        expect(count <= max(1.5 * first, BOOTS) + 5, f"{name}: {first:.0f}, then {count:.0f}")
    sizes = chain_sizes(lab)
    equal(len(sizes), 2 * BOOTS, "chains of guests")
    equal(min(sizes.values()), max(sizes.values()), "fewest and most rules of a guest")


def storm(tag):
    """Guests that are only recorded, with their chains, sets and guard."""
    options = {"*": {"compute_driver": "null"},
               "controller-1": {f"quota_{name}": "-1" for name in ("instances", "cores", "ram",
                                                                   "fixed_ips")}}
    lab = lab_for(tag, profile="default", options=options, network=("novanetwork", "10.0.0.0/22"))
    lab.up_computes_known()
    check(f"OSSA-2013-020 CVE-2013-4185: {2 * BOOTS} boots into one group cost the same each",
          boot_storm, lab, Groups(lab))


def members(lab):
    out = lab.in_host(COMPUTE, ["ipset", "save"]).stdout
    return set(re.findall(r"^add nt4-\S+ (\S+)$", out, re.MULTILINE))


def a_guest(lab, groups):
    groups.create("web")
    lab.api.boot("one", COMPUTE, security_groups=[{"name": "web"}])
    lab.wait_guest("one")


def main():
    lab = lab_for("og", profile="default")
    lab.up_computes_known()
    groups = Groups(lab)
    need("a guest in a group", a_guest, lab, groups)
    check(f"OSSA-2012-005 CVE-2012-2101: {TRIES} rules of one project end at its quota",
          endless_rules, lab, groups)
    check("OSSA-2012-007 CVE-2012-2654: a protocol in any letters is the same rule", letters, lab,
          groups)
    check("OSSA-2014-014 CVE-2014-0187: what is no network is refused", networks, lab, groups)
    check("OSSA-2019-001 CVE-2019-9735: no protocol and port keep other rules out",
          every_protocol, lab, groups)
    check("OSSA-2019-002 CVE-2019-10876: overlapping ranges of two groups", overlapping, lab,
          groups)
    lab.down()
    storm("os")
    done()


if __name__ == "__main__":
    main()
