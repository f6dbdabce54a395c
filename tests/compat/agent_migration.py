#!/usr/bin/python3
"""Ports that are plugged on a host they are not bound to: those of routers, which every L3 host
plugs, and those of guests that migrate, as nova does it.  Our agent on h1 and the stock one on
h2 make the same flows and rows of them, and report the same, at each step; two guests change
places, so that each agent is source and destination.

NT_AGENT=python puts the stock agent on both hosts: what fails then is this test's mistake."""
# timeout: 600

import os

from check import check, done, expect, need
from neutrinolab.kernel import wait_for
from neutron_bed import bed_for
from neutron_bed.api import id_of
from neutron_bed.scene import Scene

OURS = os.environ.get("NT_AGENT", "neutrino")
OPTIONS = {"securitygroup": {"firewall_driver": "noop"},
           "agent": {"tunnel_types": "", "l2_population": "false", "arp_responder": "false",
                     "polling_interval": "1"}}
OTHER = {"h1": "h2", "h2": "h1"}
LVLAN = "tag=lvlan(vlan)"


def make(scene):
    scene.network("vlan", "vlan", ["10.2.0.0/24"], 123)
    scene.port("p", "vlan")
    scene.port("g", "vlan")
    scene.wait_active("p", "g")


# --- routers ------------------------------------------------------------------------------


def plug_router(scene, role, owner):
    """One port, bound to h1, plugged on both hosts."""
    port = scene.bed.api.port(scene.networks["vlan"], "h1", name=role, device_owner=owner)
    for host in scene.hosts:
        scene.ports[role, host.name] = port
        scene.guests[role, host.name] = host.plug(port, netns=f"{role}-{host.name}")
    scene.bed.wait_active(port)
    scene.agree(lambda view: view.has("ovsdb", f"tap({role}) {LVLAN}"))


def fail_over(scene, role):
    """The router's address moves from h1 to h2."""
    scene.guest(role, "h1").wait_ping(scene.guest("p", "h2"))
    scene.guest(role, "h1").run(["ip", "link", "set", "eth0", "down"])
    scene.guest(role, "h2").wait_ping(scene.guest("p", "h1"))


def unplug_router(scene, role):
    port = scene.ports[role, "h1"]
    scene.unplug(role)
    scene.bed.api.delete("port", port)
    scene.agree(lambda view: not view.has("ovsdb", f"tap({role})"))
    for host in scene.hosts:
        del scene.ports[role, host.name]


# --- live migration -----------------------------------------------------------------------


def bindings(scene, host):
    return f"/v2.0/ports/{id_of(scene.ports['g', host])}/bindings"


def unbound_reports(scene, host):
    """How often the server was told that the other host's agent has the port of 'host' up."""
    line = (f"Device {id_of(scene.ports['g', host])} not bound to the agent host "
            f"{OTHER[host]}")
    with open(scene.bed.server.log, encoding="utf-8", errors="replace") as log:
        return sum(line in text for text in log)


def prepare(scene):
    """The destination has a binding that is not active, and the tap: it is not wired.  Ours
    is on the dead VLAN; the stock agent leaves a port as it came."""
    for host in OTHER:
        answer = scene.bed.api.ask("POST", bindings(scene, host),
                                   {"binding": {"host": OTHER[host]}})
        expect(answer["binding"]["status"] == "INACTIVE", answer)
    scene.arrived = {host: scene.bed.host(int(OTHER[host][1])).plug(
        scene.ports["g", host], netns=f"arriving-{host}") for host in OTHER}
    for host in scene.hosts:
        if host.agent_kind == "neutrino":
            wait_for(lambda: scene.view(host).has("ovsdb", "tap(g') tag=4095"), 60,
                     "ours is not on the dead VLAN")
        expect(not scene.view(host).has("ovsdb", f"tap(g') {LVLAN}"), "it is wired already")
    for host in OTHER:
        expect(not unbound_reports(scene, host), "it was reported before it was wired")


def begin(scene):
    """The active binding says where the guest goes: the port is wired there, too, and the
    server hears of it."""
    scene.update("g", binding_profile=lambda host: {"migrating_to": OTHER[host]})
    scene.agree(lambda view: view.has("ovsdb", f"tap(g') {LVLAN}")
                and view.has("ovsdb", f"tap(g) {LVLAN}"))
    # Not ACTIVE: for the port of a migrating guest this server wants to tell a nova.
    for host in OTHER:
        wait_for(lambda: unbound_reports(scene, host), 60,
                 f"the port of {host} is not reported by {OTHER[host]}")


def activate(scene):
    """The source's port leaves the switch, and the guest is reached where it is now."""
    for host in OTHER:
        scene.bed.api.ask("PUT", f"{bindings(scene, host)}/{OTHER[host]}/activate")
    scene.agree(lambda view: view.has("ovsdb", f"tap(g') {LVLAN}")
                and not view.has("ovsdb", "tap(g)"))
    scene.wait_active("g")
    for host, guest in scene.arrived.items():
        guest.wait_ping(scene.guest("p", host))
        scene.guest("p", host).wait_ping(guest)


def end(scene):
    for host in OTHER:
        scene.bed.api.ask("DELETE", f"{bindings(scene, host)}/{host}")
        scene.bed.api.update("port", scene.ports["g", host], binding_profile={})
    scene.wait_active("g")
    scene.agree(lambda view: view.has("ovsdb", f"tap(g') {LVLAN}"))


def main():
    bed = bed_for(hosts=2, agents={"h1": OURS, "h2": "python"}, agent_options=OPTIONS,
                  server_options={"DEFAULT": {"debug": "true"}})
    scene = Scene(bed)
    need("ports are ACTIVE", make, scene)
    for role, owner in (("ha", "network:ha_router_replicated_interface"),
                        ("gw", "network:router_gateway")):
        if check(f"{owner}: wired wherever it is plugged", plug_router, scene, role, owner):
            check(f"{owner}: its traffic moves", fail_over, scene, role)
            check(f"{owner}: unplugged", unplug_router, scene, role)
    need("a guest's port without an active binding is dead", prepare, scene)
    need("while its guest migrates it is wired on both hosts", begin, scene)
    need("the binding is activated", activate, scene)
    check("the source's binding is deleted", end, scene)
    done()


if __name__ == "__main__":
    main()
