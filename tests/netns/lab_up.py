#!/usr/bin/python3 -B
# timeout: 600
"""The lab itself: up, up again, up killed at several points, down; what it leaves on the
machine (nothing); and that a guest is refused at the API and the bus."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, cleanup, done, equal, expect, need, wait_for  # noqa: E402
from lab import GUESTS, hosts, kernel, probes  # noqa: E402
from neutrinolab import cloud  # noqa: E402
from neutrinolab.lab import Lab  # noqa: E402

PREFIX = "lu-"
KILL_AFTER = ["network namespaces", "host compute-1", "neutrino-server on", "network novanetwork",
              "guest cirros3"]
SECTIONS = ["Instances", "DHCP, from dnsmasq", "Console of cirros", "Connectivity", "to try next"]


def script(name, **options):
    env = {**os.environ, "LAB_PREFIX": PREFIX}
    return subprocess.Popen([os.path.join(hosts.TREE, "lab", name)], env=env, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, start_new_session=True, **options)


def run(name, limit=120):
    process = script(name)
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        raise kernel.Failed(f"lab/{name} did not end within {limit} s") from None
    return process.returncode, out, err


def machine():
    """What of the machine the lab could touch."""
    def listing(argv):
        return kernel.run(argv).stdout

    def read(path):
        with open(path, encoding="ascii") as file:
            return file.read()

    paths = ["/etc/nova", "/etc/neutrino", "/var/lib/nova", "/var/lib/neutrino", "/run/neutrino",
             "/usr/share/neutrino", "/usr/bin/nova-dhcpbridge", "/dev/log"]
    return {
        "links": listing(["ip", "-o", "link"]),
        "addresses": listing(["ip", "-4", "-o", "addr"]),
        "routes": listing(["ip", "route"]),
        "ip_forward": read("/proc/sys/net/ipv4/ip_forward"),
        "host name": socket.gethostname(),
        "files": [path for path in paths if os.path.exists(path)],
        "etc": sorted(os.listdir("/etc")),
    }


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        points = [line.split()[4] for line in file]
    # ip(8) makes this one for whoever names the first namespace, and keeps it.
    return sorted(point for point in points
                  if point != "/run/netns" and not point.startswith("/run/netns/"))


def no_trace(lab, before, mounts_before):
    equal([name for name in kernel.netns_names() if name.startswith(PREFIX)], [], "namespaces")
    expect(not os.path.exists(lab.state.dir), f"{lab.state.dir} is still there")
    equal(machine(), before, "the machine")
    equal(mounts(), mounts_before, "mounts")
    equal(processes(), [], "processes")


def processes():
    """Processes whose command line or environment names this lab."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        line = kernel.command_line(entry)
        if PREFIX.encode() in line or b"neutrino" in line and b"--log-file" in line:
            found.append((entry, line))
    return found if "NT_TEST_TMP" in os.environ else [
        pair for pair in found if PREFIX.encode() in pair[1]]


def first_up():
    code, out, err = run("up")
    equal(code, 0, f"exit code; it said: {err[-600:]}")
    missing = [section for section in SECTIONS if section not in out]
    equal(missing, [], "parts missing in what it prints")
    for name, _ in GUESTS:
        expect(any(name in line and "ACTIVE" in line for line in out.splitlines()),
               f"{name} is not ACTIVE in the table")
    expect("DHCPACK(br100) 10.0.0.2" in out, "no DHCPACK shown")
    expect("system completely up" in out, "no console shown")
    expect("WRONG" not in out, "a line of the connectivity table is wrong")


def up_in_time():
    seconds, _ = cloud.timed(first_up)
    expect(seconds < 60, f"it took {seconds:.0f} s")


def loaded():
    lab = Lab(PREFIX)
    expect(lab.load(), "there is no lab")
    return lab


def identities():
    lab = loaded()
    return ({place: program.pid for place, program in lab.programs.items()},
            sorted(server["id"] for server in lab.api.servers()))


def second_up():
    before = identities()
    first_up()
    equal(identities(), before, "programs and servers")


def starts_what_is_missing():
    lab = loaded()
    program = lab.programs["compute-1", "compute"]
    kernel.kill(program.pid, program.starttime)
    wait_for(lambda: not program.lives(), 5, "its end")
    first_up()
    expect(("compute-1", "compute") in loaded().programs, "neutrino-compute was not started")


def names_as_told():
    lab = loaded()
    wanted = {PREFIX + name for name in [*hosts.HOSTS, "lab-wires", "vm-cirros", "vm-cirros2",
                                         "vm-cirros3"]}
    equal({name for name in kernel.netns_names() if name.startswith(PREFIX)}, wanted, "namespaces")
    equal(lab.hosts["compute-1"].run(["hostname"]).stdout.strip(), "compute-1", "host name")


def refused_at_api():
    lab = loaded()
    for name, _ in GUESTS:
        for path in ("/v2.1/servers", "/compute/v2.1/servers/detail", "/image/v2/images"):
            status, _ = probes.fetch(lab.guest_netns(name), path, hosts.CONTROLLER, 8774)
            equal(status, 401, f"{path} from {name}")


def guest_at_bus():
    lab = loaded()
    with kernel.inside_netns(lab.guest_netns("cirros")):
        return socket.create_connection((hosts.CONTROLLER, 8770), timeout=5)


def refused_at_bus():
    """TLS without the deployment's key ends in the handshake; anything else is closed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with guest_at_bus() as sock:
        try:
            with context.wrap_socket(sock) as tls:
                raise kernel.Failed(f"the handshake succeeded: {tls.version()}")
        except OSError:
            pass  # ssl.SSLError is one; so is a connection that was reset.
    with guest_at_bus() as sock:
        sock.settimeout(15)
        sock.sendall(b'{"hello": "compute-1"}\n' * 4)
        try:
            while data := sock.recv(4096):
                expect(b"hello" not in data, f"it answers: {data!r}")
        except ConnectionError:
            pass


def stopped_at(text):
    """Kills 'up' with all it started in its session when it has said 'text'."""
    process = script("up")
    seen = []

    def read():
        for line in process.stderr:
            seen.append(line)

    threading.Thread(target=read, daemon=True).start()
    try:
        wait_for(lambda: any(text in line for line in seen) or process.poll() is not None, 60,
                 f"up never says '{text}'")
        expect(process.poll() is None, f"up ended: {''.join(seen)[-400:]}")
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def killed_up_is_cleaned(lab, text, before, mounts_before):
    stopped_at(text)
    code, _, err = run("down")
    equal(code, 0, f"exit code of down; it said {err}")
    no_trace(lab, before, mounts_before)


def interrupted_up_is_resumed(lab, before, mounts_before):
    stopped_at("host compute-2")
    first_up()
    equal(run("down")[0], 0, "exit code of down")
    no_trace(lab, before, mounts_before)


def foreign_namespace_stays(lab, before, mounts_before):
    """A guest-like namespace that was there before is not the lab's to remove."""
    name = PREFIX + "vm-theirs"
    kernel.run(["ip", "netns", "add", name])
    try:
        stopped_at("neutrino-server on")
        equal(run("down")[0], 0, "exit code of down")
        expect(name in kernel.netns_names(), "down removed a namespace that was not its own")
    finally:
        kernel.run(["ip", "netns", "del", name])
    no_trace(lab, before, mounts_before)


def name_taken(lab, before, mounts_before):
    name = PREFIX + "compute-1"
    kernel.run(["ip", "netns", "add", name])
    try:
        code, _, err = run("up")
        expect(code != 0 and name in err, f"exit {code}, it said: {err}")
    finally:
        kernel.run(["ip", "netns", "del", name])
    no_trace(lab, before, mounts_before)


def down_again():
    start = time.monotonic()
    equal(run("down")[0], 0, "exit code")
    expect(time.monotonic() - start < 10, "it took longer than 10 s")


def main():
    lab = Lab(PREFIX)
    run("down")
    cleanup(run, "down")
    before, mounts_before = machine(), mounts()
    arguments = (lab, before, mounts_before)
    need("make up, within 60 s", up_in_time)
    check("namespaces have the names they should", names_as_told)
    check("a guest is refused at the API: 401", refused_at_api)
    check("a guest is refused at the bus", refused_at_bus)
    check("make up again: nothing is started anew", second_up)
    check("make up starts what is missing", starts_what_is_missing)
    check("make down", down_again)
    check("make down leaves no trace", no_trace, *arguments)
    check("make down again is fine", down_again)
    for text in KILL_AFTER:
        check(f"up killed at '{text}': down leaves no trace", killed_up_is_cleaned, lab, text,
              before, mounts_before)
    check("up after a killed up", interrupted_up_is_resumed, *arguments)
    check("a namespace that was there before stays", foreign_namespace_stays, *arguments)
    check("a name that is taken is refused", name_taken, *arguments)
    done()


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    main()
