"""Up and down: the lab from its parts.

Every step asks first whether its work is already done, so 'up' on a running lab
starts only what is missing.
"""

import os
import shutil
import socket
import subprocess

from . import broker, cloud, hosts, kernel, programs
from .hosts import COMPUTES, HOSTS, Host
from .kernel import Failed
from .state import State

NETWORK = ("novanetwork", "10.0.0.0/24")
GUESTS = [("cirros", "compute-1"), ("cirros2", "compute-1"), ("cirros3", "compute-2")]
TOOLS = ["ip", "nsenter", "setpriv", "busybox", "dnsmasq", "iptables-save", "ping"]


class Lab:
    """A lab by its prefix.  'options' are extra lines of neutrino.conf by host ('*': all),
    'files' extra files by host: {host: {path: (mode, uid, text)}}.  'ha': multi_host, each
    compute host serves its own guests.  'transport' "rabbit": a broker on the controller
    instead of the embedded bus.  'guest_kind': what runs guests, one of
    programs.GUEST_KINDS."""

    def __init__(self, prefix="", profile="golden", options=None, files=None, progress=None,
                 ha=False, transport="", guest_kind="netns"):
        self.transport = transport
        self.broker = None
        self.prefix = prefix
        self.profile = profile
        self.guest_kind = guest_kind
        self.options = options or {}
        self.files = files or {}
        self.progress = progress or (lambda text: None)
        self.network = NETWORK
        self.use_ha(ha)
        self.state = State(prefix)
        self.hosts = {}
        self.programs = {}
        self.libvirtds = {}
        self.keys = None
        self.api = None

    def use_ha(self, ha):
        self.ha = ha
        self.places = programs.HA_PLACES if ha else programs.PLACES
        self.network_hosts = COMPUTES if ha else ["controller-1"]

    def shares_gateway(self):
        return self.options.get("controller-1", {}).get("share_dhcp_address") == "true"

    # --- what is there ---------------------------------------------------------

    def netns(self, name):
        return self.prefix + name

    def guest_netns(self, name):
        return f"{self.prefix}vm-{name}"

    def fixed_netns(self):
        return [self.netns(name) for name in [*HOSTS, hosts.WIRES]]

    def load(self):
        """Finds what an earlier 'up' made; False when there is nothing."""
        if not self.state.exists():
            return False
        self.keys = self.state.read("secrets")
        for name in HOSTS:
            record = self.state.read(f"host-{name}")
            if record and kernel.process_lives(record["pid"], record["starttime"]):
                self.hosts[name] = Host(self.prefix, name, record)
        self.use_ha(self.state.read("ha", self.ha))
        for host, name in self.places:
            record = self.state.read(f"program-{host}-{name}")
            if record and host in self.hosts:
                program = programs.Program(self.hosts[host], name, record)
                if program.lives():
                    self.programs[host, name] = program
        if self.keys and "controller-1" in self.hosts:
            self.make_api()
        self.profile = self.state.read("profile", self.profile)
        self.transport = self.state.read("transport", self.transport)
        self.guest_kind = self.state.read("guest-kind", self.guest_kind)
        return True

    @property
    def image(self):
        """Name of the image that guests are booted from."""
        return "cirros" if self.guest_kind == "netns" else "vm"

    def is_up(self):
        return (set(self.hosts) == set(HOSTS)
                and all(place in self.programs for place in self.places))

    def make_api(self):
        self.api = cloud.Api(self.netns("controller-1"), "admin", self.keys["admin"])

    # --- up --------------------------------------------------------------------

    @staticmethod
    def check_can_run():
        if os.geteuid() != 0:
            raise Failed("the lab makes network namespaces: run it as root")
        missing = [name for name in TOOLS if shutil.which(name, path=hosts.PATH) is None]
        if missing:
            raise Failed(f"not installed: {', '.join(missing)}")
        built = hosts.built_programs().values()
        absent = [name for name in hosts.PROGRAMS.values()
                  if not any(path.endswith("/" + name) for path in built)]
        if absent:
            raise Failed(f"not built in {hosts.build_dir()}: {', '.join(absent)}")

    def forget_if_nothing_made(self):
        """After a refusal that came before anything was made: no trace of it."""
        if self.state.exists() and self.state.read("netns") is None:
            self.state.remove()
        self.state.unlock()

    def up_hosts(self):
        """Wires and hosts, with their files; no program yet."""
        self.state.lock()
        if set(self.hosts) == set(HOSTS):
            return
        if self.state.read("netns") is not None:
            # A half-made lab: its parts depend on one another, so all are made anew.
            self.progress("an earlier start was interrupted: cleaning up first")
            self.down(keep_lock=True)
        taken = [name for name in self.fixed_netns() if name in kernel.netns_names()]
        if taken:
            raise Failed(f"network namespace {taken[0]} exists already and is not this lab's; "
                         "use LAB_PREFIX=NAME-")
        others = [name for name in kernel.netns_names() if name.startswith(self.netns("vm-"))]
        self.state.write("not-ours", others)
        self.state.write("netns-dir", kernel.netns_dir_state())
        self.state.write("netns", self.fixed_netns())
        self.state.write("profile", self.profile)
        self.state.write("ha", self.ha)
        self.state.write("transport", self.transport)
        self.state.write("guest-kind", self.guest_kind)
        self.keys = programs.new_secrets()
        self.state.write("secrets", self.keys)
        os.chmod(self.state.path("secrets"), 0o600)
        self.progress("network namespaces and wires")
        for name in HOSTS:
            hosts.make_netns(self.state, self.netns(name))
        hosts.make_wires(self.state)
        for name in HOSTS:
            self.up_host(name)

    def up_host(self, name):
        self.progress(f"host {name}")
        hosts.set_up_links(self.state, name)
        options = self.options
        if self.guest_kind != "netns":
            options = dict(options, **{"*": {"compute_driver": self.guest_kind,
                                             "libvirt_uri": programs.LIBVIRT_URI,
                                             **options.get("*", {})}})
        url = programs.broker_url(self.keys) if self.transport else ""
        files, dirs = programs.files_of(name, self.prefix, self.profile, self.keys, options,
                                        ha=self.ha, url=url)
        if self.guest_kind != "netns":
            text = programs.VM_IMAGE.format(folder=programs.vm_folder())
            files["/usr/share/neutrino/images/vm.image"] = (0o644, 0, text)
        if self.guest_kind == "libvirt" and name in COMPUTES:
            files.update(programs.libvirt_files())
        files.update(self.files.get(name, {}))
        record = hosts.start_holder(self.state, name, files, dirs)
        self.state.write(f"host-{name}", record)
        host = self.hosts[name] = Host(self.prefix, name, record)
        host.start(["busybox", "syslogd", "-n", "-O", "/var/log/syslog"], "/var/log/syslogd.out")
        kernel.wait_for(lambda: os.path.exists(host.file("/dev/log")), 5, f"syslogd on {name}")
        if self.guest_kind == "libvirt" and name in COMPUTES:
            self.start_libvirtd(name)
        if name == "controller-1":
            self.make_api()

    def up_broker(self):
        """RabbitMQ on the controller, unless it runs; it ends with the lab."""
        host = self.hosts["controller-1"]
        folder = "/var/lib/neutrino-lab-broker"

        def spawn(argv, output, env):
            with open(output, "ab") as file:
                return subprocess.Popen(host.argv(argv), stdin=subprocess.DEVNULL, stdout=file,
                                        stderr=file, start_new_session=True, cwd="/",
                                        env=hosts.environment(env))

        def connect():
            with kernel.inside_netns(host.netns):
                return socket.create_connection(("127.0.0.1", programs.BROKER_PORT), 5)

        record = self.state.read("broker")
        if record and kernel.process_lives(record["pid"], record["starttime"]):
            return
        self.progress("RabbitMQ on controller-1")
        os.makedirs(host.file(folder), mode=0o700, exist_ok=True)
        self.broker = broker.Broker(folder, programs.BROKER_PORT, spawn, connect,
                                    outside=host.file(folder), address=hosts.CONTROLLER,
                                    password=self.keys["broker"])
        self.broker.start()
        self.state.write("broker", {"pid": self.broker.pid,
                                    "starttime": kernel.process_stat(self.broker.pid)[1]})

    def start_libvirtd(self, name):
        self.libvirtds[name] = programs.start_libvirtd(self.hosts[name])

    def up_program(self, host, name, wait=True, options=(), env=None):
        """Starts a program unless it runs."""
        program = self.programs.get((host, name))
        if program is None or not program.lives():
            program = programs.start(self.hosts[host], name, options, env)
            self.programs[host, name] = program
            self.state.write(f"program-{host}-{name}", program.record())
        if wait:
            program.wait_ready()
        return program

    def up_programs(self):
        def start(places):
            missing = [place for place in places if place not in self.programs]
            if missing:
                self.progress(", ".join(f"neutrino-{name} on {host}" for host, name in missing))
            for host, name in missing:
                self.up_program(host, name, wait=False)
            for place in places:
                self.programs[place].wait_ready()

        start(self.places[:1])
        start(self.places[1:])

    def up_network(self):
        """Creates the network unless it is there, and waits until its host serves it."""
        label, cidr = self.network
        if not any(net.get("label") == label for net in self.api.networks()):
            self.progress(f"network {label} {cidr}")
            self.api.create_network(label, cidr)
        for host in self.network_hosts:
            kernel.wait_for(lambda host=host: self.dnsmasq_pid(host), 15,
                            lambda host=host: f"dnsmasq does not run on {host}: "
                            + self.programs[host, "flat"].why_not())

    def up_computes_known(self):
        """The scheduler places a guest only on a host that has reported."""
        kernel.wait_for(lambda: set(COMPUTES) <= self.api.hosts_up("compute"), 15,
                        "compute-1 and compute-2 have not reported to the server")

    def up_guest(self, name, host):
        if not any(server["name"] == name for server in self.api.servers()):
            self.progress(f"guest {name} on {host}")
            self.api.boot(name, host, self.image)
        self.api.wait_active(name, self.boot_limit)

    @property
    def boot_limit(self):
        """Seconds; an emulated machine on a loaded one is slow."""
        return 30 if self.guest_kind == "netns" else 180

    def wait_booted(self, name, limit=None):
        limit = limit or self.boot_limit
        kernel.wait_for(lambda: "system completely up" in self.api.console(name), limit,
                        lambda: f"{name} has not booted; its console ends: "
                        + "; ".join(self.api.console(name).splitlines()[-4:]))

    def wait_guest(self, name, limit=None):
        limit = limit or self.boot_limit
        self.api.wait_active(name, limit)
        self.wait_booted(name, limit)

    def up(self, guests=GUESTS):
        self.up_hosts()
        if self.transport:
            self.up_broker()
        self.up_programs()
        self.up_network()
        if guests:
            self.up_computes_known()
        for name, host in guests:
            # One after the other: addresses and devices are then in the guests' order.
            self.up_guest(name, host)
        for name, _ in guests:
            self.wait_booted(name)

    def guest_number(self, name):
        """The instance number, from the name its compute host gave it."""
        return int(self.api.server(name)["OS-EXT-SRV-ATTR:instance_name"].split("-")[1], 16)

    def client_environment(self):
        return programs.openrc_variables(self.keys)

    def dnsmasq_pid(self, host=None):
        """Pid of the main dnsmasq of the flat network on a host (the first one), or 0."""
        try:
            pid = int(self.hosts[host or self.network_hosts[0]].read("/var/lib/nova/networks/nova-br100.pid"))
        except ValueError:
            return 0
        stat = kernel.process_stat(pid)
        return pid if stat and stat[0] not in "ZX" else 0

    def kill_dnsmasq(self):
        """Kills the main dnsmasq, once there is one (between two of them there is none, and
        signal 9 to process 0 would end the caller); returns its pid."""
        pid = kernel.wait_for(self.dnsmasq_pid, 20, "no dnsmasq to kill")
        os.kill(pid, 9)
        return pid

    # --- down ------------------------------------------------------------------

    def own_netns(self):
        """The lab's network namespaces that exist: recorded ones, and guests."""
        recorded = set(self.state.read("netns", []))
        not_ours = set(self.state.read("not-ours", []))
        prefix = self.netns("vm-")
        return [name for name in kernel.netns_names() if name in recorded
                or (recorded and name.startswith(prefix) and name not in not_ours)]

    def own_namespaces(self):
        """Identities of the lab's network and mount namespaces."""
        spaces = {kernel.namespace_id(kernel.netns_path(name)) for name in self.own_netns()}
        for name in HOSTS:
            record = self.state.read(f"host-{name}")
            if record and kernel.process_lives(record["pid"], record["starttime"]):
                spaces |= {kernel.namespace_id(f"/proc/{record['pid']}/ns/{kind}")
                           for kind in ("net", "mnt")}
        spaces -= {None, *(kernel.namespace_id(f"/proc/self/ns/{kind}") for kind in ("net", "mnt"))}
        return spaces

    def kill_all(self):
        """Ends every process of the lab; what it started meanwhile is found by looking again."""
        spaces = self.own_namespaces()

        def none_left():
            spaces.update(self.own_namespaces())
            found = kernel.processes_in(spaces)
            for pid, starttime in found:
                kernel.kill(pid, starttime)
            return not found

        kernel.wait_for(none_left, 20, "processes of the lab do not end")

    def down(self, keep_lock=False):
        """Removes every trace.  False when there was nothing."""
        if not self.state.exists():
            return False
        if os.geteuid() != 0:
            raise Failed("the lab's namespaces belong to root: run it as root")
        self.state.lock()
        self.kill_all()
        for name in self.own_netns():
            kernel.run(["ip", "netns", "del", name], check=False)
        left = self.own_netns()
        if left:
            raise Failed(f"cannot remove network namespace {left[0]}")
        self.hosts, self.programs, self.api = {}, {}, None
        before = self.state.read("netns-dir")
        if before:
            kernel.netns_dir_restore(before)
        if keep_lock:
            for name in os.listdir(self.state.dir):
                os.unlink(self.state.path(name))
        else:
            self.state.remove()
            self.state.unlock()
        return True
