#!/usr/bin/python3 -B
"""neutrino doctor finds nothing where nothing is wrong: the golden profile under legacy
iptables, and firewalls of others that let guests through."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect  # noqa: E402
from lab import lab_for  # noqa: E402

HOSTS = ["controller-1", "compute-1", "compute-2"]

# What a container engine and an operator's own firewall look like.
HARMLESS = """
iptables-nft -N DOCKER-USER
iptables-nft -A DOCKER-USER -j RETURN
iptables-nft -A FORWARD -j DOCKER-USER
iptables-nft -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables-nft -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
iptables-nft -A FORWARD -i docker0 -o docker0 -j DROP
iptables-nft -A INPUT -i eth1 -p tcp -m multiport --dports 25,110 -j REJECT
nft -f - <<E
table inet own {
  chain input { type filter hook input priority 5; policy drop;
    ct state vmap { established : accept, related : accept, invalid : drop }
    iifname { "lo", "eth1" } accept
    iifname "br1*" accept
  }
  chain forwarding { type filter hook forward priority 5; policy accept;
    iifname "docker0" oifname != "eth1" drop
    ip saddr 172.17.0.0/16 ip daddr 10.0.0.0/24 drop
  }
}
E
"""


def doctor(lab, host):
    """(rows, exit status)."""
    ran = lab.in_host(host, ["neutrino", "doctor", "-f", "json"], check=False)
    expect(ran.stdout, f"doctor said nothing: {ran.stderr}")
    return json.loads(ran.stdout), ran.returncode


def content(lab, host):
    rows, status = doctor(lab, host)
    wrong = [row for row in rows
             if row["State"] != "ok" and (row["Check"], row["State"]) != ("clock", "warn")]
    expect(not wrong, lambda: str(wrong))
    equal(status, 0, "exit status")


def changes_nothing(lab):
    before = {host: lab.all_rules(host) for host in HOSTS}
    for host in HOSTS:
        content(lab, host)
    equal({host: lab.all_rules(host) for host in HOSTS}, before, "rules")


def harmless(lab):
    lab.in_host("controller-1", ["sh", "-c", HARMLESS])
    content(lab, "controller-1")


def not_sure(lab):
    """A drop that depends on a set may be meant for others."""
    lab.in_host("controller-1", ["sh", "-c", "nft add set inet own bad '{ type ipv4_addr ; }'; "
                                 "nft add rule inet own forwarding ip saddr @bad drop"])
    rows, status = doctor(lab, "controller-1")
    row = {row["Check"]: row for row in rows}["firewall of br100: traffic out"]
    equal(row["State"], "warn", str(row))
    expect("may be dropped" in row["Problem"] and "@bad" in row["Problem"], str(row))
    equal(status, 0, "exit status")


def formats(lab):
    out = lab.in_host("controller-1", ["neutrino", "doctor", "-f", "value", "-c", "State"],
                      check=False).stdout
    expect(out.split() and set(out.split()) <= {"ok", "warn"}, f"printed {out!r}")


def main():
    lab = lab_for("dc", guests=[("cirros", "compute-1"), ("cirros3", "compute-2")],
                  profile="golden", variant="legacy")
    for host in HOSTS:
        check(f"golden profile, legacy iptables: nothing is wrong with {host}", content, lab, host)
    check("looking changes no rule", changes_nothing, lab)
    check("other formats and columns", formats, lab)
    check("firewalls of others that let guests through are no finding", harmless, lab)
    check("a drop that depends on a set is a warning", not_sure, lab)
    done()


if __name__ == "__main__":
    main()
