#!/usr/bin/python3
"""Agents, server, broker and switches are stopped and killed.  Afterwards flows and OVSDB rows
are what they were, new ports become ACTIVE, guests reach each other; and while only an agent
restarts, nobody notices and no flow is touched.

NT_AGENT=python: the stock agent, without the falls it does not survive.  NT_SEED repeats a run."""
# timeout: 1200

import os
import random
import time

import edits
import trust
from check import check, done, need
from neutron_bed import bed_for
from neutron_bed.scene import Scene, exact, wait_exact
from restarts import RATE, WAYS, unnoticed

OURS = os.environ.get("NT_AGENT", "neutrino")
SEED = int(os.environ.get("NT_SEED") or random.randrange(1 << 32))
OPTIONS = {"securitygroup": {"firewall_driver": "noop"},
           "agent": {"tunnel_types": "", "l2_population": "false", "arp_responder": "false",
                     "polling_interval": "1"}}
BRIDGES = ("br-int", "br-phys")
MANY = 50      # Wired ports that a restart has to leave alone.
KILLS = 5


def make(scene):
    scene.network("vlan", "vlan", ["10.2.0.0/22"], 123)
    scene.network("flat", "flat", ["10.3.0.0/24"])
    for role, net in (("v", "vlan"), ("w", "vlan"), ("f", "flat")):
        scene.port(role, net)
    scene.wait_active("v", "w", "f")


def make_many(scene):
    host = scene.bed.host(1)
    ports = scene.bed.clone_ports(scene.ports["w", "h1"], MANY)
    host.plug_idle(ports)
    scene.bed.wait_active(*ports)


def works(scene):
    """Old guests are reached, and a port made now on either host as well."""
    for role in ("v", "f"):
        scene.guest(role, "h1").wait_ping(scene.guest(role, "h2"))
    ports = [scene.bed.api.port(scene.networks["vlan"], host) for host in scene.hosts]
    one, two = (host.plug(port) for host, port in zip(scene.hosts, ports))
    scene.bed.wait_active(*ports)
    one.wait_ping(two)
    one.wait_ping(scene.guest("v", "h2"))
    for host, guest, port in zip(scene.hosts, (one, two), ports):
        host.unplug(guest)
        scene.bed.api.delete("port", port)


def after(scene, fall):
    """Everything is as before the fall."""
    before = [exact(host) for host in scene.hosts]
    fall(scene)
    works(scene)
    for host, view in zip(scene.hosts, before):
        wait_exact(host, view)
    scene.wait_active()


# --- the falls --------------------------------------------------------------------------------


def agent_stopped(scene):
    scene.hosts[0].agent.restart()


def agent_killed(scene):
    scene.hosts[0].agent.kill()
    scene.hosts[0].agent.start()


def agent_killed_at_random(scene):
    """While ports come and go, and the agent is at a place that nobody chose."""
    host, chance = scene.hosts[0], random.Random(SEED)
    for _ in range(KILLS):
        ports = [scene.bed.api.port(scene.networks[net], host) for net in ("vlan", "flat")]
        host.plug_idle(ports)
        time.sleep(chance.random() * 2)
        host.agent.kill()
        host.agent.start()
        if chance.random() < 0.5:
            time.sleep(chance.random() * 3)
            host.agent.kill()
            host.agent.start()
        scene.bed.wait_active(*ports)
        for port in ports:
            host.ovs("vsctl", "del-port", "br-int", "tap" + port["id"][:11])
            scene.bed.api.delete("port", port)


def server_restarted(scene):
    scene.bed.restart_server()


def broker_killed(scene):
    scene.bed.broker.kill()
    scene.bed.broker.start()


def ovsdb_restarted(scene):
    scene.hosts[0].switch.ovsdb.stop()
    scene.hosts[0].switch.start_ovsdb()


def vswitchd_killed(scene):
    scene.hosts[0].restart_vswitchd(kill=True)


def switch_restarted(scene):
    scene.hosts[0].restart_switch()


def switch_killed(scene):
    scene.hosts[0].restart_switch(kill=True)


# What the stock agent survives as well comes first.
FALLS = [("the agent is stopped", agent_stopped, True),
         ("the agent is killed", agent_killed, True),
         ("the server is restarted", server_restarted, True),
         ("the broker is killed", broker_killed, True),
         ("ovsdb-server is restarted", ovsdb_restarted, False),
         ("ovs-vswitchd is killed", vswitchd_killed, False),
         ("both are restarted", switch_restarted, False),
         ("both are killed", switch_killed, False),
         (f"the agent is killed at random, seed {SEED}", agent_killed_at_random, True)]


def nobody_notices(scene, fall):
    unnoticed(scene, scene.guest("v", "h1"), scene.guest("w", "h1"), scene.networks["vlan"], fall,
              BRIDGES)


def main():
    bed = bed_for(hosts=2, agents=OURS, agent_options=OPTIONS)
    scene = Scene(bed)
    need("ports are ACTIVE", make, scene)
    print(f"# seed {SEED}", flush=True)
    for name, fall, survived in FALLS:
        if survived or OURS != "python":
            check(name, after, scene, fall)
    if OURS != "python":
        check("what others change is put right and counted", edits.are_put_right, scene)
        check("without the server a port goes on only with what guarded it",
              trust.only_what_is_guarded_goes_on, scene)
        check("without the server nothing passes where flows are gone",
              trust.nothing_passes_where_flows_are_gone, scene)
    need(f"{MANY} more ports", make_many, scene)
    for name, fall in WAYS:
        check(f"{MANY} ports, {RATE} pings a second, the agent is {name}: nobody notices",
              nobody_notices, scene, fall)
    done()


if __name__ == "__main__":
    main()
