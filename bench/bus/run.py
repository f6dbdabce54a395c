#!/usr/bin/python3 -B
"""Calls per second and latency of the bus, all in one run: `make bench-bus`.

Ours over the embedded bus; over RabbitMQ ours to ours, ours to oslo.messaging, oslo.messaging
to ours, oslo.messaging to oslo.messaging; confirms on, as everybody has them.  Writes the table
into docs/performance.md between its marks unless --print is given.  --quick: fewer calls."""

import os
import shutil
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))

import buspeer  # noqa: E402
import check  # noqa: E402
import rabbit  # noqa: E402

PAGE = os.path.join(ROOT, "docs/performance.md")
BEGIN, END = "<!-- bench-bus begins -->\n", "<!-- bench-bus ends -->\n"
ARGS = {"devices": [f"tap{i:08x}-00" for i in range(10)], "agent_id": "ovs-agent-h1",
        "host": "h1"}
WINDOW = 50


def measure(name, server, client, n):
    server.serve("bench")
    check.wait_for(lambda: answers(client), 60, "the topic is not served")
    one = client.burst("bench", n, window=1, args=ARGS)
    many = client.burst("bench", n, window=WINDOW, args=ARGS)
    row = (f"| {name} | {one['per_s']:.0f} | {one['median_ms']:.2f} | {one['p99_ms']:.2f} | "
           f"{many['per_s']:.0f} | {client.rss_mb():.0f} | {server.rss_mb():.0f} |")
    print(row, f"failed: {one['failed'] + many['failed']}", file=sys.stderr, flush=True)
    if one["failed"] or many["failed"]:
        raise check.Failed(f"{name}: calls failed")
    for end in (client, server):
        end.stop()
    return row


def answers(client):
    try:
        client.call("bench", "echo", timeout_ms=3000)
        return True
    except buspeer.Failure:
        return False


def main():
    n = 500 if "--quick" in sys.argv else 3000
    folder = tempfile.mkdtemp(prefix="nt-bench-bus-")
    check.cleanup(shutil.rmtree, folder, True)
    rabbit.private_network()
    path = os.path.join(folder, "bus.sock")
    rows = [measure("ours, embedded bus", buspeer.ours(folder, "s0", hub=True, bus_unix=path),
                    buspeer.ours(folder, "c0", bus_endpoint=f"unix:{path}"), n)]
    broker = rabbit.start(os.path.join(folder, "broker"))

    def end(kind, name):
        if kind == "ours":
            return buspeer.ours(folder, name, transport_url=broker.url)
        return buspeer.oslo(folder, name, broker.url)

    for number, (client, server) in enumerate((("ours", "ours"), ("ours", "oslo"),
                                               ("oslo", "ours"), ("oslo", "oslo"))):
        # A server of its own each time: topics are shared by all that serve them.
        rows.append(measure(f"{client} to {server}, RabbitMQ", end(server, f"s{number + 1}"),
                            end(client, f"c{number + 1}"), n))
    table = ("| caller to server | calls/s, one at a time | median ms | 99 % ms | "
             f"calls/s, {WINDOW} at a time | caller MB | server MB |\n"
             "|---|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n")
    print(table)
    if "--print" in sys.argv:
        return
    with open(PAGE, encoding="utf-8") as file:
        old = file.read()
    begin, end_at = old.index(BEGIN) + len(BEGIN), old.index(END)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(old[:begin] + table + old[end_at:])


if __name__ == "__main__":
    main()
