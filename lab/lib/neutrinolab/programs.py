"""The programs in the lab hosts: their configuration, start, and readiness."""

import os
import re
import secrets

from . import broker, hosts, kernel
from .kernel import Failed

GOLDEN_NOVA_CONF = """\
--public_interface=eth1
--fixed_range=10.0.0.0/24
--flat_interface=eth2
--flat_network_bridge=br100
--network_manager=nova.network.manager.FlatDHCPManager
"""
PROFILES = {
    # What the first release did, as far as its listings show.
    "golden": {"dmz_cidr": "10.128.0.0/24", "dhcp_lease_time": "120", "compat": "essex",
               "snat_out_interface": "false"},
    "default": {},
}
BUS_PORT = 8770
BROKER_PORT = 5672
BROKERS = ("", "rabbit")
LOG_DIR = "/var/log/neutrino"
CONFIG = "/etc/neutrino/neutrino.conf"
UID = hosts.SERVER_UID

# (host, program) in the order of their start
PLACES = [("controller-1", "server"), ("controller-1", "flat"),
          ("compute-1", "compute"), ("compute-2", "compute")]


# Under multi_host each compute host is the network host of its own guests.
HA_PLACES = [PLACES[0], *((host, name) for host in hosts.COMPUTES
                          for name in ("flat", "compute"))]


def new_secrets():
    return {"metadata": secrets.token_hex(16), "bus_key": secrets.token_hex(32),
            "admin": secrets.token_urlsafe(18), "demo": secrets.token_urlsafe(18),
            "broker": secrets.token_urlsafe(18)}


def broker_url(keys):
    return f"rabbit://{broker.USER}:{keys['broker']}@{hosts.CONTROLLER}:{BROKER_PORT}/"


def ini(options):
    return "[DEFAULT]\n" + "".join(f"{name} = {value}\n" for name, value in options.items())


GUEST_KINDS = ["netns", "qemu", "libvirt"]
VM_IMAGE = """\
# A virtual machine of the lab: Debian's cloud kernel and an initramfs of busybox.
[image]
name = vm
id = 7b0e6a52-54d5-4b52-8f3c-0c1440051c45
kernel = {folder}/vmlinuz
ramdisk = {folder}/initramfs.gz
os_command_line = console=ttyS0 quiet
"""


LIBVIRT_SOCKET = "/run/libvirt/libvirt-sock"
LIBVIRT_URI = f"qemu+unix:///system?socket={LIBVIRT_SOCKET}"
# No security module and no control groups: a lab host has neither.
QEMU_CONF = """\
user = "+0"
group = "+0"
dynamic_ownership = 0
security_driver = "none"
stdio_handler = "file"
cgroup_controllers = []
namespaces = []
"""
# libvirtd looks these up even when it does not use them; Debian adds them with its service.
LIBVIRT_USERS = {"/etc/passwd": "libvirt-qemu:x:64055:64055:::/usr/sbin/nologin\n",
                 "/etc/group": "libvirt-qemu:x:64055:\n"}


def libvirt_files():
    files = {"/etc/libvirt/qemu.conf": (0o644, 0, QEMU_CONF),
             "/etc/libvirt/libvirtd.conf": (0o644, 0, 'auth_unix_rw = "none"\n')}
    for path, line in LIBVIRT_USERS.items():
        with open(path, encoding="utf-8") as file:
            text = file.read()
        files[path] = (0o644, 0, text if "libvirt-qemu:" in text else text + line)
    return files


def start_libvirtd(host):
    """libvirtd of a lab host; its caches belong to it alone."""
    process = host.start(["unshare", "--mount", "--", "sh", "-c",
                          "mount -t tmpfs lab /var/cache && exec libvirtd"],
                         f"{LOG_DIR}/libvirtd.out")
    kernel.wait_for(lambda: os.path.exists(host.file(LIBVIRT_SOCKET)), 60,
                    lambda: f"libvirtd on {host.name}: {host.read(LOG_DIR + '/libvirtd.out')}")
    return process


def ha_options(host, keys):
    options = {"metadata_proxy_shared_secret": keys["metadata"]}
    if host == "controller-1":
        proxies = ",".join(hosts.HOSTS[name][0] for name in hosts.COMPUTES)
        options.update({"multi_host": "true", "service_metadata_proxy": "true",
                        "metadata_proxies": proxies})
    else:
        options["metadata_server"] = f"http://{hosts.CONTROLLER}:8775"
    return options


def config_of(host, prefix, profile, more, ha=None, url=""):
    """neutrino.conf of a host: the profile, where the bus is, and what the caller wants."""
    options = dict(PROFILES[profile])
    # Labs boot as many guests as fit.
    options.update(dict.fromkeys(("quota_instances", "quota_cores", "quota_ram"), "-1"))
    if url:
        options["transport_url"] = url
    if host == "controller-1":
        options["bus_listen"] = f"{hosts.CONTROLLER}:{BUS_PORT}"
    else:
        options["bus_endpoint"] = f"tcp:{hosts.CONTROLLER}:{BUS_PORT}"
        options["netns_prefix"] = f"{prefix}vm-"
    options.update(ha or {})
    options.update(more.get("*", {}))
    options.update(more.get(host, {}))
    return ini(options)


def guest_files():
    """The images and their guests, as an installation has them below /usr/share/neutrino."""
    files = {}
    for folder, target, mode in (("images", "images", 0o644), ("guests", "guests", 0o755)):
        base = os.path.join(hosts.TREE, "lab", folder)
        for where, _, names in os.walk(base):
            for name in names:
                path = os.path.join(where, name)
                with open(path, encoding="utf-8") as file:
                    inside = os.path.relpath(path, base)
                    files[f"/usr/share/neutrino/{target}/{inside}"] = (mode, 0, file.read())
    return files


def vm_folder():
    """Where the kernel and the initramfs of the lab's virtual machine are; made when missing."""
    # The first time it downloads 27 MB.
    return kernel.run([os.path.join(hosts.TREE, "lab/vm-image")], timeout=900).stdout.strip()


def files_of(host, prefix, profile, keys, more, *, ha=False, url=""):
    """(files, dirs) of a new lab host, for its holder.  'ha': multi_host."""
    names = "".join(f"{address} {name}\n" for name, (address, _, _) in hosts.HOSTS.items())
    files = {
        "/etc/hostname": (0o644, 0, host + "\n"),
        "/etc/hosts": (0o644, 0, "127.0.0.1 localhost\n" + names),
        "/etc/resolv.conf": (0o644, 0, "# The lab has no name server but its own.\n"),
    }
    dirs = {LOG_DIR: (0o755, UID)}
    if host != "outside-1":
        files["/etc/nova/nova.conf"] = (0o644, 0, GOLDEN_NOVA_CONF)
        # With a broker it holds a password.
        files[CONFIG] = (0o640 if url else 0o644, UID if url else 0,
                         config_of(host, prefix, profile, more,
                                   ha_options(host, keys) if ha else None, url))
        files["/etc/neutrino/bus.key"] = (0o640, UID, keys["bus_key"] + "\n")
        files.update(guest_files())
        dirs.update({"/var/lib/neutrino": (0o755, UID), "/run/neutrino": (0o755, UID),
                     "/var/lib/nova": (0o755, UID)})
    if host == "controller-1":
        files["/etc/neutrino/credentials"] = (0o640, UID, credentials(keys))
        files["/etc/neutrino/openrc"] = (0o600, 0, openrc(keys))
    return files, dirs


def credentials(keys):
    return f"admin {keys['admin']} admin admin\ndemo {keys['demo']} demo member\n"


def openrc_variables(keys):
    """What the stock nova client reads; it must come from the environment, not from options."""
    base = f"http://{hosts.CONTROLLER}:8774"
    return {
        "OS_AUTH_TYPE": "http_basic",
        "OS_ENDPOINT": f"{base}/compute/v2.1",
        "OS_ENDPOINT_OVERRIDE": f"{base}/compute/v2.1",
        "OS_USERNAME": "admin",
        "OS_PASSWORD": keys["admin"],
        "OS_PROJECT_ID": "admin",
        "OS_PROJECT_NAME": "admin",
        "OS_AUTH_URL": f"{base}/identity/v3",
    }


def openrc(keys):
    return "".join(f"export {name}='{value}'\n" for name, value in openrc_variables(keys).items())


def log_path(program):
    return f"{LOG_DIR}/{program}.log"


def argv_of(program, options=()):
    argv = [f"/usr/sbin/neutrino-{program}", "--log-file", log_path(program), *options]
    if program == "server":
        return ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups",
                "--no-new-privs", "--", *argv]
    return argv


class Program:
    """A program of ours that was started in a lab host."""

    def __init__(self, host, name, record):
        self.host = host
        self.name = name
        self.pid = record["pid"]
        self.starttime = record["starttime"]
        self.log_from = record.get("log_from", 0)

    def record(self):
        return {"pid": self.pid, "starttime": self.starttime, "log_from": self.log_from}

    def lives(self):
        return kernel.process_lives(self.pid, self.starttime)

    def log(self):
        return self.host.read(log_path(self.name))[self.log_from:]

    def is_ready(self):
        return re.search(r"\|INFO\|ready\b", self.log()) is not None

    def why_not(self):
        """The end of what it said, for an error message."""
        said = (self.log() + self.host.read(f"{LOG_DIR}/{self.name}.out")).strip().splitlines()
        return "; ".join(said[-4:]) or "it said nothing"

    def wait_ready(self, limit=15):
        def ready_or_dead():
            if self.is_ready():
                return True
            if not self.lives():
                raise Failed(f"neutrino-{self.name} on {self.host.name} ended at once: "
                             f"{self.why_not()}")
            return False

        kernel.wait_for(ready_or_dead, limit, lambda: f"neutrino-{self.name} on {self.host.name} "
                                                      f"is not ready: {self.why_not()}")


def start(host, name, options=(), env=None):
    path = f"/usr/sbin/neutrino-{name}"
    if not os.path.exists(host.file(path)):
        raise Failed(f"neutrino-{name} is not built: there is no "
                     f"{hosts.build_dir()}/src/neutrino-{name}; run 'make' first")
    log_from = len(host.read(log_path(name)))
    process = host.start(argv_of(name, options), f"{LOG_DIR}/{name}.out", env)
    stat = kernel.process_stat(process.pid)
    record = {"pid": process.pid, "starttime": stat[1], "log_from": log_from}
    program = Program(host, name, record)
    program.process = process
    return program
