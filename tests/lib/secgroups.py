"""Security groups as tests use them: through the API, and as rules in the kernel."""

import re
import socket

from check import equal, expect, wait_for
from lab import VARIANTS, kernel


class Groups:
    """The groups of the administrator's project."""

    def __init__(self, lab):
        self.lab = lab

    def create(self, name):
        body = {"security_group": {"name": name, "description": name}}
        return self.lab.api.ask("POST", "/os-security-groups", body)["security_group"]["id"]

    def delete(self, what):
        self.lab.api.ask("DELETE", f"/os-security-groups/{what}")

    def show(self, what):
        return self.lab.api.ask("GET", f"/os-security-groups/{what}")["security_group"]

    def post_rule(self, group, **rule):
        return self.lab.api.send("POST", "/os-security-group-rules",
                                 {"security_group_rule": {"parent_group_id": group, **rule}})

    def rule(self, group, protocol=None, low=None, high=None, cidr=None, source=None):
        """Adds a rule; its id."""
        answer = self.post_rule(group, ip_protocol=protocol, from_port=low, to_port=high,
                                cidr=cidr, group_id=source)
        equal(answer.status, 200, f"status of a new rule; {answer.text()}")
        return answer.json()["security_group_rule"]["id"]

    def unrule(self, rule):
        self.lab.api.ask("DELETE", f"/os-security-group-rules/{rule}")

    def join(self, server, group, verb="add"):
        server_id = self.lab.api.server(server)["id"]
        self.lab.api.ask("POST", f"/servers/{server_id}/action",
                         {f"{verb}SecurityGroup": {"name": group}})

    def leave(self, server, group):
        self.join(server, group, "remove")


def chain_of(lab, host, guest, ipv6=False):
    """The rules of a guest's chain, without comments, without "-A CHAIN "."""
    number = lab.guest_number(guest)
    tool = VARIANTS[lab.variant]
    tool = tool.replace("iptables", "ip6tables") if ipv6 else tool
    done = lab.in_host(host, [tool, "-w", "-S", f"nova-compute-inst-{number}"], check=False)
    lines = [re.sub(r' -m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+)', "", line)
             for line in done.stdout.splitlines() if line.startswith("-A")]
    return [line.split(" ", 2)[2] for line in lines]


def group_rules(lab, host, guest, ipv6=False):
    """What the groups add to the chain: what stands before the last rule and is none
    of the fixed ones."""
    fixed = ("-m state", "-j nova-compute-provider", "-s 10.0.0.1/32 -p udp -m udp --sport 67",
             "-s 10.0.0.0/24 -j", "-s fe80::/64 -j", "-j nova-compute-sg-fallback",
             "-p ipv6-icmp -m icmp6 --icmpv6-type 135 -j", "-p ipv6-icmp -m icmp6 "
             "--icmpv6-type 136 -j")
    return [rule for rule in chain_of(lab, host, guest, ipv6) if not rule.startswith(fixed)]


def wait_rules(lab, host, guest, wanted, ipv6=False, limit=5):
    """Waits until the groups' rules are exactly 'wanted'."""
    found = []

    def there():
        found[:] = group_rules(lab, host, guest, ipv6)
        return found == wanted

    wait_for(there, limit, lambda: f"rules of {guest}: wanted {wanted}, found {found}")


def sets_of(lab, host):
    """{set: addresses} of this host's sets that are ours."""
    sets = {}
    for line in lab.in_host(host, ["ipset", "save"]).stdout.splitlines():
        word = line.split()
        if not word[1].startswith(("nt4-", "nt6-")):
            continue
        if word[0] == "create":
            sets[word[1]] = set()
        else:
            sets[word[1]].add(word[2])
    return sets


def set_name(group, ipv6=False):
    return f"nt{6 if ipv6 else 4}-{group}"[:31]


def link_local(mac):
    """The address a card with that MAC gives itself."""
    part = [int(text, 16) for text in mac.split(":")]
    whole = bytes([0xfe, 0x80] + [0] * 6 + [part[0] ^ 2, part[1], part[2], 0xff, 0xfe, *part[3:]])
    return socket.inet_ntop(socket.AF_INET6, whole)


class Listener:
    """A TCP port that is open in a guest."""

    def __init__(self, lab, guest, port):
        with kernel.inside_netns(lab.guest_netns(guest)):
            self.sock = socket.create_server(("::", port), family=socket.AF_INET6, backlog=64,
                                             dualstack_ipv6=True)

    def close(self):
        self.sock.close()


def connects(netns, address, port, timeout=1.0, scope=None):
    """Whether a TCP connection is made from 'netns'."""
    with kernel.inside_netns(netns):
        if ":" in address:
            sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
            target = (address, port, 0, socket.if_nametoindex(scope) if scope else 0)
        else:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            target = (address, port)
    with sock:
        sock.settimeout(timeout)
        try:
            sock.connect(target)
        except OSError:
            return False
        return True


def expect_connection(netns, address, port, wanted, **options):
    expect(connects(netns, address, port, **options) == wanted,
           f"{address} port {port}: {'no ' if wanted else ''}connection")
