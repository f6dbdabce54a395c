#!/usr/bin/python3
"""Options that change how our agent works and not what comes of it: with each, ports are wired as
without, and what was wired goes on."""
# long
# timeout: 900

from agent_restarts import OPTIONS, make, works
from check import check, done, expect, need
from neutron_bed import bed_for
from neutron_bed.scene import Scene, exact, wait_exact

OPTION_SETS = {
    "ports are found by looking": {"agent": {"minimize_polling": "false"}},
    "the bridges' own sockets": {"ovs": {"of_connect": "mgmt"}},
    "out the direct way": {"agent": {"explicitly_egress_direct": "true"}},
    "multicast snooping": {"ovs": {"igmp_snooping_enable": "true"}},
}
STRANGER = "table=77,priority=7,actions=drop"


def merged(more):
    return {section: {**OPTIONS.get(section, {}), **more.get(section, {})}
            for section in {*OPTIONS, *more}}


def restart(scene, more):
    for host in scene.hosts:
        host.agent.stop()
        host.start_agent("neutrino", merged(more))


def with_options(scene, more):
    """They do their work; back without them everything is as it was."""
    before = [exact(host) for host in scene.hosts]
    restart(scene, more)
    works(scene)
    scene.agree()
    restart(scene, {})
    works(scene)
    for host, view in zip(scene.hosts, before):
        wait_exact(host, view)


def flows_are_dropped(scene):
    """What nobody wants goes at once, before the server has told of every port."""
    before = [exact(host) for host in scene.hosts]
    for host in scene.hosts:
        host.agent.stop()
        host.ovs("ofctl", "add-flow", "br-int", STRANGER)
    restart(scene, {"agent": {"drop_flows_on_start": "true"}})
    works(scene)
    for host, view in zip(scene.hosts, before):
        wait_exact(host, view)
        expect("table=77" not in host.ovs("ofctl", "dump-flows", "br-int"), "it is still there")


def main():
    bed = bed_for(hosts=2, agents="neutrino", agent_options=OPTIONS)
    scene = Scene(bed)
    need("ports are ACTIVE", make, scene)
    for name, more in OPTION_SETS.items():
        check(name, with_options, scene, more)
    check("flows are dropped at the start", flows_are_dropped, scene)
    done()


if __name__ == "__main__":
    main()
