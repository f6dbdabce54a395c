"""Guests: a network namespace with a port plugged into a host's integration bridge."""

import ipaddress

from neutrinolab import hosts, kernel, probes
from neutrinolab.kernel import wait_for

from . import ovs, wires

BRIDGE = "br-int"


def interface(port, tap, kind):
    """What a compute host writes of a port into OVSDB: more arguments of ovs-vsctl add-port."""
    return ["--", "set", "Interface", tap, f"external_ids:iface-id={port['id']}",
            f'external_ids:attached-mac="{port["mac_address"]}"',
            "external_ids:iface-status=active", f"external_ids:vm-uuid={port['id']}",
            *(["type=internal"] if kind == "internal" else [])]


class Guest:
    """The guest of one port.  netns: its name; mac, addresses ['10.0.0.5'], device 'eth0'."""

    device = "eth0"

    def __init__(self, host, switch, port, subnets, mtu, kind, netns=None, quiet=False):
        self.host = host
        self.switch = switch
        self.port = port
        self.tap = "tap" + port["id"][:11]
        self.netns = netns or "vm-" + port["id"][:11]
        self.mac = port["mac_address"]
        self.mtu = mtu
        self.kind = kind
        self.quiet = quiet
        self.fixed = []
        for fixed in port["fixed_ips"]:
            subnet = subnets[fixed["subnet_id"]]
            length = ipaddress.ip_network(subnet["cidr"]).prefixlen
            self.fixed.append((fixed["ip_address"], length))
        self.addresses = [address for address, _ in self.fixed]

    def plug(self):
        """Adds the port the way a compute host does and configures the guest."""
        wires.make_netns(self.netns)
        kernel.run(["ip", "netns", "exec", self.netns, "sysctl", "-qw",
                    "net.ipv6.conf.default.accept_dad=0",
                    f"net.ipv6.conf.default.disable_ipv6={int(self.quiet)}"])
        if self.kind == "veth":
            wires.batch(self.host.netns, [
                f"link add {self.tap} mtu {self.mtu} type veth peer name {self.device}"
                f" address {self.mac} mtu {self.mtu} netns {self.netns}",
                f"link set {self.tap} up"])
            ovs.offload_off(self.host.netns, self.tap)
            ovs.offload_off(self.netns, self.device)
        self.switch.vsctl("add-port", BRIDGE, self.tap,
                          *interface(self.port, self.tap, self.kind))
        self.configure()
        return self

    def configure(self):
        """Takes an internal port's device into the guest, and sets link and addresses.

        To be called again after vswitchd was restarted: it makes such a device anew, and the
        one from before stays where it is, without carrier."""
        if self.kind == "internal":
            wait_for(lambda: probes.link(self.host.netns, self.tap), 60,
                     f"vswitchd does not make {self.tap} on {self.host.name}")
            if probes.link(self.netns, self.device):
                wires.batch(self.netns, [f"link del {self.device}"])
            wires.batch(self.host.netns, [f"link set {self.tap} netns {self.netns}"])
            wires.batch(self.netns, [f"link set {self.tap} name {self.device}",
                                     f"link set {self.device} address {self.mac} mtu {self.mtu}"])
        lines = [f"link set {self.device} up"]
        lines += [f"addr replace {address}/{length} dev {self.device}"
                  for address, length in self.fixed if not (self.quiet and ":" in address)]
        wires.batch(self.netns, lines)

    def unplug(self):
        """The port leaves the bridge; the guest is gone."""
        self.switch.vsctl("--if-exists", "del-port", BRIDGE, self.tap)
        kernel.run(["ip", "netns", "del", self.netns])

    def run(self, argv, **options):
        """Runs a command in the guest's network namespace."""
        options.setdefault("env", hosts.environment())
        return probes.run(self.netns, argv, **options)

    def pings(self, other, count=3):
        """Whether an address (or another guest's first) answers now."""
        return probes.ping(self.netns, address_of(other), count=count) == probes.ANSWERED

    def wait_ping(self, other, limit=60):
        address = address_of(other)
        wait_for(lambda: probes.ping(self.netns, address, count=1) == probes.ANSWERED, limit,
                 lambda: f"{address} does not answer {self.netns} ({self.addresses})")

    def carries_tcp(self, other, size=1 << 20, port=5001):
        """Sends 'size' bytes to another guest over TCP; True when all of them arrive."""
        import socket
        import threading
        with kernel.inside_netns(other.netns):
            server = socket.create_server((address_of(other), port))
        got = []

        def receive():
            with server:
                server.settimeout(60)
                try:
                    peer, _ = server.accept()
                    with peer:
                        peer.settimeout(60)
                        while True:
                            data = peer.recv(65536)
                            if not data:
                                break
                            got.append(len(data))
                except OSError:
                    pass

        thread = threading.Thread(target=receive, daemon=True)
        thread.start()
        try:
            with kernel.inside_netns(self.netns):
                sock = socket.socket()
            with sock:
                sock.settimeout(60)
                sock.connect((address_of(other), port))
                sock.sendall(b"x" * size)
        except OSError:
            return False
        finally:
            thread.join(70)
        return sum(got) == size


def address_of(other):
    return other.addresses[0] if isinstance(other, Guest) else other
