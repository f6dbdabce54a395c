#!/usr/bin/python3 -B
"""OSSA-2013-033 (CVE-2013-6419) and OSSA-2014-024 (CVE-2014-3517): metadata of another
tenant by headers a guest writes itself, and signatures guessed by the time of their
comparison.  That comparison is one function, nt_text_equal_ct(), which has a unit test."""

import hashlib
import hmac
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect  # noqa: E402
import rawhttp  # noqa: E402
from lab import hosts, lab_for  # noqa: E402

SECRET = "only the proxy knows"
PATH = "/latest/meta-data/local-hostname"
HERE = (hosts.CONTROLLER, 8775)


def headers_of(lab, secret=SECRET):
    """What a proxy would say for guest 'victim'."""
    server = lab.api.server("victim")
    signature = hmac.new(secret.encode(), server["id"].encode(), hashlib.sha256).hexdigest()
    return [("X-Instance-ID", server["id"]), ("X-Tenant-ID", server["tenant_id"]),
            ("X-Instance-ID-Signature", signature),
            ("X-Forwarded-For", lab.address("victim"))]


def from_guest(lab, headers, where=rawhttp.METADATA):
    return rawhttp.exchange(lab.guest_netns("attacker"), rawhttp.request("GET", PATH, headers),
                            where)


def forged(lab):
    good = headers_of(lab)
    spellings = [good, headers_of(lab, ""), good[:1], good[3:], good + good,
                 [(name.lower(), value) for name, value in good],
                 [(name.replace("-", "_"), value) for name, value in good],
                 [(name, " " + value + " ") for name, value in good],
                 [("X-Neutron-Network-ID", lab.api.networks()[0]["id"])] + good[3:],
                 [("Forwarded", f"for={lab.address('victim')}")],
                 [("X-Real-IP", lab.address("victim"))]]
    for headers in spellings:
        status, _, body = from_guest(lab, headers)
        equal((status, body), (200, b"attacker.novalocal"), str(headers))


def from_the_side(lab):
    """Straight to the server, past the address of metadata."""
    status, _, body = from_guest(lab, headers_of(lab), HERE)
    expect((status, body) == (200, b"attacker.novalocal") or status in (0, 404), f"{status} {body}")


def proxy(lab, headers):
    return rawhttp.exchange(lab.netns("controller-1"), rawhttp.request("GET", PATH, headers),
                            HERE)[::2]


def signatures(lab):
    good = headers_of(lab)
    equal(proxy(lab, good), (200, b"victim.novalocal"), "the right one")
    right = good[2][1]
    for wrong in ("", right[:-1], right + "0", "0" * 64, right.upper(), right[:63] + "z", "x" * 4000):
        equal(proxy(lab, good[:2] + [("X-Instance-ID-Signature", wrong)] + good[3:])[0],
              403, f"signature {wrong[:70]}")


def another_project(lab):
    good = headers_of(lab)
    equal(proxy(lab, good[:1] + [("X-Tenant-ID", "demo2")] + good[2:])[0], 404, "status")


def nothing_logged(lab):
    """The key is in no log, and neither is a signature."""
    log = lab.hosts["controller-1"].read("/var/log/neutrino/server.log")
    expect(SECRET not in log, "the key is in the log")
    expect(not re.search(r"\b[0-9a-f]{64}\b", log), "a signature is in the log")


def main():
    lab = lab_for("oa", guests=[("victim", "compute-1"), ("attacker", "compute-1")],
                  options={"controller-1": {
                      "service_metadata_proxy": "true", "metadata_proxies": hosts.CONTROLLER,
                      "metadata_proxy_shared_secret": SECRET}})
    check("headers of a guest: its own metadata, whatever they say", forged, lab)
    check("past the address of metadata: nothing else", from_the_side, lab)
    check("a signature counts only as a whole", signatures, lab)
    check("an instance of another project is not found", another_project, lab)
    check("neither key nor signature is logged", nothing_logged, lab)
    done()


if __name__ == "__main__":
    main()
