#!/usr/bin/python3 -B
"""Forwarding entries, sent to one agent by oslo.messaging as neutron-server's l2population
driver sends them.

    fdb_sender.py URL HOST NETWORK SEGMENT table   HOSTS ENTRIES
    fdb_sender.py URL HOST NETWORK SEGMENT updates HOSTS ENTRIES RATE SECONDS

table: one add_fdb_entries with all entries, spread over the hosts.  updates: an address of one
entry after the other becomes another one, each in an update_fdb_entries of its own.  Prints
{"sent": n, "began": t, "ended": t} in time.monotonic(), which all processes share."""

import json
import os
import sys
import time

from oslo_config import cfg
import oslo_messaging

TOPIC = "q-agent-notifier"
FLOOD = ["00:00:00:00:00:00", "0.0.0.0"]
CONTEXT = {"is_admin": True, "user_id": None, "project_id": None, "roles": [],
           "request_id": "req-11111111-2222-3333-4444-555555555555"}


def end_point(number):
    return f"172.30.{1 + number // 250}.{1 + number % 250}"


def mac(number):
    return f"fa:16:40:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


def address(number, generation):
    """10.64.0.0/16 at first, 10.65.0.0/16 after the entry's first change, and so on."""
    return f"10.{64 + generation}.{number >> 8 & 255}.{number & 255}"


class Sender:
    def __init__(self, url, host):
        conf = cfg.CONF
        conf([])
        oslo_messaging.set_transport_defaults("neutron")
        transport = oslo_messaging.get_rpc_transport(conf, url=url)
        target = oslo_messaging.Target(topic=f"{TOPIC}-l2population-update", version="1.0",
                                       server=host)
        self.client = oslo_messaging.get_rpc_client(transport, target)

    def cast(self, method, entries):
        self.client.cast(CONTEXT, method, fdb_entries=entries)


def send_table(sender, network, segment, n_hosts, n_entries):
    ports = {}
    for i in range(n_entries):
        known = ports.setdefault(end_point(i % n_hosts), [FLOOD])
        known.append([mac(i), address(i, 0)])
    sender.cast("add_fdb_entries", {network: {"segment_id": segment, "network_type": "vxlan",
                                              "ports": ports}})
    return 1


def send_updates(sender, network, shape, rate, seconds):
    """At a steady rate; when the broker or the processor is too slow, as fast as it goes."""
    n_hosts, n_entries = shape
    began, sent = time.monotonic(), 0
    while sent < rate * seconds:
        due = min(int((time.monotonic() - began) * rate) + 1, rate * seconds)
        while sent < due:
            generation, i = divmod(sent, n_entries)
            sender.cast("update_fdb_entries", {"chg_ip": {network: {end_point(i % n_hosts): {
                "before": [[mac(i), address(i, generation)]],
                "after": [[mac(i), address(i, generation + 1)]]}}}})
            sent += 1
        time.sleep(0.001)
    return sent


def main():
    url, host, network, segment, what, n_hosts, n_entries, *more = sys.argv[1:]
    sender = Sender(url, host)
    # The first message makes the connection; this one is about no network of the agent's.
    sender.cast("remove_fdb_entries", {})
    began = time.monotonic()
    if what == "table":
        sent = send_table(sender, network, int(segment), int(n_hosts), int(n_entries))
    else:
        sent = send_updates(sender, network, (int(n_hosts), int(n_entries)),
                            *(int(number) for number in more))
    print(json.dumps({"sent": sent, "began": began, "ended": time.monotonic()}), flush=True)
    # Threads of the library need some ten seconds to end.
    os._exit(0)


if __name__ == "__main__":
    main()
