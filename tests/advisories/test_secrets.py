#!/usr/bin/python3 -B
"""OSSA-2014-021 (CVE-2014-4615), OSSA-2017-001 (CVE-2017-2592): tokens and passwords in logs and
in messages between programs.  Secrets are planted wherever one can be given; then every log,
every command line and everything that went over the wire between programs is searched."""

import base64
import os
import secrets
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need  # noqa: E402
from lab import cloud, hosts, kernel, lab_for  # noqa: E402
import rawhttp  # noqa: E402
import store  # noqa: E402

BUS_PORT = 8770
SHARED = "planted-shared-" + secrets.token_hex(12)


class Wire:
    """All packets of the bus between hosts, kept."""

    def __init__(self, lab):
        with kernel.inside_netns(lab.netns("controller-1")):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.sock.bind(("eth1", 3))
        self.sock.settimeout(0.2)
        self.data = bytearray()
        self.ends = False
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def follow(self):
        while not self.ends:
            try:
                frame = self.sock.recv(65536)
            except TimeoutError:
                continue
            # IPv4 and TCP, from or to the bus.
            if frame[12:14] == b"\x08\x00" and frame[23] == 6:
                at = 14 + (frame[14] & 15) * 4
                if BUS_PORT in (int.from_bytes(frame[at:at + 2], "big"),
                                int.from_bytes(frame[at + 2:at + 4], "big")):
                    self.data += frame[at:]

    def stop(self):
        self.ends = True
        self.thread.join()
        self.sock.close()


def plant(lab, planted):
    """Gives secrets at every door; 'planted' gets them by where they were given."""
    def new(where):
        planted[where] = f"planted-{where}-{secrets.token_hex(12)}"
        return planted[where]

    image = lab.api.image_id("cirros")
    user_data = new("user-data")
    answer = lab.api.send("POST", "/servers", {"server": {
        "name": "keeper", "imageRef": image, "flavorRef": "1", "adminPass": new("admin-pass"),
        "availability_zone": "nova:compute-1",
        "user_data": base64.b64encode(user_data.encode()).decode()}})
    equal(answer.status, 202, f"status of the boot; {answer.text()}")
    lab.wait_guest("keeper")
    # Refused requests are logged too.
    lab.api.send("POST", "/servers", {"server": {"name": "x", "adminPass": new("refused-pass"),
                                                 "imageRef": image, "flavorRef": "nothing"}})
    lab.api.send("POST", "/servers", f'{{"server": {{"adminPass": "{new("no-json")}"'.encode())
    lab.api.send("GET", "/servers", headers={"X-Auth-Token": new("bad-token"),
                                             "Authorization": None})
    lab.api.send("GET", "/servers", headers={"Authorization": "Bearer " + new("bearer")})
    wrong = base64.b64encode(f"admin:{new('bad-password')}".encode()).decode()
    planted["basic of a bad password"] = wrong
    lab.api.send("GET", "/servers", headers={"Authorization": f"Basic {wrong}"})
    for password in (lab.keys["admin"], new("bad-login")):
        answer = lab.api.send("POST", "/identity/v3/auth/tokens", {"auth": {"identity": {
            "methods": ["password"], "password": {"user": {
                "name": "admin", "password": password, "domain": {"name": "Default"}}}}}},
            base="")
        if password == lab.keys["admin"]:
            planted["token"] = {key.lower(): value for key, value in
                                answer.headers.items()}["x-subject-token"]
    equal(lab.api.send("GET", "/servers", headers={"X-Auth-Token": planted["token"],
                                                   "Authorization": None}).status, 200, "the token")
    pair = lab.api.ask("POST", "/os-keypairs", {"keypair": {"name": "made"}})["keypair"]
    planted["private key"] = pair["private_key"].splitlines()[3]
    for body in (new("guest-password"), new("guest-password-again")):
        rawhttp.exchange(lab.guest_netns("keeper"),
                         rawhttp.request("POST", "/openstack/latest/password", (), body.encode()))
    rawhttp.exchange(lab.guest_netns("keeper"), rawhttp.request(
        "GET", "/latest/meta-data/", [("X-Instance-ID-Signature", new("signature"))]))
    status, _, body = rawhttp.exchange(lab.guest_netns("keeper"),
                                       rawhttp.request("GET", "/latest/user-data"))
    equal((status, body), (200, user_data.encode()), "user data")
    planted["administrator's password"] = lab.keys["admin"]
    planted["member's password"] = lab.keys["demo"]
    planted["basic of the administrator"] = lab.api.headers()["Authorization"].split()[1]
    planted["key of the bus"] = lab.keys["bus_key"]
    planted["secret of the proxy"] = SHARED


def forms(secret):
    """A secret as it may be written down."""
    raw = secret.encode()
    return [raw, base64.b64encode(raw).rstrip(b"=")[:-1], raw.hex().encode()]


def found_in(data, planted):
    return [where for where, secret in planted.items()
            if any(form in data for form in forms(secret))]


def logs(lab, planted):
    sizes = 0
    for name in hosts.HOSTS:
        listing = lab.in_host(name, ["find", "/var/log", "-type", "f"]).stdout.split()
        for path in listing:
            with open(lab.hosts[name].file(path), "rb") as file:
                data = file.read()
            sizes += len(data)
            equal(found_in(data, planted), [], f"secrets in {path} on {name}")
    expect(sizes > 1000, "there are no logs")
    # The search finds what is there: the database keeps user data.
    with open(lab.hosts["controller-1"].file(store.DATABASE), "rb") as file:
        data = file.read()
    with open(lab.hosts["controller-1"].file(store.DATABASE + "-wal"), "rb") as file:
        data += file.read()
    expect("user-data" in found_in(data, planted), "the search finds nothing in the database")


def command_lines(lab, planted):
    """Everybody on a machine may read those of its processes."""
    spaces = {kernel.namespace_id(kernel.netns_path(lab.netns(name))) for name in hosts.HOSTS}
    count = 0
    for pid, _ in kernel.processes_in(spaces):
        count += 1
        equal(found_in(kernel.command_line(pid), planted), [], f"secrets of process {pid}")
    expect(count >= 4, f"only {count} processes")


def public_files(lab, planted):
    """Nothing that everybody may read below our folders has one."""
    for name in ("controller-1", "compute-1"):
        out = lab.in_host(name, ["find", "/var/lib/neutrino", "/var/lib/nova", "/run/neutrino",
                                 "/etc/neutrino", "-type", "f", "-perm", "-o+r"], check=False)
        for path in out.stdout.splitlines():
            if path == "/etc/neutrino/neutrino.conf":
                continue  # Written by the lab; a package makes it 0640.
            with open(lab.hosts[name].file(path), "rb") as file:
                equal(found_in(file.read(), planted), [], f"secrets in {path} on {name}")


def messages(wire, planted):
    """Between hosts everything is encrypted."""
    expect(len(wire.data) > 5000, f"only {len(wire.data)} bytes were seen")
    equal(found_in(bytes(wire.data), planted), [], "secrets on the wire")
    for word in (b"keeper", b"10.0.0.2", b'"method"', b"novalocal"):
        expect(word not in wire.data, f"{word} is on the wire in the clear")


def records(lab, planted):
    """What a compute host was told: none of what only guest and owner may know."""
    data = b""
    for path in lab.in_host("compute-1", ["find", "/var/lib/neutrino", "/var/lib/nova", "-type",
                                          "f"], check=False).stdout.splitlines():
        with open(lab.hosts["compute-1"].file(path), "rb") as file:
            data += file.read()
    expect(b"keeper" in data, "the compute host has no record of the guest")
    equal(found_in(data, planted), [], "secrets")


def main():
    lab = lab_for("ok", profile="default", options={
        "*": {"debug": "true", "verbose": "true"},
        "controller-1": {"service_metadata_proxy": "true", "metadata_proxies": hosts.CONTROLLER,
                         "metadata_proxy_shared_secret": SHARED}})
    lab.up_computes_known()
    wire, planted = Wire(lab), {}
    # New connections and handshakes are seen as well.
    for place in (("controller-1", "flat"), ("compute-1", "compute")):
        lab.restart_program(*place)
    lab.up_computes_known()
    need("secrets are planted", plant, lab, planted)
    wire.stop()
    ids = "OSSA-2014-021 CVE-2014-4615, OSSA-2017-001 CVE-2017-2592"
    check(f"{ids}: none in any log", logs, lab, planted)
    check(f"{ids}: none in a message between hosts", messages, wire, planted)
    check(f"{ids}: none in what a compute host was told", records, lab, planted)
    check(f"{ids}: none in a command line", command_lines, lab, planted)
    check(f"{ids}: none in a file everybody may read", public_files, lab, planted)
    done()


if __name__ == "__main__":
    main()
