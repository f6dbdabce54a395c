"""Forwarding entries: a large table at once, and changes at a steady rate."""

import json
import os
import time

import check
from fdb_sender import address
from stamps import bridges, count_flows, cpu, memory
from subject import LIMIT

HERE = os.path.dirname(os.path.realpath(__file__))
SEGMENT = "provider:segmentation_id"
# Matches: ovs-ofctl counts flows that match at least that.
UNICAST, ARP = "table=20,vlan_tci=0x1000/0x1000", "table=21,arp"


def send(subject, net, *arguments):
    """Runs the sender; began and ended of what it sent."""
    argv = [os.path.join(HERE, "fdb_sender.py"), subject.bed.broker.url, subject.host.name,
            net["id"], str(net[SEGMENT]), *(str(one) for one in arguments)]
    done = subject.bed.ctl.run(argv, timeout=LIMIT)
    return json.loads(done.stdout.splitlines()[-1])


def everything(subject):
    """With one port of a vxlan network, so that the agent takes what is sent."""
    bed, host, options = subject.bed, subject.host, subject.options
    net = bed.api.network(f"fdb-{subject.kind}", "vxlan")
    bed.api.subnet(net, "10.3.0.0/24")
    subject.start_agent()
    host.wait_agent()
    # The server may still think of the agent that was here before.
    check.wait_for(lambda: {"br-int", "br-tun"} <= set(bridges(host)), LIMIT, "no bridges")
    port = bed.api.port(net, host)
    host.plug_idle([port])
    bed.wait_active(port)
    # The server's own table, of no other host, has come by then.
    check.wait_for(lambda: count_flows(host, "br-tun", f"table=4,tun_id={net[SEGMENT]}") == 1, LIMIT,
                   "the network has no flows")
    if table(subject, net):
        updates(subject, net, options.rate, options.seconds)


def count_slowly(subject, bridge, match, wanted, patience):
    """(time at which that many flows match or None, how many do)."""
    end = time.monotonic() + patience
    while True:
        found, now = count_flows(subject.host, bridge, match), time.monotonic()
        if found == wanted or now > end:
            return (now if found == wanted else None), found
        # The switch counts all its flows for this.
        time.sleep(0.1)


def table(subject, net):
    options = subject.options
    used = cpu(subject.agent)
    sent = send(subject, net, "table", options.fdb_hosts, options.entries)
    when = None
    for match in (UNICAST, ARP):
        when, found = count_slowly(subject, "br-tun", match, options.entries, options.patience)
        if when is None:
            break
    what = f"{options.entries} forwarding entries behind {options.fdb_hosts} hosts:"
    if when is None:
        subject.note(f"{what} from the message until all flows are in the switch", None, str,
                     f"{found} of {options.entries} within {options.patience} s")
    else:
        subject.note(f"{what} from the message until all flows are in the switch",
                     when - sent["began"])
    subject.note(f"{what} processor time of the agent", cpu(subject.agent) - used)
    subject.note(f"{what} memory (PSS)", memory(subject.agent)[1], "{:.1f} MB".format)
    return when is not None


def updates(subject, net, rate, seconds):
    """Each update is a message; how far the switch is behind the last one."""
    options = subject.options
    used = cpu(subject.agent)
    sent = send(subject, net, "updates", options.fdb_hosts, options.entries, rate, seconds)
    generation, last = divmod(sent["sent"] - 1, options.entries)
    marker = f"{ARP},arp_tpa={address(last, generation + 1)}"
    when, _ = count_slowly(subject, "br-tun", marker, 1, options.patience_updates)
    what = f"{rate} updates a second for {seconds} s:"
    subject.note(f"{what} sent a second", sent["sent"] / (sent["ended"] - sent["began"]),
                 "{:.0f}".format)
    newest = f"{ARP},arp_tpa=10.{64 + generation + 1}.0.0/16"
    behind = f"{what} the switch behind the last message"
    if when is None:
        now, n_done = time.monotonic(), count_flows(subject.host, "br-tun", newest)
        n_done += generation * options.entries
        subject.note(behind, None, str, f"more than {options.patience_updates} s")
    else:
        now, n_done = when, sent["sent"]
        subject.note(behind, max(when - sent["ended"], 0))
        all_right(subject, newest, sent["sent"] - generation * options.entries)
    subject.note(f"{what} carried out a second", n_done / (now - sent["began"]), "{:.0f}".format)
    subject.note(f"{what} processor time of the agent, each",
                 (cpu(subject.agent) - used) / max(n_done, 1))


def all_right(subject, newest, n_newest):
    """Every entry is answered for once, and changed ones by their new address."""
    wanted, found = [subject.options.entries, n_newest], []

    def is_right():
        found[:] = [count_flows(subject.host, "br-tun", match) for match in (ARP, newest)]
        return found == wanted

    check.wait_for(is_right, 30, lambda: f"addresses answered for, and changed ones: {found}, "
                                         f"not {wanted}")
