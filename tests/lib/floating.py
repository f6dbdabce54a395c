"""Floating addresses as tests speak of them: the API's calls, and packets."""

import socket
import threading

from neutrinolab import kernel


def make_pool(lab, ip_range, **more):
    return lab.api.send("POST", "/os-floating-ips-bulk",
                        {"floating_ips_bulk_create": {"ip_range": ip_range, **more}})


def allocate(lab, pool=None):
    """The address of a new allocation."""
    return lab.api.ask("POST", "/os-floating-ips", {"pool": pool})["floating_ip"]["ip"]


def floating(lab, address):
    """The project's record of an address, or None."""
    found = [row for row in lab.api.ask("GET", "/os-floating-ips")["floating_ips"]
             if row["ip"] == address]
    return found[0] if found else None


def deallocate(lab, address):
    lab.api.ask("DELETE", f"/os-floating-ips/{floating(lab, address)['id']}")


def act(lab, server, action, address):
    """The answer to addFloatingIp or removeFloatingIp."""
    path = f"/servers/{lab.api.server(server)['id']}/action"
    return lab.api.send("POST", path, {action: {"address": address}})


def associate(lab, server, address):
    answer = act(lab, server, "addFloatingIp", address)
    if answer.status != 202:
        raise kernel.Failed(f"addFloatingIp: {answer.status} {answer.text()}")


def disassociate(lab, server, address):
    answer = act(lab, server, "removeFloatingIp", address)
    if answer.status != 202:
        raise kernel.Failed(f"removeFloatingIp: {answer.status} {answer.text()}")


def allow_all(lab):
    """Lets ICMP and TCP from everywhere into the default group."""
    groups = lab.api.ask("GET", "/os-security-groups")["security_groups"]
    group = next(group["id"] for group in groups if group["name"] == "default")
    for protocol, first, last in (("icmp", -1, -1), ("tcp", 1, 65535)):
        lab.api.ask("POST", "/os-security-group-rules", {"security_group_rule": {
            "parent_group_id": group, "ip_protocol": protocol, "from_port": first,
            "to_port": last, "cidr": "0.0.0.0/0"}})


class Listener:
    """A TCP server in a network namespace: says who it saw, echoes lines."""

    def __init__(self, netns, port):
        with kernel.inside_netns(netns):
            self.sock = socket.create_server(("0.0.0.0", port))
        self.seen = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, peer = self.sock.accept()
            except OSError:
                return
            self.seen.append(peer[0])
            threading.Thread(target=self.echo, args=(connection,), daemon=True).start()

    @staticmethod
    def echo(connection):
        try:
            while data := connection.recv(1000):
                connection.sendall(data)
        except OSError:
            pass

    def close(self):
        # Wakes the thread in accept(), which would keep the port.
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


def connect(netns, address, port, timeout=3):
    """A TCP connection from a namespace."""
    with kernel.inside_netns(netns):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.settimeout(timeout)
    sock.connect((address, port))
    return sock


def echoes(sock, timeout=2):
    """Whether the other end of a connection still answers."""
    sock.settimeout(timeout)
    try:
        sock.sendall(b"there?\n")
        return sock.recv(100) == b"there?\n"
    except OSError:
        return False
