"""The same networks and ports on several hosts, so that what their agents make of them can be
compared line by line.

    scene = Scene(bed)
    scene.network("blue", "vlan", ["10.2.0.0/24"])
    scene.port("a", "blue")                # a port of that role on every host, plugged
    scene.wait_active("a")
    scene.guest("a", "h1").wait_ping(scene.guest("a", "h2"))
    scene.agree(lambda view: view.has("br-int", "in_port=tap(a)"))

A view is a host's flows and OVSDB rows in which names stand for what only that host or run
has: tap(a), mac(a), ip0(a) for the host's own port of role a (its fixed IPs, then its allowed
pairs in order), with ' for the other hosts' (mac(a')), lvlan(blue) for a local VLAN.  Nothing else is left out, so two views are equal
only when the agents did the same.
"""

import ipaddress
import re

from neutrinolab.kernel import Failed, wait_for

from . import dumps, recomputed, wires

LIMIT = 90
# The tunnels of a flood: in any order, since nothing follows them.
FLOOD = re.compile(r"output:[^,]+(?:,output:[^,]+)+$")
QUEUES = re.compile(r"queues=\[(.*)\]$")
BRIDGES = ("br-int", "br-tun", "br-phys")
TABLES = ("ovsdb", "qos", "meters")  # Where a view has no flows.


def link_local(mac):
    """The IPv6 address a guest makes of its MAC."""
    octets = [int(part, 16) for part in mac.split(":")]
    octets[0] ^= 2
    body = octets[:3] + [0xff, 0xfe] + octets[3:]
    words = [f"{body[i] << 8 | body[i + 1]:x}" for i in range(0, 8, 2)]
    return str(ipaddress.ip_address("fe80::" + ":".join(words)))


def pool(cidr):
    """What the server gives ports addresses from, at random; those above are the test's own."""
    network = ipaddress.ip_network(cidr)
    return {"start": str(network[2]), "end": str(network[-57])}


def word(text):
    """A pattern for 'text' that is no part of something longer."""
    return r"(?:(?<=set_field:)|(?<![0-9a-f.:]))" + re.escape(text) + r"(?![0-9a-f:]|\.[0-9])"


def for_host(fields, host):
    return {name: value(host.name) if callable(value) else value
            for name, value in fields.items()}


def tunnels_to(tree, ends):
    """Names of the tunnel ports that lead to one of these addresses."""
    return [name for name, port in tree.get("br-tun", {"ports": {}})["ports"].items()
            if port.get("options", {}).get("remote_ip") in ends]


def bridges_of(tree):
    return [bridge for bridge in BRIDGES if bridge in tree]


class View:
    """lines: {bridge, 'ovsdb', 'qos' or 'meters': sorted lines}."""

    def __init__(self, lines):
        self.lines = lines

    def find(self, where, *parts):
        """Lines that hold every one of 'parts'."""
        return [line for line in self.lines.get(where, [])
                if all(part in line for part in parts)]

    def has(self, where, *parts):
        return bool(self.find(where, *parts))

    def difference(self, wanted):
        """What is missing here and what is too much; empty when equal."""
        text = []
        for where in sorted({*self.lines, *wanted.lines}):
            found = dumps.difference(self.lines.get(where, []), wanted.lines.get(where, []))
            text += [f"{where} {line}" for line in found.splitlines()]
        return "\n".join(text)


def exact(host):
    """A host's view with its own names: for the same host before and after."""
    tree = host.ovsdb()
    return View({**{bridge: host.flows(bridge) for bridge in bridges_of(tree)},
                 "ovsdb": dumps.ovsdb_lines(tree), "qos": host.limits(),
                 "meters": host.meters()})


def wait_exact(host, before, limit=LIMIT):
    """Until the host's flows and rows are what they were."""
    wait_for(lambda: not exact(host).difference(before), limit,
             lambda: f"{host.name}: {exact(host).difference(before)}")
    recomputed.wait_same(host)


class Scene:
    def __init__(self, bed, hosts=None):
        self.bed = bed
        self.hosts = hosts or bed.hosts
        self.networks = {}   # Name: network.
        self.ports = {}      # (role, host's name): port.
        self.guests = {}     # The same: guest, while it is plugged.
        self.deleted = set()  # Roles.

    # --- what there is -----------------------------------------------------------

    def network(self, name, kind, cidrs, segment=None, **fields):
        net = self.bed.api.network(name, kind, segment, **fields)
        for cidr in cidrs:
            more = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac",
                    "enable_dhcp": True} if ":" in cidr else {"allocation_pools": [pool(cidr)]}
            self.bed.api.subnet(net, cidr, **more)
        self.networks[name] = net
        return net

    def port(self, role, network, plug=True, **fields):
        """A port on every host; fields as the API's, or a function of the host's name."""
        for host in self.hosts:
            self.ports[role, host.name] = self.bed.api.port(
                self.networks[network], host, name=f"{role}-{host.name}",
                **for_host(fields, host))
        if plug:
            self.plug(role)

    def plug(self, *roles):
        for role in roles:
            for host in self.hosts:
                self.guests[role, host.name] = host.plug(self.ports[role, host.name])

    def unplug(self, *roles):
        for role in roles:
            for host in self.hosts:
                host.unplug(self.guests.pop((role, host.name)))

    def update(self, role, **fields):
        """The same change for every host's port; fields as port() has them."""
        for host in self.hosts:
            self.ports[role, host.name] = self.bed.api.update(
                "port", self.ports[role, host.name], **for_host(fields, host))

    def delete(self, *roles):
        """Deletes the ports; their guests stay plugged, and views go on naming them."""
        self.deleted.update(roles)
        for role in roles:
            for host in self.hosts:
                self.bed.api.delete("port", self.ports[role, host.name])

    def guest(self, role, host):
        return self.guests[role, getattr(host, "name", host)]

    def wait_status(self, status, *roles):
        for (role, _), port in self.ports.items():
            if role in roles:
                self.bed.api.wait_port(port, status)

    def wait_active(self, *roles):
        """Ports of these roles, or every port."""
        self.wait_status("ACTIVE", *(roles or self.roles()))

    def roles(self):
        return {role for role, _ in self.ports} - self.deleted

    # --- what the agents made of it ------------------------------------------------

    def words(self, host, tree):
        """[(pattern, name)] of what only this host or run has."""
        found = [(re.escape(net["id"]), f"net({name})") for name, net in self.networks.items()]
        # The host's own come first: pairs may allow the same address on several hosts.
        for (role, where), port in sorted(self.ports.items(),
                                          key=lambda item: item[0][1] != host.name):
            name = role if where == host.name else role + "'"
            found += [(re.escape(port["id"]), f"id({name})"),
                      (re.escape("tap" + port["id"][:11]), f"tap({name})"),
                      (word(port["mac_address"]), f"mac({name})"),
                      (word(link_local(port["mac_address"])), f"local({name})")]
            addresses = [entry["ip_address"] for entry in port["fixed_ips"]]
            addresses += sorted(entry["ip_address"] for entry in port["allowed_address_pairs"])
            found += [(word(address), f"ip{i}({name})") for i, address in enumerate(addresses)]
        peers = [other for other in self.hosts if other is not host]
        for name, other in [("ME", host)] + list(zip(("PEER", "PEER2", "PEER3"), peers)):
            ends = (wires.local_ip(other.name), wires.local_ip6(other.name))
            found += [(word(end), name) for end in ends]
            found += [(rf"\b{re.escape(tunnel)}\b", f"{tunnel.split('-')[0]}-{name}")
                      for tunnel in tunnels_to(tree, ends)]
        return found + self.local_vlans(tree) + self.meter_numbers(tree)

    def meter_numbers(self, tree):
        """Patterns for the numbers of meters, which the agents note beside each port's tag."""
        found = [(r"(_(?:in|e)gress': ')\d+", r"\1NUMBER")]
        for (role, _), port in self.ports.items():
            row = tree["br-int"]["ports"].get("tap" + port["id"][:11], {})
            for way in ("ingress", "egress"):
                number = row.get("other_config", {}).get(f"{port['id']}_{way}")
                if number:
                    found.append((rf"\bmeter([:=]){number}\b", rf"meter\1{role}_{way}"))
        return found

    def local_vlans(self, tree):
        """Patterns for the local VLANs, which the agents note beside each port's tag."""
        tags, names = {}, {net["id"]: name for name, net in self.networks.items()}
        for bridge in tree.values():
            for port in bridge["ports"].values():
                tag, net = port["other_config"].get("tag"), port["other_config"].get("net_uuid")
                # A port on the dead VLAN may still tell what its network had once.
                if tag and net in names and port["tag"] == int(tag):
                    tags[int(tag)] = f"lvlan({names[net]})"
        found = []
        for tag, name in tags.items():
            found += [(rf"\bdl_vlan={tag}\b", f"dl_vlan={name}"),
                      (rf"\bset_field:{tag | 0x1000}->vlan_vid", f"set_field:{name}->vlan_vid"),
                      (rf"\bvlan_tci=0x{tag:04x}/0x0fff", f"vlan_tci={name}"),
                      (rf"(\btag=|'tag': '){tag}\b", rf"\1{name}")]
        return found

    def view(self, host):
        tree = host.ovsdb()
        lines = {bridge: host.flows(bridge) for bridge in bridges_of(tree)}
        lines["ovsdb"] = dumps.ovsdb_lines(tree)
        lines["qos"], lines["meters"] = host.limits(), host.meters()
        words = [(re.compile(pattern), name) for pattern, name in self.words(host, tree)]
        for where, texts in lines.items():
            # A trace of OpenFlow 1.0 without an effect; see docs/interop.md.
            texts = [text.replace("reset_counts ", "") for text in texts]
            for pattern, name in words:
                texts = [pattern.sub(name, text) for text in texts]
            texts = [FLOOD.sub(lambda match: ",".join(sorted(match[0].split(","))), text)
                     for text in texts]
            texts = [QUEUES.sub(lambda match: f"queues=[{', '.join(sorted(match[1].split(', ')))}]",
                                text) for text in texts]
            lines[where] = sorted(texts, key=None if where in TABLES else dumps.order)
        return View(lines)

    def agree(self, until=lambda view: True, known=lambda line: False, limit=LIMIT):
        """Waits until every host's view meets 'until' and all views are the same, and until
        what an agent of ours has installed is what a fresh one wants.

        until: what shows that the agent has done what the step asks; without it two agents
        that have not begun agree as well.  known: lines that may differ."""
        last = []

        def same():
            views = [self.view(host) for host in self.hosts]
            last[:] = [f"{host.name} has not done it" for host, view in zip(self.hosts, views)
                       if not until(view)]
            for host, view in zip(self.hosts[1:], views[1:]):
                last.extend(f"{self.hosts[0].name}, unlike {host.name}: {line}"
                            for line in views[0].difference(view).splitlines()
                            if not known(line))
            return not last

        try:
            wait_for(same, limit, "")
        except Failed:
            raise Failed("\n".join(last)) from None
        for host in self.hosts:
            recomputed.wait_same(host)
