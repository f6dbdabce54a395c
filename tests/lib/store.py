"""What the server's database holds, read from outside and never written."""

import sqlite3

DATABASE = "/var/lib/neutrino/neutrino.sqlite"


def rows(lab, query, *values):
    """The rows of a query as dictionaries."""
    path = lab.hosts["controller-1"].file(DATABASE)
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
    try:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query, values)]
    finally:
        connection.close()


def fixed_ips(lab):
    return rows(lab, "SELECT * FROM fixed_ips ORDER BY ip")


def fixed_ip(lab, address):
    """The row of an address, or None when it was never used."""
    found = rows(lab, "SELECT * FROM fixed_ips WHERE address = ?", address)
    return found[0] if found else None
