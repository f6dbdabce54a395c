#!/usr/bin/python3
# timeout: 900
"""What the bus promises, shown over each transport and with oslo.messaging as either end.

The same checks run over: the embedded bus; RabbitMQ with our ends; RabbitMQ with a server or
a client made of oslo.messaging.  What only one of them can show has a check of its own."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

import buspeer  # noqa: E402
import check  # noqa: E402
import rabbit  # noqa: E402
from check import equal, expect  # noqa: E402

TMP = os.environ["NT_TEST_TMP"]


class Ends:
    """A server and two clients over one transport."""

    def __init__(self, label, server, client, other):
        self.label, self.server, self.client, self.other = label, server, client, other
        self.topic = f"test-{label}"
        self.server_is_oslo = label.endswith("to oslo")
        self.client_is_oslo = label.startswith("oslo")
        self.topic = "t-" + label.replace(" ", "-")

    def check(self, name, function):
        check.check(f"{self.label}: {name}", function, self)

    def stop(self):
        for peer in (self.client, self.other, self.server):
            peer.stop()


def serve(ends):
    ends.server.serve(ends.topic)
    # Over a broker the queues are declared when they are.
    check.wait_for(lambda: is_served(ends), 60, "the topic is not served")


def is_served(ends):
    try:
        ends.client.call(ends.topic, "echo", timeout_ms=3000)
        return True
    except buspeer.Failure:
        return False


def call_returns(ends):
    args = {"text": "ä\u2028\U0001f600\"\\\n", "n": 42, "list": [1, [2, {"a": None}]], "t": True}
    equal(ends.client.call(ends.topic, "echo", args), args)
    equal(ends.client.call(ends.topic, "echo", args, host=ends.server.name), args)


def call_needs_no_wakeup(ends):
    """Who sends runs after the bus in a program's loop; nothing else may have to wake that."""
    ends.client.send("still")
    began = time.monotonic()
    # The end of one may wake the next, but hardly of all; a heartbeat comes after 30 s.
    for i in range(20):
        equal(ends.client.call(ends.topic, "echo", {"n": i}), {"n": i})
        expect(time.monotonic() - began < 25, f"call {i} had to wait")


def failure_comes_back(ends):
    failure = ends.client.fails(ends.topic, "fail")
    expect("no such thing: 42" in failure.message, failure)
    if not ends.server_is_oslo:
        expect(failure.code in ("not_found", "NotFound"), failure)


def unknown_method_and_version(ends):
    failure = ends.client.fails(ends.topic, "no_such_method")
    expect(failure.code in ("unsupported", "NoSuchMethod"), failure)
    failure = ends.client.fails(ends.topic, "echo", version="1.6")
    expect(failure.code in ("unsupported", "UnsupportedVersion"), failure)
    failure = ends.client.fails(ends.topic, "echo", version="2.0")
    expect(failure.code in ("unsupported", "UnsupportedVersion"), failure)
    failure = ends.client.fails(ends.topic, "echo", namespace="elsewhere")
    expect(failure.code in ("unsupported", "UnsupportedVersion"), failure)


def call_times_out(ends):
    failure = ends.client.fails(ends.topic, "hold", timeout_ms=700)
    equal(failure.code, "timeout")
    equal(ends.client.call(ends.topic, "echo", {"after": 1}), {"after": 1})


def cast_arrives(ends):
    ends.client.cast(ends.topic, "note", {"n": 1}, host=ends.server.name)
    note = ends.server.note()
    equal(note["args"], {"n": 1})
    expect(note["request_id"].startswith("req-"), note)
    ends.client.cast(ends.topic, "note", {"n": 2})
    equal(ends.server.note()["args"], {"n": 2})


def fanout_reaches_all(ends):
    ends.other.serve(ends.topic)
    check.wait_for(lambda: other_serves(ends), 60, "the second end does not serve")
    ends.client.fanout(ends.topic, "note", {"n": 3})
    equal(ends.server.note()["args"], {"n": 3})
    equal(ends.other.note()["args"], {"n": 3})


def other_serves(ends):
    try:
        ends.client.call(ends.topic, "echo", host=ends.other.name, timeout_ms=3000)
        return True
    except buspeer.Failure:
        return False


def casts_keep_their_order(ends):
    ends.client.cast(ends.topic, "note", host=ends.server.name, n=500)
    found = [ends.server.note()["args"]["i"] for _ in range(500)]
    if ends.server_is_oslo:
        found.sort()  # Its threads promise no order.
    equal(found, list(range(500)))


def large_message(ends):
    size = 3 << 20
    equal(ends.client.call(ends.topic, "large", {"n": size}, host=ends.server.name), size)


def many_calls_at_once(ends):
    result = ends.client.burst(ends.topic, 400, window=50, args={"a": 1})
    equal((result["n"], result["failed"]), (400, 0))


def too_large_is_refused(ends):
    number = ends.client.last_id = ends.client.last_id + 1
    ends.client.send("huge", id=number, topic=ends.topic, size=17 << 20)
    try:
        ends.client.end_call(number)
    except buspeer.Failure as failure:
        equal(failure.code, "too_large")
    else:
        raise check.Failed("17 MiB were sent")
    equal(ends.client.call(ends.topic, "echo", {"after": 2}), {"after": 2})


CONTRACT = [
    ("a call returns what was sent", call_returns),
    ("a failure comes back with its text", failure_comes_back),
    ("an unknown method, version or namespace is refused", unknown_method_and_version),
    ("a call that is not answered ends in time", call_times_out),
    ("a cast arrives once, with its request id", cast_arrives),
    ("casts to one host arrive in order", casts_keep_their_order),
    ("a message of 3 MiB passes", large_message),
    ("50 calls at a time are all answered", many_calls_at_once),
    ("a fan-out reaches everybody", fanout_reaches_all),
]


def run(ends):
    if not check.check(f"{ends.label}: the topic is served", serve, ends):
        return
    for name, function in CONTRACT:
        ends.check(name, function)
    if not ends.client_is_oslo:
        ends.check("a call goes out while nothing else happens", call_needs_no_wakeup)
        ends.check("a message that is too large is refused where it is sent", too_large_is_refused)


def embedded():
    path = os.path.join(TMP, "bus.sock")
    server = buspeer.ours(TMP, "hub", hub=True, bus_unix=path)
    return Ends("embedded", server, buspeer.ours(TMP, "e1", bus_endpoint=f"unix:{path}"),
                buspeer.ours(TMP, "e2", bus_endpoint=f"unix:{path}"))


def over_rabbit(label, server, client):
    def end(kind, name):
        name = name + label.replace(" ", "")
        if kind == "oslo":
            return buspeer.oslo(TMP, name, broker.url)
        return buspeer.ours(TMP, name, transport_url=broker.url)

    return Ends(label, end(server, "s"), end(client, "c"), end(server, "o"))


def own_queues_go():
    left = [line for line in broker.control("list_queues", "name").splitlines()
            if "t-ours-to-ours_fanout_" in line]
    equal(left, [], "fan-out queues after an orderly end")


ends = embedded()
run(ends)
ends.stop()

rabbit.private_network()
broker = rabbit.start(os.path.join(TMP, "broker"))
for label, server, client in (("ours to ours", "ours", "ours"), ("oslo to ours", "ours", "oslo"),
                              ("ours to oslo", "oslo", "ours")):
    ends = over_rabbit(label, server, client)
    run(ends)
    ends.stop()
check.check("who ends in order takes its fan-out queue along", own_queues_go)
check.done()
