#!/usr/bin/python3
"""Our agents on both hosts are killed, at random, again and again, while ports and networks
change in every way of agent_networks, and in one that the stock agent does not carry out (a
network's other segment): after each change flows, rows and packets are as if nothing had
happened, and as a fresh process wants them.

NT_SEED repeats a run."""
# timeout: 900

import os
import random
import threading
import time

from agent_networks import OPTIONS, STEPS, make, reach
from check import check, done, equal, need
from neutron_bed import bed_for
from neutron_bed.scene import Scene
from restarts import RATE, lengthen_queues

SEED = int(os.environ.get("NT_SEED") or random.randrange(1 << 32))
KILLS = 3          # An agent and step.
WITHIN = 1.0       # Seconds from one to the next at most; a start takes a tenth of that.


class Killer(threading.Thread):
    """Kills an agent and starts it again, at times that nobody chose."""

    def __init__(self, host, chance):
        super().__init__()
        self.agent = host.agent
        self.pauses = [chance.random() * WITHIN for _ in range(KILLS)]
        self.failure = None
        self.start()

    def run(self):
        try:
            for pause in self.pauses:
                time.sleep(pause)
                self.agent.kill()
                self.agent.start()
        except Exception as failure:  # For whoever joins.
            self.failure = failure

    def end(self):
        self.join()
        if self.failure:
            raise self.failure


def under_fire(scene, step, chance):
    """The step is right while its agents are killed, and its result stays afterwards."""
    killers = [Killer(host, random.Random(chance.random())) for host in scene.hosts]
    try:
        step(scene)
    finally:
        for killer in killers:
            killer.end()
    scene.wait_active(*(role for role in scene.roles() if may_be_active(scene, role)))
    scene.agree()


def renumber(scene, segment):
    """The vlan network gets another segment."""
    old = scene.networks["vlan"]
    new = scene.bed.api.update("network", old, provider_segmentation_id=segment)
    scene.networks["vlan"] = new
    scene.agree(lambda view: view.has("br-int", f"dl_vlan={segment}")
                and not view.has("br-int", f"dl_vlan={old['provider:segmentation_id']}"))
    reach(scene, "v")


def renumbered_unnoticed(scene):
    """Guests of one host go on as if nothing had happened."""
    one, two = scene.guest("v", "h1"), scene.guest("w", "h1")
    lengthen_queues(one, two)
    pinger = scene.bed.pinger(one, two, RATE)
    pinger.wait_answers(RATE)
    renumber(scene, 456)
    pinger.wait_answers(RATE)
    result = pinger.stop()
    equal(result.lost, [], f"lost pings ({result})")


def may_be_active(scene, role):
    port = scene.ports[role, "h1"]
    return ((role, "h1") in scene.guests and port["admin_state_up"]
            and bool(port["binding:host_id"]))


def main():
    bed = bed_for(hosts=2, agents="neutrino", agent_options=OPTIONS)
    scene, chance = Scene(bed), random.Random(SEED)
    print(f"# seed {SEED}", flush=True)
    need("ports of three kinds of network are ACTIVE", under_fire, scene, make, chance)
    check(f"another segment, {RATE} pings a second on one host: nobody notices",
          renumbered_unnoticed, scene)
    check("another segment, agents killed", under_fire, scene,
          lambda scene: renumber(scene, 789), chance)
    for name, step in STEPS:
        check(f"{name}, agents killed", under_fire, scene, step, chance)
    check("guests reach each other", reach, scene, "v")
    done()


if __name__ == "__main__":
    main()
