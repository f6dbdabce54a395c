"""An agent of ours on a host of the bed: a daemon whose end is looked at."""

import time

import sanitized
from neutrinolab.kernel import wait_for

from .daemon import Daemon

IDLE = 0.3  # Of a second: what an agent may need that has nothing to do.


def wish_to_run(pid):
    """Nanoseconds in which a process ran, or would have if there had been a processor."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return sum(int(field) for field in file.read().split()[:2])


class OurAgent(Daemon):
    """SIGTERM ends it with status 0, nothing else but the test's kill ends it, and a sanitizer
    has nothing to say; what is otherwise fails the check under way."""

    def judge(self):
        if self.process is not None and not self.lives():
            sanitized.expect_clean(f"{self.name} on {self.host.name}", self.log,
                                   self.process.returncode)

    def start(self):
        self.judge()
        return super().start()

    def wait_idle(self, limit=90):
        """Until it sleeps for most of a second: a loop that never waits is found by that."""
        def is_idle():
            before, began = wish_to_run(self.pid), time.monotonic()
            time.sleep(1)
            return (wish_to_run(self.pid) - before) / 1e9 < IDLE * (time.monotonic() - began)

        wait_for(is_idle, limit, f"{self.name} on {self.host.name} is busy, with nothing to do")

    def kill(self):
        self.judge()
        super().kill()
        self.judge()

    def stop(self, limit=60):
        super().stop(limit)
        self.judge()
