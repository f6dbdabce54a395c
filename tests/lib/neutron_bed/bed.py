"""The whole bed: controller with stock server, hosts with a switch each."""

import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import time

import sanitized
from neutrinolab import hosts, kernel
from neutrinolab.kernel import Failed, wait_for

from . import clone, config, dumps, wires
from .agent import OurAgent
from .api import Api
from .daemon import Daemon
from .guests import BRIDGE, Guest, interface
from .mariadb import Mariadb
from .ovs import Switch
from .pinger import Pinger
from .rabbit import Rabbit

AGENTS = {"python": "/usr/bin/neutron-openvswitch-agent", "neutrino": "/usr/bin/neutrino-agent"}
TOOLS = ["neutron-server", "neutron-db-manage", "mariadbd", "mariadb-install-db",
         "ovsdb-server", "ovs-vswitchd", "ovs-vsctl", "ovs-ofctl", "ethtool", "nsenter", "ip",
         "ping", "sysctl"]
SERVICE_PLUGINS = ("qos", "trunk")
WORST = ("ERROR", "CRITICAL", "Traceback", "|ERR|", "|EMER|")
NOTICE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "notice.py")
SHOWN = 6  # Lines per log that a failure shows.


class BedHost:
    """One host with its switch: what a test does to it."""

    def __init__(self, bed, name, record=None):
        self.bed = bed
        self.name = name
        self.netns = name
        self.agent = None
        self.agent_kind = None
        self.guests = []
        self.machine = wires.Host(name, ["/run/openvswitch", "/etc/neutron/plugins/ml2"], record)
        self.switch = Switch(self.machine, bed.logs)

    def start_switch(self):
        self.switch.start()
        self.switch.make_underlay()

    def restart_switch(self, *, kill=False):
        """ovsdb-server and vswitchd anew, with what the machine owns and the guests' devices."""
        (self.switch.kill if kill else self.switch.stop)()
        self.switch.start()
        self.mend_switch()

    def restart_vswitchd(self, *, kill=False):
        (self.switch.vswitchd.kill if kill else self.switch.vswitchd.stop)()
        self.switch.start_vswitchd()
        self.mend_switch()

    def mend_switch(self):
        """After a start of vswitchd: devices it makes anew have no addresses."""
        self.switch.set_underlay_address()
        for guest in self.guests:
            if guest.kind == "internal":
                guest.configure()

    def run(self, argv, **options):
        """Runs a command inside the host."""
        return self.machine.run(argv, **options)

    def ovs(self, tool, *arguments):
        """ovs-vsctl, ovs-ofctl or ovs-appctl for the test's own look: host.ovs('vsctl', 'show')."""
        return getattr(self.switch, tool)(*arguments)

    # --- guests ------------------------------------------------------------------

    def plug(self, port, kind="internal", netns=None, quiet=False):
        """A guest for a port of the API.  kind 'veth' outlives a restart of vswitchd;
        netns: another name, for a port that is plugged on a second host as well; a quiet
        guest has no IPv6, so it says nothing that it is not asked for."""
        api = self.bed.api
        subnets = {fixed["subnet_id"]: api.get("subnet", fixed["subnet_id"])
                   for fixed in port["fixed_ips"]}
        mtu = api.get("network", port["network_id"])["mtu"]
        guest = Guest(self.machine, self.switch, port, subnets, mtu, kind, netns, quiet).plug()
        self.guests.append(guest)
        return guest

    def plug_idle(self, ports):
        """Many ports in one transaction, without a guest: for agents with much to do."""
        arguments = []
        for port in ports:
            tap = "tap" + port["id"][:11]
            arguments += ["--", "add-port", BRIDGE, tap, *interface(port, tap, "internal")]
        self.switch.vsctl(*arguments, limit=300)

    def unplug(self, guest):
        self.guests.remove(guest)
        guest.unplug()

    # --- the agent ---------------------------------------------------------------

    def start_agent(self, kind="python", options=None, env=None):
        """Starts the stock agent or ours on the same files; 'options' change the files."""
        if self.agent and self.agent.lives():
            raise Failed(f"an agent runs on {self.name} already")
        program = AGENTS[kind]
        if not self.machine.program_exists(program):
            raise Failed(f"{program} is not there; build it first")
        for path, text in config.agent(self.name, self.bed.broker.url, options).items():
            self.machine.write(path, text)
        argv = [program]
        for path in config.AGENT_FILES:
            argv += ["--config-file", path]
        self.agent_kind = kind
        daemon = OurAgent if kind == "neutrino" else Daemon
        self.agent = daemon(self.machine, f"{kind} agent", argv,
                            self.bed.log(f"{self.name}-agent"), {**sanitized.env(), **(env or {})})
        return self.agent.start()

    def agent_is_ready(self):
        """Whether the agent has set up its bridges, reported, and the server believes it."""
        return self.name in self.bed.api.agents()

    def wait_agent(self, limit=180):
        self.agent.wait(self.agent_is_ready, limit, "is not known to the server")

    # --- observation -------------------------------------------------------------

    def flows(self, bridge):
        """Flows of a bridge, normalised: see dumps.py."""
        lines = dumps.flows(self.switch.ofctl("--no-names", "--no-stats", "dump-flows", bridge),
                            self.port_names(bridge))
        has_queues = any("pkt_mark" in line.lower() for line in lines)
        return dumps.name_queues(lines, self.port_names(BRIDGE)) if has_queues else lines

    def port_names(self, bridge):
        return dumps.port_names(self.switch.ofctl("show", bridge))

    def ovsdb(self):
        """Bridges, ports and interfaces, normalised: see dumps.py."""
        return dumps.ovsdb(*self.switch.tables("Bridge", "Port", "Interface"))

    def limits(self):
        """QoS and Queue rows as lines: see dumps.py."""
        ports, qos, queues = self.switch.tables("Port", "QoS", "Queue")
        return dumps.limits(ports, qos, queues, self.port_names(BRIDGE) if queues else {})

    def meters(self):
        """Meters of br-int as lines."""
        return dumps.meters(self.switch.ofctl("dump-meters", BRIDGE))


class Bed:
    """See the package's text.  Nothing runs before up()."""

    def __init__(self, hosts=2, server_options=None, service_plugins=SERVICE_PLUGINS,
                 logs=None, progress=None):
        self.n_hosts = hosts
        self.logs = logs or os.path.join(os.environ.get("NT_TEST_TMP", "/tmp"), "bed")
        self.server_options = server_options
        self.service_plugins = list(service_plugins)
        self.started = time.monotonic()
        self.progress = progress or self.to_stderr
        self.hosts = []
        self.ctl = self.api = self.broker = self.mariadb = self.server = None

    def to_stderr(self, text):
        print(f"# {time.monotonic() - self.started:5.1f} s  {text}", file=sys.stderr, flush=True)

    def log(self, name):
        return os.path.join(self.logs, f"{name}.log")

    def host(self, number):
        """The host with that number: 1 is h1."""
        return self.hosts[number - 1]

    # --- up ----------------------------------------------------------------------

    def up(self, agents=None, agent_options=None):
        """Everything, in parallel where it can be; 'agents': a kind for every host, {name of a
        host: kind}, or None."""
        wires.check_can_run()
        missing = [name for name in TOOLS if shutil.which(name, path=hosts.PATH) is None]
        if missing:
            raise Failed(f"not installed: {', '.join(missing)} (make deps)")
        self.started = time.monotonic()
        os.makedirs(self.logs, exist_ok=True)
        names = [f"h{i + 1}" for i in range(self.n_hosts)]
        wires.make_wires([wires.CONTROLLER, *names])
        self.api = Api(wires.CONTROLLER)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            switches = [pool.submit(self.make_host, name) for name in names]
            broker = self.make_controller(pool)
            broker.result()
            self.hosts = [future.result() for future in switches]
        self.progress("switches and broker are up")
        kinds = agents if isinstance(agents, dict) else \
            {host.name: agents for host in self.hosts if agents}
        with_agent = [host for host in self.hosts if host.name in kinds]
        for host in with_agent:
            host.start_agent(kinds[host.name], agent_options)
        self.wait_server()
        self.progress("server is up")
        for host in with_agent:
            host.wait_agent()
            self.progress(f"the agent of {host.name} is known")
        return self

    def make_controller(self, pool):
        """Database, server and broker; returns the future of the last, the server still imports."""
        self.ctl = wires.Host(wires.CONTROLLER, ["/etc/neutron/plugins/ml2"])
        self.broker = Rabbit(self.ctl)
        self.configure_server(self.server_options)
        broker = pool.submit(self.broker.start)
        self.mariadb = Mariadb(self.ctl, self.log("mariadb"))
        self.mariadb.prepare(self.progress)
        self.mariadb.start()
        self.mariadb.wait_ready()
        self.progress("database is up")
        argv = ["/usr/bin/neutron-server"]
        for path in config.SERVER_FILES:
            argv += ["--config-file", path]
        self.server = Daemon(self.ctl, "neutron-server", argv, self.log("neutron-server"))
        # It imports for seconds before it needs the broker.
        self.server.start()
        return broker

    def configure_server(self, options):
        """What the server reads at its next start."""
        for path, text in config.server(self.broker.url, self.service_plugins, options).items():
            self.ctl.write(path, text)

    def attach(self, records):
        """Uses hosts that another process of the same namespaces has made: {name: record}."""
        self.api = Api(wires.CONTROLLER)
        self.hosts = [BedHost(self, name, record) for name, record in sorted(records.items())
                      if name != wires.CONTROLLER]
        return self

    def make_host(self, name):
        host = BedHost(self, name)
        host.start_switch()
        return host

    def wait_server(self, limit=180):
        self.server.wait(self.api.is_up, limit, "does not answer")

    def restart_server(self, *, kill=False):
        (self.server.kill if kill else self.server.stop)()
        self.server.start()
        self.wait_server()

    # --- shorthands ----------------------------------------------------------------

    def notify(self, topic, method, **arguments):
        """What a server, of whatever year, says to all agents."""
        self.ctl.run([NOTICE, self.broker.url, topic, method, json.dumps(arguments)], timeout=60)

    def pinger(self, guest, other, rate=20):
        """Pings from a guest to another (or to an address) until its stop()."""
        address = other.addresses[0] if isinstance(other, Guest) else other
        return Pinger(guest, address, rate)

    def wait_active(self, *ports, limit=180):
        self.api.wait_active(*ports, limit=limit)

    def clone_ports(self, port, count, host=None):
        """'count' more ports like 'port', by rows in the database; see clone.py."""
        return clone.ports(self.mariadb, port, count, host)

    # --- the end -------------------------------------------------------------------

    def end_agents(self):
        """By SIGTERM; Failed when one of ours is busy with nothing, or does not end as it
        should."""
        for host in self.hosts:
            if host.agent_kind == "neutrino":
                if host.agent.lives():
                    host.agent.wait_idle()
                host.agent.stop()

    def daemons(self):
        found = [self.server, self.mariadb]
        for host in self.hosts:
            found += [host.agent, host.switch.ovsdb, host.switch.vswitchd]
        return [daemon for daemon in found if daemon]

    def print_logs(self):
        """What looks worst in every log, or its end; for a failed test."""
        for name in sorted(os.listdir(self.logs)):
            with open(os.path.join(self.logs, name), encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
            bad = [line for line in lines if any(word in line for word in WORST)]
            for line in (bad or lines)[-SHOWN:]:
                print(f"# {name}: {line[:300]}", flush=True)

    def down(self, failed=False):
        """Ends everything.  $NT_BED_LOGS names a folder that the logs are copied to."""
        keep = os.environ.get("NT_BED_LOGS")
        if keep and os.path.isdir(self.logs):
            shutil.copytree(self.logs, keep, dirs_exist_ok=True)
        if failed and os.path.isdir(self.logs):
            self.print_logs()
        self.kill_all()
        for name in kernel.netns_names():
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def kill_all(self):
        """Every process that lives in one of the bed's namespaces, guests included."""
        spaces = {kernel.namespace_id(kernel.netns_path(name)) for name in kernel.netns_names()}
        spaces -= {None, kernel.namespace_id("/proc/self/ns/net")}

        def none_left():
            found = kernel.processes_in(spaces)
            for pid, starttime in found:
                kernel.kill(pid, starttime)
            return not found

        wait_for(none_left, 30, "processes of the bed do not end")

