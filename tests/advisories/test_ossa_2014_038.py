#!/usr/bin/python3 -B
# timeout: 300
"""OSSA-2014-038 (CVE-2014-3708): a list filtered by address overloads the service.  Here an
address is compared as a whole, and the list of many servers is answered in bounded time."""

import os
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need  # noqa: E402
from lab import hosts, lab_for  # noqa: E402
import store  # noqa: E402

ROWS = 100000
LIMIT_S = 1.0
PATTERNS = ["(a+)+$", ".*.*.*.*.*.*.*x", "10.0.0.", "^10", "10.0.0.2|", "%", "_" * 15, "[0-9]*",
            "(((((((((((((((1)*)*)*)*)*)*)*)*)*)*)*)*)*)*)*", "1" * 8000, "10.0.0.2\n", "\0"]
# Copies of one row under other keys: deleted nowhere, run nowhere.
COPY = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
names = [row[1] for row in c.execute("PRAGMA table_info(instances)")]
other = {"id": "printf('%08x-0000-4000-8000-%012x', n, n)", "number": "1000 + n",
         "name": "'copy' || n", "hostname": "'copy' || n", "host": "''", "vm_state": "'error'",
         "task_state": "''"}
c.execute("WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < "
          + sys.argv[2] + ") INSERT INTO instances (" + ", ".join(names) + ") SELECT "
          + ", ".join(other.get(name, name) for name in names)
          + " FROM count, (SELECT * FROM instances LIMIT 1)")
c.commit()
"""


def many(lab):
    lab.up_computes_known()
    equal(lab.boot_and_wait("one", "compute-1"), "10.0.0.2", "address")
    lab.stop_program("controller-1", "server")
    user = hosts.SERVER_UID
    lab.in_host("controller-1", ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
                                 "--", "/usr/bin/python3", "-I", "-c", COPY, store.DATABASE,
                                 str(ROWS)], timeout=120)
    lab.up_program("controller-1", "server")
    equal(store.rows(lab, "SELECT COUNT(*) AS n FROM instances")[0]["n"], ROWS + 1, "servers")


def timed(lab, query):
    """(answer, seconds); the faster of two, for the machine may be busy."""
    best = None
    for _ in range(2):
        start = time.monotonic()
        answer = lab.api.send("GET", f"/servers/detail?{query}")
        took = time.monotonic() - start
        best = took if best is None else min(best, took)
        if best < LIMIT_S:
            break
    return answer, best


def by_address(lab):
    # The first address of the network; the list of all, newest first, is cut before its server.
    answer, took = timed(lab, "ip=10.0.0.2")
    equal([server["name"] for server in answer.json()["servers"]], ["one"], "servers")
    expect(took < LIMIT_S, f"{took:.2f} s")
    answer, took = timed(lab, "ip=10.0.0.250")
    equal(answer.json()["servers"], [], "servers of nobody's address")
    expect(took < LIMIT_S, f"{took:.2f} s")
    print(f"# by address {took * 1000:.0f} ms", flush=True)


def patterns(lab):
    for name in ("ip", "ip6"):
        for pattern in PATTERNS:
            answer, took = timed(lab, f"{name}={urllib.parse.quote(pattern)}&limit=10")
            # What is no filter here is ignored; then it is a page of the list.
            expect(answer.status in ((400,) if name == "ip" else (200, 400)),
                   f"{name}={pattern[:30]!r}: {answer.status}")
            expect(took < LIMIT_S, f"{name}={pattern[:30]!r}: {took:.2f} s")


def names(lab):
    for pattern in PATTERNS:
        answer, took = timed(lab, f"name={urllib.parse.quote(pattern)}&limit=10")
        expect(answer.status in (200, 400), f"{pattern[:30]!r}: {answer.status}")
        expect(took < LIMIT_S, f"{pattern[:30]!r}: {took:.2f} s")


def page(lab):
    answer, took = timed(lab, "limit=1000")
    equal(len(answer.json()["servers"]), 1000, "servers of a page")
    expect(took < LIMIT_S, f"{took:.2f} s")


def main():
    lab = lab_for("of", profile="default")
    need(f"{ROWS} servers", many, lab)
    ids = "OSSA-2014-038 CVE-2014-3708"
    check(f"{ids}: by address", by_address, lab)
    check(f"{ids}: patterns for an address", patterns, lab)
    check(f"{ids}: patterns for a name", names, lab)
    check(f"{ids}: a page of the list", page, lab)
    check("the server lives",
          lambda: expect(lab.program("controller-1", "server").lives(), "it has ended"))
    done()


if __name__ == "__main__":
    main()
