#!/usr/bin/python3 -B
"""How many allocations per second SQLite alone can make durable: sqlite_limit.py DATABASE
SECONDS GROUP..., where DATABASE is one the server has allocated in.

Works on a copy beside it, so on the same file system, with the server's settings (WAL,
synchronous=FULL).  An allocation is the rows one leaves: instance, port and fixed IP
inserted, a counter and the subnet updated.  GROUP allocations share a commit.  Prints JSON:
{GROUP: allocations per second}.
"""

import json
import os
import sqlite3
import sys
import time
import uuid

CHANGED = {
    "instances": lambda i: {"id": str(uuid.UUID(int=i)), "number": 10**9 + i},
    "ports": lambda i: {"id": str(uuid.UUID(int=i)),
                        "mac_address": f"02:{i >> 32 & 255:02x}:{i >> 24 & 255:02x}:"
                                       f"{i >> 16 & 255:02x}:{i >> 8 & 255:02x}:{i & 255:02x}"},
    "fixed_ips": lambda i: {"ip": 10**10 + i, "port_id": str(uuid.UUID(int=i)),
                            "instance_id": str(uuid.UUID(int=i))},
}


class Limit:
    def __init__(self, database):
        self.path = f"{database}.limit"
        self.remove()
        source = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        self.db = sqlite3.connect(self.path, isolation_level=None)
        source.backup(self.db)
        source.close()
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self.db.execute(f"PRAGMA {pragma}")
        self.number = 0
        self.inserts = [self.insert_of(table) for table in CHANGED]

    def remove(self):
        for end in ("", "-wal", "-shm", "-journal"):
            if os.path.exists(self.path + end):
                os.unlink(self.path + end)

    def insert_of(self, table):
        """(statement, a row that is there as dictionary, what changes from row to row)."""
        order = " WHERE port_id IS NOT NULL" if table == "fixed_ips" else ""
        cursor = self.db.execute(f"SELECT * FROM {table}{order} LIMIT 1")
        names = [column[0] for column in cursor.description]
        row = dict(zip(names, cursor.fetchone()))
        marks = ", ".join(f":{name}" for name in names)
        return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", row, CHANGED[table]

    def allocate(self):
        self.number += 1
        for statement, row, change in self.inserts:
            self.db.execute(statement, {**row, **change(self.number)})
        self.db.execute("UPDATE counters SET next_value = next_value + 1 WHERE name = 'instances'")
        self.db.execute("UPDATE subnets SET next_ip = next_ip + 1")

    def rate(self, group, seconds):
        count = 0
        start = time.monotonic()
        while time.monotonic() < start + seconds:
            self.db.execute("BEGIN IMMEDIATE")
            for _ in range(group):
                self.allocate()
            self.db.execute("COMMIT")
            count += group
        return count / (time.monotonic() - start)


def main():
    limit = Limit(sys.argv[1])
    try:
        print(json.dumps({group: limit.rate(int(group), float(sys.argv[2]))
                          for group in sys.argv[3:]}))
    finally:
        limit.db.close()
        limit.remove()


if __name__ == "__main__":
    main()
