"""An agent's conversation with neutron-server, without a switch: tests/peer/agent_peer.c.

    peer = agentpeer.start(bed, bed.host(1))
    peer.want("port", port["id"]); peer.wait_event("port", id=port["id"], status="ACTIVE")
    peer.send("up", id=port["id"])
"""

import os
import subprocess
import json
import threading

import check
import sanitized
from neutrinolab.kernel import Failed
from neutron_bed import wires


class Peer:
    """The process; 'events' is what it has said since the last forget()."""

    def __init__(self, bed, host):
        self.name = host.name
        self.log = bed.log(f"{host.name}-peer")
        self.events = []
        self.changed = threading.Condition()
        program = sanitized.program("tests/peer/agent_peer")
        argv = host.machine.argv([program, f"--host={host.name}",
                                  f"--transport_url={bed.broker.url}"])
        with open(self.log, "ab") as file:
            self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=file, text=True, cwd="/",
                                            start_new_session=True)
        check.cleanup(self.kill)
        check.at_end(f"the agent of {self.name} ends in order", self.stop)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.events.append(json.loads(line))
                self.changed.notify_all()

    def send(self, op, **command):
        self.process.stdin.write(json.dumps({"op": op, **command}) + "\n")
        self.process.stdin.flush()

    def want(self, kind, thing):
        self.send("want", kind=kind, id=thing)

    def found(self, kind, fields):
        return [event for event in self.events if event["event"] == kind
                and all(event[key] == value for key, value in fields.items())]

    def wait_event(self, kind, /, limit=120, **fields):
        """The last event of that kind that has these fields."""
        def came():
            return self.found(kind, fields) or self.process.poll() is not None

        with self.changed:
            self.changed.wait_for(came, limit)
            found = self.found(kind, fields)
            if not found:
                raise Failed(f"{self.name}: no {kind} {fields}; it said {self.events[-12:]}, "
                             f"its log ends: {self.said()}")
            return found[-1]

    def forget(self):
        with self.changed:
            self.events = []

    def stats(self):
        with self.changed:
            self.events = [event for event in self.events if event["event"] != "stats"]
        self.send("stats")
        return self.wait_event("stats")

    def lines(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()

    def said(self):
        return " | ".join(self.lines()[-10:])

    def stop(self):
        if self.process.poll() is None:
            self.send("quit")
        sanitized.expect_clean(f"the agent of {self.name}", self.log, self.process.wait(60))

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def start(bed, host, interval_ms=30000):
    peer = Peer(bed, host)
    peer.send("start", local_ip=wires.local_ip(host.name), interval_ms=interval_ms)
    return peer
