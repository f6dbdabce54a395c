"""What the server's database holds, read in its own lab host and never written."""

import json

from neutrinolab import hosts

DATABASE = "/var/lib/neutrino/neutrino.sqlite"
# Runs there, as the server's user: SQLite follows a path to its end, so one through
# /proc/PID/root would lead to this machine's own file.
READER = """
import json, sqlite3, sys
connection = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True, timeout=5)
connection.row_factory = sqlite3.Row
print(json.dumps([dict(row) for row in connection.execute(sys.argv[2], sys.argv[3:])]))
"""


def rows(lab, query, *values):
    """The rows of a query as dictionaries."""
    user = hosts.SERVER_UID
    argv = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--",
            "/usr/bin/python3", "-I", "-c", READER,
            getattr(lab, "database", DATABASE), query, *values]
    return json.loads(lab.in_host("controller-1", argv).stdout)


def fixed_ips(lab):
    return rows(lab, "SELECT * FROM fixed_ips ORDER BY ip")


def fixed_ip(lab, address):
    """The row of an address, or None when it was never used."""
    found = rows(lab, "SELECT * FROM fixed_ips WHERE address = ?", address)
    return found[0] if found else None


def is_used(row):
    """Whether somebody has the address of a row, or its lease still runs."""
    return bool(row and not row["reserved"]
                and (row["allocated"] or row["leased"] or row["instance_id"]))


def in_use(lab):
    """Addresses somebody has."""
    return [row["address"] for row in fixed_ips(lab) if is_used(row)]
