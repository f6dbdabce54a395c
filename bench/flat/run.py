#!/usr/bin/python3 -B
"""Measures FlatDHCP in a lab of network namespaces and writes docs/performance.md.

    bench/flat/run.py [--quick] [--out FILE] [--only NAME[,NAME...]]

Everything runs on this machine: the load, the server, the network host and the compute
hosts share its cores, so the figures are lower bounds.  Instances of the filled hosts are
those of compute_driver=null: recorded, with chains and guard, without guests.
The database lies in /var/tmp, on a real file system.
"""

import argparse
import base64
import datetime
import glob
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))

import check  # noqa: E402
from lab import Pinger, TestLab, hosts, kernel, lab_for, probes, wait_for  # noqa: E402
from neutrinolab import programs  # noqa: E402

FLAVOR = "1"
HOST_PROGRAMS = (("controller-1", "server"), ("controller-1", "flat"), ("compute-1", "compute"))
CLIENTS = (1, 8, 32)


def say(text):
    print(f"# {text}", file=sys.stderr, flush=True)


def cpu_seconds(pid):
    """Processor time of a process so far."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"^VmRSS:\s+(\d+)", file.read(), re.MULTILINE)[1]) / 1024


def table(columns, lines):
    text = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    text += ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]
    return "\n".join(text) + "\n"


def ms(seconds):
    return f"{seconds * 1000:.1f} ms"


# --- a filled cloud ----------------------------------------------------------------------------


def null_lab(name, database):
    """A lab whose compute hosts only record their guests."""
    options = {"*": {"compute_driver": "null", "iptables_variant": "nft"},
               "controller-1": {"sql_connection": f"sqlite:///{database}"}}
    # The default project's quotas are not what is measured.
    for quota in ("quota_instances", "quota_cores", "quota_ram", "quota_fixed_ips"):
        if quota in known_options():
            options["controller-1"][quota] = "-1"
    return lab_for(name, profile="default", options=options,
                   network=("novanetwork", "10.0.0.0/16"))


def known_options():
    done = subprocess.run([os.path.join(hosts.build_dir(), "src/neutrino-server"), "--help"],
                          capture_output=True, text=True, check=True)
    return set(re.findall(r"^  (\w+)", done.stdout, re.MULTILINE))


def database_folder():
    """A folder of its own on the machine's disk, for the server's user."""
    folder = tempfile.mkdtemp(prefix="neutrino-bench-", dir="/var/tmp")
    os.chown(folder, hosts.SERVER_UID, hosts.SERVER_UID)
    check.cleanup(shutil.rmtree, folder, True)
    return folder


def count(lab):
    """(all, active) instances, without reading the list of all of them."""
    with open_database(lab) as db:
        return tuple(db.execute("SELECT COUNT(*), COALESCE(SUM(vm_state = 'active'), 0)"
                                " FROM instances").fetchone())


def settled(lab):
    """(active, failed) instances."""
    with open_database(lab) as db:
        return tuple(db.execute("SELECT COALESCE(SUM(vm_state = 'active'), 0),"
                                " COALESCE(SUM(vm_state = 'error'), 0) FROM instances").fetchone())


def unsettled(lab):
    with open_database(lab) as db:
        return db.execute("SELECT id, vm_state, task_state, host FROM instances"
                          " WHERE vm_state NOT IN ('active', 'error') LIMIT 3").fetchall()


def open_database(lab):
    import contextlib
    import sqlite3
    return contextlib.closing(sqlite3.connect(f"file:{lab.database}?mode=ro", uri=True,
                                              timeout=10))


def fill(lab, wanted):
    """Boots instances on compute-1 until there are that many, all active."""
    image = lab.api.image_id("cirros")
    while count(lab)[0] < wanted:
        some = min(50, wanted - count(lab)[0])
        lab.api.ask("POST", "/servers", {"server": {
            "name": f"fill{count(lab)[0]}", "imageRef": image, "flavorRef": FLAVOR,
            "availability_zone": "nova:compute-1", "min_count": some, "max_count": some}},
            timeout=60)
        total = count(lab)[0]
        wait_for(lambda n=total: count(lab)[1] >= n, 120,
                 lambda: f"{count(lab)} of {wanted} instances are active")


STAMP = re.compile(r"^(\S+Z)\|.*\|(\S.*)$")


def events(lab, place, since=0):
    """(seconds, text) of a program's log from that offset on."""
    found = []
    for line in lab.hosts[place[0]].read(programs.log_path(place[1]))[since:].splitlines():
        match = STAMP.match(line)
        if match:
            stamp = datetime.datetime.fromisoformat(match[1].replace("Z", "+00:00"))
            found.append((stamp.timestamp(), line))
    return found


def log_size(lab, place):
    return len(lab.hosts[place[0]].read(programs.log_path(place[1])))


class Forks:
    """Programs that a process starts while this is open, by name."""

    def __init__(self, pid):
        self.out = tempfile.NamedTemporaryFile(mode="r", suffix=".strace")
        self.process = subprocess.Popen(
            ["strace", "-f", "-qq", "-e", "trace=execve", "-e", "signal=none", "-o", self.out.name,
             "-p", str(pid)], stderr=subprocess.DEVNULL)
        wait_for(lambda: re.search(r"TracerPid:\s+[1-9]", open(f"/proc/{pid}/status",
                                                               encoding="ascii").read()),
                 5, "strace")

    def stop(self):
        self.process.terminate()
        self.process.wait()
        names = re.findall(r'execve\("[^"]*/([^"/]+)".*= 0', self.out.read())
        return {name: names.count(name) for name in set(names)}


def one_boot(lab, number):
    """Times of one boot: (network host, chains and guard, whole), in seconds."""
    server, compute = ("controller-1", "server"), ("compute-1", "compute")
    marks = {place: log_size(lab, place) for place in (server, compute)}
    start = time.monotonic()
    lab.api.boot(f"boot{number}", "compute-1")
    active = count(lab)[0]
    wait_for(lambda: count(lab)[1] >= active, 30, "the boot does not end")
    whole = time.monotonic() - start

    def at(place, pattern):
        for stamp, line in events(lab, place, marks[place]):
            if re.search(pattern, line):
                return stamp
        raise kernel.Failed(f"the log of {place} has no {pattern}")

    told = at(server, r"fixed_ip_allocated|fixed IP allocated|kind=\"?fixed")
    build = at(server, r"instance to be built")
    plugged, started = at(compute, "guest plugged"), at(compute, "guest started")
    return build - told, started - plugged, whole


def rules_of_guest(lab, host):
    """What the kernel holds for one guest: ({tool: restore text}, nft text), %(name)s for
    its number in chains and its port."""
    texts = {}
    for tool in ("iptables-nft", "ip6tables-nft"):
        save = lab.in_host(host, [f"{tool}-save", "-c", "-t", "filter"], timeout=120).stdout
        number = re.findall(r"^:nova-compute-inst-(\d+) ", save, re.MULTILINE)[-1]
        lines = [line for line in save.splitlines() if re.search(rf"-inst-{number}\b", line)]
        text = "\n".join(["*filter", *lines, "COMMIT", ""])
        texts[tool] = re.sub(r"^\[\d+:\d+\]", "[0:0]", re.sub(
            rf"-inst-{number}\b", "-inst-%(name)s", text.replace("%", "%%")), flags=re.MULTILINE)
    guard = "bridge neutrino-guard"
    table = lab.in_host(host, ["nft", "-s", "list", "table", *guard.split()], timeout=120).stdout
    body = re.findall(r"^\tchain n\S+ \{\n(.*?)^\t\}", table, re.MULTILINE | re.DOTALL)[-1]
    commands = [f"add chain {guard} f%(name)s"]
    commands += [f"add rule {guard} f%(name)s " + line.strip().replace("%", "%%")
                 for line in body.splitlines()]
    commands += [f'add element {guard} ports {{ "f%(name)s" : jump f%(name)s }}', ""]
    return texts, "\n".join(commands)


def tools_alone(lab, host, n_times):
    """Seconds that iptables-nft-restore, ip6tables-nft-restore and nft take together for the
    same rules as one boot's, started by hand at once; neutrino-compute stands still.  Its
    rules are gone afterwards."""
    texts, guard = rules_of_guest(lab, host)
    spec = {"texts": texts, "guard": guard, "n": n_times}
    pid = lab.program(host, "compute").pid
    os.kill(pid, signal.SIGSTOP)
    try:
        done = lab.in_host(host, [sys.executable, "-B", os.path.join(HERE, "tools_alone.py"),
                                  json.dumps(spec)], timeout=300)
    finally:
        os.kill(pid, signal.SIGCONT)
    return statistics.median(json.loads(done.stdout))


def boot_path(lab, sizes, n_boots):
    """Per size: medians of the times, the same rules by the kernel's tools alone, processor
    time of neutrino-compute for a boot, and the children of neutrino-flat."""
    result = []
    for size in sizes:
        say(f"{size} instances")
        fill(lab, max(size - 2, 0))
        pid = lab.program("controller-1", "flat").pid
        one_boot(lab, f"{size}first")
        forks = Forks(pid)
        times = []
        compute = lab.program("compute-1", "compute").pid
        before = cpu_seconds(compute)
        for i in range(n_boots):
            times.append(one_boot(lab, f"{size}x{i}"))
            time.sleep(0.2)  # Not coalesced with the one before: each pays for itself.
        cpu = (cpu_seconds(compute) - before) / n_boots
        children = forks.stop()
        checks = children.pop("iptables-nft-save", 0) + children.pop("iptables-save", 0)
        for name in ("ip6tables-nft-save", "ip6tables-save", "ipset"):
            checks += children.pop(name, 0)
        result.append({"size": size, "children": children, "checks": checks, "cpu": cpu,
                       "tools": tools_alone(lab, "compute-1", n_boots),
                       "times": [statistics.median(column) for column in zip(*times)]})
    return result


# --- allocations -------------------------------------------------------------------------------


def headers(lab):
    pair = base64.b64encode(f"admin:{lab.keys['admin']}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def load(lab, clients, requests, first):
    spec = {"host": hosts.CONTROLLER, "port": 8774, "path": "/compute/v2.1/servers",
            "headers": headers(lab), "clients": clients, "requests": requests, "first": first,
            "body": json.dumps({"server": {
                "name": "load{n}", "imageRef": lab.api.image_id("cirros"), "flavorRef": FLAVOR,
                "availability_zone": "nova:compute-2", "min_count": 1, "max_count": 1}})}
    done = probes.run(lab.netns("controller-1"), [program("bench-load"), json.dumps(spec)],
                      timeout=120)
    return json.loads(done.stdout)


def program(name):
    """A program of this folder; tools/build plain bench-programs makes them."""
    return os.path.join(hosts.build_dir(), "bench", name)


class StandStill:
    """The host programs are stopped: what is measured is the server's own work."""

    def __init__(self, lab):
        self.pids = [program.pid for (_, name), program in lab.programs.items()
                     if name != "server"]

    def __enter__(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP)

    def __exit__(self, *_):
        for pid in self.pids:
            os.kill(pid, signal.SIGCONT)


def in_process(lab, group, seconds):
    """What the core and SQLite alone do with that many to a commit, on the same file system
    and with as many instances; see durable.c."""
    folder = database_folder()
    argv = [program("bench-durable"), folder, str(seconds), str(count(lab)[0]), str(group)]
    found = json.loads(kernel.run(argv, timeout=300).stdout)
    shutil.rmtree(folder)
    return found


def rounds_of(lab, clients, requests, first, n_rounds):
    """(runs of the load, findings of in_process): they take turns, so that what else the
    machine does hits both alike."""
    runs, inner = [], []
    for _ in range(n_rounds):
        inner.append(in_process(lab, clients, 1))
        with StandStill(lab):
            runs.append(load(lab, clients, requests // n_rounds, first))
        first = runs[-1]["number"]
        if runs[-1]["bad"]:
            say(f"{runs[-1]['bad']} refused, first: {runs[-1]['first_bad']}")
        wait_quiet(lab)
    return runs, inner


def allocations(lab, requests):
    """Boots answered per second while the hosts stand still, beside SQLite alone."""
    result, number = [], 0
    for clients in CLIENTS:
        say(f"allocations with {clients} clients")
        runs, inner = rounds_of(lab, clients, requests, number, 4)
        number = runs[-1]["number"]
        names = inner[0]
        result.append({
            "clients": clients,
            "rate": sum(run["good"] for run in runs) / sum(run["seconds"] for run in runs),
            "p50": statistics.median(run["p50"] for run in runs),
            "p99": max(run["p99"] for run in runs),
            # Harmonic: as many of each round, as in the load.
            "inner": {name: statistics.harmonic_mean([one[name]["per_s"] for one in inner])
                      for name in names},
            "cpu": {name: statistics.median(one[name]["cpu_us"] for one in inner)
                    for name in names},
        })
    return result


def wait_quiet(lab):
    """Until what was allocated is built or refused."""
    last = [None, time.monotonic()]

    def unchanged():
        now = count(lab)
        if now != last[0]:
            last[:] = [now, time.monotonic()]
        return now[0] == now[1] or time.monotonic() > last[1] + 3

    wait_for(unchanged, 180, "the hosts never come to rest")


def whole_boots(lab, requests):
    """Boots to ACTIVE per second with 8 clients and the hosts at work."""
    before = count(lab)[1]
    start = time.monotonic()
    load(lab, 8, requests, 10**6)
    wait_for(lambda: sum(settled(lab)) == count(lab)[0], 180,
             lambda: f"{count(lab)} are active; not settled: {unsettled(lab)}")
    active, failed = settled(lab)
    if failed:
        say(f"{failed} boots failed")
    return (active - before) / (time.monotonic() - start)


# --- leases ------------------------------------------------------------------------------------


def lease_environment(lab):
    with open_database(lab) as db:
        network, number = db.execute("SELECT id, number FROM networks").fetchone()
        leases = db.execute("SELECT f.address, p.mac_address FROM fixed_ips f JOIN ports p"
                            " ON p.id = f.port_id WHERE f.network_id = ? AND f.allocated = 1"
                            " LIMIT 500", (network,)).fetchall()
    return number, leases


HELPERS = """
import os, subprocess, sys, time, json
spec = json.loads(sys.argv[1])
start = time.monotonic()
running, todo = [], list(spec["leases"])
while todo or running:
    while todo and len(running) < 4:
        ip, mac = todo.pop()
        running.append(subprocess.Popen(["/usr/bin/neutrino-dhcpbridge", "add", mac, ip, "guest"]))
    running = [p for p in running if p.poll() is None]
print(len(spec["leases"]) / (time.monotonic() - start))
"""

DATAGRAMS = """
import json, socket, sys, time
spec = json.loads(sys.argv[1])
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sock.bind("")
sock.connect(spec["socket"])
sock.settimeout(10)
now = int(time.time() * 1000)
start = time.monotonic()
n = 0
for turn in range(spec["turns"]):
    for ip, mac in spec["leases"]:
        n += 1
        sock.send((f"action=add\\nnetwork={spec['network']}\\nmac={mac}\\nip={ip}\\n"
                   f"expires={now // 1000 + 86400}\\nhostname=guest\\ntime={now + n}\\n").encode())
        assert sock.recv(100) == b"ok\\n"
print(n / (time.monotonic() - start))
"""


def lease_events(lab):
    """(helpers started and ended per second, datagrams answered per second)."""
    number, leases = lease_environment(lab)
    state = "/var/lib/neutrino"
    environment = ["env", f"NEUTRINO_LEASE_SOCKET={state}/lease.sock",
                   f"NEUTRINO_LEASE_SPOOL={state}/lease-spool",
                   f"NEUTRINO_LEASE_SNAPSHOT={state}/leases", f"NETWORK_ID={number}",
                   "DNSMASQ_LEASE_EXPIRES=2000000000"]
    run = lab.in_host("controller-1", [*environment, sys.executable, "-B", "-c", HELPERS,
                                       json.dumps({"leases": leases})], timeout=120)
    helpers = float(run.stdout)
    run = lab.in_host("controller-1", [sys.executable, "-B", "-c", DATAGRAMS, json.dumps(
        {"leases": leases, "network": number, "turns": 10, "socket": f"{state}/lease.sock"})],
        timeout=120)
    return helpers, float(run.stdout)


# --- dnsmasq -----------------------------------------------------------------------------------


def host_line(i):
    return f"02:00:00:00:{i >> 8:02x}:{i & 255:02x},h{i}.novalocal,10.9.{i >> 8}.{i & 255}\n"


class Dnsmasq:
    """One of our own, with many hosts, in a network namespace of its own."""

    def __init__(self, folder, netns, option):
        self.netns = netns
        kernel.run(["ip", "netns", "add", netns])
        for words in (["link", "add", "br0", "type", "bridge"],
                      ["addr", "add", "10.9.0.1/16", "dev", "br0"], ["link", "set", "br0", "up"],
                      ["link", "set", "lo", "up"]):
            kernel.run(["ip", "-n", netns, *words])
        self.process = subprocess.Popen(probes.in_netns(netns, [
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
            "--no-hosts", "--port=0", "--bind-interfaces", "--interface=br0", "--user=root",
            "--dhcp-range=10.9.0.2,static,255.255.0.0,24h", "--dhcp-lease-max=65536",
            f"--dhcp-leasefile={folder}/leases", "--log-facility=/dev/null", option]))
        self.settle()

    def settle(self):
        """Waits until it sleeps, and returns the processor time it took so far."""
        last = -1
        while last != cpu_seconds(self.process.pid):
            last = cpu_seconds(self.process.pid)
            time.sleep(0.3)
        return last

    def stop(self):
        self.process.kill()
        self.process.wait()
        kernel.run(["ip", "netns", "del", self.netns], check=False)


def dnsmasq_changes(n_hosts, n_changes):
    """Processor seconds of dnsmasq per change: (hosts file and SIGHUP, file in hostsdir)."""
    result = []
    for kind in ("file", "dir"):
        folder = tempfile.mkdtemp(prefix="neutrino-bench-", dir="/var/tmp")
        os.chmod(folder, 0o755)
        check.cleanup(shutil.rmtree, folder, True)
        path = os.path.join(folder, "hosts")
        if kind == "dir":
            os.mkdir(path)
            for i in range(256, 256 + n_hosts):
                with open(f"{path}/{i}", "w", encoding="ascii") as file:
                    file.write(host_line(i))
        else:
            with open(path, "w", encoding="ascii") as file:
                file.write("".join(host_line(i) for i in range(256, 256 + n_hosts)))
        option = f"--dhcp-hosts{'file' if kind == 'file' else 'dir'}={path}"
        dnsmasq = Dnsmasq(folder, f"nt-test-bench-{os.getpid()}", option)
        check.cleanup(dnsmasq.stop)
        before = dnsmasq.settle()
        for i in range(256 + n_hosts, 256 + n_hosts + n_changes):
            if kind == "dir":
                with open(f"{path}/{i}", "w", encoding="ascii") as file:
                    file.write(host_line(i))
            else:
                with open(path, "a", encoding="ascii") as file:
                    file.write(host_line(i))
                os.kill(dnsmasq.process.pid, 1)
                dnsmasq.settle()
        result.append((dnsmasq.settle() - before) / n_changes)
        dnsmasq.stop()
    return result


# --- restarts ----------------------------------------------------------------------------------


def restarts(n_rounds):
    """(pings sent, pings lost, restarts) of guests under kill -9 and start of each program."""
    lab = lab_for("bfr", guests=[("one", "compute-1"), ("two", "compute-2")], profile="default")
    running = [Pinger(lab.netns("controller-1"), lab.address(name)) for name in ("one", "two")]
    n = 0
    for _ in range(n_rounds):
        for place in programs.PLACES:
            lab.restart_program(*place)
            n += 1
        lab.up_computes_known()
    for pinger in running:
        pinger.ensure(100)
    results = [pinger.stop() for pinger in running]
    lab.down()
    return sum(sent for sent, _ in results), sum(sent - got for sent, got in results), n


# --- the report --------------------------------------------------------------------------------


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = int(re.search(r"MemTotal:\s+(\d+)", file.read())[1]) >> 20
    return (f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores shared with"
            f" everything that is measured, {memory} GiB, Linux {platform.release()}")


def priority():
    """Words on how this is scheduled, where that is not as usual."""
    if os.sched_getscheduler(0) in (os.SCHED_FIFO, os.SCHED_RR):
        return ", scheduled before all else (`chrt -r 1`)"
    return ""


def part_boot(lab, quick):
    sizes = (1, 20) if quick else (1, 100, 1000)
    found = boot_path(lab, sizes, 3 if quick else 10)
    lines = []
    for row in found:
        network, chains, whole = row["times"]
        names = ", ".join(f"{name} {n}" for name, n in sorted(row["children"].items()))
        lines.append((row["size"], names or "0", ms(network), ms(chains), ms(row["tools"]),
                      ms(row["cpu"]), ms(whole)))
    first, last = found[0]["times"], found[-1]["times"]
    load = os.getloadavg()[0]
    return f"""\
## The boot path

Medians of single boots while that many instances are there already.

{table(("instances", "processes started by neutrino-flat", "network host", "chains and guard",
        "tools alone", "neutrino-compute", "request to ACTIVE"), lines)}
*Network host*: from the change's commit until the network host has answered that dnsmasq
knows the address, and the commit that notes it. *Chains and guard*: the instance's iptables
chain and its anti-spoofing chain written to the kernel of the compute host. From
{found[0]['size']} to {found[-1]['size']} instances they grow by {last[0] / first[0]:.1f} and
{last[1] / first[1]:.1f} times (goal: at most 2). *Tools alone*: `iptables-nft-restore
--noflush`, `ip6tables-nft-restore --noflush` and `nft -f` given the same rules by hand at the
same time, in the same run: the kernel looks at all rules of a table for each change of it, so
this part grows, by {found[-1]['tools'] / found[0]['tools']:.1f} times, whoever calls it.
*neutrino-compute*: its own processor time for a boot, with the periodic looks that fell into
the time. Measured on {datetime.date.today()}, load average {load:.0f}{priority()}.
The periodic look at the kernel's rules
(iptables-save, every 10 s) is no part of a boot and not counted. The first release started 11
to 15 processes on the network host for each boot.
"""


def list_servers(lab, n):
    """(answer's bytes, median seconds, median seconds of the server's processor time)"""
    pid = lab.program("controller-1", "server").pid
    times, cpu, size = [], [], 0
    for _ in range(n):
        before, start = cpu_seconds(pid), time.monotonic()
        answer = lab.api.send("GET", "/servers/detail?limit=1000", timeout=60)
        times.append(time.monotonic() - start)
        cpu.append(cpu_seconds(pid) - before)
        size = len(answer.body)
    return size, statistics.median(times), statistics.median(cpu)


def part_rss(lab):
    total = count(lab)[0]
    before = rss_mb(lab.program("controller-1", "server").pid)
    size, seconds, cpu = list_servers(lab, 7)
    lines = [(f"neutrino-{name}", f"{rss_mb(lab.program(host, name).pid):.1f} MB")
             for host, name in HOST_PROGRAMS]
    return f"""\
## Memory, and listing servers

`bench/flat/run.py --only boot,memory`. Resident memory with {total} instances, all on one
compute host (goal for the server with 1000: under 16 MB), after the list of up to 1000 of
them was asked for seven times; neutrino-server before that: {before:.1f} MB.

{table(("program", "resident"), lines)}
`GET /servers/detail`, which `nova list` asks for: {size / 1e6:.1f} MB in {ms(seconds)}, of which
{ms(cpu)} are processor time of the server (in steps of 10 ms).
"""


def ratio(found, name):
    return f"{found['inner'][name] / found['inner']['limit_' + name]:.2f}"


def part_allocations(lab, quick):
    requests = 200 if quick else 1600
    # First: what is allocated below keeps the compute host busy for minutes.
    rate = whole_boots(lab, requests // 8)
    found = allocations(lab, requests)
    rest = [(row["clients"], f"{row['rate']:.0f}", f"{row['inner']['limit_boot']:.0f}",
             f"{row['rate'] / row['inner']['limit_boot']:.2f}", f"{row['p50']:.1f} ms",
             f"{row['p99']:.1f} ms") for row in found]
    core = [(row["clients"], f"{row['inner']['address']:.0f}",
             f"{row['inner']['limit_address']:.0f}", ratio(row, "address"),
             f"{row['inner']['boot']:.0f}", f"{row['inner']['limit_boot']:.0f}",
             ratio(row, "boot"), f"{row['inner']['raw']:.0f}") for row in found]
    cpu = [(name, *(f"{row['cpu'][name]:.0f} us" for row in found))
           for name in found[0]["cpu"]]
    return f"""\
## Durable allocations

`bench/flat/run.py --only allocations`. *Over REST*: whole boot requests per second
(`bench/flat/load.c`), each answered after the commit that holds its instance, port and
address, from that many connections that each wait for their answer. *SQLite alone*: the same
rows in the same schema with the same settings, from prepared statements with nothing read and
nothing checked, as many boots to a commit as there are clients (`bench/flat/durable.c`). The
two take turns on the same file system. Goal: half of SQLite alone, and 1000 a second.

{table(("clients", "over REST/s", "SQLite alone/s", "ratio", "median", "99 %"), rest)}
The host programs stand still meanwhile and do their part afterwards. Whole boots, until the
instance is ACTIVE, with 8 clients and every program at work on the same cores:
{rate:.0f} per second.

In the core, without HTTP: operations through the server's queue, that many to a commit. An
*address* is a port with its MAC and the address it claims; a *boot* is that and the instance,
its number and its security group. *Raw*: rows of one number without an index, SQLite alone.

{table(("to a commit", "addresses/s", "SQLite/s", "ratio", "boots/s", "SQLite/s", "ratio",
        "raw/s"), core)}
Processor time of each (with the commit's share):

{table(("", *(f"{row['clients']} to a commit" for row in found)), cpu)}"""


def part_leases(lab):
    helpers, datagrams = lease_events(lab)
    return f"""\
## Lease events

{helpers:.0f} per second as dnsmasq hands them over: a process (`neutrino-dhcpbridge`) per event,
started, answered and ended, four at a time. {datagrams:.0f} per second as datagrams from one
sender that waits for each answer, which is what neutrino-flat itself can take.
"""


def part_dnsmasq(quick):
    n = 2000 if quick else 10000
    by_file, by_dir = dnsmasq_changes(n, 5)
    return f"""\
## dnsmasq with {n} hosts

Processor time of dnsmasq for one more host.

{table(("way", "per change"),
       ((f"hosts file and SIGHUP", ms(by_file)), ("one file in --dhcp-hostsdir", ms(by_dir))))}"""


def part_restarts(quick):
    sent, lost, n = restarts(1 if quick else 5)
    return f"""\
## Restarts

{n} times one of the four programs was killed with SIGKILL and started again, while two guests
were pinged 100 times a second: {lost} of {sent} packets lost.
"""


PARTS = ("boot", "memory", "allocations", "leases", "dnsmasq", "restarts")


def measure(only, quick):
    parts = {}
    if set(only) & {"boot", "memory", "allocations", "leases"}:
        database = os.path.join(database_folder(), "neutrino.sqlite")
        lab = null_lab("bf", database)
        lab.database = database
        lab.up_computes_known()
        if "boot" in only:
            parts["boot"] = part_boot(lab, quick)
        else:
            fill(lab, 20)
        if "memory" in only:
            parts["memory"] = part_rss(lab)
        if "leases" in only:
            parts["leases"] = part_leases(lab)
        if "allocations" in only:
            parts["allocations"] = part_allocations(lab, quick)
        lab.down()
    if "dnsmasq" in only:
        parts["dnsmasq"] = part_dnsmasq(quick)
    if "restarts" in only:
        parts["restarts"] = part_restarts(quick)
    return "\n".join(parts[name] for name in PARTS if name in parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run at all")
    parser.add_argument("--out", default=os.path.join(ROOT, "docs/performance.md"))
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    args = parser.parse_args()
    kept = ""
    if os.path.exists(args.out):
        with open(args.out, encoding="utf-8") as file:
            # The last section belongs to bench/bus.
            kept = "".join(file.read().partition("\n## The bus\n")[1:])
    text = measure(args.only.split(","), args.quick)
    head = f"""\
# Performance

Written by `make bench-flat` (`bench/flat/run.py`{' --quick' if args.quick else ''}) on
{datetime.date.today()}.

Machine: {machine()}.
Everything runs in network namespaces of one machine; absolute figures say little about
another one, ratios more.

"""
    with open(args.out, "w", encoding="utf-8") as file:
        file.write(head + text + kept)
    say(f"written: {args.out}")


if __name__ == "__main__":
    main()
