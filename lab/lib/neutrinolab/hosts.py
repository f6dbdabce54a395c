"""Lab hosts, and the two wires between them.

Each host is a named network namespace with a holder process that keeps its mount
and UTS namespaces.  The wires are bridges in a namespace of their own; every
interface is made directly in its namespace, never in the machine's.
"""

import json
import os
import subprocess
import sys

from . import kernel
from .kernel import Failed

SERVER_UID = 64990
GATEWAY = "192.168.56.101"
OUTSIDE = "203.0.113.10"
CONTROLLER = "192.168.56.200"
TREE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# name: address and MAC of eth1 (management), MAC of eth2 (the flat wire) or None
HOSTS = {
    "controller-1": (CONTROLLER, "08:00:27:9d:c4:b0", "08:00:27:8f:87:fa"),
    "compute-1": ("192.168.56.202", "08:00:27:ee:49:bd", "08:00:27:15:85:17"),
    "compute-2": ("192.168.56.203", "08:00:27:ee:49:be", "08:00:27:15:85:18"),
    "outside-1": (GATEWAY, "08:00:27:00:65:01", None),
}
COMPUTES = ["compute-1", "compute-2"]
WIRES = "lab-wires"
PROGRAMS = {
    "/usr/sbin/neutrino-server": "neutrino-server",
    "/usr/sbin/neutrino-flat": "neutrino-flat",
    "/usr/sbin/neutrino-compute": "neutrino-compute",
    "/usr/bin/neutrino-dhcpbridge": "neutrino-dhcpbridge",
    "/usr/bin/neutrino": "neutrino",
}


def build_dir():
    return os.path.realpath(os.environ.get("BUILD_DIR") or os.path.join(TREE, "build"))


def built_programs():
    """Path in a host -> path of the file we built, of those that exist."""
    found = {}
    for path, name in PROGRAMS.items():
        source = os.path.join(build_dir(), "src", name)
        if os.path.exists(source):
            found[path] = source
    return found


class Host:
    """A lab host that has been made: its record is {"pid":, "starttime":}."""

    def __init__(self, prefix, name, record):
        self.name = name
        self.netns = prefix + name
        self.pid = record["pid"]
        self.starttime = record["starttime"]

    def lives(self):
        return kernel.process_lives(self.pid, self.starttime)

    def argv(self, argv):
        """What starts 'argv' inside the host."""
        return ["nsenter", "-t", str(self.pid), "--net", "--mount", "--uts", "--", *argv]

    def run(self, argv, **options):
        options.setdefault("env", environment())
        return kernel.run(self.argv(argv), **options)

    def start(self, argv, output, env=None):
        """Starts a program that stays; its own output goes to the file 'output' of the host."""
        with open(self.file(output), "ab") as file:
            return subprocess.Popen(self.argv(argv), stdin=subprocess.DEVNULL, stdout=file,
                                    stderr=file, start_new_session=True, env=environment(env),
                                    cwd="/")

    def file(self, path):
        """A file of the host, by a path that works from outside."""
        return f"/proc/{self.pid}/root{path}"

    def read(self, path):
        try:
            with open(self.file(path), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def write(self, path, text, mode=0o644, uid=0):
        with open(self.file(path), "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            os.fchown(file.fileno(), uid, uid)
            file.write(text)


def environment(more=None):
    env = {"PATH": PATH, "HOME": "/", "LC_ALL": "C.UTF-8", "TERM": os.environ.get("TERM", "dumb")}
    env.update(more or {})
    return env


def make_netns(state, name):
    kernel.run(["ip", "netns", "add", name], pass_fds=state.lock_fds())
    kernel.run(["ip", "-n", name, "link", "set", "lo", "up"], pass_fds=state.lock_fds())


def ip_batch(state, netns, lines):
    kernel.run(["ip", "-n", netns, "-batch", "-"], text_input="\n".join(lines) + "\n",
               pass_fds=state.lock_fds())


def make_wires(state):
    wires = state.prefix + WIRES
    make_netns(state, wires)
    lines = [f"link add {wire} type bridge forward_delay 0 stp_state 0\n"
             f"link set {wire} addrgenmode none up" for wire in ("management", "flat")]
    for number, (name, (_, mac1, mac2)) in enumerate(HOSTS.items()):
        for device, mac, wire in (("eth1", mac1, "management"), ("eth2", mac2, "flat")):
            if mac:
                port = f"h{number}-{device}"
                lines += [f"link add {port} type veth peer name {device} address {mac}"
                          f" netns {state.prefix}{name}",
                          f"link set {port} addrgenmode none master {wire} up"]
    ip_batch(state, wires, lines)


def set_up_links(state, name):
    """Addresses and routes that belong to the distribution, not to us."""
    address = HOSTS[name][0]
    lines = ["link set eth1 up", f"addr add {address}/24 brd + dev eth1"]
    if name == "outside-1":
        lines += ["link add ext0 type bridge", "link set ext0 up",
                  f"addr add {OUTSIDE}/24 brd + dev ext0"]
    else:
        lines += [f"route add default via {GATEWAY} dev eth1 metric 100",
                  "route add 169.254.0.0/16 dev eth1 scope link metric 1000"]
    if name == "controller-1":
        lines.append("link set eth2 up")
    ip_batch(state, state.prefix + name, lines)


def start_holder(state, name, files, dirs):
    """Makes the host's mount and UTS namespaces; returns the holder's record."""
    built = built_programs()
    spec = {
        "name": name,
        "netns": state.prefix + name,
        "files": files,
        "dirs": dirs,
        "binds": built,
        "links": {"/usr/bin/nova-dhcpbridge": "/usr/bin/neutrino-dhcpbridge"},
    }
    return hold(spec, state.lock_fds())


def hold(spec, pass_fds=()):
    """Starts a holder (see holder.py for 'spec') and returns its record once it is ready."""
    holder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "holder.py")
    process = subprocess.Popen([sys.executable, "-B", holder, json.dumps(spec)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, pass_fds=pass_fds, cwd="/")
    answer = process.stdout.readline()
    if answer != b"ready\n":
        raise Failed(f"cannot make lab host {spec['name']}: "
                     f"{process.stderr.read().decode().strip()}")
    kernel.wait_for(lambda: kernel.command_line(process.pid).startswith(b"neutrino-lab:"), 5,
                    f"the holder of {spec['name']}")
    return {"pid": process.pid, "starttime": kernel.process_stat(process.pid)[1]}
