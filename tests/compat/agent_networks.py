#!/usr/bin/python3
"""Our agent on h1 and the stock one on h2 have the same ports of flat, vlan and local networks,
and make the same flows and OVSDB rows of them, whatever happens to the ports; then each takes
the other's place and changes nothing, and both report ports of an ancillary bridge.

NT_AGENT=python puts the stock agent on both hosts: what fails then is this test's mistake."""
# timeout: 900

import os

from check import check, done, equal, expect, need
from neutron_bed import bed_for
from neutron_bed.guests import interface
from neutron_bed.scene import Scene, exact, wait_exact
from neutrinolab.kernel import wait_for

OURS = os.environ.get("NT_AGENT", "neutrino")
OPTIONS = {"securitygroup": {"firewall_driver": "noop"},
           "agent": {"tunnel_types": "", "l2_population": "false", "arp_responder": "false",
                     "polling_interval": "1"},
           "ovs": {"igmp_snooping_enable": "true"}}
VLAN = 123
EXTERNAL = "br-ex"  # A bridge that an operator or an L3 agent has made.


def make(scene):
    scene.network("flat", "flat", ["10.3.0.0/24"])
    scene.network("vlan", "vlan", ["10.2.0.0/24", "fd00:2::/64"], VLAN)
    scene.network("local", "local", ["10.4.0.0/24"])
    scene.port("f", "flat", fixed_ips=lambda host: [{"ip_address": f"10.3.0.1{host[1]}"}])
    for role, net in (("v", "vlan"), ("w", "vlan"), ("l", "local"), ("m", "local")):
        scene.port(role, net)
    scene.wait_active("f", "v", "w", "l", "m")


def reach(scene, role, address=0):
    """Both ways across the wire."""
    one, two = scene.guest(role, "h1"), scene.guest(role, "h2")
    one.wait_ping(two.addresses[address])
    two.wait_ping(one.addresses[address])


def local_stays_local(scene):
    for host in ("h1", "h2"):
        scene.guest("l", host).wait_ping(scene.guest("m", host))
    expect(not scene.guest("l", "h1").pings(scene.guest("l", "h2")), "it reached the other host")


def falls_silent(guest, address):
    """Soon nobody there answers; the switch may have to forget what it has in its cache."""
    def silent():
        guest.run(["ip", "neigh", "flush", "dev", "eth0"])
        return not guest.pings(address)
    wait_for(silent, 30, f"{address} is still heard of")


def of_dead(role):
    """What docs/interop.md says of ports on the dead VLAN: the stock agent leaves their other
    flows behind the one that drops."""
    return lambda line: f"in_port=tap({role})" in line and "actions=goto_table" in line


def admin_down(scene):
    scene.update("v", admin_state_up=False)
    scene.wait_status("DOWN", "v")
    scene.agree(lambda view: view.has("ovsdb", "tap(v) tag=4095"), of_dead("v"))
    falls_silent(scene.guest("v", "h1"), scene.guest("v", "h2"))


def admin_up(scene):
    scene.update("v", admin_state_up=True)
    scene.wait_active("v")
    scene.agree(lambda view: view.has("ovsdb", "tap(v) tag=lvlan(vlan)"))
    reach(scene, "v")


def readdress(guest, port):
    """What the guest would do by itself: its port's MAC and addresses of today."""
    device = guest.device
    guest.run(["ip", "link", "set", device, "address", port["mac_address"]])
    guest.run(["ip", "addr", "flush", "dev", device, "scope", "global"])
    guest.mac = port["mac_address"]
    guest.fixed = [(fixed["ip_address"], 64 if ":" in fixed["ip_address"] else 24)
                   for fixed in port["fixed_ips"]]
    guest.addresses = [address for address, _ in guest.fixed]
    for address, length in guest.fixed:
        guest.run(["ip", "addr", "add", f"{address}/{length}", "dev", device])


def new_fixed_ip(scene):
    old = {host: scene.ports["f", host]["fixed_ips"][0] for host in ("h1", "h2")}
    scene.update("f", fixed_ips=lambda host: [{
        "subnet_id": old[host]["subnet_id"],
        "ip_address": f"10.3.0.24{host[1]}"}])
    scene.agree(lambda view: view.has("br-int", "table=24", "arp_spa=ip0(f)")
                and not any(view.has("br-int", fixed["ip_address"]) for fixed in old.values()))
    for host in ("h1", "h2"):
        readdress(scene.guest("f", host), scene.ports["f", host])
    reach(scene, "f")


def unbound(scene):
    """A port that is bound to no host is on the dead VLAN."""
    scene.update("w", binding_host_id="")
    scene.agree(lambda view: view.has("ovsdb", "tap(w) tag=4095"), of_dead("w"))


def new_mac(scene):
    """The server changes the MAC of an unbound port only; then it is bound again."""
    scene.update("w", mac_address=lambda host: "fa:16:3e:77:00:0" + host[1])
    for host in scene.hosts:
        guest, port = scene.guest("w", host), scene.ports["w", host.name]
        host.ovs("vsctl", "set", "Interface", guest.tap,
                 f'external_ids:attached-mac="{port["mac_address"]}"')
    scene.update("w", binding_host_id=lambda host: host)
    scene.wait_active("w")
    scene.agree(lambda view: view.has("ovsdb", "tap(w) tag=lvlan(vlan)")
                and view.has("br-int", "dl_src=mac(w)"))
    for host in ("h1", "h2"):
        readdress(scene.guest("w", host), scene.ports["w", host])
    reach(scene, "w")
    reach(scene, "w", 1)


def pairs(scene):
    """Another address goes out once it is allowed, and no longer when it is not."""
    scene.update("v", allowed_address_pairs=lambda host: [
        {"ip_address": f"10.2.0.20{host[1]}"}, {"ip_address": "10.9.0.0/24"},
        {"ip_address": "10.2.0.222", "mac_address": "00:00:5e:00:01:01"}])
    scene.agree(lambda view: view.has("br-int", "arp_spa=ip4(v)")
                and view.has("br-int", "dl_src=00:00:5e:00:01:01"))
    one, two = scene.guest("v", "h1"), scene.guest("v", "h2")
    one.run(["ip", "addr", "add", "10.2.0.201/24", "dev", "eth0"])
    two.wait_ping("10.2.0.201")
    scene.update("v", allowed_address_pairs=[])
    scene.agree(lambda view: not view.has("br-int", "arp_spa=10.9.0.0/24")
                and not view.has("br-int", "dl_src=00:00:5e:00:01:01"))
    falls_silent(two, "10.2.0.201")


def port_security(scene):
    """Off: no flow guards the port, and any address goes out.  On: as before."""
    scene.update("v", port_security_enabled=False, security_groups=[])
    scene.agree(lambda view: not view.has("br-int", "in_port=tap(v)"))
    scene.guest("v", "h2").wait_ping("10.2.0.201")
    scene.update("v", port_security_enabled=True)
    scene.agree(lambda view: view.has("br-int", "table=24", "in_port=tap(v)"))
    falls_silent(scene.guest("v", "h2"), "10.2.0.201")
    reach(scene, "v")


def unplugged(scene):
    scene.unplug("w")
    scene.wait_status("DOWN", "w")
    scene.agree(lambda view: not view.has("br-int", "mac(w)"))


def plugged_again(scene):
    scene.plug("w")
    scene.wait_active("w")
    scene.agree(lambda view: view.has("ovsdb", "tap(w) tag=lvlan(vlan)"))
    reach(scene, "w")


def deleted(scene):
    """A port that is deleted while its guest is there goes to the dead VLAN."""
    scene.delete("w")
    scene.agree(lambda view: view.has("ovsdb", "tap(w) tag=4095"), of_dead("w"))
    scene.unplug("w")
    scene.agree(lambda view: not view.has("br-int", "mac(w)"))


def network_deleted(scene):
    """With its last port a network's flows go."""
    scene.unplug("f")
    scene.delete("f")
    scene.bed.api.delete("network", scene.networks["flat"])
    scene.agree(lambda view: not view.has("br-int", "push_vlan")
                and not view.has("br-phys", "pop_vlan"))


# Each ends with the same flows and rows on both hosts.
STEPS = (("admin down", admin_down), ("admin up", admin_up), ("another fixed IP", new_fixed_ip),
         ("unbound", unbound), ("another MAC", new_mac), ("allowed address pairs", pairs),
         ("port security off and on", port_security), ("unplugged", unplugged),
         ("plugged again", plugged_again), ("deleted", deleted),
         ("network deleted", network_deleted))


def take_over(scene, host, kind):
    """The other agent on the same host: nothing changes, nobody notices."""
    guest, peer = scene.guest("v", host), scene.guest("v", "h1" if host.name == "h2" else "h2")
    before = exact(host)
    pinger = scene.bed.pinger(guest, peer)
    pinger.wait_answers()
    host.agent.stop()
    host.start_agent(kind, OPTIONS)
    # A port made now shows that the new agent has gone through everything.
    port = scene.bed.api.port(scene.networks["vlan"], host)
    extra = host.plug(port)
    scene.bed.wait_active(port)
    extra.wait_ping(peer)
    host.unplug(extra)
    scene.bed.api.delete("port", port)
    wait_exact(host, before)
    result = pinger.stop()
    equal(result.lost, [], f"lost pings ({result})")


def make_external(host):
    host.ovs("vsctl", "add-br", EXTERNAL, "--", "set", "Bridge", EXTERNAL, "datapath_type=netdev",
             f"external_ids:bridge-id={EXTERNAL}")


def external(scene):
    """Both agents, which found the bridge when they started, report its port up and then down;
    nothing is written, there or anywhere."""
    before = [exact(host) for host in scene.hosts]
    scene.port("x", "vlan", plug=False, device_owner="network:router_gateway")
    taps = ["tap" + scene.ports["x", host.name]["id"][:11] for host in scene.hosts]
    for host, tap in zip(scene.hosts, taps):
        host.ovs("vsctl", "add-port", EXTERNAL, tap,
                 *interface(scene.ports["x", host.name], tap, "internal"))
    scene.wait_active("x")
    scene.agree(lambda view: view.has("ovsdb", f"{EXTERNAL} tap(x) tag=[]"))
    for host, tap in zip(scene.hosts, taps):
        host.ovs("vsctl", "del-port", EXTERNAL, tap)
    scene.wait_status("DOWN", "x")
    for host, view in zip(scene.hosts, before):
        wait_exact(host, view)
        equal(host.flows(EXTERNAL), ["table=0, priority=0 actions=NORMAL"], f"flows of {EXTERNAL}")


def main():
    bed = bed_for(hosts=2, agents={"h1": OURS, "h2": "python"}, agent_options=OPTIONS)
    scene = Scene(bed)
    need("ports of three kinds of network are ACTIVE", make, scene)
    check("flows and rows are the same", scene.agree,
          lambda view: view.has("br-int", "table=24", "in_port=tap(m)")
          and view.has("ovsdb", "br-int mcast_snooping_enable=True"))
    for role in ("f", "v", "w"):
        check(f"{role}: across hosts", reach, scene, role)
    check("IPv6 across hosts", reach, scene, "v", 1)
    check("a local network ends at its host", local_stays_local, scene)
    for name, step in STEPS:
        check(name, step, scene)
    for host in bed.hosts:
        make_external(host)
    check("the stock agent takes over from ours", take_over, scene, bed.host(1), "python")
    check("ours takes over from the stock agent", take_over, scene, bed.host(2), OURS)
    check("ports of an ancillary bridge are reported, and no more", external, scene)
    done()


if __name__ == "__main__":
    main()
