"""Networks in tunnels: what every kind of agent has to make of them, in every mode."""

from check import expect, wait_for
from neutron_bed import wires

KINDS = ("vxlan", "gre", "geneve")
MODES = {
    "l2population and ARP responder": {"l2_population": "true", "arp_responder": "true"},
    "l2population": {"l2_population": "true", "arp_responder": "false"},
    "no l2population": {"l2_population": "false", "arp_responder": "false"},
}


def options(mode, kinds=KINDS, local_ip=None):
    """Options of an agent; 'mode' one of MODES."""
    return {"securitygroup": {"firewall_driver": "noop"},
            "agent": {"tunnel_types": ",".join(kinds), "polling_interval": "1", **MODES[mode]},
            **({"ovs": {"local_ip": local_ip}} if local_ip else {})}


def options_v6(mode, kinds=KINDS):
    """{host: options} with an IPv6 end point."""
    return lambda host: options(mode, kinds, wires.local_ip6(host.name))


def make(scene, kinds=KINDS):
    """A network of each kind, with a port of that role on each host."""
    for i, kind in enumerate(kinds):
        scene.network(kind, kind, [f"10.{10 + i}.0.0/24", f"fd00:{10 + i}::/64"])
        scene.port(kind, kind)
    scene.wait_active(*kinds)


def restart(scene, given, kinds=None):
    """All agents once more with other options; 'kinds': {host's name: kind of agent}."""
    for host in scene.hosts:
        host.agent.stop()
    for host in scene.hosts:
        kind = kinds[host.name] if kinds else host.agent.name.split()[0]
        # Who asks for the state must not be shown that of the agent before.
        scene.bed.mariadb.query("UPDATE ports SET status = 'DOWN' WHERE id IN (SELECT port_id "
                                "FROM ml2_port_bindings WHERE host = %s)", host.name)
        host.start_agent(kind, given(host) if callable(given) else given)
    scene.wait_active()


def change_family(scene, version):
    """The server takes end points of that IP version alone; for agents that start next.

    br-tun goes with its tunnels: in the userspace datapath a switch that has had tunnels of type
    gre never receives what comes in by those of type ip6gre."""
    for host in scene.hosts:
        host.agent.stop()
        host.ovs("vsctl", "--if-exists", "del-port", "br-int", "patch-tun",
                 "--", "--if-exists", "del-br", "br-tun")
    scene.bed.configure_server({"ml2": {"overlay_ip_version": version}})
    scene.bed.restart_server()


def reach(scene, role):
    """Everybody reaches everybody, with either family."""
    for one in scene.hosts:
        for two in scene.hosts:
            if one is not two:
                for address in scene.guest(role, two).addresses:
                    scene.guest(role, one).wait_ping(address)


def done_in(mode, kinds=KINDS):
    """What a view has once the agent has done everything in that mode; see Scene.agree()."""
    def until(view):
        settings = MODES[mode]
        for kind in kinds:
            found = [view.has("br-tun", "table=22", f"dl_vlan=lvlan({kind})", "output:")]
            if settings["l2_population"] == "true":
                found.append(view.has("br-tun", "table=20", f"dl_dst=mac({kind}')"))
            found.append(settings["arp_responder"] == "false"
                         or view.has("br-tun", "table=21", f"arp_tpa=ip0({kind}')"))
            if not all(found):
                return False
        return True
    return until


def moves(scene, kind):
    """A port goes from h1 to h2 and back: who talks to it on both finds it each time."""
    bed, (one, two) = scene.bed, scene.hosts[:2]
    port = bed.api.port(scene.networks[kind], one, name="mover")
    here, there = one, two
    for _ in range(3):
        guest = here.plug(port)
        bed.wait_active(port)
        for host in scene.hosts:
            scene.guest(kind, host).wait_ping(guest)
        here.unplug(guest)
        bed.api.wait_port(port, "DOWN")  # Both at once, and the server may tell nobody.
        port = bed.api.update("port", port, binding_host_id=there.name)
        here, there = there, here
    bed.api.delete("port", port)
    for host in scene.hosts:
        wait_for(lambda: not host.ovs("ofctl", "dump-flows", "br-tun",
                                      f"table=20,dl_dst={port['mac_address']}").count("priority=2"),
                 60, f"{host.name} still sends frames for the port that is gone")


def gone(scene, kind):
    """With a network's last port its flows go, and tunnels that nothing needs."""
    scene.unplug(kind)
    scene.delete(kind)
    for host in scene.hosts:
        def left(host=host):
            view = scene.view(host)
            return (view.find("br-tun", f"lvlan({kind})") + view.find("br-tun", f"mac({kind}'")
                    + view.find("br-tun", "tun_id=" + hex(segment(scene, kind))))
        wait_for(lambda: not left(), 60, lambda: f"{host.name}: {left()}")


def segment(scene, kind):
    return scene.networks[kind]["provider:segmentation_id"]


def carries(scene, kind):
    """A megabyte, so that frames of full size pass."""
    one, two = (scene.guest(kind, host) for host in scene.hosts[:2])
    expect(one.carries_tcp(two), "not all of it arrived")
