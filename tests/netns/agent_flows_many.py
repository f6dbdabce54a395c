#!/usr/bin/python3 -B
"""A hundred thousand flows: sent, known in little memory, adopted by the next process, and
no turn of the loop is long."""
# long
# timeout: 900

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need  # noqa: E402
from flow_switch import FlowSwitch  # noqa: E402
from sanitized import plain_build  # noqa: E402

BRIDGE = "br-tun"
N_NETWORKS, N_EACH = 100, 1000
LIMIT = 300
switch = FlowSwitch("many")


def network(i):
    return [f"table=20,priority=2,dl_vlan={i + 1},dl_dst=fa:16:3e:{i:02x}:{j >> 8:02x}:"
            f"{j & 255:02x},actions=pop_vlan,set_field:{1000 + i}->tun_id,output:{2 + j % 7}"
            for j in range(N_EACH)]


def start():
    switch.start()
    switch.bridge(BRIDGE, controller=True)


def peer_with_all():
    with plain_build():
        peer = switch.flow_peer()
    for i in range(N_NETWORKS):
        peer.ask("bridge", BRIDGE)  # Not connected until all is wanted.
        peer.want(f"network-{i}", BRIDGE, network(i))
    return peer


def said(what, stats):
    print(f"# {what}: {stats['heap'] / (N_NETWORKS * N_EACH):.0f} bytes of heap per flow, "
          f"longest turn {stats['longest_turn_ms']} ms, {stats['rss_kb']} kB resident, "
          f"{stats['bundles']} bundles", flush=True)


def sent():
    peer = peer_with_all()
    peer.bridge(BRIDGE)
    peer.settle(limit=LIMIT)
    stats = peer.stats()
    said("sent", stats)
    equal(switch.n_flows(BRIDGE), N_NETWORKS * N_EACH, "flows")
    equal(stats["added"], N_NETWORKS * N_EACH, "added")
    expect(stats["heap"] < 250 * N_NETWORKS * N_EACH, f"{stats['heap']} bytes")
    expect(stats["longest_turn_ms"] < 500, f"a turn of {stats['longest_turn_ms']} ms")
    peer.ask("check", BRIDGE, limit=LIMIT)
    equal(peer.stats()["repaired"], 0, "repaired")
    peer.end()


def adopted():
    peer = peer_with_all()
    peer.bridge(BRIDGE)
    peer.ask("complete", BRIDGE)
    peer.settle(limit=LIMIT)
    stats = peer.stats()
    said("adopted", stats)
    equal((stats["adopted"], stats["flow_mods"]), (N_NETWORKS * N_EACH, 0), "adopted, changes")
    expect(stats["heap"] < 250 * N_NETWORKS * N_EACH, f"{stats['heap']} bytes")
    for i in range(N_NETWORKS):
        peer.ask("unwant", f"network-{i}")
    peer.settle(limit=LIMIT)
    equal(switch.n_flows(BRIDGE), 0, "flows")
    equal(peer.stats()["installed"], 0, "installed")
    peer.end()


def one_bundle():
    """Past the module: one bundle of 100,000 changes goes out piece by piece."""
    path = switch.file("bundle.flows", [line for i in range(10) for line in network(i)])
    with plain_build():
        peer = switch.flow_peer()
    peer.ask("bridge", BRIDGE, switch.datapath_id(BRIDGE))
    equal(peer.ask("bundle", BRIDGE, "10", path, limit=LIMIT), {"error": "", "failed": 100000},
          "answer")
    said("one bundle", peer.stats())
    peer.end()


need("start", start)
check("100,000 flows are sent", sent)
check("100,000 flows are adopted, and given up", adopted)
check("one bundle of 100,000 changes", one_bundle)
done()
