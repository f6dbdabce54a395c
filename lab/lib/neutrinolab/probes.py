"""Who reaches whom.  Each probe runs a real tool or socket inside a namespace."""

import re
import socket

from . import cloud, hosts, kernel

# What a probe can say
ANSWERED, LOST, REFUSED, UNREACHABLE = "answered", "lost", "EPERM", "network unreachable"


def in_netns(netns, argv):
    """argv, started in a named network namespace of the machine."""
    return ["nsenter", f"--net={kernel.netns_path(netns)}", "--", *argv]


def run(netns, argv, **options):
    return kernel.run(in_netns(netns, argv), **options)


def ping(netns, address, source=None, count=3):
    """ANSWERED when any echo comes back; otherwise why not."""
    argv = ["ping", "-n", "-c", str(count), "-i", "0.2", "-W", "1"]
    if source:
        argv += ["-I", source]
    done = run(netns, [*argv, address], check=False)
    if done.returncode == 0:
        return ANSWERED
    if "unreachable" in done.stderr:
        return UNREACHABLE
    # ping does not say that sending was refused: a datagram's error does.
    return REFUSED if send_is_refused(netns, address) else LOST


def send_is_refused(netns, address):
    """True when the kernel answers a datagram with EPERM (a rule in OUTPUT dropped it)."""
    with kernel.inside_netns(netns):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        try:
            sock.sendto(b"x", (address, 9))
        except PermissionError:
            return True
        except OSError:
            return False
    return False


def fetch(netns, path, host="169.254.169.254", port=80, timeout=5):
    """(status, text) of a document; (0, reason) when there was no answer."""
    try:
        answer = cloud.request(netns, host, port, "GET", path, timeout=timeout)
    except OSError as error:
        return 0, str(error)
    return answer.status, answer.text()


def addresses(netns, device):
    """IPv4 addresses of a device as 'address/prefix', with their broadcast."""
    out = run(netns, ["ip", "-4", "-o", "addr", "show", "dev", device], check=False).stdout
    return re.findall(r"inet (\S+)(?: brd (\S+))?", out)


def default_route(netns):
    out = run(netns, ["ip", "-4", "route", "show", "default"], check=False).stdout
    match = re.search(r"default via (\S+)", out)
    return match[1] if match else None


def link(netns, device):
    """What 'ip link' says of a device: dict with mac, master, state, mtu; None without it."""
    done = run(netns, ["ip", "-o", "link", "show", "dev", device], check=False)
    if done.returncode != 0:
        return None
    text = done.stdout
    master = re.search(r"master (\S+)", text)
    return {
        "mac": re.search(r"link/ether (\S+)", text)[1] if "link/ether" in text else None,
        "master": master[1] if master else None,
        "state": re.search(r"state (\S+)", text)[1],
        "up": "UP" in re.search(r"<(\S+)>", text)[1].split(","),
        "mtu": int(re.search(r"mtu (\d+)", text)[1]),
    }


def ask_name(netns, name, server="10.0.0.1", timeout=3):
    """IPv4 addresses a name server gives for 'name' (one DNS question over UDP)."""
    question = (b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                + b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
                + b"\0\0\x01\0\x01")
    with kernel.inside_netns(netns):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.settimeout(timeout)
        try:
            sock.sendto(question, (server, 53))
            answer = sock.recv(512)
        except OSError:
            return []
    found, at = [], len(question)
    for _ in range(int.from_bytes(answer[6:8], "big")):
        # Each record of this server starts with a two-byte pointer to the name.
        kind = int.from_bytes(answer[at + 2:at + 4], "big")
        length = int.from_bytes(answer[at + 10:at + 12], "big")
        data = answer[at + 12:at + 12 + length]
        if kind == 1:
            found.append(socket.inet_ntoa(data))
        at += 12 + length
    return found


VM_SHELL_PORT = 2323


def ask_vm(netns, address, command, timeout=30):
    """What a command prints in a virtual machine of the lab, asked from 'netns'."""
    with kernel.inside_netns(netns):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with sock:
        sock.settimeout(timeout)
        sock.connect((address, VM_SHELL_PORT))
        sock.sendall(f"{command}\nexit\n".encode())
        said = b""
        while part := sock.recv(4096):
            said += part
    return said.decode("utf-8", "replace").strip()


class VmGuest:
    """Asks from inside a virtual machine, by the shell it offers to the network host."""

    def __init__(self, lab, name):
        self.netns = lab.netns(lab.network_hosts[0])
        self.address = cloud.addresses(lab.api.server(name))[0]

    def gateway(self):
        said = ask_vm(self.netns, self.address, "busybox ip route")
        match = re.search(r"default via (\S+)", said)
        return match[1] if match else None

    def ping(self, address):
        said = ask_vm(self.netns, self.address,
                      f"busybox ping -c 2 -W 2 {address} >/dev/null 2>&1 && echo yes || echo no")
        return ANSWERED if said == "yes" else LOST

    def fetch(self, path, host="169.254.169.254", port=80):
        said = ask_vm(self.netns, self.address,
                      f"busybox wget -q -O - 'http://{host}:{port}{path}' 2>&1")
        refused = re.search(r"server returned error: HTTP/\S+ (\d+)", said)
        return (int(refused[1]), said) if refused else (200, said)


class NetnsGuest:
    """Asks from inside a guest that is a network namespace."""

    def __init__(self, lab, name):
        self.netns = lab.guest_netns(name)

    def gateway(self):
        return default_route(self.netns)

    def ping(self, address):
        return ping(self.netns, address, count=2)

    def fetch(self, path, host="169.254.169.254", port=80):
        return fetch(self.netns, path, host, port)


def connectivity(lab):
    """(from → to, wanted, found) for 'make up': the reachability of a lab with its guests."""
    controller, compute1, compute2, outside = (
        lab.netns(name) for name in ("controller-1", "compute-1", "compute-2", "outside-1"))
    guest = NetnsGuest if lab.guest_kind == "netns" else VmGuest
    one, two, three = (guest(lab, name) for name in ("cirros", "cirros2", "cirros3"))
    ip1, ip2, ip3 = (cloud.addresses(lab.api.server(name))[0]
                     for name in ("cirros", "cirros2", "cirros3"))
    number = f"i-{lab.guest_number('cirros'):08x}"
    # Under multi_host each compute host has an address of the network, and is the gateway;
    # one that all share speaks to nobody but the host's own guests.
    own = ANSWERED if lab.ha else REFUSED
    other = ANSWERED if lab.ha and not lab.shares_gateway() else LOST
    gateway = one.gateway()
    rows = [] if lab.ha else [
        ("controller-1", f"cirros {ip1}", controller, ip1, ANSWERED),
        ("controller-1", f"cirros3 {ip3}", controller, ip3, ANSWERED),
    ]
    rows += [
        ("compute-1", f"its own guest {ip1}", compute1, ip1, own),
        ("compute-2", f"its own guest {ip3}", compute2, ip3, own),
        ("compute-1", f"guest on compute-2 {ip3}", compute1, ip3, other),
        ("cirros", f"cirros2, same host {ip2}", one, ip2, ANSWERED),
        ("cirros", f"cirros3, other host {ip3}", one, ip3, ANSWERED),
        ("cirros", f"gateway {gateway}", one, gateway, ANSWERED),
        ("outside-1", f"cirros {ip1}, no route", outside, ip1, UNREACHABLE),
        ("cirros", "outside 203.0.113.10", one, "203.0.113.10", ANSWERED),
        ("cirros3", "outside 203.0.113.10", three, "203.0.113.10", ANSWERED),
        ("cirros", "management 192.168.56.202", one, "192.168.56.202", ANSWERED),
    ]
    for source, target, where, address, wanted in rows:
        found = where.ping(address) if isinstance(where, guest) else ping(where, address, count=2)
        yield source, target, wanted, found
    status, text = one.fetch("/2009-04-04/meta-data/instance-id")
    yield "cirros", "metadata instance-id", number, text if status == 200 else f"{status} {text}"
    status, _ = one.fetch("/latest/meta-data/public-keys")
    yield "cirros", "metadata public-keys, no key", "404", str(status)
    status, _ = two.fetch("/compute/v2.1/servers", hosts.CONTROLLER, cloud.API_PORT)
    yield "cirros2", "compute API without credentials", "401", str(status)
