#!/usr/bin/python3
"""Our agent on h1, the stock one on h2: networks in tunnels, in each mode, with the same flows
and OVSDB rows on both; flat and vlan networks are in agent_networks.

NT_AGENT=python puts the stock agent on both hosts: what fails then is this test's mistake."""
# timeout: 900

import os

from check import check, done, need
from neutron_bed import bed_for
from neutron_bed.scene import Scene
from overlay import followed
from tunnels import (MODES, carries, done_in, gone, make, moves, options, options_v6, reach,
                     restart)

AGENTS = {"h1": os.environ.get("NT_AGENT", "neutrino"), "h2": "python"}
KINDS = ("vxlan", "gre")
FIRST, *OTHERS = MODES


def swap(scene):
    """Each agent takes the other's place."""
    h1, h2 = scene.hosts
    restart(scene, options(FIRST, KINDS), {h1.name: AGENTS[h2.name], h2.name: AGENTS[h1.name]})
    scene.agree(done_in(FIRST, KINDS))


def main():
    bed = bed_for(hosts=2, agents=AGENTS, agent_options=options(FIRST, KINDS))
    scene = Scene(bed)
    need("ports are ACTIVE", make, scene, KINDS)
    for mode in MODES:
        if mode != FIRST:
            check(f"{mode}: the agents start anew", restart, scene, options(mode, KINDS))
        for kind in KINDS:
            check(f"{mode}, {kind}: both ways", reach, scene, kind)
        check(f"{mode}: flows and rows are the same", scene.agree, done_in(mode, KINDS))
    check(f"{FIRST}: once more", restart, scene, options(FIRST, KINDS))
    check(f"{FIRST}: flows and rows are as they were", scene.agree, done_in(FIRST, KINDS))
    check("TCP in a tunnel", carries, scene, "vxlan")
    check("a port that moves is found", moves, scene, "vxlan")
    check("a port that moves is followed with the server's word, both ways", followed, scene,
          "vxlan", bed.hosts + bed.hosts[:1], True)
    check("the agents change places", swap, scene)
    for kind in KINDS:
        check(f"{kind}: both ways again", reach, scene, kind)
    check("a network that is gone leaves nothing", gone, scene, "gre")
    check("IPv6 end points: the agents start anew", restart, scene,
          options_v6(FIRST, KINDS))
    check("IPv6 end points: both ways", reach, scene, "vxlan")
    done()


if __name__ == "__main__":
    main()
