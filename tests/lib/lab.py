"""A lab for one test file, under a prefix of its own, gone at the end.

    lab = lab_for("ng", guests=[("cirros", "compute-1")])

See lab/lib/neutrinolab for what a Lab can do; this adds what tests ask of it.
"""

import os
import re
import signal
import subprocess
import sys
import threading

import check

if "NT_TEST_TMP" in os.environ:
    # Process ids and namespaces of a run end with it, so what is known of them does too.
    os.environ["LAB_STATE_DIR"] = os.path.join(os.environ["NT_TEST_TMP"], "lab")

from neutrinolab import cloud, hosts, kernel, probes, programs  # noqa: E402
from neutrinolab.kernel import Failed, wait_for  # noqa: E402
from neutrinolab.lab import GUESTS, Lab  # noqa: E402

GOLDEN = os.path.join(hosts.TREE, "tests/golden")
# The instance number and MAC of the golden listings.
GOLDEN_NUMBER = {"first_instance_number": "9", "random_source": "/etc/neutrino/random"}
GOLDEN_MAC = "fa:16:3e:2c:e8:ec"
GOLDEN_RANDOM = {"/etc/neutrino/random": (0o644, 0, "mac 2ce8ec\n")}
VARIANTS = {"nft": "iptables-nft", "legacy": "iptables-legacy"}


class TestLab(Lab):
    """A Lab with the questions tests ask."""

    variant = "nft"  # Which iptables its programs use.

    def guest(self, name, argv, **options):
        """Runs a command in a guest's network namespace."""
        return probes.run(self.guest_netns(name), argv, **options)

    def in_host(self, name, argv, **options):
        return self.hosts[name].run(argv, **options)

    def program(self, host, name):
        return self.programs[host, name]

    def stop_program(self, host, name):
        """kill -9, and nothing else."""
        program = self.programs[host, name]
        kernel.kill(program.pid, program.starttime)
        wait_for(lambda: not program.lives(), 5, f"the end of {name} on {host}")
        if getattr(program, "process", None):
            program.process.wait()

    def restart_program(self, host, name):
        self.stop_program(host, name)
        return self.up_program(host, name)

    def stop_libvirtd(self, host):
        """kill -9."""
        self.libvirtds[host].kill()
        self.libvirtds[host].wait()
        os.unlink(self.hosts[host].file(programs.LIBVIRT_SOCKET))

    def rules(self, host, table):
        """iptables -S of a table, as the golden listings have it."""
        return self.in_host(host, [VARIANTS[self.variant], "-w", "-t", table, "-S"]).stdout

    def all_rules(self, host):
        """iptables-save without its comments and counters."""
        out = self.in_host(host, [VARIANTS[self.variant] + "-save"]).stdout
        lines = [re.sub(r"\[\d+:\d+\]", "", line).rstrip() for line in out.splitlines()
                 if not line.startswith("#")]
        return "\n".join(lines)

    def hosts_file(self):
        return self.in_host("controller-1",
                            ["cat", "/var/lib/nova/networks/nova-br100.conf"]).stdout

    def dhcp_log(self):
        return self.hosts["controller-1"].read("/var/log/syslog")

    def boot_and_wait(self, name, host, **more):
        self.api.boot(name, host, **{"image": self.image, **more})
        self.wait_guest(name)
        return self.address(name)

    def address(self, name):
        return cloud.addresses(self.api.server(name))[0]

    def guest_mac(self, name):
        return probes.link(self.guest_netns(name), "eth0")["mac"]

    def wait_acked(self, address, mac, limit=15):
        """A lease counts only when dnsmasq's own ACK is in its log."""
        wait_for(lambda: f"DHCPACK(br100) {address} {mac}" in self.dhcp_log(), limit,
                 f"no DHCPACK of {address} for {mac} in dnsmasq's log")

    def delete_and_wait(self, name):
        self.api.delete(name)
        self.api.wait_gone(name)

    def udhcpc(self, name):
        """Pid of a guest's DHCP client."""
        return self.udhcpc_in(self.guest_netns(name))

    def udhcpc_in(self, guest):
        """The same, of a guest's namespace."""
        netns = kernel.namespace_id(kernel.netns_path(guest))
        found = [pid for pid, _ in kernel.processes_in({netns})
                 if b"\0udhcpc\0" in kernel.command_line(pid)]
        check.equal(len(found), 1, f"udhcpc processes of {guest}")
        return found[0]

    def renew(self, name):
        """The guest renews its lease now instead of at half its time."""
        os.kill(self.udhcpc(name), signal.SIGUSR1)

    def counters(self, host, chain):
        """[(packets, rule)] of a filter chain."""
        out = self.in_host(host, [VARIANTS[self.variant], "-w", "-v", "-x", "-n", "-L",
                                  chain]).stdout
        return [(int(line.split()[0]), " ".join(line.split()[2:]))
                for line in out.splitlines()[2:] if line.strip()]


def lab_for(name, *, guests=(), profile="golden", variant="nft", options=None, files=None,
            network=None, start=True, ha=False, transport="", guest_kind="netns"):
    """Brings a lab up for this file; ends the file with a failed check when it cannot."""
    options = dict(options or {})
    options["*"] = {"iptables_variant": variant, **options.get("*", {})}
    lab = TestLab(f"{name}-", profile, options, files,
                  progress=lambda text: print(f"# {text}", file=sys.stderr, flush=True),
                  ha=ha, transport=transport, guest_kind=guest_kind)
    lab.variant = variant
    lab.network = network or lab.network
    check.cleanup(take_down, lab)
    if lab.state.exists():
        lab.down()  # Left by an earlier run that was killed.

    def bring_up():
        lab.check_can_run()
        if start:
            lab.up(guests)
        else:
            lab.up_hosts()

    check.need("the lab comes up", bring_up)
    return lab


def golden_options():
    """options= for instance number 9 with the golden MAC."""
    return {"controller-1": dict(GOLDEN_NUMBER)}


def golden_files():
    return {"controller-1": dict(GOLDEN_RANDOM)}


def take_down(lab):
    if os.environ.get("TEST_KEEP_LAB"):
        return
    try:
        lab.down()
    except Failed as problem:
        print(f"# {problem}", file=sys.stderr)


def golden(name):
    with open(os.path.join(GOLDEN, name), encoding="utf-8") as file:
        return file.read()


def pings(netns, address):
    """100 pings per second from a network namespace: the process."""
    process = subprocess.Popen(
        probes.in_netns(netns, ["ping", "-n", "-i", "0.01", "-W", "2", address]),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    check.cleanup(process.kill)
    return process


class Pinger:
    """Pings until it is stopped."""

    def __init__(self, netns, address):
        self.address = address
        self.process = pings(netns, address)
        self.lines = []
        # The first answer: from now on every ping counts.
        self.process.stdout.readline()
        self.process.stdout.readline()
        self.reader = threading.Thread(target=self.follow, daemon=True)
        self.reader.start()

    def follow(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def ensure(self, count, limit=20):
        """Goes on until that many more answers came."""
        wanted = len(self.lines) + count
        wait_for(lambda: len(self.lines) >= wanted or self.process.poll() is not None, limit,
                 f"{self.address} does not answer")

    def stop(self):
        """(sent, received), without the one whose answer was on its way when ping was ended."""
        self.process.send_signal(signal.SIGINT)
        self.reader.join(10)
        self.process.wait(10)
        out = "".join(self.lines[-5:])
        match = re.search(r"(\d+) packets transmitted, (\d+) received", out)
        check.expect(match, f"ping said: {out}")
        sent, received = int(match[1]), int(match[2])
        answered = re.findall(r"icmp_seq=(\d+) ttl", "".join(self.lines[-10:]))
        last = max(map(int, answered), default=0)
        return (last if sent == last + 1 else sent), received


__all__ = ["GUESTS", "Failed", "Pinger", "TestLab", "cloud", "golden", "golden_files",
           "golden_options", "hosts", "kernel", "lab_for", "probes", "wait_for"]
