"""kill -9 at random moments while a cloud changes: for tests/netns/crash_random*.py.

Everything follows from the seed: which action, which program, how long after the action
began.  ACTIONS is the list to extend when there is more that can be interrupted: each entry
begins something and returns at once or after one request; what it leaves must be gone, there,
or in error with a reason once the programs run again.
"""

import random
import time

from check import Failed, check, expect
from crash import Whole, attempt
from floating import allocate, associate, disassociate, floating, make_pool
from lab import lab_for
from neutrinolab import programs
from release import renew
from secgroups import Groups

STAYERS = [("stay1", "compute-1"), ("stay2", "compute-2")]
MOST_GUESTS = 6
POOL = "192.168.56.224/29"
LONGEST = 0.6  # Seconds from the beginning of an action to the kill: a boot takes half of it.


class Chaos:
    def __init__(self, lab, cloud, seed):
        self.lab = lab
        self.cloud = cloud
        self.random = random.Random(seed)
        self.count = 0
        self.groups = Groups(lab)
        self.rules = []  # Ids of rules that were added.
        make_pool(lab, POOL)
        self.floating = allocate(lab)

    def default_group(self):
        groups = self.lab.api.ask("GET", "/os-security-groups")["security_groups"]
        return next(group["id"] for group in groups if group["name"] == "default")

    def guests(self):
        return sorted(server["name"] for server in self.lab.api.servers()
                      if server["name"] not in self.cloud.stayers)

    # --- actions -----------------------------------------------------------------

    def boot(self):
        self.count += 1
        attempt(self.lab.api.boot, f"g{self.count}",
                self.random.choice(["compute-1", "compute-2"]))

    def delete(self):
        names = self.guests()
        if names:
            attempt(self.lab.api.delete, self.random.choice(names))

    def boot_and_delete(self):
        self.boot()
        name = f"g{self.count}"
        attempt(self.lab.api.wait_active, name, 2)
        attempt(self.lab.api.delete, name)

    def renew(self):
        """A lease event while something dies."""
        name = self.random.choice(self.cloud.stayers)
        attempt(renew, self.lab.guest_netns(name), self.lab.address(name),
                self.lab.guest_mac(name), limit=1)

    def change_group(self):
        """A rule more in the default group, or one less."""
        if self.rules and self.random.random() < 0.5:
            attempt(self.groups.unrule, self.rules.pop())
            return
        port = self.random.randrange(1000, 2000)
        answer = []
        attempt(lambda: answer.append(self.groups.post_rule(
            self.default_group(), ip_protocol="tcp", from_port=port, to_port=port,
            cidr="0.0.0.0/0")))
        if answer and answer[0].status == 200:
            self.rules.append(answer[0].json()["security_group_rule"]["id"])

    def move_floating(self):
        """The floating address goes to a guest that stays, or is taken off."""
        record = floating(self.lab, self.floating)
        if record["fixed_ip"]:
            owner = next(server["name"] for server in self.lab.api.servers()
                         if server["id"] == record["instance_id"])
            attempt(disassociate, self.lab, owner, self.floating)
        else:
            attempt(associate, self.lab, self.random.choice(self.cloud.stayers), self.floating)

    def nothing(self):
        """A program is killed and started while nobody wants anything."""

    ACTIONS = ((boot, 5), (delete, 4), (boot_and_delete, 3), (change_group, 3),
               (move_floating, 3), (renew, 1), (nothing, 1))

    def choose(self):
        actions, weights = zip(*self.ACTIONS)
        if len(self.guests()) >= MOST_GUESTS:
            return Chaos.delete
        return self.random.choices(actions, weights)[0]

    # --- one round ---------------------------------------------------------------

    def round(self):
        """An action, a kill, a start, and everything in order; what was done, as text."""
        action = self.choose()
        place = self.random.choice(programs.PLACES)
        delay = self.random.uniform(0, LONGEST)
        both = self.random.random() < 0.15
        action(self)
        time.sleep(delay)
        self.lab.stop_program(*place)
        if both:
            # A second one before the first is back.
            other = self.random.choice(programs.PLACES)
            if other != place:
                self.lab.stop_program(*other)
        self.cloud.start_all()
        self.cloud.settle()
        self.cloud.check()

    def clear(self):
        for name in self.guests():
            self.lab.delete_and_wait(name)


def named(chaos, number):
    """The round and the state of the generator it began with are enough to repeat it."""
    try:
        chaos.round()
    except Failed as problem:
        raise Failed(f"round {number}: {problem}") from problem


def run(tag, seed, rounds, chunk=10):
    """One check per 'chunk' rounds."""
    print(f"# seed {seed}, {rounds} rounds", flush=True)
    lab = lab_for(tag, guests=STAYERS)
    cloud = Whole(lab, [name for name, _ in STAYERS])
    chaos = Chaos(lab, cloud, seed)
    for first in range(0, rounds, chunk):
        def several(start=first):
            for number in range(start, min(start + chunk, rounds)):
                named(chaos, number)
        if not check(f"kills {first + 1} to {min(first + chunk, rounds)} of seed {seed}: "
                     "nothing lost, leaked, stuck or different", several):
            attempt(cloud.start_all)
            cloud.forgive()
    check("every guest can be deleted", chaos.clear)
    check("a boot works afterwards", cloud.boot_works, "after", "compute-1")
    check("everything is in order at the end", cloud.check)
    sent = sum(watch.count for watch in cloud.watches)
    check("guests were pinged all the time",
          lambda: expect(sent > rounds * 20, f"only {sent} answers"))


__all__ = ["Chaos", "run"]
