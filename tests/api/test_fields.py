#!/usr/bin/python3 -B
"""Every field of every request body, given a wrong type, too much text, a NUL byte and a
line end: a 4xx that names the field, and the server goes on."""

import copy
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need  # noqa: E402
from lab import cloud, lab_for  # noqa: E402

LONG = "x" * 70000
UUID = "11111111-2222-4333-8444-555555555555"
TEXT, NUMBER, BOOLEAN, LIST, OBJECT = "text", "number", "boolean", "list", "object"

# What each kind of field must refuse.
WRONG = {
    TEXT: [7, True, ["x"], {"x": 1}, LONG, "a\0b", "a\nb"],
    NUMBER: ["x", True, [1], {"x": 1}, 1.5, -1, 2**70, LONG, "1\0", "1\n"],
    BOOLEAN: [7, "maybe", [True], {"x": 1}, LONG, "true\0", "true\n"],
    LIST: [7, True, {"x": 1}, LONG, "a\0b", "a\nb", [7], ["x"]],
    OBJECT: [7, True, ["x"], LONG, "a\0b", "a\nb"],
}

SERVER = {"name": "cirros", "imageRef": UUID, "flavorRef": "1"}
NETWORK = {"label": "other", "cidr": "10.9.0.0/24"}
PASSWORD = {"name": "admin", "password": "wrong", "domain": {"name": "Default"}}
AUTH = {"identity": {"methods": ["password"], "password": {"user": PASSWORD}}}

# Where it goes, what is right, and path -> kind of each field.
BODIES = [
    ("POST", "/compute/v2.1/servers", {"server": SERVER}, {
        "server": OBJECT, "server.name": TEXT, "server.imageRef": TEXT, "server.flavorRef": TEXT,
        "server.key_name": TEXT, "server.user_data": TEXT, "server.availability_zone": TEXT,
        "server.adminPass": TEXT, "server.config_drive": BOOLEAN, "server.min_count": NUMBER,
        "server.max_count": NUMBER, "server.metadata": OBJECT, "server.metadata.key": TEXT,
        "server.networks": LIST, "server.networks.0.uuid": TEXT,
        "server.networks.0.fixed_ip": TEXT, "server.networks.0.port": TEXT,
        "server.security_groups": LIST, "server.security_groups.0.name": TEXT}),
    ("POST", "/compute/v2.1/os-networks", {"network": NETWORK}, {
        "network": OBJECT, "network.label": TEXT, "network.id": TEXT, "network.cidr": TEXT,
        "network.gateway": TEXT, "network.dhcp_server": TEXT, "network.dns1": TEXT,
        "network.dns2": TEXT, "network.cidr_v6": TEXT, "network.gateway_v6": TEXT,
        "network.bridge": TEXT, "network.bridge_interface": TEXT,
        "network.project_id": TEXT, "network.multi_host": BOOLEAN,
        "network.enable_dhcp": BOOLEAN, "network.mtu": NUMBER}),
    ("PUT", f"/compute/v2.1/os-networks/{UUID}", {"network": {}}, {
        "network": OBJECT, "network.label": TEXT, "network.project_id": TEXT,
        "network.host": TEXT, "network.dns1": TEXT, "network.dns2": TEXT, "network.mtu": NUMBER}),
    ("POST", "/compute/v2.1/os-keypairs", {"keypair": {"name": "mine"}}, {
        "keypair": OBJECT, "keypair.name": TEXT, "keypair.public_key": TEXT,
        "keypair.type": TEXT, "keypair.user_id": TEXT}),
    ("POST", "/compute/v2.1/os-floating-ips", {"pool": "nova"}, {"pool": TEXT}),
    ("POST", "/compute/v2.1/os-floating-ips-bulk",
     {"floating_ips_bulk_create": {"ip_range": "192.168.56.225"}}, {
         "floating_ips_bulk_create": OBJECT, "floating_ips_bulk_create.ip_range": TEXT,
         "floating_ips_bulk_create.pool": TEXT, "floating_ips_bulk_create.interface": TEXT}),
    ("PUT", "/compute/v2.1/os-floating-ips-bulk/delete", {"ip_range": "192.168.56.225"}, {
        "ip_range": TEXT}),
    ("POST", "/identity/v3/auth/tokens", {"auth": AUTH}, {
        "auth": OBJECT, "auth.identity": OBJECT, "auth.identity.methods": LIST,
        "auth.identity.password": OBJECT, "auth.identity.password.user": OBJECT,
        "auth.identity.password.user.name": TEXT,
        "auth.identity.password.user.password": TEXT}),
]
NO_JSON = [b"", b"{", b"[]", b"7", b'"text"', b"null", b"{}", b'{"server": }', b"\0", b"\xff\xfe",
           b'{"server": {"name": "\xff"}}', b"[" * 5000, b'{"a":' * 5000]


def with_value(body, path, value):
    """A copy of 'body' with the field at 'path' set; parents that lack are made."""
    body = copy.deepcopy(body)
    parts = path.split(".")
    at = body
    for part, following in zip(parts, parts[1:]):
        fresh = [{}] if following == "0" else {}
        if part == "0":
            at = at[0]
        else:
            at = at.setdefault(part, fresh)
    at[0 if parts[-1] == "0" else parts[-1]] = value
    return body


def last_name(path):
    return [part for part in path.split(".") if part != "0"][-1]


def short(value):
    text = json.dumps(value)
    return text if len(text) < 40 else f"{len(text)} characters"


def message(answer):
    """The text meant for people, out of the body of an error."""
    found = []

    def walk(value):
        if isinstance(value, dict):
            for inner in value.values():
                walk(inner)
        elif isinstance(value, str):
            found.append(value)

    try:
        walk(answer.json())
    except ValueError:
        return answer.text()
    return " ".join(found)


def refused(lab, method, path, body, field, value):
    answer = lab.api.send(method, path, with_value(body, field, value), base="")
    expect(400 <= answer.status < 500,
           f"{short(value)}: status {answer.status}: {answer.text()[:200]}")
    expect(last_name(field) in message(answer),
           f"{short(value)}: {answer.status} does not name the field: {message(answer)[:200]}")


def field_refuses(lab, method, path, body, field, kind):
    problems = []
    for value in WRONG[kind]:
        try:
            refused(lab, method, path, body, field, value)
        except Exception as problem:  # All values are tried; the check names every failure.
            problems.append(str(problem))
    equal(problems, [], "answers")


def not_json(lab, method, path):
    for body in NO_JSON:
        answer = lab.api.send(method, path, body, base="")
        expect(400 <= answer.status < 500, f"{body[:30]!r}: status {answer.status}")


def serves(lab):
    expect(lab.program("controller-1", "server").lives(), "neutrino-server has ended")
    equal(lab.api.servers(), [], "servers")
    equal(len(lab.api.networks()), 1, "networks")


def queries(lab):
    for query in ("limit=x", "limit=-1", "limit=99999999999999999999", "marker=a%00b",
                  "marker=" + "x" * 500, "limit=1%0a"):
        answer = lab.api.send("GET", f"/servers/detail?{query}")
        expect(400 <= answer.status < 500, f"{query[:30]}: status {answer.status}")
        # What cannot be in any query is refused before it is taken apart.
        expect(query.partition("=")[0] in message(answer) or "query" in message(answer),
               f"{query[:30]}: {message(answer)}")


def names_in_paths(lab):
    for name in ("nobody", "a%00b", "a%0ab", "x" * 3000, "..%2f..%2fetc%2fpasswd", "%ff"):
        for path in (f"/servers/{name}", f"/flavors/{name}", f"/v2/images/{name}",
                     f"/os-networks/{name}"):
            answer = lab.api.send("GET", path)
            expect(400 <= answer.status < 500, f"{path[:40]}: status {answer.status}")


def methods(lab):
    for method, path in (("PUT", "/servers"), ("DELETE", "/servers"), ("PATCH", "/flavors/1"),
                         ("POST", "/os-services")):
        answer = lab.api.send(method, path, {} if method != "DELETE" else None)
        equal(answer.status, 405, f"{method} {path}")


def credentials(lab):
    for headers in ({"Authorization": None}, {"Authorization": "Basic !!!"},
                    {"Authorization": "Basic YWRtaW46d3Jvbmc="}, {"Authorization": "Bearer x"},
                    {"Authorization": None, "X-Auth-Token": "notused"},
                    {"Authorization": None, "X-Auth-Token": "x" * 4000}):
        for path in ("/servers", "/servers/detail", "/flavors", "/os-networks", "/v2/images"):
            answer = lab.api.send("GET", path, headers=headers)
            equal(answer.status, 401, f"{path} with {str(headers)[:60]}")


def member_is_no_admin(lab):
    demo = cloud.Api(lab.netns("controller-1"), "demo", lab.keys["demo"])
    equal(demo.send("GET", "/servers").status, 200, "GET /servers")
    for method, path, body in (("GET", "/os-networks", None), ("GET", "/os-services", None),
                               ("POST", "/os-networks", {"network": NETWORK})):
        equal(demo.send(method, path, body).status, 403, f"{method} {path}")


def main():
    lab = lab_for("af")
    for method, path, body, fields in BODIES:
        check(f"{method} {path}: what is no JSON object", not_json, lab, method, path)
        for field, kind in fields.items():
            check(f"{method} {path}: {field}", field_refuses, lab, method, path, body, field, kind)
    check("query values", queries, lab)
    check("names in paths", names_in_paths, lab)
    check("methods that a path does not have: 405", methods, lab)
    check("without credentials, or with wrong ones: 401", credentials, lab)
    check("a member is refused what is the administrator's: 403", member_is_no_admin, lab)
    need("the server goes on as before", serves, lab)
    done()


if __name__ == "__main__":
    main()
