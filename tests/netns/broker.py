#!/usr/bin/python3
# timeout: 600
"""The broker that other tests use: starts, freezes, dies, comes back, and is nobody else's."""

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

import check  # noqa: E402
import rabbit  # noqa: E402
from neutrinolab import kernel  # noqa: E402
from neutrinolab.broker import HEADER  # noqa: E402

HERE = os.path.join(os.environ["NT_TEST_TMP"], "here")
THERE = os.path.join(os.environ["NT_TEST_TMP"], "there")
NETNS = f"nt-test-{os.getpid()}-broker"


def speaks(limit):
    """Whether the broker answers a greeting within 'limit' seconds."""
    with socket.create_connection(("127.0.0.1", 5672), limit) as peer:
        peer.settimeout(limit)
        try:
            peer.sendall(HEADER)
            return peer.recv(1) == b"\x01"
        except TimeoutError:
            return False


def freezes():
    broker.pause()
    check.expect(not speaks(1), "a frozen broker answered")
    broker.resume()
    check.expect(speaks(30), "no answer after it went on")


def comes_back(how):
    broker.control("add_vhost", "kept")
    how()
    check.expect(not broker.lives(), "it still runs")
    broker.start()
    check.expect("kept" in broker.control("list_vhosts"), "its database is lost")
    broker.control("delete_vhost", "kept")


def in_another_namespace():
    kernel.run(["ip", "netns", "add", NETNS])
    check.cleanup(kernel.run, ["ip", "netns", "del", NETNS])
    kernel.run(["ip", "-n", NETNS, "link", "set", "lo", "up"])
    other = rabbit.start(THERE, netns=NETNS)
    check.expect(other.is_ready() and broker.is_ready(), "one of two is not ready")
    other.kill()
    check.expect(broker.is_ready(), "the other broker ended too")


rabbit.private_network()
broker = rabbit.start(HERE)
check.check("everything it writes is in its folder",
            lambda: check.expect({"mnesia", "log"} <= set(os.listdir(HERE)), os.listdir(HERE)))
check.check("a frozen broker does not answer and goes on afterwards", freezes)
check.check("it comes back after kill -9", comes_back, broker.kill)
check.check("it comes back after an orderly end", comes_back, broker.stop)
check.check("a second one runs in a network namespace of its own", in_another_namespace)
check.done()
