#!/usr/bin/python3 -B
# timeout: 600
"""OSSA-2021-006 (CVE-2021-40797), CVE-2022-3277, CVE-2023-3637: paths nobody knows cost
memory, and reading something of a project that does not exist makes rows."""

import concurrent.futures
import http.client
import os
import random
import string
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect  # noqa: E402
from lab import cloud, hosts, lab_for  # noqa: E402
from store import rows  # noqa: E402

ROUNDS = 20000  # Per door.
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


def flood(lab, port, headers, seed, count):
    chance = random.Random(seed)
    connection = cloud.NamespaceConnection(lab.netns("controller-1"), hosts.CONTROLLER, port, 20)
    for _ in range(count):
        path = random_path(chance)
        try:
            connection.request(chance.choice(["GET", "GET", "GET", "HEAD"]), path, headers=headers)
            answer = connection.getresponse()
            answer.read()
        except (http.client.HTTPException, ConnectionError):
            connection.close()
            continue
        # Quotas of any project may be read by an administrator: there is nothing to know.
        expect(400 <= answer.status < 500 or "os-quota-sets" in path, f"{path}: {answer.status}")
    connection.close()


def floods(lab, port, headers, count):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for job in [pool.submit(flood, lab, port, headers, seed, count // 4) for seed in range(4)]:
            job.result()


def memory_is_flat(lab, port, headers):
    floods(lab, port, headers, 2000)  # What is kept for good is there now.
    before = memory(lab)
    floods(lab, port, headers, ROUNDS)
    grown = memory(lab) - before
    expect(grown < GROWTH_KIB, f"{grown} KiB more after {ROUNDS} paths")


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
    check(f"{ROUNDS} unknown paths of the API: memory flat", memory_is_flat, lab, 8774,
          lab.api.headers())
    check(f"{ROUNDS} unknown paths without credentials: memory flat", memory_is_flat, lab, 8774, {})
    check(f"{ROUNDS} unknown paths of the metadata service: memory flat", memory_is_flat, lab, 8775,
          {})
    check("still no row", lambda: equal(count_rows(lab), before, "rows"))
    done()


if __name__ == "__main__":
    main()
