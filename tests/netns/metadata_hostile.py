#!/usr/bin/python3 -B
# timeout: 600
"""Guests that do not behave: slow, huge, smuggling, a thousand connections at once.  Each is
bounded, and meanwhile the others are served."""

import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

import rawhttp  # noqa: E402
from check import check, done, equal, expect, wait_for  # noqa: E402
from lab import hosts, lab_for, probes  # noqa: E402

GUESTS = [("bad", "compute-1"), ("good", "compute-1")]
PATH = "/latest/meta-data/local-hostname"
LIMIT_S = 10  # For a request to arrive.
PER_GUEST = 16  # Connections.


def good_is_served(lab, limit=1.0):
    """The other guest gets its answer, and soon."""
    start = time.monotonic()
    equal(probes.fetch(lab.guest_netns("good"), PATH), (200, "good.novalocal"), "the other guest")
    took = time.monotonic() - start
    expect(took < limit, f"it waited {took:.2f} s")


def bad(lab, data, timeout=5):
    return rawhttp.exchange(lab.guest_netns("bad"), data, timeout=timeout)


def closed_after(sock, limit):
    """Seconds until the other side ends the connection."""
    start = time.monotonic()
    sock.settimeout(limit)
    try:
        while sock.recv(4096):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - start


def server_memory(lab):
    """KiB."""
    with open(f"/proc/{lab.program('controller-1', 'server').pid}/status", encoding="ascii") as f:
        return int(next(line.split()[1] for line in f if line.startswith("VmRSS:")))


def slow_headers(lab):
    """A byte now and then does not keep a connection for ever."""
    sock = rawhttp.connect(lab.guest_netns("bad"))
    start = time.monotonic()
    with sock:
        sock.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        try:
            while time.monotonic() - start < 3 * LIMIT_S:
                sock.sendall(b"x")
                good_is_served(lab)
                time.sleep(0.5)
        except ConnectionError:
            pass
    took = time.monotonic() - start
    expect(took < LIMIT_S + 4, f"cut off only after {took:.0f} s")


def slow_body(lab):
    sock = rawhttp.connect(lab.guest_netns("bad"))
    with sock:
        sock.sendall(rawhttp.request("POST", "/openstack/latest/password",
                                     [("Content-Length", "1000")]) + b"x")
        took = closed_after(sock, 3 * LIMIT_S)
    expect(took < LIMIT_S + 4, f"cut off only after {took:.0f} s")


def silent(lab):
    with rawhttp.connect(lab.guest_netns("bad")) as sock:
        took = closed_after(sock, 3 * LIMIT_S)
    expect(took < LIMIT_S + 4, f"cut off only after {took:.0f} s")


def slow_reader(lab):
    """One that never takes its answer."""
    sock = rawhttp.connect(lab.guest_netns("bad"))
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        for _ in range(200):
            try:
                sock.sendall(b"GET /openstack/latest/meta_data.json HTTP/1.1\r\nHost: x\r\n\r\n")
            except (ConnectionError, TimeoutError):
                break
        good_is_served(lab)


def smuggling(lab):
    hidden = b"GET /latest/user-data HTTP/1.1\r\nHost: x\r\n\r\n"
    both = (b"POST /openstack/latest/password HTTP/1.1\r\nHost: x\r\n"
            b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    status, _, body = bad(lab, both + hidden)
    equal(status, 400, "chunked and Content-Length")
    expect(body.count(b"HTTP/1.1") == 0, "a second answer came")
    two = (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n")
    equal(bad(lab, two + hidden)[0], 400, "two lengths")
    for value in (b"-1", b"+5", b"5, 5", b"0x5", b"99999999999999999999", b""):
        status = bad(lab, b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: " + value + b"\r\n\r\n")[0]
        expect(status in (0, 400, 413), f"Content-Length {value}: {status}")


def huge(lab):
    before = server_memory(lab)
    cases = {
        "a header of 1 MB": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 2**20 + b"\r\n\r\n",
        "10000 headers": b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10000 + b"\r\n",
        "a path of 1 MB": b"GET /" + b"a" * 2**20 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        "10000 parts": b"GET " + b"/a" * 10000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        "a method of 64 KB": b"G" * 65536 + b" / HTTP/1.1\r\nHost: x\r\n\r\n",
        "no line end": b"x" * 2**20,
    }
    for name, data in cases.items():
        status = bad(lab, data)[0]
        expect(status == 0 or 400 <= status < 500, f"{name}: {status}")
        good_is_served(lab)
    post = rawhttp.request("POST", "/openstack/latest/password", [], b"x" * 2**20)
    status = bad(lab, post)[0]
    expect(status in (0, 400, 413), f"a body of 1 MB: {status}")
    grown = server_memory(lab) - before
    expect(grown < 8192, f"the server has grown by {grown} KiB")


def odd_paths(lab):
    """Whatever the path says, only one's own tree is read, and never a file."""
    for path in ("//latest//meta-data//local-hostname", "/latest/meta-data/local-hostname/"):
        equal(bad(lab, rawhttp.request("GET", path))[::2], (200, b"bad.novalocal"), path)
    for path in ("/../../etc/passwd", "/latest/../../etc/passwd", "/latest/meta-data/..",
                 "/%2e%2e/%2e%2e/etc/passwd", "/latest%2fmeta-data", "/latest/meta-data/%00",
                 "/latest/meta-data/instance-id%0d%0aX:y", "/%", "/%zz", "/%ff%fe",
                 "*", "http://other/latest/meta-data/x"):
        status, headers, body = bad(lab, rawhttp.request("GET", path))
        expect(status in (400, 404), f"{path}: {status}")
        expect(b"root:" not in body and "x" not in headers, f"{path}: {body}")


def host_tricks(lab):
    for host in ("evil.example", "169.254.169.254:80@evil", "", "x" * 5000, "10.0.0.3"):
        data = (f"GET {PATH} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").encode()
        equal(bad(lab, data)[::2], (200, b"bad.novalocal"), f"Host: {host[:40]}")


def no_http(lab):
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\0" * 4096, b"\r\n" * 5000,
                 b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
        status = bad(lab, data, LIMIT_S + 4)[0]
        expect(status == 0 or 400 <= status < 600, f"{data[:20]}: {status}")
        good_is_served(lab)


def thousand_connections(lab):
    """They are refused from the 17th on; the others do not notice."""
    socks = []
    try:
        for _ in range(1000):
            try:
                socks.append(rawhttp.connect(lab.guest_netns("bad"), timeout=2))
            except OSError:
                break
        good_is_served(lab)

        def kept():
            out = lab.in_host("controller-1", ["ss", "-Htn", "state", "established", "( sport = "
                              ":8775 )", "dst", lab.address("bad")]).stdout
            return len(out.splitlines())

        wait_for(lambda: kept() <= PER_GUEST, 5, lambda: f"it keeps {kept()} connections")
        good_is_served(lab)
    finally:
        for sock in socks:
            sock.close()
    wait_for(lambda: probes.fetch(lab.guest_netns("bad"), PATH)[0] == 200, 20,
             "it is not served any more afterwards")


def password_flood(lab):
    """Refusals write nothing: the database does not grow with them."""
    equal(bad(lab, rawhttp.request("POST", "/openstack/latest/password", [], b"once"))[0], 200,
          "the first")
    before = lab.in_host("controller-1", ["sh", "-c",
                         "stat -c %s /var/lib/neutrino/neutrino.sqlite-wal"]).stdout
    for _ in range(200):
        equal(bad(lab, rawhttp.request("POST", "/openstack/latest/password", [], b"x"))[0], 409,
              "again")
    after = lab.in_host("controller-1", ["sh", "-c",
                        "stat -c %s /var/lib/neutrino/neutrino.sqlite-wal"]).stdout
    expect(int(after) - int(before) < 400000, f"the log grew from {before} to {after}")


def others_unharmed(lab):
    good_is_served(lab)
    equal(probes.fetch(lab.netns("compute-1"), PATH, hosts.CONTROLLER, 8775)[0], 404, "a host")
    expect(lab.program("controller-1", "server").lives(), "the server died")


def main():
    lab = lab_for("mh", guests=GUESTS)
    check("headers that never end", slow_headers, lab)
    check("a body that never ends", slow_body, lab)
    check("a connection without a word", silent, lab)
    check("answers that are not taken", slow_reader, lab)
    check("two lengths of one body: 400", smuggling, lab)
    check("huge requests: refused, memory flat", huge, lab)
    check("odd paths", odd_paths, lab)
    check("whatever Host says", host_tricks, lab)
    check("what is no HTTP", no_http, lab)
    check("a thousand connections of one guest", thousand_connections, lab)
    check("a flood of passwords writes nothing", password_flood, lab)
    check("the others are served as before", others_unharmed, lab)
    done()


if __name__ == "__main__":
    main()
