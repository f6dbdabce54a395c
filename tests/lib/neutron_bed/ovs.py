"""Open vSwitch of one host: ovsdb-server and ovs-vswitchd, userspace datapath.

The run directory is the host's own /run/openvswitch, so every command run inside the
host finds its own switch without being told."""

import json
import os

from neutrinolab import kernel

from . import config, wires
from .daemon import Daemon

RUN = "/run/openvswitch"
DB = f"{RUN}/conf.db"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


class Switch:
    """The two daemons, and the two bridges that belong to the machine and not to an agent."""

    def __init__(self, host, logs):
        self.host = host
        self.ovsdb = Daemon(host, "ovsdb-server", [
            "/usr/sbin/ovsdb-server", DB, f"--remote=punix:{RUN}/db.sock",
            "--remote=db:Open_vSwitch,Open_vSwitch,manager_options",
            f"--pidfile={RUN}/ovsdb-server.pid", f"--unixctl={RUN}/ovsdb-server.ctl",
            "-vconsole:info"], os.path.join(logs, f"{host.name}-ovsdb-server.log"))
        self.vswitchd = Daemon(host, "ovs-vswitchd", [
            "/usr/sbin/ovs-vswitchd", f"unix:{RUN}/db.sock", f"--pidfile={RUN}/ovs-vswitchd.pid",
            "--disable-system", "-vconsole:info"],
            os.path.join(logs, f"{host.name}-ovs-vswitchd.log"))

    def start(self):
        """First start, or again on the database that is there; returns when both answer."""
        if not self.host.program_exists(DB):
            self.host.run(["ovsdb-tool", "create", DB, SCHEMA])
        if not self.ovsdb.lives():
            self.start_ovsdb()
        if not self.vswitchd.lives():
            self.start_vswitchd()

    def start_ovsdb(self):
        self.ovsdb.start()
        self.ovsdb.wait(lambda: os.path.exists(self.host.file(f"{RUN}/db.sock")) and
                        self.host.run(["ovs-vsctl", "--no-wait", "--timeout=5", "init"],
                                      check=False).returncode == 0, 30, "does not answer")

    def start_vswitchd(self):
        self.vswitchd.start()
        # Without --no-wait it returns when vswitchd has taken the configuration.
        self.vsctl("set", "Open_vSwitch", ".", f"external_ids:system-id={self.host.name}",
                   f"external_ids:hostname={self.host.name}")

    def stop(self):
        self.vswitchd.stop()
        self.ovsdb.stop()

    def kill(self):
        self.vswitchd.kill()
        self.ovsdb.kill()

    def restart(self):
        """Both, as a package upgrade does; flows are gone afterwards."""
        self.stop()
        self.start()

    def vsctl(self, *arguments, limit=60):
        return self.host.run(["ovs-vsctl", f"--timeout={limit}", *arguments],
                             timeout=limit + 10).stdout

    def ofctl(self, *arguments, limit=60):
        return self.host.run(["ovs-ofctl", "-O", "OpenFlow14", f"--timeout={limit}", *arguments],
                             timeout=limit + 10).stdout

    def appctl(self, *arguments, limit=60):
        return self.host.run(["ovs-appctl", f"--timeout={limit}", *arguments],
                             timeout=limit + 10).stdout

    def rows(self, table):
        """All rows of an OVSDB table, columns as Python values (sets: lists, maps: dicts)."""
        return self.tables(table)[0]

    def tables(self, *names):
        """The same of several tables, as they are at one time."""
        arguments = [word for name in names for word in ("--", "list", name)]
        text, found = self.vsctl("--format=json", *arguments[1:]), []
        while text.strip():
            dump, end = json.JSONDecoder().raw_decode(text)
            text = text[end:].lstrip()
            found.append(rows_of(dump))
        return found

    def make_underlay(self):
        """br-und with the tunnel end point on it, br-phys with the physical wire.

        A tunnel of the userspace datapath sends only when the end point's address sits
        on a bridge of the same datapath; and it computes no checksums, so the kernel
        must not leave them to it."""
        for device in ("und0", "phys0"):
            offload_off(self.host.netns, device)
        netdev = ["--", "set", "Bridge"]
        self.vsctl("--may-exist", "add-br", config.UNDERLAY_BRIDGE,
                   *netdev, config.UNDERLAY_BRIDGE, "datapath_type=netdev",
                   "fail_mode=standalone",
                   "--", "--may-exist", "add-port", config.UNDERLAY_BRIDGE, "und0",
                   "--", "--may-exist", "add-br", config.PHYS_BRIDGE,
                   *netdev, config.PHYS_BRIDGE, "datapath_type=netdev",
                   "--", "--may-exist", "add-port", config.PHYS_BRIDGE, "phys0")
        self.set_underlay_address()

    def set_underlay_address(self):
        """To be called again after a start of vswitchd, which may make the device anew."""
        wires.batch(self.host.netns, [
            f"link set {config.UNDERLAY_BRIDGE} mtu {wires.UNDERLAY_MTU} up",
            f"addr replace {wires.local_ip(self.host.name)}/24 dev {config.UNDERLAY_BRIDGE}",
            f"addr replace {wires.local_ip6(self.host.name)}/64 dev {config.UNDERLAY_BRIDGE} nodad",
            f"link set {config.PHYS_BRIDGE} up"])


def offload_off(netns, device):
    kernel.run(["nsenter", f"--net={kernel.netns_path(netns)}", "--", "ethtool", "-K", device,
                "tx", "off", "tso", "off", "gso", "off"])


def value_of(value):
    """An OVSDB value of JSON as a Python value."""
    if isinstance(value, list) and len(value) == 2:
        kind, inner = value
        if kind == "set":
            return [value_of(item) for item in inner]
        if kind == "map":
            return {value_of(key): value_of(item) for key, item in inner}
        if kind == "uuid":
            return inner
    return value


def rows_of(dump):
    """Rows of 'ovs-vsctl --format=json list TABLE', also of a recorded one."""
    return [{name: value_of(cell) for name, cell in zip(dump["headings"], row)}
            for row in dump["data"]]
