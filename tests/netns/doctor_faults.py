#!/usr/bin/python3 -B
# serial
"""neutrino doctor names each thing that was broken, and is content once the command it
prints was run."""

import json
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need, wait_for  # noqa: E402
from lab import lab_for  # noqa: E402

NETWORK, COMPUTE = "controller-1", "compute-1"
OWNER = {NETWORK: "flat", COMPUTE: "compute"}


def doctor(lab, host):
    """(rows by check, exit status)."""
    ran = lab.in_host(host, ["neutrino", "doctor", "-f", "json"], check=False)
    expect(ran.stdout, f"doctor said nothing: {ran.stderr}")
    return {row["Check"]: row for row in json.loads(ran.stdout)}, ran.returncode


def wrong(rows):
    """What is not ok; nothing keeps a lab's clock right."""
    return {name: row for name, row in rows.items()
            if row["State"] != "ok" and (name, row["State"]) != ("clock", "warn")}


def content(lab, host):
    rows, status = doctor(lab, host)
    expect(not wrong(rows), lambda: str(wrong(rows)))
    equal(status, 0, "exit status")


def sh(lab, host, command):
    """As the operator would type it."""
    lab.in_host(host, ["sh", "-c", command])


def named(lab, host, name, *words, state="FAIL"):
    rows, status = doctor(lab, host)
    expect(name in rows, lambda: f"no check {name!r} in {sorted(rows)}")
    row = rows[name]
    equal(row["State"], state, f"{name} ({row['Problem']})")
    for word in words:
        expect(word in row["Problem"], f"{word!r} is not in {row['Problem']!r}")
    if state == "FAIL":
        equal(status, 1, "exit status")
    return row["Fix"]


def fault(lab, host, command, name, *words, state="FAIL"):
    """Breaks something, looks, does what doctor says, looks again.  Our program stands
    still meanwhile: it would repair much of it by itself."""
    pid = lab.program(host, OWNER[host]).pid
    os.kill(pid, signal.SIGSTOP)
    try:
        sh(lab, host, command)
        fix = named(lab, host, name, *words, state=state)
        expect(fix, "no fix is printed")
        sh(lab, host, fix)
        row = doctor(lab, host)[0][name]
        equal(row["State"], "ok", f"{name} after {fix!r} ({row['Problem']})")
        content(lab, host)
    finally:
        os.kill(pid, signal.SIGCONT)


def with_file(lab, host, path, text, name, *words):
    """A fault in a configuration file; the file is what it was afterwards."""
    before = lab.hosts[host].read(path)
    lab.hosts[host].write(path, before + text)
    try:
        named(lab, host, name, *words, state="warn")
    finally:
        lab.hosts[host].write(path, before)
    content(lab, host)


NFT_FIREWALL = """nft -f - <<E
table inet strict {
  chain input { type filter hook input priority 10; policy accept;
    ct state established,related accept
    iifname "br100" udp dport { 53, 67 } reject
  }
}
E"""
NFT_POLICY = "nft add table inet closed; nft add chain inet closed forward " \
             "'{ type filter hook forward priority 5 ; policy drop ; }'"
FOREIGN = "iptables-legacy" if os.path.exists("/usr/sbin/iptables-legacy") else "iptables"

# name, host, what breaks it, the check that must see it, words that must be in the problem
FAULTS = [
    ("forwarding off", NETWORK, "sysctl -qw net.ipv4.ip_forward=0", "forwarding",
     "ip_forward"),
    ("bridge down", NETWORK, "ip link set br100 down", "bridge br100", "br100 is down"),
    ("flat interface not in the bridge", NETWORK, "ip link set eth2 nomaster",
     "bridge br100: port eth2", "eth2 is not a port of br100"),
    ("another MAC on the bridge", NETWORK, "ip link set br100 address 02:00:00:00:00:01",
     "bridge br100: MAC", "02:00:00:00:00:01"),
    ("metadata address gone", NETWORK, "ip addr del 169.254.169.254/32 dev lo",
     "metadata address", "169.254.169.254"),
    ("gateway address gone", NETWORK, "ip addr del 10.0.0.1/24 dev br100",
     "bridge br100: gateway address", "has no address"),
    ("the key readable by all", NETWORK, "chmod 0644 /etc/neutrino/bus.key",
     "file bus_key_file", "0644"),
    ("credentials readable by all", NETWORK, "chmod 0644 /etc/neutrino/credentials",
     "file api_credentials_file", "0644"),
    ("DHCP dropped in iptables' raw table", NETWORK,
     "iptables -t raw -A PREROUTING -i br100 -p udp --dport 67 -j DROP",
     "firewall of br100: DHCP requests", "chain PREROUTING of table raw", "--dport 67 -j DROP"),
    ("DHCP answers dropped", NETWORK,
     "iptables -t mangle -A OUTPUT -o br100 -p udp --sport 67 -m comment --comment 'no dhcp' "
     "-j DROP", "firewall of br100: DHCP answers", "chain OUTPUT of table mangle"),
    ("DNS rejected by the other iptables", NETWORK,
     f"{FOREIGN} -N guard; {FOREIGN} -A guard -p udp -m multiport --dports 53,123 -j REJECT; "
     f"{FOREIGN} -A INPUT -i br+ -j guard",
     "firewall of br100: DNS", FOREIGN, "chain guard of table filter"),
    ("forwarding closed by the other iptables, as a container engine does", NETWORK,
     f"{FOREIGN} -P FORWARD DROP; {FOREIGN} -A FORWARD -o br100 -j ACCEPT",
     "firewall of br100: traffic out", "policy DROP of chain FORWARD"),
    ("metadata requests taken by another DNAT", NETWORK,
     f"{FOREIGN} -t nat -A PREROUTING -d 169.254.169.254/32 -p tcp --dport 80 -j REDIRECT "
     "--to-ports 81", "firewall of br100: metadata redirect", "takes metadata requests"),
    ("DHCP rejected by native nftables", NETWORK, NFT_FIREWALL,
     "firewall of br100: DHCP requests", "chain input of table inet strict", "udp dport"),
    ("metadata dropped by native nftables", NETWORK,
     "nft add rule inet strict input tcp dport 8775 drop",
     "firewall of br100: metadata", "tcp dport 8775 drop"),
    ("bridge filter off", COMPUTE, "sysctl -qw net.bridge.bridge-nf-call-iptables=0",
     "bridge-nf-call-iptables", "pass no rules"),
    ("bridged DHCP dropped", COMPUTE,
     "iptables -t raw -A PREROUTING -p udp --sport 68 -j DROP",
     "firewall of br100: bridged DHCP requests", "chain PREROUTING of table raw"),
    ("guests' frames dropped by a policy of nftables", COMPUTE, NFT_POLICY,
     "firewall of br100: bridged traffic", "policy drop", "inet closed"),
]


def stopped(lab):
    """With neutrino-flat away nothing is repaired behind doctor's back."""
    lab.stop_program(NETWORK, "flat")
    named(lab, NETWORK, "program neutrino-flat", "does not run")
    named(lab, NETWORK, "lease socket", "Connection refused")


def dnsmasq_dead(lab):
    pid = lab.dnsmasq_pid()
    sh(lab, NETWORK, f"kill -9 {pid}")
    wait_for(lambda: not os.path.exists(f"/proc/{pid}"), 5, "dnsmasq lives")
    named(lab, NETWORK, "dnsmasq of br100", "no dnsmasq serves br100")


def chains_gone(lab):
    sh(lab, NETWORK, "iptables -D INPUT -j nova-network-INPUT || iptables -S INPUT | "
                     "sed -n 's/^-A \\(.*nova-network-INPUT\\)$/-D \\1/p' | head -1 | "
                     "xargs iptables")
    named(lab, NETWORK, "chains: filter nova-network-INPUT in INPUT", "does not jump")


def rule_above(lab):
    sh(lab, NETWORK, "iptables -I FORWARD -i br100 -p tcp --dport 25 -j LOG")
    fix = named(lab, NETWORK, "chains: filter nova-network-FORWARD in FORWARD",
                "stands above ours", state="warn")
    sh(lab, NETWORK, fix)


def started_again(lab):
    lab.up_program(NETWORK, "flat")
    wait_for(lambda: not wrong(doctor(lab, NETWORK)[0]), 20,
             lambda: str(wrong(doctor(lab, NETWORK)[0])))


def both_variants(lab):
    """Rules that an earlier run left in the variant that is not in use."""
    sh(lab, NETWORK, "iptables-nft-save | grep -v -e '^#' -e MASQ | "
                     "sed 's/-m comment --comment \"[^\"]*\"//' | "
                     "awk '/^\\*/ {keep = /filter/} keep' | iptables-legacy-restore")
    fix = named(lab, NETWORK, "iptables variants", "iptables-legacy")
    sh(lab, NETWORK, fix)
    content(lab, NETWORK)


def server_away(lab):
    lab.stop_program(NETWORK, "server")
    named(lab, COMPUTE, "bus", "Connection refused")
    named(lab, COMPUTE, "server", "Connection refused")
    named(lab, NETWORK, "metadata service", "Connection refused")
    lab.up_program(NETWORK, "server")
    content(lab, COMPUTE)


def needs_root(lab):
    ran = lab.in_host(NETWORK, ["setpriv", "--reuid=64990", "--clear-groups", "--", "neutrino",
                                "doctor"], check=False)
    equal(ran.returncode, 1, "exit status")
    expect("only root" in ran.stderr, ran.stderr)


def main():
    lab = lab_for("dr", guests=[("cirros", COMPUTE)], profile="default")
    for host in (NETWORK, COMPUTE):
        need(f"doctor is content with {host} as it comes up", content, lab, host)
    check("doctor wants to be root", needs_root, lab)
    check("a warning of the configuration is passed on", with_file, lab, NETWORK,
          "/etc/nova/nova.conf", "--flat_interfaces=eth7\n", "configuration",
          "did you mean flat_interface?")
    check("the server away: bus, server and metadata service are named", server_away, lab)
    check("rules of ours in both variants are named", both_variants, lab)
    for name, host, command, seen, *words in FAULTS:
        check(f"{name}: named, and the fix helps", fault, lab, host, command, seen, *words)
    check("neutrino-flat away is named", stopped, lab)
    check("dnsmasq dead is named", dnsmasq_dead, lab)
    check("a chain of ours cut off is named", chains_gone, lab)
    check("a rule of others above ours is named", rule_above, lab)
    check("neutrino-flat puts all of it right when it starts", started_again, lab)
    done()


if __name__ == "__main__":
    main()
