#!/usr/bin/python3
"""TLS to RabbitMQ: a broker is believed only with a certificate of our authority for its name."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

import buspeer  # noqa: E402
import check  # noqa: E402
import rabbit  # noqa: E402
from neutrinolab import kernel  # noqa: E402

TMP = os.environ["NT_TEST_TMP"]


def path(name):
    return os.path.join(TMP, name)


def authority(name):
    kernel.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                "-keyout", path(f"{name}.key"), "-out", path(f"{name}.pem")])


def certificate(name, issuer):
    """For the name localhost, not for the address."""
    kernel.run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-subj", "/CN=localhost", "-keyout", path(f"{name}.key"),
                "-out", path(f"{name}.csr")])
    with open(path("ext"), "w", encoding="ascii") as file:
        file.write("subjectAltName = DNS:localhost\n")
    kernel.run(["openssl", "x509", "-req", "-in", path(f"{name}.csr"), "-days", "2", "-extfile",
                path("ext"), "-CA", path(f"{issuer}.pem"), "-CAkey", path(f"{issuer}.key"),
                "-CAcreateserial", "-out", path(f"{name}.pem")])


def is_served(peer):
    try:
        peer.call("tls", "echo", timeout_ms=2000)
        return True
    except buspeer.Failure:
        return False


def connects(name, host, options):
    peer = buspeer.ours(TMP, name, transport_url=broker.url.replace("127.0.0.1", host), ssl="true",
                        **options)
    peer.serve("tls")
    check.wait_for(lambda: is_served(peer), 60, "the topic is not served")
    check.equal(peer.call("tls", "large", {"n": 1 << 20}, timeout_ms=30000), 1 << 20)
    peer.stop()


def is_refused(name, host, options):
    peer = buspeer.ours(TMP, name, wait=False, ssl="true",
                        transport_url=broker.url.replace("127.0.0.1", host), **options)
    check.wait_for(lambda: "bus not connected" in peer.log(), 60, peer.said)
    check.expect("certificate is not accepted" in peer.log(), peer.said)
    check.expect(broker.password not in peer.log(), "the password is in the log")
    peer.stop()


authority("ours")
authority("other")
certificate("broker", "ours")
rabbit.private_network()
broker = rabbit.start(path("broker"), tls=(path("ours.pem"), path("broker.pem"),
                                           path("broker.key")))
OURS = {"ssl_ca_file": path("ours.pem")}
OTHER = {"ssl_ca_file": path("other.pem")}
check.check("our authority and the right name: 1 MiB comes", connects, "good", "localhost", OURS)
check.check("another authority is refused", is_refused, "ca", "localhost", OTHER)
check.check("the system's authorities do not know it", is_refused, "sys", "localhost", {})
check.check("another name is refused", is_refused, "name", "127.0.0.1", OURS)
check.check("ssl_verify = false accepts it", connects, "trust", "127.0.0.1",
            {"ssl_verify": "false"})
check.done()
