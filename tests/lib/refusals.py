"""Flows that a real switch refuses: each is left out and told of, nothing else is held up, and it
is in when the cause is gone.

    for name, step in STEPS:
        check(name, step, scene, options)     # a scene of our agents, which were started with
                                              # these, and with the tunnelled network "net"
"""

import edits
from check import equal, expect, wait_for

LIMIT = 60
REFUSED = 'neutrino_agent_flow_changes_total{what="refused"}'
ERRORS = 'neutrino_agent_openflow_total{what="errors"}'
GUARDS, RESPONDER = ("br-int", 24), ("br-tun", 21)  # Where ARP is looked at, and answered.


def flows(host, place):
    bridge, table = place
    return [flow for flow in host.flows(bridge) if f"table={table}," in flow]


def close_table(host, place):
    """As an operator limits it: there is room for what is there."""
    bridge, table = place
    host.ovs("vsctl", "--id=@t", "create", "Flow_Table", f"flow_limit={len(flows(host, place))}",
             "overflow_policy=refuse", "--", "set", "Bridge", bridge, f"flow_tables:{table}=@t")


def open_tables(host):
    for bridge, _ in (GUARDS, RESPONDER):
        host.ovs("vsctl", "clear", "Bridge", bridge, "flow_tables")


def said(host, before, words):
    """Lines of the agent's log that hold the words, each for each."""
    lines = host.agent.output()[before:].splitlines()
    return {word: [line for line in lines if word in line and "flow refused" in line]
            for word in words}


def tables_are_full(scene, _options):
    """A port whose guards have no room stays off its network, and an address is asked for in vain
    on one bridge; another port, that needs none, works."""
    host, other = scene.hosts
    before, refused = len(host.agent.output()), edits.metric(host, REFUSED)
    for place in (GUARDS, RESPONDER):
        close_table(host, place)
    net, api = scene.networks["net"], scene.bed.api
    away, guarded = api.port(net, other), api.port(net, host)
    free = api.port(net, host, port_security_enabled=False)
    there, here, works = other.plug(away), host.plug(guarded), host.plug(free)
    # Who may ask, who may answer for a link-local address; who has an address.
    wanted = {guarded["id"]: 2, away["fixed_ips"][0]["ip_address"]: 1}

    def counts():
        return {word: len(lines) for word, lines in said(host, before, wanted).items()}

    try:
        scene.bed.wait_active(away, free)
        works.wait_ping(there)  # Who has the address is asked for by a flood then.
        wait_for(lambda: counts() == wanted, LIMIT, lambda: str(said(host, before, wanted)))
        equal(edits.metric(host, REFUSED) - refused, 3, "refused flows")
        errors = edits.metric(host, ERRORS)
        host.ovs("appctl", "-t", "neutrino-agent", "sync")  # All is tried again.
        wait_for(lambda: edits.metric(host, ERRORS) >= errors + 3, LIMIT, "no second refusal")
        equal((edits.metric(host, REFUSED) - refused, counts()), (3, wanted), "the second time")
        tag = host.ovs("vsctl", "get", "Port", here.tap, "tag").strip()
        equal((tag, api.get("port", guarded)["status"]), ("4095", "DOWN"), "tag, status")
        open_tables(host)
        scene.bed.wait_active(guarded)
        here.wait_ping(there)
        wait_for(lambda: any(there.addresses[0] in flow for flow in flows(host, RESPONDER)),
                 LIMIT, "the address is not answered for")
        told = said(host, before, wanted)
        equal(counts(), wanted, f"lines that tell of it {told}")
        expect(all("TABLE_FULL" in line for lines in told.values() for line in lines), told)
    finally:
        open_tables(host)
        for at, guest, port in ((other, there, away), (host, here, guarded), (host, works, free)):
            at.unplug(guest)
            api.delete("port", port)


def solicitations(host):
    """Flows that have to do with them, on the tunnels' bridge."""
    return [flow for flow in host.flows("br-tun") if "icmp_type=13" in flow]


def start(host, options, is_able):
    """The agent anew, on a datapath that can turn a question into an answer, or (as that of the
    kernel) cannot."""
    host.agent.stop()
    host.ovs("appctl", "dpif/set-dp-features", "br-tun", "nd_ext", str(is_able).lower())
    host.start_agent("neutrino", options)


def responder_is_impossible(scene, options):
    """The first refusal turns it off, with one line, and questions are flooded; the other
    responder goes on."""
    host = scene.hosts[0]
    before, words = len(host.agent.output()), "nd_responder is off"
    responds = {**options, "agent": {**options["agent"], "nd_responder": "true"}}
    scene.network("six", "vxlan", ["fd00:6::/64"])
    try:
        start(host, responds, False)
        scene.port("s", "six")
        scene.wait_active("s")
        scene.guest("s", host).wait_ping(scene.guest("s", scene.hosts[1]))
        wait_for(lambda: words in host.agent.output()[before:], LIMIT, host.agent.why)
        wait_for(lambda: not scene.view(host).difference(scene.view(scene.hosts[1])), LIMIT,
                 lambda: scene.view(host).difference(scene.view(scene.hosts[1])))
        expect(flows(host, RESPONDER)[1:], "ARP requests are not answered")
        told = [line for line in host.agent.output()[before:].splitlines() if words in line]
        equal(len(told), 1, f"lines that tell of it {told}")
        expect("BAD_SET_ARGUMENT" in told[0], told[0])

        start(host, responds, True)
        wait_for(lambda: len(solicitations(host)) > 3, LIMIT, "questions are answered")
    finally:
        start(host, options, True)
    scene.agree(lambda view: view.has("br-tun", "dl_dst=mac(s')") and not view.has(
        "br-tun", "icmp_type=13"))


STEPS = (("flows for which a table has no room", tables_are_full),
         ("a responder that the datapath cannot be", responder_is_impossible))
