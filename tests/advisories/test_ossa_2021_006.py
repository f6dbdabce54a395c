#!/usr/bin/python3 -B
# timeout: 600
"""OSSA-2021-006 (CVE-2021-40797), CVE-2022-3277, CVE-2023-3637: paths nobody knows cost
memory, and reading something of a project that does not exist makes rows."""

import concurrent.futures
import os
import random
import re
import string
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

import rawhttp  # noqa: E402
from check import check, done, equal, expect  # noqa: E402
from lab import cloud, hosts, lab_for  # noqa: E402
from store import rows  # noqa: E402

ROUNDS = {"with": 500000, "without": 250000, "metadata": 250000}
BATCH = 500
METHODS = ("GET", "GET", "GET", "HEAD")
STATUS = re.compile(rb"HTTP/1\.1 (\d\d\d) ")
GROWTH_KIB = 4096
STARTS = ("/compute/v2.1/", "/v2.1/", "/v2/", "/compute/v2/", "/image/v2/", "/identity/v3/", "/",
          "/compute/v2.1/os-quota-sets/", "/compute/v2.1/os-networks/", "/compute/v2.1/servers/",
          "/compute/v2.1/os-keypairs/", "/compute/v2.1/os-fixed-ips/", "/openstack/latest/",
          "/latest/meta-data/", "/openstack/")


def random_path(chance):
    parts = ["".join(chance.choices(string.ascii_letters + string.digits + "-._~", k=12))
             for _ in range(chance.randint(1, 6))]
    return chance.choice(STARTS) + "/".join(parts)


def memory(lab):
    with open(f"/proc/{lab.program('controller-1', 'server').pid}/status", encoding="ascii") as f:
        return int(next(line.split()[1] for line in f if line.startswith("VmRSS:")))


def request(chance, headers):
    path = random_path(chance)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{chance.choice(METHODS)} {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode()


def exchange(sock, requests):
    """Sends them in one go; the status of each answer, fewer when the server hung up."""
    found, rest = [], b""
    try:
        sock.sendall(b"".join(requests))
        while len(found) < len(requests):
            data = sock.recv(1 << 18)
            if not data:
                break
            rest += data
            found += STATUS.findall(rest)
            rest = rest[-12:] if not STATUS.search(rest[-12:]) else b""
    except ConnectionError:
        pass
    return found


def flood(lab, port, headers, seed, count):
    """Many requests at a time on one connection.  Returns how many were answered."""
    chance = random.Random(seed)
    ready = [request(chance, headers) for _ in range(BATCH * 64)]
    answered, sock = 0, None
    while answered < count:
        sock = sock or rawhttp.connect(lab.netns("controller-1"), (hosts.CONTROLLER, port), 20)
        # A tail of its own makes each path a new one.
        batch = [chance.choice(ready).replace(b" HTTP/1.1", b"%x HTTP/1.1" % chance.getrandbits(48))
                 for _ in range(BATCH)]
        found = exchange(sock, batch)
        answered += len(found)
        # Quotas of any project may be read by an administrator: there is nothing to know.
        wrong = {status for status in found if not b"400" <= status < b"500"} - {b"200"}
        expect(not wrong, f"answers {wrong}")
        if len(found) < len(batch):
            sock.close()
            sock = None
    if sock:
        sock.close()
    return answered


def floods(lab, port, headers, count):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(flood, lab, port, headers, seed, count // 2) for seed in range(2)]
        return sum(job.result() for job in jobs)


def memory_is_flat(lab, port, headers, count):
    floods(lab, port, headers, 5000)  # What is kept for good is there now.
    before = memory(lab)
    start = time.monotonic()
    answered = floods(lab, port, headers, count)
    grown = memory(lab) - before
    print(f"# {answered} paths in {time.monotonic() - start:.1f} s, {grown} KiB more", flush=True)
    expect(answered >= count, f"only {answered} answers")
    expect(grown < GROWTH_KIB, f"{grown} KiB more after {answered} paths")


def count_rows(lab):
    tables = [row["name"] for row in rows(lab, "SELECT name FROM sqlite_master WHERE type = 'table'"
                                               " AND name NOT LIKE 'sqlite_%'")]
    return {table: rows(lab, f"SELECT COUNT(*) AS n FROM {table}")[0]["n"] for table in tables}


def callers(lab):
    """An administrator, and a member who never made anything."""
    return lab.api, cloud.Api(lab.netns("controller-1"), "demo", lab.keys["demo"])


def gets_make_no_rows(lab, before):
    for api in callers(lab):
        for path in ("/servers", "/servers/detail", "/flavors", "/os-keypairs", "/limits",
                     "/os-quota-sets/demo", "/os-quota-sets/nobody", "/os-quota-sets/nobody/detail",
                     "/os-quota-sets/nobody/defaults", "/os-security-groups", "/os-floating-ips",
                     "/os-floating-ip-pools", "/os-networks", "/os-fixed-ips", "/os-services",
                     "/os-keypairs/none", "/servers/none", "/os-security-groups/1",
                     "/os-keypairs?user_id=nobody"):
            status = api.send("GET", path).status
            expect(status < 500, f"{path}: {status}")
    equal(count_rows(lab), before, "rows")


def main():
    lab = lab_for("ob")
    lab.up_computes_known()
    # The one thing that is made when it is first looked at, once for each project that can sign
    # in: its group 'default'.
    for api in callers(lab):
        api.send("GET", "/os-security-groups")
    before = count_rows(lab)
    check("no GET makes a row", gets_make_no_rows, lab, before)
    check(f"{ROUNDS['with']} unknown paths of the API: memory flat", memory_is_flat, lab, 8774,
          lab.api.headers(), ROUNDS["with"])
    check(f"{ROUNDS['without']} unknown paths without credentials: memory flat", memory_is_flat,
          lab, 8774, {}, ROUNDS["without"])
    check(f"{ROUNDS['metadata']} unknown paths of the metadata service: memory flat",
          memory_is_flat, lab, 8775, {}, ROUNDS["metadata"])
    check("still no row", lambda: equal(count_rows(lab), before, "rows"))
    done()


if __name__ == "__main__":
    main()
