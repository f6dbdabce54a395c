#!/usr/bin/python3
"""Our agents on three hosts: networks in vxlan, gre and geneve in each mode, with IPv4 and IPv6
end points; ports that move; networks that go.

NT_AGENT=python: stock agents."""
# long
# timeout: 1800

import os

from check import check, done, need
from neutron_bed import bed_for
from neutron_bed.scene import Scene
from tunnels import (KINDS, MODES, carries, change_family, done_in, gone, make, moves, options,
                     options_v6, reach, restart)

OURS = os.environ.get("NT_AGENT", "neutrino")
FIRST = next(iter(MODES))


def main():
    bed = bed_for(hosts=3, agents=OURS, agent_options=options(FIRST))
    scene = Scene(bed)
    need("ports are ACTIVE", make, scene)
    for points, given in (("IPv4", options), ("IPv6", options_v6)):
        if points == "IPv6":
            need("the server takes IPv6 end points", change_family, scene, 6)
        for mode in MODES:
            name = f"{points}, {mode}"
            check(f"{name}: the agents start anew", restart, scene, given(mode))
            for kind in KINDS:
                check(f"{name}, {kind}: everybody reaches everybody", reach, scene, kind)
                check(f"{name}, {kind}: a port that moves is found", moves, scene, kind)
            check(f"{name}: flows and rows are the same on every host", scene.agree,
                  done_in(mode))
        for kind in KINDS:
            check(f"{points}, {kind}: TCP", carries, scene, kind)
    check("networks that are gone leave nothing", lambda: [gone(scene, kind) for kind in KINDS])
    done()


if __name__ == "__main__":
    main()
