"""Hosts of the bed, and the wires between them.

    ctl   mgmt 10.20.0.10                                 database, broker, server
    hN    mgmt 10.20.0.1N   und0, phys0 without address   switch, agent, guests

und0 carries tunnels (MTU 1600), phys0 the physical network; both go into bridges of the
host's own switch.  Each host is made the way lab hosts are: network, mount and UTS
namespaces, with /etc, /run, /var/lib and /var/log of its own.
"""

import os

import sanitized
from neutrinolab import hosts, kernel
from neutrinolab.kernel import Failed

CONTROLLER = "ctl"
MGMT = "10.20.0"
UNDERLAY = "172.30.0"
UNDERLAY6 = "fd00:30"
UNDERLAY_MTU = 1600
WIRES = "wires"


def number(name):
    """1 of h1."""
    return int(name[1:])


def mgmt_address(name):
    return f"{MGMT}.10" if name == CONTROLLER else f"{MGMT}.{10 + number(name)}"


def local_ip(name):
    """Tunnel end point of a host."""
    return f"{UNDERLAY}.{10 + number(name)}"


def local_ip6(name):
    """Its other end point, for an agent that is told to use it."""
    return f"{UNDERLAY6}::{10 + number(name)}"


def is_private():
    """Whether processes and named namespaces of this process end with it (tests/run)."""
    return "--inside" in kernel.command_line(1).decode(errors="replace").split("\0")


def check_can_run():
    if os.geteuid() != 0:
        raise Failed("the bed makes network namespaces: run it as root")
    if not is_private():
        raise Failed("the bed is only for namespaces that end with it: "
                     "start the program with 'tests/run --inside PROGRAM'")


def batch(netns, lines):
    kernel.run(["ip", "-n", netns, "-batch", "-"], text_input="\n".join(lines) + "\n")


def make_netns(name):
    kernel.run(["ip", "netns", "add", name])
    batch(name, ["link set lo up"])


def make_wires(names):
    """Network namespaces of all hosts, and the three wires."""
    for name in [WIRES, *names]:
        make_netns(name)
    lines = []
    for wire, mtu in (("mgmt", 1500), ("und0", UNDERLAY_MTU), ("phys0", UNDERLAY_MTU)):
        lines += [f"link add {wire} type bridge forward_delay 0 stp_state 0 mcast_snooping 0",
                  f"link set {wire} addrgenmode none mtu {mtu} up"]
        for name in names:
            if name != CONTROLLER or wire == "mgmt":
                lines += [f"link add {name}-{wire} mtu {mtu} type veth peer name {wire}"
                          f" mtu {mtu} netns {name}",
                          f"link set {name}-{wire} addrgenmode none master {wire} up"]
    batch(WIRES, lines)
    for name in names:
        lines = [f"addr add {mgmt_address(name)}/24 dev mgmt", "link set mgmt up"]
        if name != CONTROLLER:
            lines += ["link set und0 addrgenmode none up", "link set phys0 addrgenmode none up"]
        batch(name, lines)


class Host(hosts.Host):
    """A host of the bed, with the folders 'dirs'; made now unless it has a 'record'."""

    def __init__(self, name, dirs=(), record=None):
        if record is None:
            record = self.make(name, dirs)
        super().__init__("", name, record)

    @staticmethod
    def make(name, dirs):
        built = sanitized.program("src/neutrino-agent")
        binds = {"/usr/bin/neutrino-agent": built} if os.path.exists(built) else {}
        everything = {"/run/lock": (0o755, 0), "/var/lib/neutron": (0o755, 0)}
        everything.update({path: (0o755, 0) for path in dirs})
        return hosts.hold({"name": name, "netns": name, "links": {}, "binds": binds,
                           "files": {}, "dirs": everything})

    def run(self, argv, **options):
        options.setdefault("env", hosts.environment(sanitized.env()))
        return super().run(argv, **options)

    def program_exists(self, path):
        return os.path.exists(self.file(path))
