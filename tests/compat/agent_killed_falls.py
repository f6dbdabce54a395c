#!/usr/bin/python3
"""Our agents on both hosts are killed, at random, again and again, while the server, the broker and
the daemons of the switch go and come: afterwards everything is as before, as in agent_restarts.

NT_SEED repeats a run."""
# long
# timeout: 1200

import random

import agent_restarts as restarts
from agent_killed import SEED, under_fire
from check import check, done, need
from neutron_bed import bed_for
from neutron_bed.scene import Scene

OF_AGENTS = (restarts.agent_stopped, restarts.agent_killed, restarts.agent_killed_at_random)


def main():
    bed = bed_for(hosts=2, agents="neutrino", agent_options=restarts.OPTIONS)
    scene, chance = Scene(bed), random.Random(SEED)
    print(f"# seed {SEED}", flush=True)
    need("ports are ACTIVE", restarts.make, scene)
    for name, fall, _ in restarts.FALLS:
        if fall not in OF_AGENTS:
            check(f"{name}, agents killed", restarts.after, scene,
                  lambda scene, fall=fall: under_fire(scene, fall, chance))
    done()


if __name__ == "__main__":
    main()
