"""Counts the flow modifications that a bridge carries out.

The switch itself tells: ovs-ofctl subscribes to all changes of flows, and a flow that is added
once more, though nothing about it changes, is one of them.  What is the test's own, the
mark that shows that everything before it was heard, is in a table nobody uses."""

import os
import re
import subprocess

from neutrinolab import hosts
from neutrinolab.kernel import wait_for

MARK_TABLE = 250


class FlowWatch:
    """From now on; lines() and count() know all that happened before they are called."""

    def __init__(self, host, bridge):
        self.host = host
        self.bridge = bridge
        self.n_marks = 0
        self.path = os.path.join(host.bed.logs, "..",
                                 f"{host.name}-{bridge}-{os.urandom(3).hex()}.watch")
        with open(self.path, "wb") as file:
            self.process = subprocess.Popen(
                host.machine.argv(["ovs-ofctl", "monitor", bridge, "watch:!initial"]),
                stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
                env=hosts.environment(), cwd="/")
        self.mark()

    def text(self):
        with open(self.path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def mark(self):
        """Waits until a change made now is heard of."""
        self.n_marks += 1
        cookie = f"0x{0x3a0000 + self.n_marks:x}"

        def heard():
            # Again each time: the first may have come before the subscription.
            self.host.ovs("ofctl", "add-flow", self.bridge,
                          f"table={MARK_TABLE},cookie={cookie},actions=drop")
            self.host.ovs("ofctl", "del-flows", self.bridge, f"table={MARK_TABLE}")
            return re.search(rf"event=ADDED .*cookie={cookie}\b", self.text())

        wait_for(heard, 60, lambda: f"no news of flows of {self.bridge}: {self.text()[-300:]}")

    def lines(self):
        self.mark()
        return [line.strip() for line in self.text().splitlines()
                if "event=" in line and f"table={MARK_TABLE} " not in line]

    def count(self):
        return len(self.lines())

    def stop(self):
        self.process.terminate()
        self.process.wait()
