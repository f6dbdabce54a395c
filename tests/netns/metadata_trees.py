#!/usr/bin/python3 -B
# timeout: 600
"""What a guest reads about itself, whole: key, user data and metadata in both trees, the
password it stores, and what proxies may say for it."""

import base64
import hashlib
import hmac
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

import rawhttp  # noqa: E402
from check import check, done, equal, expect, need, wait_for  # noqa: E402
from lab import hosts, lab_for  # noqa: E402
from store import fixed_ip, is_used, rows  # noqa: E402

KEY = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJk9KEaE/kUJc4eDZE5/fiYa/tqWMEc+sd5JLiSIUqhN "
       "joe@host")
USER_DATA = b"#!/bin/sh\necho \xff\x00 any bytes\n"
SECRET = "s3cret"
HERE = (hosts.CONTROLLER, 8775)
TREE = "/openstack/latest"


def ask(lab, path, method="GET", body=b"", headers=()):
    """The answer to guest 'keyed'."""
    return rawhttp.exchange(lab.guest_netns("keyed"), rawhttp.request(method, path, headers, body))


def expect_text(lab, path, wanted, content_type="text/plain"):
    status, headers, body = ask(lab, path)
    equal((status, body), (200, wanted if isinstance(wanted, bytes) else wanted.encode()), path)
    expect(headers["content-type"].startswith(content_type), f"{path}: {headers}")


def get_json(lab, path):
    status, headers, body = ask(lab, path)
    equal((status, headers.get("content-type")), (200, "application/json"), path)
    return json.loads(body)


def boots_with_key(lab):
    lab.api.ask("POST", "/os-keypairs", {"keypair": {"name": "mine", "public_key": KEY + "\n"}})
    lab.api.boot("keyed", "compute-1", key_name="mine", metadata={"role": "web", "ü": "\"x\""},
                 user_data=base64.b64encode(USER_DATA).decode())
    lab.wait_guest("keyed")


def unknown_key(lab):
    answer = lab.api.send("POST", "/servers", {"server": {
        "name": "bad", "imageRef": lab.api.image_id("cirros"), "flavorRef": "1",
        "key_name": "nobodys"}})
    equal(answer.status, 400, "status")
    expect("nobodys" in answer.text(), answer.text())


def ec2_keys(lab):
    for base in ("/latest/meta-data/public-keys", "/ec2/2009-04-04/meta-data/public-keys/"):
        expect_text(lab, base, "0=mine")
        expect_text(lab, base.rstrip("/") + "/0", "openssh-key")
        expect_text(lab, base.rstrip("/") + "/0/openssh-key", KEY)
    equal(ask(lab, "/latest/meta-data/public-keys/0=mine/openssh-key")[0], 404, "status")


def user_data(lab):
    for path in ("/latest/user-data", f"{TREE}/user_data", "/openstack/2012-08-10/user_data"):
        expect_text(lab, path, USER_DATA, "application/octet-stream")
    expect_text(lab, "/latest/", "meta-data/\nuser-data")


def meta_data(lab):
    server = lab.api.server("keyed")
    found = get_json(lab, f"{TREE}/meta_data.json")
    equal(len(base64.b64decode(found.pop("random_seed"))), 512, "bytes of seed")
    equal(found, {"uuid": server["id"], "name": "keyed", "hostname": "keyed.novalocal",
                  "launch_index": 0, "availability_zone": "nova",
                  "meta": {"role": "web", "ü": "\"x\""}, "public_keys": {"mine": KEY},
                  "keys": [{"name": "mine", "type": "ssh", "data": KEY}],
                  "project_id": server["tenant_id"], "devices": []}, "meta_data.json")
    expect("random_seed" not in get_json(lab, "/openstack/2012-08-10/meta_data.json"), "seed")


def network_data(lab):
    found = get_json(lab, f"{TREE}/network_data.json")
    link, network = found["links"][0], found["networks"][0]
    equal(link["ethernet_mac_address"], lab.guest_mac("keyed"), "MAC")
    equal((network["type"], network["link"]), ("ipv4_dhcp", link["id"]), "network")
    equal(network["network_id"], lab.api.networks()[0]["id"], "network id")
    equal(found["services"], [{"type": "dns", "address": "8.8.4.4"}], "services")


def vendor_data(lab):
    equal(get_json(lab, f"{TREE}/vendor_data.json"), {}, "vendor_data.json")
    equal(get_json(lab, f"{TREE}/vendor_data2.json"), {}, "vendor_data2.json")


def password(lab):
    path = f"{TREE}/password"
    expect_text(lab, path, "")
    equal(ask(lab, path, "POST", b"x" * 1021)[0], 400, "too long")
    equal(ask(lab, path, "POST", b"a\0b")[0], 400, "a NUL byte")
    equal(ask(lab, path, "POST", b"\xff\xfe")[0], 400, "no UTF-8")
    equal(ask(lab, path, "PUT", b"x")[0], 400, "PUT")
    equal(ask(lab, path, "DELETE")[0], 400, "DELETE")
    expect_text(lab, path, "")
    equal(ask(lab, path, "POST", b"c2VjcmV0" + b"x" * 1012)[0], 200, "POST of 1020 bytes")
    expect_text(lab, path, "c2VjcmV0" + "x" * 1012)
    equal(ask(lab, path, "POST", b"other")[0], 409, "again")
    equal(ask(lab, "/openstack/2012-08-10/password", "POST", b"x")[0], 405, "an older version")
    equal(ask(lab, "/latest/user-data", "POST", b"x")[0], 405, "POST elsewhere")


def password_by_api(lab):
    path = f"/servers/{lab.api.server('keyed')['id']}/os-server-password"
    equal(lab.api.ask("GET", path)["password"][:8], "c2VjcmV0", "password")
    lab.api.ask("DELETE", path)
    expect_text(lab, f"{TREE}/password", "")


def head(lab):
    status, _, body = ask(lab, f"{TREE}/meta_data.json", "HEAD")
    equal((status, body), (200, b""), "HEAD")


def next_owner(lab):
    """Nobody reads what the last owner of an address had, not for a second."""
    address = lab.address("keyed")
    lab.delete_and_wait("keyed")
    wait_for(lambda: not is_used(fixed_ip(lab, address)), 10, "the address is not free")
    lab.api.boot("next", "compute-1", networks=[{"uuid": lab.api.networks()[0]["id"],
                                                 "fixed_ip": address}])
    lab.wait_guest("next")
    guest = lab.guest_netns("next")
    for path in ("/latest/user-data", "/latest/meta-data/public-keys", f"{TREE}/user_data"):
        equal(rawhttp.exchange(guest, rawhttp.request("GET", path))[0], 404, path)
    body = rawhttp.exchange(guest, rawhttp.request("GET", f"{TREE}/meta_data.json"))[2]
    expect(b"mine" not in body and b"keyed" not in body, body)


# --- proxies -------------------------------------------------------------------------------


def signed(instance, project, secret=SECRET):
    signature = hmac.new(secret.encode(), instance.encode(), hashlib.sha256).hexdigest()
    return [("X-Instance-ID", instance), ("X-Tenant-ID", project),
            ("X-Instance-ID-Signature", signature), ("X-Forwarded-For", "10.0.0.2")]


def by_proxy(lab, headers, path="/latest/meta-data/local-hostname"):
    return rawhttp.exchange(lab.netns("controller-1"), rawhttp.request("GET", path, headers), HERE)


def proxy_names_instance(lab):
    server = lab.api.server("guest")
    good = signed(server["id"], server["tenant_id"])
    equal(by_proxy(lab, good)[::2], (200, b"guest.novalocal"), "signed")
    for i in range(len(good)):
        equal(by_proxy(lab, good[:i] + good[i + 1:])[0], 400, f"without {good[i][0]}")
        equal(by_proxy(lab, good + [good[i]])[0], 400, f"twice {good[i][0]}")
    equal(by_proxy(lab, signed(server["id"], server["tenant_id"], "other"))[0], 403, "other key")
    equal(by_proxy(lab, signed(server["id"], "other"))[0], 404, "another project")
    nobody = "11111111-2222-4333-8444-555555555555"
    equal(by_proxy(lab, signed(nobody, server["tenant_id"]))[0], 404, "no such instance")


def guest_is_no_proxy(lab):
    """A guest's own headers change nothing, right or wrong."""
    server = lab.api.server("other")
    for headers in (signed(server["id"], server["tenant_id"]), [("X-Instance-ID", "x")],
                    [("X-Forwarded-For", lab.address("other"))]):
        answer = rawhttp.exchange(lab.guest_netns("guest"), rawhttp.request(
            "GET", "/latest/meta-data/local-hostname", headers))
        equal(answer[::2], (200, b"guest.novalocal"), str(headers))


def proxy_forwards(lab):
    for name in ("guest", "other"):
        equal(by_proxy(lab, [("X-Forwarded-For", lab.address(name))])[::2],
              (200, f"{name}.novalocal".encode()), name)
    equal(by_proxy(lab, [])[0], 400, "without the header")
    equal(by_proxy(lab, [("X-Forwarded-For", "10.0.0.2, 10.0.0.3")])[0], 400, "two addresses")
    equal(by_proxy(lab, [("X-Forwarded-For", "10.0.0.99")])[0], 404, "nobody's address")


def no_key_no_start(lab):
    """Without a key anybody could sign: the server does not start."""
    lab.stop_program("controller-1", "server")
    program = lab.up_program("controller-1", "server", wait=False,
                             options=["--metadata_proxy_shared_secret="])
    wait_for(lambda: not program.lives(), 10, "the server runs")


def proxies(service):
    option = "service_metadata_proxy" if service else "use_forwarded_for"
    lab = lab_for("ms" if service else "mf", options={"controller-1": {
        option: "true", "metadata_proxies": hosts.CONTROLLER,
        "metadata_proxy_shared_secret": SECRET}},
        guests=[("guest", "compute-1"), ("other", "compute-1")])
    if service:
        check("a proxy's signed request: instance, 400, 403, 404", proxy_names_instance, lab)
    else:
        check("a proxy's X-Forwarded-For is believed", proxy_forwards, lab)
    check("a guest's headers are nothing", guest_is_no_proxy, lab)
    return lab


def main():
    lab = lab_for("mt")
    lab.up_computes_known()
    need("a guest with key, user data and metadata", boots_with_key, lab)
    check("a key that is not there: 400", unknown_key, lab)
    check("EC2 tree: the key", ec2_keys, lab)
    check("user data as it was, in both trees", user_data, lab)
    check("meta_data.json", meta_data, lab)
    check("network_data.json", network_data, lab)
    check("vendor data", vendor_data, lab)
    check("password: stored once, 400, 409", password, lab)
    check("password: read and cleared by its owner", password_by_api, lab)
    check("HEAD", head, lab)
    check("the next owner of the address reads nothing of it", next_owner, lab)
    check("GETs made no rows", lambda: equal(len(rows(lab, "SELECT 1 FROM keypairs")), 1, "keys"))
    lab.down()
    proxies(False).down()
    lab = proxies(True)
    check("signed requests need a key", no_key_no_start, lab)
    lab.down()
    done()


if __name__ == "__main__":
    main()
