"""Many ports at once: rows copied in the stock server's database.

The server itself makes about four ports a second.  A copied port has an id, a MAC, a
fixed address in each subnet of the original and everything else as the original has it; the
server notices nothing, so agents learn of it when its interface shows up on their switch."""

import ipaddress
import uuid

# Tables that hold rows of a port.
TABLES = ["ml2_port_bindings", "ml2_port_binding_levels", "securitygroupportbindings",
          "portsecuritybindings", "qos_port_policy_bindings", "allowedaddresspairs"]


def columns(cursor, table):
    cursor.execute(f"SHOW COLUMNS FROM {table}")
    return [row[0] for row in cursor.fetchall()]


def insert(cursor, table, rows):
    if rows:
        names = list(rows[0])
        cursor.executemany(
            f"INSERT INTO {table} ({', '.join(f'`{name}`' for name in names)}) "
            f"VALUES ({', '.join(['%s'] * len(names))})",
            [[row[name] for name in names] for row in rows])


def select(cursor, table, where, value):
    names = columns(cursor, table)
    cursor.execute(f"SELECT * FROM {table} WHERE {where} = %s", [value])
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def free_addresses(cursor, subnet, count):
    cursor.execute("SELECT cidr, gateway_ip FROM subnets WHERE id = %s", [subnet])
    cidr, gateway = cursor.fetchone()
    cursor.execute("SELECT ip_address FROM ipallocations WHERE subnet_id = %s", [subnet])
    used = {row[0] for row in cursor.fetchall()} | {gateway}
    found = []
    for address in ipaddress.ip_network(cidr).hosts():
        if str(address) not in used:
            found.append(str(address))
            if len(found) == count:
                return found
    raise ValueError(f"subnet {cidr} has only {len(found)} free addresses, not {count}")


def standard_attributes(cursor, original, count):
    """Ids of 'count' new rows, which count revisions and hold the time of creation."""
    row = select(cursor, "standardattributes", "id", original)[0]
    cursor.execute("SELECT MAX(id) FROM standardattributes")
    first = cursor.fetchone()[0] + 1
    insert(cursor, "standardattributes", [dict(row, id=first + i) for i in range(count)])
    return range(first, first + count)


def ports(mariadb, port, count, host=None):
    """Makes the copies, bound to 'host' if given (a name); returns ports as the API does,
    as far as plugging needs them."""
    with mariadb.connect() as connection, connection.cursor() as cursor:
        connection.begin()
        original = select(cursor, "ports", "id", port["id"])[0]
        attributes = standard_attributes(cursor, original["standard_attr_id"], count)
        made = []
        for i, attribute in enumerate(attributes):
            mac = "fa:16:3f:" + ":".join(f"{(attribute >> s) & 255:02x}" for s in (16, 8, 0))
            made.append(dict(original, id=str(uuid.uuid4()), mac_address=mac,
                             standard_attr_id=attribute, status="DOWN",
                             name=f"{original['name']}-{i}"))
        insert(cursor, "ports", made)
        fixed = [[] for _ in made]
        for row in select(cursor, "ipallocations", "port_id", port["id"]):
            addresses = free_addresses(cursor, row["subnet_id"], count)
            insert(cursor, "ipallocations", [dict(row, port_id=new["id"], ip_address=address)
                                             for new, address in zip(made, addresses)])
            for entry, address in zip(fixed, addresses):
                entry.append({"subnet_id": row["subnet_id"], "ip_address": address})
        for table in TABLES:
            copy(cursor, table, port["id"], made, host)
        connection.commit()
    return [{**port, "id": new["id"], "mac_address": new["mac_address"], "fixed_ips": entry,
             "name": new["name"], **({"binding:host_id": host} if host else {})}
            for new, entry in zip(made, fixed)]


def copy(cursor, table, port_id, made, host):
    for row in select(cursor, table, "port_id", port_id):
        if host and "host" in row:
            row["host"] = host
        insert(cursor, table, [dict(row, port_id=new["id"]) for new in made])
