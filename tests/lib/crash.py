"""What must hold whenever a program was killed: for tests that kill programs.

    cloud = Whole(lab, ["stay1", "stay2"])   # guests that are pinged all the time
    ... kill something, start it again ...
    cloud.settle()                           # nobody is in between any more
    cloud.check()                            # every invariant; Failed names the broken one

The rules are compared with those a fresh process computes from the files of the host
(neutrino-flat --plan, neutrino-compute --plan): what it prints is loaded into an empty
network namespace, and the listings of both kernels must be the same.
"""

import os
import re
import threading
import time

from check import Failed, equal, equal_text, expect, wait_for
from floating import (Listener, allocate, allow_all, associate, connect, disassociate, echoes,
                      floating, make_pool)
from lab import VARIANTS, kernel, pings, probes
from neutrinolab import hosts, programs
from store import fixed_ips, in_use, is_used, rows

SETTLE_LIMIT = 45  # A boot whose network host does not answer is given up after 30 s.
PLANS = [("controller-1", "flat"), ("compute-1", "compute"), ("compute-2", "compute")]
TABLES = ("filter", "nat", "mangle")


class LossWatch:
    """Pings from a network namespace, and which of them were lost."""

    def __init__(self, netns, address):
        self.address = address
        self.process = pings(netns, address)
        self.last = 0
        self.count = 0
        self.lost = []
        self.noise = []
        threading.Thread(target=self._follow, daemon=True).start()
        wait_for(lambda: self.count > 10, 10, f"{address} does not answer")

    def _follow(self):
        for line in self.process.stdout:
            match = re.search(r"icmp_seq=(\d+) ttl", line)
            if match is None:
                self.noise.append(line.strip())
                continue
            number = int(match[1])
            if self.last and number > self.last + 1:
                self.lost.append((self.last + 1, number - 1))
            self.last = max(self.last, number)
            self.count += 1

    def check(self):
        """No answer is missing, and answers come still."""
        before = self.count
        wait_for(lambda: self.count >= before + 20, 5, f"{self.address} answers no more")
        lost, self.lost = self.lost, []
        equal(lost, [], f"lost pings of {self.address} (first, last)")


def listing(command, in_place):
    """iptables-save of all tables without comments, counters and empty tables."""
    text = ""
    for table in TABLES:
        out = in_place([f"{command}-save", "-t", table]).stdout
        lines = [re.sub(r" \[\d+:\d+\]", "", line) for line in out.splitlines()
                 if line and line[0] in ":-"]
        if any(line.startswith("-") or not re.match(r":[A-Z]+ ", line) for line in lines):
            # In the order of the listing: the order of chains is that of their making.
            text += "\n".join([f"*{table}", *sorted(x for x in lines if x[0] == ":"),
                               *grouped(x for x in lines if x[0] == "-")]) + "\n"
    return text


def grouped(lines):
    """Rules chain by chain, those of a chain in their order."""
    chains = {}
    for line in lines:
        chains.setdefault(line.split()[1], []).append(line)
    return [line for name in sorted(chains) for line in chains[name]]


class Scratch:
    """An empty network namespace."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        kernel.run(["ip", "netns", "add", self.name])
        return self

    def __exit__(self, *_):
        kernel.run(["ip", "netns", "del", self.name], check=False)

    def run(self, argv, **options):
        return probes.run(self.name, argv, **options)


def sets_of(run):
    """The IP sets and their members, whatever their order."""
    return "\n".join(sorted(re.sub(r" (bucketsize|initval) \S+", "", line)
                            for line in run(["ipset", "save"]).stdout.splitlines()))


def listings(variant, run):
    """[(what, listing)] of everything programs of ours write into a kernel."""
    command = VARIANTS[variant]
    command6 = command.replace("iptables", "ip6tables")
    return [("chains", listing(command, run)), ("IPv6 chains", listing(command6, run)),
            ("sets", sets_of(run)), ("guard", guard_of(run))]


def load_plan(plan, variant, run):
    """Loads what --plan printed into a namespace without any rules."""
    def marked(mark):
        return "".join(line[len(mark):] + "\n" for line in plan.splitlines()
                       if line.startswith(mark))

    sets, chains6 = marked("#ipset "), marked("#ip6 ")
    chains, _, guard = plan.partition("# nft -f -\n")
    command = VARIANTS[variant]
    if sets:
        run(["ipset", "restore"], text_input=sets)
    run([f"{command}-restore"], text_input=chains)
    if chains6:
        run([f"{command.replace('iptables', 'ip6tables')}-restore"], text_input=chains6)
    if guard:
        run(["nft", "-f", "-"], text_input=guard)


def guard_of(run):
    done = run(["nft", "-s", "list", "table", "bridge", "neutrino-guard"], check=False)
    if done.returncode != 0:
        return ""
    # Chains in the order of their names: nft lists them in that of their making.
    parts = re.split(r"\n(?=\tchain )", re.sub(r"\n}\s*$", "", done.stdout))
    return "\n".join([parts[0].strip(), *sorted(part.strip() for part in parts[1:])])


class Whole:
    """A lab with guests that stay, and everything that must hold of it."""

    def __init__(self, lab, stayers, where="controller-1"):
        self.lab = lab
        self.stayers = stayers
        self.forgiven = set()  # Addresses an earlier check has complained about.
        self.watches = [LossWatch(lab.netns(where), lab.address(name)) for name in stayers]

    # --- getting there ---------------------------------------------------------

    def start_all(self):
        """Starts what does not run; the computes are known to the server afterwards."""
        for place in programs.PLACES:
            self.lab.up_program(*place)
        self.lab.up_computes_known()

    def in_between(self):
        """Servers that are neither there nor gone nor in error with a reason."""
        return [f"{server['name']}: {server['status']} {server.get('OS-EXT-STS:task_state')}"
                for server in self.lab.api.servers()
                if server["status"] not in ("ACTIVE", "ERROR")
                or server.get("OS-EXT-STS:task_state")]

    def settle(self):
        wait_for(lambda: not self.in_between(), SETTLE_LIMIT,
                 lambda: f"stuck: {self.in_between()}")

    # --- what must hold --------------------------------------------------------

    def errors_have_reasons(self):
        for server in self.lab.api.servers():
            if server["status"] == "ERROR":
                expect(server.get("fault", {}).get("message"),
                       f"{server['name']} is in error without a reason")

    def fixed_addresses(self):
        return sorted(entry["addr"] for server in self.lab.api.servers()
                      for entries in server.get("addresses", {}).values() for entry in entries
                      if entry["version"] == 4 and entry["OS-EXT-IPS:type"] == "fixed")

    def floating(self):
        """Each associated floating address is on the network host, and no other."""
        wanted = sorted(row["ip"] for row in self.lab.api.ask("GET", "/os-floating-ips")
                        ["floating_ips"] if row["fixed_ip"])
        found = sorted(address.split("/")[0] for address, _ in probes.addresses(
            self.lab.netns("controller-1"), "eth1") if address.endswith("/32"))
        equal(found, wanted, "floating addresses on eth1")

    def addresses(self):
        """No address twice; each is free, or its instance is there."""
        found = rows(self.lab, "SELECT f.address, f.allocated, f.leased, f.instance_id, f.port_id,"
                     " p.id AS port, i.id AS instance, i.vm_state FROM fixed_ips f"
                     " LEFT JOIN ports p ON p.id = f.port_id"
                     " LEFT JOIN instances i ON i.id = f.instance_id"
                     " WHERE f.reserved = 0 AND (f.allocated = 1 OR f.leased = 1"
                     " OR f.instance_id IS NOT NULL OR f.port_id IS NOT NULL)")
        have = [row["address"] for row in found]
        equal(sorted(have), sorted(set(have)), "addresses in use")
        leaked = [row for row in found if not (row["allocated"] and row["port"]
                                               and row["instance"])]
        new = [row for row in leaked if row["address"] not in self.forgiven]
        expect(not new, lambda: f"addresses leaked: {new}")
        served = self.fixed_addresses()
        equal(served, sorted(set(have) - {row["address"] for row in leaked}),
              "addresses of servers and addresses in use")
        orphans = rows(self.lab, "SELECT p.id FROM ports p LEFT JOIN instances i"
                       " ON i.id = p.device_id WHERE i.id IS NULL")
        known = {row["port_id"] for row in leaked}
        equal([row["id"] for row in orphans if row["id"] not in known], [],
              "ports without an instance")

    def forgive(self):
        """Each leak is one failed check, not also those that come after it."""
        self.forgiven = {row["address"] for row in fixed_ips(self.lab)
                         if is_used(row) and not row["allocated"]}

    def dhcp(self):
        """dnsmasq's hosts are the addresses in use."""
        named = sorted(line.split(",")[2] for line in self.lab.hosts_file().splitlines())
        equal(named, self.fixed_addresses(), "addresses in dnsmasq's hosts file")
        expect(self.lab.dnsmasq_pid(), "dnsmasq does not run")

    def guests(self):
        """On each compute host: folders, devices and namespaces of its servers, no others."""
        prefix = self.lab.guest_netns("")
        count = 0
        for host in hosts.COMPUTES:
            own = [server for server in self.lab.api.servers()
                   if server["OS-EXT-SRV-ATTR:host"] == host and server["status"] == "ACTIVE"]
            count += len(own)
            folders = [name for name in self.lab.in_host(
                host, ["ls", "-A", "/var/lib/nova/instances"]).stdout.split()
                if name.startswith("instance-")]
            equal(sorted(folders), sorted(s["OS-EXT-SRV-ATTR:instance_name"] for s in own),
                  f"folders on {host}")
            links = self.lab.in_host(host, ["ip", "-o", "link"]).stdout
            equal(len(re.findall(r"^\d+: vnet", links, re.MULTILINE)), len(own),
                  f"guests' devices on {host}")
        spaces = [name for name in kernel.netns_names() if name.startswith(prefix)]
        equal(len(spaces), count, f"guests' namespaces ({spaces})")
        for name in spaces:
            space = {kernel.namespace_id(kernel.netns_path(name))}
            clients = [pid for pid, _ in kernel.processes_in(space)
                       if b"\0udhcpc\0" in kernel.command_line(pid)]
            expect(len(clients) <= 1, f"{name} was started {len(clients)} times")

    def rules(self):
        """The kernel's rules are those a fresh process computes."""
        for host, program in PLANS:
            def in_place(argv, where=host, **options):
                return self.lab.in_host(where, argv, **options)

            plan = in_place([f"/usr/sbin/neutrino-{program}", "--plan"]).stdout
            with Scratch(f"nt-test-{self.lab.prefix}{os.getpid()}") as scratch:
                load_plan(plan, self.lab.variant, scratch.run)
                wanted = listings(self.lab.variant, scratch.run)
            for (what, found), (_, text) in zip(listings(self.lab.variant, in_place), wanted):
                equal_text(found, text, f"{what} of {host}")

    def no_loss(self):
        for watch in self.watches:
            watch.check()

    def check(self, limit=10):
        """All of it.  What the programs still do when the servers are settled (a lease that
        ends, a rule that goes) gets a moment; lost packets do not."""
        for holds in (self.errors_have_reasons, self.addresses, self.floating, self.dhcp,
                      self.guests, self.rules):
            end = time.monotonic() + limit
            while True:
                try:
                    holds()
                    break
                except Failed:
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.2)
        self.no_loss()

    def boot_works(self, name, host):
        """A guest boots, leases and goes; and nothing of it stays."""
        self.lab.boot_and_wait(name, host)
        self.lab.delete_and_wait(name)


HOST_OF = {"server": "controller-1", "flat": "controller-1", "compute": "compute-1"}


class Lent:
    """A floating address that a guest gets and loses, with a connection made by it.

    Outside keeps the host's MAC for the address, so that the connection ends only with the
    host's table of connections."""

    POOL, PORT = "192.168.56.240/30", 2240

    def __init__(self, lab, name):
        self.lab = lab
        self.name = name
        make_pool(lab, self.POOL, pool="crash", interface="eth1")
        self.address = allocate(lab, "crash")
        allow_all(lab)
        Listener(lab.guest_netns(name), self.PORT)
        mac = probes.link(lab.netns("controller-1"), "eth1")["mac"]
        probes.run(lab.netns("outside-1"), ["ip", "neigh", "replace", self.address, "lladdr", mac,
                                            "dev", "eth1", "nud", "permanent"])
        self.connection = None

    def is_associated(self):
        return floating(self.lab, self.address)["fixed_ip"] is not None

    def give(self):
        associate(self.lab, self.name, self.address)
        # Rules of the groups may be on their way.
        wait_for(self._connected, 10, lambda: f"{self.address} does not answer")

    def _connected(self):
        if attempt(lambda: setattr(self, "connection", connect(
                self.lab.netns("outside-1"), self.address, self.PORT, 1))):
            return echoes(self.connection)
        return False

    def take(self):
        disassociate(self.lab, self.name, self.address)

    def ends(self):
        """It is taken, if it was not, and the connection ends."""
        if self.is_associated():
            self.take()
        wait_for(lambda: not echoes(self.connection, 0.5), 15,
                 f"a connection by {self.address} outlives it")
        self.connection.close()


class Scenario:
    """What goes on while something fails: a guest is there, another comes and is rebooted,
    and the first goes; on the network host one that stays loses its floating address."""

    def __init__(self, lab, whole):
        self.lab = lab
        self.whole = whole
        self.number = 0
        self.lent = Lent(lab, whole.stayers[0])

    def dies(self, program, point, passage):
        """Runs it with the program set to die; Failed when it lived through."""
        victim = self._run(program, f"{point}:{passage}")
        try:
            # The point may be passed a moment later than what the scenario waits for.
            wait_for(lambda: not victim.lives(), 3, "alive")
        except Failed:
            pass
        died = not victim.lives()
        if not died:
            self.lab.stop_program(HOST_OF[program], program)
        victim.process.wait()
        self._end()
        expect(died, f"{program} never passed {point} {passage} times")

    def fails(self, program, point, passage):
        """Runs it with the point failing once; Failed when the program ends of it."""
        victim = self._run(program, f"{point}:{passage}=error")
        lives = victim.lives()
        if lives:
            self.whole.settle()
            self.lab.stop_program(HOST_OF[program], program)
        said = victim.why_not()
        self._end()
        expect(lives, f"{program} ended of an error at {point}: {said}")

    def _run(self, program, failpoint):
        lab, host = self.lab, HOST_OF[program]
        self.number += 1
        self.old, self.new = f"old{self.number}", f"new{self.number}"
        address = lab.boot_and_wait(self.old, "compute-1")
        self.lends = program == "flat"
        if self.lends:
            self.lent.give()
        lab.stop_program(host, program)
        self._provoke(program, failpoint)
        victim = lab.up_program(host, program, wait=False, env={"NEUTRINO_FAILPOINT": failpoint})
        wait_for(lambda: victim.is_ready() or not victim.lives(), 15,
                 lambda: f"neutrino-{program} neither ready nor dead: {victim.why_not()}")
        if victim.lives():
            attempt(lab.up_computes_known)
            attempt(lab.api.boot, self.new, "compute-1")
            self._until(victim, lambda: lab.api.server(self.new)["status"] in ("ACTIVE", "ERROR"))
            attempt(self._reboot)
            self._until(victim, lambda: not self.whole.in_between())
            if self.lends and victim.lives():
                attempt(self.lent.take)
            attempt(lab.api.delete, self.old)
            self._until(victim, lambda: address not in in_use(lab))
        return victim

    def _reboot(self):
        self.lab.api.ask("POST", f"/servers/{self.lab.api.server(self.new)['id']}/action",
                         {"reboot": {"type": "HARD"}})

    def _end(self):
        """Everything runs and nobody is in between; then both guests go."""
        self.whole.start_all()
        self.whole.settle()
        if self.lends:
            self.lent.ends()
        for name in (self.old, self.new):
            if self.lab.api.server(name):
                attempt(self.lab.api.delete, name)
                self.lab.api.wait_gone(name)

    @staticmethod
    def _until(victim, condition):
        """Waits for what the scenario waits for, or for the death."""
        attempt(wait_for, lambda: not victim.lives() or condition(), 5, "")

    def _provoke(self, program, failpoint):
        """What the program finds wrong at its start, where it would pass the point only then."""
        def run(*argv):
            self.lab.in_host("controller-1", argv)

        if program != "flat":
            return
        if failpoint.startswith("dnsmasq-start"):
            run("kill", "-9", str(self.lab.dnsmasq_pid()))
        elif failpoint.startswith("iptables-"):
            run("iptables-nft", "-D", "nova-network-INPUT", "1")
        elif failpoint.startswith("netlink-"):
            run("ip", "addr", "del", "169.254.169.254/32", "dev", "lo")


def failpoints(lab):
    """[(name, programs, can fail)] as the program itself prints them."""
    out = lab.in_host("controller-1", ["/usr/sbin/neutrino-flat", "--failpoints"]).stdout
    found = []
    for line in out.splitlines():
        name, where, fails, _ = re.split(r" {2,}", line.strip(), maxsplit=3)
        found.append((name, where.split(), fails == "error"))
    expect(len(found) > 10, f"failpoints not understood: {out}")
    return found


def attempt(function, *arguments, **options):
    """Runs one request to a server that may be dying; whether it went through."""
    try:
        function(*arguments, **options)
    except (Failed, OSError, ValueError):
        return False
    return True
