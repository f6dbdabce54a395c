#!/usr/bin/python3
"""What our agent says to a stock neutron-server and hears from it: reports, pulls, pushes, devices,
tunnels, forwarding entries; and what is left of that when broker or server restart."""
# timeout: 900

import json

import agentpeer
import amqp  # What oslo.messaging itself speaks AMQP with.
from check import check, done, equal, expect, need, wait_for
from neutron_bed import bed_for
from neutrinolab import kernel

NOBODY = "00000000-0000-4000-8000-000000000000"


def is_known(bed, host):
    wait_for(lambda: host.name in bed.api.agents(), 120, "the server does not know the agent")
    agent = bed.api.get("agent", bed.api.agents()[host.name])
    configurations = agent["configurations"]
    equal(agent["agent_type"], "Open vSwitch agent", "type")
    equal(configurations["bridge_mappings"], {"physnet1": "br-phys"}, "mappings")
    equal(configurations["tunnel_types"], ["vxlan", "gre"], "tunnel types")
    equal(len(configurations), 22, "number of configurations")


def pulled_by_ids(bed, peer, net, ports):
    for port in ports:
        peer.want("port", port["id"])
    peer.want("port", NOBODY)
    peer.want("network", net["id"])
    for port in ports:
        event = peer.wait_event("port", id=port["id"])
        equal((event["network_type"], event["segmentation_id"]),
              ("vxlan", net["provider:segmentation_id"]), "segment")
        equal(event["revision"], bed.api.get("port", port)["revision_number"], "revision")
    peer.wait_event("port_gone", id=NOBODY)
    equal(peer.wait_event("network", id=net["id"])["mtu"], net["mtu"], "MTU")
    stats = peer.stats()
    expect(stats["pulls"] <= 4, f"{stats['pulls']} calls for {len(ports) + 2} objects")


def goes_active(bed, peer, port):
    peer.send("up", id=port["id"], refresh=True)
    bed.wait_active(port)
    event = peer.wait_event("port", id=port["id"], status="ACTIVE")
    wait_for(lambda: peer.stats()["reported"], 60, "the answer to the report does not come")
    equal(event["revision"], bed.api.get("port", port)["revision_number"], "revision")


def pushes_are_heard(bed, peer, port):
    pulls = peer.stats()["pulls"]
    for name in ("first", "second"):
        port = bed.api.update("port", port, name=name)
        peer.wait_event("port", id=port["id"], name=name, revision=port["revision_number"])
    equal(peer.stats()["pulls"], pulls, "pulls")


def others_are_not(bed, peer, net):
    before = peer.stats()
    other = bed.api.port(net, "h2", name="other")
    bed.api.delete("port", other)
    wait_for(lambda: peer.stats()["ignored"] > before["ignored"], 60, "no push comes")
    equal(peer.stats()["pushes"], before["pushes"], "pushes of what is wanted")


def policy_is_kept_up(bed, peer):
    policy = bed.api.create("policy", name="slow")
    peer.want("policy", policy["id"])
    peer.wait_event("policy", id=policy["id"], max_kbps=0)
    bed.api.ask("POST", f"/v2.0/qos/policies/{policy['id']}/bandwidth_limit_rules",
                {"bandwidth_limit_rule": {"max_kbps": 1234, "max_burst_kbps": 100}})
    peer.wait_event("policy", id=policy["id"], max_kbps=1234)


def tunnels_and_entries(bed, one, two, ports):
    one.send("sync_tunnels", type="vxlan")
    wait_for(lambda: one.stats()["settled"], 60, "tunnel_sync is not answered")
    two.send("sync_tunnels", type="vxlan")
    one.wait_event("tunnel", type="vxlan", ip="172.30.0.12")  # tunnel_update
    two.wait_event("tunnel", type="vxlan", ip="172.30.0.11")  # The answer.
    goes_active(bed, two, ports["h2"])
    one.wait_event("fdb_add", behind="172.30.0.12", mac=ports["h2"]["mac_address"])
    two.wait_event("fdb_add", behind="172.30.0.11", mac=ports["h1"]["mac_address"])
    one.forget()
    two.send("down", id=ports["h2"]["id"])
    one.wait_event("fdb_remove", behind="172.30.0.12", mac=ports["h2"]["mac_address"])
    bed.api.wait_port(ports["h2"], "DOWN")


def few_queues(bed, peer):
    """Two agents; what the stock server declares has no host's name and no q-agent-notifier."""
    names = bed.broker.control("-q", "list_queues", "name").split()
    directed = [name for name in names if name.startswith("q-agent-notifier")
                and "_fanout_" not in name]
    equal(sorted(directed), [f"q-agent-notifier-l2population-update.{host}"
                             for host in ("h1", "h2")], "queues that are no fan-out")
    own = [name for name in names if name.startswith(("q-agent-notifier", "neutron-vo-"))]
    expect(len(own) / 2 <= 13, f"{len(own)} queues: {sorted(own)}")


def hostile_bodies(port):
    """What no server sends: (body, whether the agent reads it as far as a method)."""
    def push(objects):
        return json.dumps({"method": "push", "version": "1.1", "_unique_id": "x", "args": {
            "resource_list": objects, "event_type": "updated"}})

    def envelope(text):
        return json.dumps({"oslo.version": "2.0", "oslo.message": text})

    wanted = json.dumps({"versioned_object.name": "Port", "versioned_object.version": "1.7",
                         "versioned_object.namespace": "versionedobjects",
                         "versioned_object.data": {"id": port["id"], "name": "NAME"}})
    deep = "[" * 5000 + "]" * 5000
    return ["", "[", "NaN", "\x00", '{"oslo.version": "3.0", "oslo.message": "{}"}',
            envelope("NaN"), envelope(push([]).replace("[]", "NaN")),
            envelope(push([]).replace("[]", deep)), envelope(push([None] * 10000)),
            envelope(push([json.loads(wanted)]).replace("NAME", "a\\u0000b")),
            envelope('{"method": 7}'), envelope('{"method": "push", "version": {}}')]


def hostile_messages(bed, peer, port):
    """Each is refused alone, with a line at most; what is right beside them is heard."""
    bodies = hostile_bodies(port)
    before = peer.stats()
    lines = len(peer.lines())
    with kernel.inside_netns("ctl"):
        connection = amqp.Connection("10.20.0.10:5672", userid=bed.broker.user,
                                     password=bed.broker.password, confirm_publish=True)
        connection.connect()
    channel = connection.channel()
    for body in bodies:
        channel.basic_publish(amqp.Message(body, content_type="application/json"),
                              exchange="neutron-vo-Port-1.7_fanout", routing_key="")
    connection.close()
    port = bed.api.update("port", port, name="sane")
    peer.wait_event("port", id=port["id"], name="sane", revision=port["revision_number"])
    said = [line for line in peer.lines()[lines:] if "|WARN|" in line or "|ERR|" in line]
    expect(0 < len(said) <= len(bodies), f"{len(said)} lines: {said}")
    equal(peer.stats()["failures"], before["failures"], "failed calls")


def change_silently(bed, port, name):
    """A change whose push nobody will hear, as if the broker had lost it."""
    bed.mariadb.query("UPDATE ports SET name = %s WHERE id = %s", name, port["id"])
    bed.mariadb.query("UPDATE standardattributes SET revision_number = revision_number + 1 "
                      "WHERE id = (SELECT standard_attr_id FROM ports WHERE id = %s)", port["id"])


def broker_restart(bed, peer, port):
    peer.forget()
    bed.broker.kill()
    peer.wait_event("state", connected=False)
    change_silently(bed, port, "meanwhile")
    bed.broker.start()
    peer.wait_event("state", connected=True)
    peer.wait_event("port", id=port["id"], name="meanwhile", limit=240)
    peer.wait_event("settled", limit=240)


def server_restart(bed, peer, port):
    bed.server.kill()
    peer.send("down", id=port["id"])
    bed.server.start()
    bed.wait_server()
    bed.api.wait_port(port, "DOWN")
    peer.send("up", id=port["id"])
    bed.wait_active(port)
    bed.api.update("port", port, name="after")
    peer.wait_event("port", id=port["id"], name="after")


def port_goes(bed, peer, port):
    bed.api.delete("port", port)
    peer.wait_event("port_gone", id=port["id"])


def main():
    bed = bed_for(hosts=2)
    peers = [agentpeer.start(bed, host) for host in bed.hosts]
    for host in bed.hosts:
        need(f"{host.name} is known to the server", is_known, bed, host)
    net = bed.api.network("blue", "vxlan")
    bed.api.subnet(net, "10.1.0.0/24")
    ports = {host.name: bed.api.port(net, host, name=host.name) for host in bed.hosts}
    for port in ports.values():
        equal(port["binding:vif_type"], "ovs", "binding")
    more = [bed.api.port(net, "h1") for _ in range(3)]
    check("ports are pulled by their ids", pulled_by_ids, bed, peers[0], net,
          [ports["h1"], *more])
    peers[1].want("port", ports["h2"]["id"])
    check("a device that is up makes its port ACTIVE", goes_active, bed, peers[0], ports["h1"])
    check("pushes are heard without a question", pushes_are_heard, bed, peers[0], ports["h1"])
    check("ports of others are dropped", others_are_not, bed, peers[0], net)
    check("a QoS policy is kept up", policy_is_kept_up, bed, peers[0])
    check("tunnels and forwarding entries", tunnels_and_entries, bed, *peers, ports)
    check("few queues", few_queues, bed, peers[0])
    check("after a restart of the broker everything is asked again", broker_restart, bed,
          peers[0], ports["h1"])
    check("reports wait for a server that restarts", server_restart, bed, peers[0], ports["h1"])
    check("a deleted port is gone", port_goes, bed, peers[0], ports["h1"])
    for peer in peers:
        stats = peer.stats()
        check(f"{peer.name}: nothing was refused", equal,
              (stats["refused"], stats["requests_failed"]), (0, 0))
    peers[0].want("port", more[0]["id"])
    check("hostile messages are refused alone", hostile_messages, bed, peers[0], more[0])
    done()


if __name__ == "__main__":
    main()
