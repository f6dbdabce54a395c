#!/usr/bin/python3
# timeout: 600
"""What the options of the broker promise: several hosts, durable and quorum queues as
oslo.messaging declares them, PLAIN, IPv6, and replies whose queue is gone."""

import json
import os
import sys
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

import amqp  # noqa: E402  (what oslo.messaging itself speaks AMQP with)

import buspeer  # noqa: E402
import check  # noqa: E402
import rabbit  # noqa: E402
from check import equal, expect, wait_for  # noqa: E402

TMP = os.environ["NT_TEST_TMP"]
PROXY, OTHER, CLOSED = 5673, 5692, 5699
# The same lines for both sides: what oslo.messaging calls them is what we call them.
DECLARED = {
    "default": {},
    "durable": {"amqp_durable_queues": True},
    "quorum": {"rabbit_quorum_queue": True},
    "quorum-limits": {"rabbit_quorum_queue": True, "rabbit_quorum_delivery_limit": 7,
                      "rabbit_quroum_max_memory_length": 1000,
                      "rabbit_quroum_max_memory_bytes": 1000000},
    "auto-delete": {"amqp_auto_delete": True},
    "mirrored": {"rabbit_ha_queues": True},
}


def url(*places, vhost=""):
    return "rabbit://" + ",".join(f"{broker.user}:{broker.password}@{place}"
                                  for place in places) + f"/{vhost}"


def is_served(peer, topic, host=None):
    try:
        return peer.call(topic, "echo", {"a": 1}, host=host, timeout_ms=2000) == {"a": 1}
    except buspeer.Failure:
        return False


def served(peer, topic, host=None, limit=90):
    wait_for(lambda: is_served(peer, topic, host), limit, lambda: f"{topic} of {host} is not "
             f"served; {peer.name}: {peer.said()}")


def closed_ports_passed_over():
    places = [*(f"127.0.0.1:{CLOSED + i}" for i in range(3)), "127.0.0.1:5672"]
    for i in range(4):  # In four orders, most likely.
        peer = buspeer.ours(TMP, f"passed{i}", transport_url=url(*places))
        expect("127.0.0.1:5672" in peer.log(), peer.said())
        peer.stop()


def host_lost_under_traffic():
    """The same broker behind two addresses, as a cluster is: nothing is lost or done twice."""
    proxy = rabbit.Proxy(PROXY)
    # The one that stays is tried second by whom the order puts there; both must end there.
    both = url(f"127.0.0.1:{PROXY}", "127.0.0.1:5672")
    ends = [buspeer.ours(TMP, f"lost{i}", transport_url=both) for i in range(6)]
    for end in ends:
        end.serve("lost")
    for end in ends[1:]:
        served(ends[0], "lost", end.name)
    through = [end for end in ends if f"127.0.0.1:{PROXY}" in end.log()]
    print(f"# {len(through)} of {len(ends)} go by the address that will vanish", flush=True)
    for i in range(0, 1000, 100):
        for end in ends[1:]:
            end.send("cast", topic="lost", method="note", host=ends[0].name,
                     args={"from": end.name, "i": i})
            ends[0].send("cast", topic="lost", method="note", host=end.name,
                         args={"from": ends[0].name, "i": i})
        if i == 300:
            proxy.stop()
    wanted = list(range(0, 1000, 100))
    for end in ends[1:]:
        equal([end.note()["args"]["i"] for _ in wanted], wanted, f"casts to {end.name}")
    found = [ends[0].note()["args"] for _ in range(len(wanted) * (len(ends) - 1))]
    for end in ends[1:]:
        equal([note["i"] for note in found if note["from"] == end.name], wanted,
              f"casts of {end.name}")
    for end in ends:
        end.wait_connected()
        served(ends[0], "lost", end.name)
        equal(end.notes.qsize(), 0, f"casts that {end.name} got twice")
    for end in through:
        expect("bus connection lost" in end.log(), end.said())
    for end in ends:
        end.stop()


def broker_replaced():
    """One broker dies, another one of the list takes over: who was served is served again."""
    places = ("127.0.0.1:5672", f"127.0.0.1:{OTHER}", f"127.0.0.1:{CLOSED}")
    server = buspeer.ours(TMP, "replaced", transport_url=url(*places))
    client = buspeer.ours(TMP, "replacing", transport_url=url(*places))
    server.serve("replaced")
    served(client, "replaced")
    n = 60000  # Those that are made without a connection fail at once.
    client.send("burst", topic="replaced", n=n, window=20, method="echo", args={}, timeout_ms=3000)
    wait_for(lambda: server.stats()["requests"] > 500, 60, "no traffic")
    broker.kill()
    other = rabbit.start(os.path.join(TMP, "other"), port=OTHER, password=broker.password)
    result = client.event(limit=200)
    expect(0 < result["failed"] < n, f"of {n} calls {result['failed']} failed")
    for end in (server, client):
        end.wait_connected(limit=120)
        expect(f":{OTHER}" in end.log(), end.said())
    served(client, "replaced", server.name)
    client.cast("replaced", "note", host=server.name, n=100)
    equal([server.note()["args"]["i"] for _ in range(100)], list(range(100)), "casts")
    other.kill()
    broker.start()
    served(client, "replaced", server.name)
    for end in (server, client):
        end.stop()


def declared_alike(name, options):
    """Both serve one topic: the broker refuses the second who declares it another way."""
    vhost = f"v-{name}"
    broker.control("add_vhost", vhost)
    broker.control("set_permissions", "-p", vhost, broker.user, ".*", ".*", ".*")
    where = url("127.0.0.1:5672", vhost=vhost)
    ours = buspeer.ours(TMP, f"ours-{name}", transport_url=where,
                        **{key: json.dumps(value) for key, value in options.items()})
    oslo = buspeer.oslo(TMP, f"oslo-{name}", where,
                        *(f"{key}={json.dumps(value)}" for key, value in options.items()))
    ours.serve("alike")
    served(ours, "alike", ours.name)
    oslo.serve("alike")
    served(ours, "alike", oslo.name)
    served(oslo, "alike", ours.name)
    for number, end in enumerate((ours, oslo)):
        end.fanout("alike", "note", {"n": number})
        equal([peer.note()["args"] for peer in (ours, oslo)], [{"n": number}] * 2, "fan-outs")
    expect("channel" not in ours.log(), ours.said())
    expect("PRECONDITION" not in oslo.log(), oslo.said())
    rows = json.loads(broker.control("list_queues", "-p", vhost, "--formatter", "json", "name",
                                     "type", "durable", "auto_delete", "arguments"))
    by_kind = {}
    for row in rows:
        row["arguments"].sort()
        by_kind.setdefault(kind_of(row.pop("name")), []).append(row)
    equal({kind: len(found) for kind, found in by_kind.items()},
          {"topic": 1, "host": 2, "fanout": 2, "reply": 2}, "queues")
    for kind in ("host", "fanout", "reply"):  # One is ours, one is not.
        equal(*by_kind[kind], f"{kind} queues")
    is_quorum = "rabbit_quorum_queue" in options
    topic = by_kind["topic"][0]
    equal((topic["type"], topic["durable"]),
          ("quorum" if is_quorum else "classic", is_quorum or "amqp_durable_queues" in options))
    print(f"# {name}: {topic['arguments']}", flush=True)
    ours.stop()
    oslo.stop()


def kind_of(queue):
    if queue.startswith("reply_"):
        return "reply"
    if queue.startswith("alike_fanout_"):
        return "fanout"
    return "topic" if queue == "alike" else "host"


def request(reply_q, number):
    payload = {"method": "echo", "args": {"i": number}, "version": "1.0", "_timeout": None,
               "_msg_id": uuid.uuid4().hex, "_reply_q": reply_q, "_unique_id": uuid.uuid4().hex}
    return amqp.Message(json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(payload)}),
                        content_type="application/json")


def take(channel, queue, limit=60):
    """The next message of a queue."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        message = channel.basic_get(queue, no_ack=True)
        if message:
            return json.loads(json.loads(message.body)["oslo.message"])
        time.sleep(0.1)
    raise check.Failed(f"nothing came to {queue}")


def reply_queue_gone():
    """It may come back within the patience; after it nobody is waited for any more."""
    server = buspeer.ours(TMP, "patient", transport_url=broker.url,
                          kombu_missing_consumer_retry_timeout=5)
    server.serve("patient")
    served(server, "patient", server.name)
    with amqp.Connection("127.0.0.1:5672", userid=broker.user, password=broker.password,
                         confirm_publish=True) as connection:
        channel = connection.channel()
        channel.basic_publish(request("reply_gone", 1), exchange="neutron",
                              routing_key="patient.patient")
        wait_for(lambda: "reply dropped: its queue is gone" in server.log(), 60, server.said)
        channel.queue_declare("reply_gone")
        channel.basic_publish(request("reply_gone", 2), exchange="neutron",
                              routing_key="patient.patient")
        served(server, "patient", server.name)
        equal(channel.basic_get("reply_gone"), None, "reply to a queue that counts as gone")
        equal(server.log().count("reply dropped"), 1, "lines")
    server.stop()
    patient = buspeer.ours(TMP, "patient2", transport_url=broker.url)
    patient.serve("patient")
    served(patient, "patient", patient.name)
    with amqp.Connection("127.0.0.1:5672", userid=broker.user, password=broker.password,
                         confirm_publish=True) as connection:
        channel = connection.channel()
        channel.basic_publish(request("reply_late", 3), exchange="neutron",
                              routing_key="patient.patient2")
        wait_for(lambda: patient.stats()["requests"] >= 2, 60, "the request does not come")
        channel.queue_declare("reply_late")
        equal(take(channel, "reply_late")["result"], {"i": 3})
    equal(patient.log().count("reply dropped"), 0, "lines")
    patient.stop()


def compressed():
    server = buspeer.ours(TMP, "flat", transport_url=broker.url)
    server.serve("compressed")
    served(server, "compressed", server.name)
    other = buspeer.oslo(TMP, "squeezed", broker.url, 'kombu_compression="gzip"')
    other.cast("compressed", "note", {"text": "x" * 1000}, host=server.name)
    wait_for(lambda: "unset kombu_compression" in server.log(), 60, server.said)
    served(server, "compressed", server.name)
    equal((server.stats()["refused"], server.notes.qsize()), (1, 0), "refused, taken")
    for end in (other, server):
        end.stop()


def login():
    for method in ("PLAIN", "AMQPLAIN"):
        peer = buspeer.ours(TMP, method, transport_url=broker.url, rabbit_login_method=method)
        rows = broker.control("list_connections", "client_properties", "auth_mechanism")
        mine = [row for row in rows.splitlines() if f":{peer.process.pid}:" in row]
        equal([row.split()[-1] for row in mine], [method], f"connections: {rows}")
        peer.stop()
    wrong = broker.url.replace(broker.password, "wr0ng")
    peer = buspeer.ours(TMP, "wrong", wait=False, transport_url=wrong, rabbit_login_method="PLAIN")
    wait_for(lambda: "bus not connected" in peer.log(), 60, peer.said)
    expect("wr0ng" not in peer.log(), "the password is in the log")
    print(f"# {peer.said()}", flush=True)
    peer.stop()


def over_ipv6():
    peer = buspeer.ours(TMP, "six", transport_url=url("[::1]:5672"))
    peer.serve("six")
    served(peer, "six", peer.name)
    expect("[::1]:5672" in peer.log(), peer.said())
    peer.stop()


rabbit.private_network()
broker = rabbit.start(os.path.join(TMP, "broker"), settings=["listeners.tcp.2 = ::1:5672"])
for label, chosen in DECLARED.items():
    check.check(f"{label}: queues are declared as oslo.messaging does", declared_alike, label,
                chosen)
check.check("login by PLAIN and AMQPLAIN; a wrong password is not logged", login)
check.check("a compressed message is refused, and why", compressed)
check.check("a broker at an IPv6 address", over_ipv6)
check.check("a reply whose queue is gone waits for it, for as long as it may", reply_queue_gone)
check.check("hosts that refuse are passed over", closed_ports_passed_over)
check.check("one of two addresses is lost under traffic: all arrive, once, in order",
            host_lost_under_traffic)
check.check("a broker dies under traffic: another one of the list is found", broker_replaced)
check.done()
