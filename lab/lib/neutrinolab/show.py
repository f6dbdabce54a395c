"""What 'make up' prints on standard output once the cloud runs."""

import os
import re
import time

from . import hosts, probes

DHCP_LINE = re.compile(r"^(\w+ +\d+ [\d:]+ \S+) (?:\w+\.\w+ )?(dnsmasq-dhcp\[\d+\]: DHCP.*)$")


def table(columns, rows):
    widths = [max(len(str(row[i])) for row in [columns, *rows]) for i in range(len(columns))]
    frame = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    lines = [frame]
    for row in [columns, *rows]:
        lines.append("|" + "|".join(f" {str(cell):<{width}} "
                                    for cell, width in zip(row, widths)) + "|")
        if row is columns:
            lines.append(frame)
    return "\n".join([*lines, frame])


def dhcp_lines(lab):
    """dnsmasq's DHCP lines from the network hosts' own logs."""
    found = []
    for host in lab.network_hosts:
        for line in lab.hosts[host].read("/var/log/syslog").splitlines():
            match = DHCP_LINE.match(line)
            if match:
                found.append(f"{match[1]} {match[2]}")
    return found


def instances(lab):
    """The instance table, as our own command line prints it."""
    return cli(lab, ["list"]).rstrip()


def cli(lab, argv):
    env = hosts.environment(lab.client_environment())
    return lab.hosts["controller-1"].run(["neutrino", *argv], env=env).stdout


def connectivity(lab, out):
    """Prints the table as its lines are measured; the number of wrong lines."""
    wrong = 0
    out(f"  {'from':<13} {'to':<36} {'wanted':<20} {'found':<20} verdict")
    for source, target, wanted, found in probes.connectivity(lab):
        verdict = "ok" if wanted == found else "WRONG"
        wrong += verdict != "ok"
        out(f"  {source:<13} {target:<36} {wanted:<20} {found:<20} {verdict}")
    return wrong


def everything(lab, out, started):
    """The tour; returns the number of wrong lines in the connectivity table."""
    out("Instances")
    out(instances(lab))
    out(f"\nDHCP, from dnsmasq's log on {' and '.join(lab.network_hosts)}")
    lines = dhcp_lines(lab)
    for line in lines if len(lines) <= 13 else [*lines[:1], "...", *lines[-11:]]:
        out(f"  {line}")
    out("\nConsole of cirros")
    for line in lab.api.console("cirros").splitlines()[:30]:
        out(f"  {line}")
    out("\nConnectivity")
    wrong = connectivity(lab, out)
    out(f"\nUp after {time.monotonic() - started:.1f} s.  It runs on; to try next:")
    for line in next_steps(lab):
        out(f"  {line}")
    return wrong


def next_steps(lab):
    prefix = f"LAB_PREFIX={lab.prefix} " if lab.prefix else ""
    inside = f"{prefix}{os.path.relpath(os.path.join(hosts.TREE, 'lab/in'))}"
    network = lab.network_hosts[0]
    guest = lab.guest_netns("cirros")
    address = probes.cloud.addresses(lab.api.server("cirros"))[0]
    if lab.guest_kind == "netns":
        from_guest = f"ip netns exec {guest} ping -c 3 {probes.default_route(guest)}"
    else:
        from_guest = f"{inside} {network} nc {address} {probes.VM_SHELL_PORT}"
    return [
        f"{inside} controller-1 neutrino boot --image {lab.image} --flavor 1 mine",
        f"{inside} controller-1 neutrino list",
        f"{inside} controller-1 neutrino console-log mine",
        f"{inside} {network} iptables -S          # the network host's rules",
        f"{inside} compute-1 iptables -S             # the guests' rules",
        f"{inside} {network} ping -c 3 {address}",
        f"{from_guest}   # from inside the guest",
        f"{inside} controller-1 sh -c '. /etc/neutrino/openrc; nova list'   # the stock client",
        f"{inside} {network} tail -f /var/log/syslog",
        f"{prefix}make down",
    ]
