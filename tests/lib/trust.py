"""What an agent makes of ports from before its start while the server does not answer."""

import re

from check import equal, expect, wait_for
from neutron_bed.flow_watch import FlowWatch
from neutron_bed.guests import BRIDGE

DEAD = 4095
OTHER_NUMBER = 4000
RATE = 1000  # Pings a second: what passes for some milliseconds is seen.
LIMIT = 60


def tap_of(scene, role, host):
    return "tap" + scene.ports[role, host.name]["id"][:11]


def get(host, table, name, column):
    return int(host.ovs("vsctl", "get", table, name, column).strip())


def wait_tag(scene, host, role, tag):
    tap = tap_of(scene, role, host)
    wait_for(lambda: get(host, "Port", tap, "tag") == tag, LIMIT,
             lambda: f"{role} has tag {get(host, 'Port', tap, 'tag')}, not {tag}")


def without_server(scene, host, change, look):
    """The agent is away while 'change' happens, and returns before the server does."""
    host.agent.stop()
    scene.bed.server.pause()
    try:
        change()
        host.agent.start()
        look()
    finally:
        scene.bed.server.resume()
    scene.bed.wait_server()


def only_what_is_guarded_goes_on(scene):
    """Port w has another number, so its guards are another's; v has its guards, and x may send
    what it likes.  v pings x all the time."""
    host = scene.hosts[0]
    scene.port("x", "vlan", port_security_enabled=False)
    scene.wait_active("x")
    one, other = scene.guest("v", host), scene.guest("x", host)
    one.wait_ping(other)
    tag = get(host, "Port", tap_of(scene, "w", host), "tag")
    tap = tap_of(scene, "w", host)

    def renumber():
        host.ovs("vsctl", "set", "Interface", tap, f"ofport_request={OTHER_NUMBER}")
        wait_for(lambda: get(host, "Interface", tap, "ofport") == OTHER_NUMBER, LIMIT, "number")
        scene.guest("w", host).configure()  # The switch has made its device anew.

    def look():
        wait_tag(scene, host, "w", DEAD)
        pinger.wait_answers(RATE)
        for role in ("v", "x"):
            equal(get(host, "Port", tap_of(scene, role, host), "tag"), tag, f"tag of {role}")

    pinger = scene.bed.pinger(one, other, RATE)
    pinger.wait_answers(RATE)
    without_server(scene, host, renumber, look)
    result = pinger.stop()
    equal(result.lost, [], f"lost pings ({result})")
    wait_tag(scene, host, "w", tag)
    one.wait_ping(scene.guest("w", host))


def changes(watch):
    """What a bridge went through: the events of each change that was carried out as one."""
    watch.mark()
    return [re.findall(r"event=.*", change) for change in watch.text().split("FLOW_MONITOR reply")]


def closed_first(watch, numbers):
    """No flow lets frames pass before each of these ports has one that drops all it sends.

    Pings do not tell: for some milliseconds the switch goes on by what it has in its cache."""
    closed = set()
    for events in changes(watch):
        # A flow that drops is told without actions.
        closed |= {number for number in numbers for event in events
                   if re.fullmatch(rf"event=ADDED table=0 cookie=\S+ in_port={number}", event)}
        opening = [event for event in events if "actions=NORMAL" in event]
        if opening:
            equal(closed, numbers, f"ports that are closed by then ({opening})")
            return
    expect(False, "no flow lets anything pass")


def nothing_passes_where_flows_are_gone(scene):
    """Not even for the time between the base flows and the ports' own."""
    host = scene.hosts[0]
    one, other = scene.guest("v", host), scene.guest("w", host)
    tag = get(host, "Port", tap_of(scene, "v", host), "tag")
    numbers = {get(host, "Interface", tap_of(scene, role, host), "ofport") for role in ("v", "w")}
    pingers, watches = [], []

    def wipe():
        host.ovs("ofctl", "del-flows", BRIDGE)
        wait_for(lambda: not one.pings(other), LIMIT, "flows are gone")
        pingers.append(scene.bed.pinger(one, other, RATE))
        watches.append(FlowWatch(host, BRIDGE))

    def look():
        for role in ("v", "w"):
            wait_tag(scene, host, role, DEAD)
        try:
            closed_first(watches[0], numbers)
        finally:
            watches[0].stop()
        wait_for(lambda: len(pingers[0].sent) >= RATE, LIMIT, "enough pings to tell")
        pingers[0].late_limit = 1
        result = pingers[0].stop()
        equal(result.received, 0, f"answered pings ({result})")

    without_server(scene, host, wipe, look)
    wait_tag(scene, host, "v", tag)
    one.wait_ping(other)
