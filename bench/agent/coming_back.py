"""The agent starts again, and ovs-vswitchd does, in three ways."""

import time

import check
from neutron_bed.flow_watch import FlowWatch
from neutron_bed.scene import exact
from stamps import Active, Rows, bridges, cpu
from subject import LIMIT, ms, say, tap

PING_RATE = 100
SAVE = "/usr/share/openvswitch/scripts/ovs-save"
SAVED = "/run/bench-saved-flows"


def everything(subject):
    agent(subject)
    switch(subject)


def agent(subject):
    """Every port is reported once more; a guest pings another one meanwhile; the switch tells
    what is done to flows."""
    bed, host = subject.bed, subject.host
    *ends, late = bed.clone_ports(subject.ports[0], 3)
    guests = [host.plug(port) for port in ends]
    subject.ports += ends
    bed.wait_active(*ends)
    guests[0].wait_ping(guests[1])
    before = exact(host)
    watches = [FlowWatch(host, bridge) for bridge in bridges(host)]
    pinger = bed.pinger(*guests, PING_RATE)
    pinger.wait_answers(PING_RATE)
    subject.agent.stop()
    bed.mariadb.query("UPDATE ports SET status = 'DOWN'")
    began, active = time.monotonic(), Active(bed, subject.ports)
    subject.agent.start()
    active.settle(LIMIT)
    active.stop()
    pings = pinger.stop()
    changed = sum(watch.count() for watch in watches)
    for watch in watches:
        watch.stop()
    check.expect(active.is_done(), f"{len(active.when)} of {len(subject.ports)} ports ACTIVE")
    check.wait_for(lambda: not exact(host).difference(before), LIMIT,
                   lambda: exact(host).difference(before))
    what = f"agent restart, {len(subject.ports)} ports:"
    subject.note(f"{what} until all are ACTIVE again", max(active.when.values()) - began)
    subject.note(f"{what} flow modifications", changed, str)
    subject.note(f"{what} pings lost of {PING_RATE} a second", len(pings.lost),
                 lambda lost: f"{lost} of {pings.sent}")
    late_port(subject, late, what)


def late_port(subject, port, what):
    """A second restart, with a port that came while no agent ran: when is it served?"""
    host = subject.host
    subject.agent.stop()
    host.plug_idle([port])
    rows = Rows(host)
    began = time.monotonic()
    subject.agent.start()
    check.wait_for(lambda: tap(port) in rows.tagged, LIMIT, "the port is not served")
    rows.stop()
    subject.ports.append(port)
    subject.note(f"{what} until a port that came meanwhile has its flows and tag",
                 rows.tagged[tap(port)] - began)


# --- ovs-vswitchd ------------------------------------------------------------------------------


def saved_and_restored(host):
    """What 'ovs-ctl --no-ovsdb-server restart' does, as a package upgrade calls it."""
    script = host.run([SAVE, "save-flows", *bridges(host)]).stdout
    host.machine.write(SAVED, script, mode=0o755)
    host.switch.vswitchd.stop()
    host.ovs("vsctl", "--no-wait", "set", "Open_vSwitch", ".",
             "other_config:flow-restore-wait=true")
    host.switch.vswitchd.start()
    check.wait_for(lambda: host.run(["sh", "-e", SAVED], check=False).returncode == 0, 60,
                   "saved flows cannot be restored")
    host.ovs("vsctl", "--no-wait", "remove", "Open_vSwitch", ".", "other_config",
             "flow-restore-wait")


def stopped(host):
    host.switch.vswitchd.stop()
    host.switch.start_vswitchd()


def killed(host):
    host.switch.vswitchd.kill()
    host.switch.start_vswitchd()


WAYS = [("restarted as ovs-ctl does, flows saved and restored", saved_and_restored),
        ("stopped and started", stopped),
        ("killed (SIGKILL) and started", killed)]


def switch(subject):
    for name, restart in WAYS:
        switch_once(subject, f"ovs-vswitchd {name}:", restart)


def switch_once(subject, what, restart):
    host, patience = subject.host, subject.options.patience_switch
    subject.wait_quiet()
    before, n_before = exact(host), subject.n_flows()
    port = subject.bed.clone_ports(subject.ports[0], 1)
    used = cpu(subject.agent)
    began = time.monotonic()
    restart(host)
    restarted = time.monotonic() - began
    took = subject.wait_flows(before, n_before, patience)
    if took is None:
        subject.note(f"{what} until all flows are back", None, ms, f"not within {patience} s")
        say(f"the difference then: {exact(host).difference(before)[:2000]}")
        anew(subject, before)
        return
    subject.note(f"{what} until all flows are back", restarted + took)
    subject.note(f"{what} processor time of the agent", cpu(subject.agent) - used)
    new_port(subject, f"{what} then a new port, until its flows and tag are set", port)


def new_port(subject, what, ports):
    host, patience = subject.host, subject.options.patience_switch
    rows = Rows(host)
    host.plug_idle(ports)
    subject.ports += ports
    name = tap(ports[0])
    try:
        check.wait_for(lambda: name in rows.tagged, patience, "")
        subject.note(what, rows.tagged[name] - rows.plugged[name])
    except check.Failed:
        subject.note(what, None, ms, f"not within {patience} s")
        subject.agent.kill()
        subject.agent.start()
        check.wait_for(lambda: name in rows.tagged, LIMIT, "a new agent does not serve it either")
    rows.stop()


def anew(subject, before):
    """The agent hangs: it is killed and started, so that there is more to measure."""
    subject.agent.kill()
    subject.agent.start()
    check.wait_for(lambda: not missing(subject.host, before), LIMIT,
                   lambda: missing(subject.host, before))


def missing(host, before):
    """What was there and is not."""
    try:
        return "\n".join(line for line in exact(host).difference(before).splitlines()
                         if " missing: " in line)
    except check.Failed as problem:
        return str(problem)
