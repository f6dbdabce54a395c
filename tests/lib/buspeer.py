"""Ends of the bus as processes: ours (tests/peer/bus_peer.c) and oslo.messaging's.

    server = buspeer.ours(folder, "server", hub=True)            # embedded: the hub
    client = buspeer.ours(folder, "c1", bus_endpoint=...)        # embedded: a peer
    client = buspeer.ours(folder, "c1", transport_url=broker.url)
    other = buspeer.oslo(folder, "c2", broker.url)

    server.serve("test")
    client.call("test", "echo", {"a": 1})                        # the result, or Failure
    client.cast("test", "note", {"a": 1}); server.note()         # the next request noted
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time

import check
from neutrinolab import hosts
from neutrinolab.kernel import Failed

HERE = os.path.dirname(os.path.abspath(__file__))


class Failure(Exception):
    """A call that failed: code and message."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class Peer:
    """A process that reads commands and writes events, one JSON object a line each."""

    def __init__(self, name, argv, log):
        self.name, self.log_path = name, log
        self.events = queue.Queue()
        self.answers, self.notes = {}, queue.Queue()
        self.connected = False
        self.n_states = 0
        self.last_id = 0
        self.changed = threading.Condition()
        with open(log, "ab") as file:
            self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=file, text=True, start_new_session=True)
        check.cleanup(self.kill)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            with self.changed:
                if event["event"] == "state":
                    self.connected = event["connected"]
                    self.n_states += 1
                elif event["event"] in ("reply", "failure"):
                    self.answers[event["id"]] = event
                elif event["event"] == "request":
                    self.notes.put(event)
                else:
                    self.events.put(event)
                self.changed.notify_all()

    def wait(self, condition, limit, what):
        with self.changed:
            if not self.changed.wait_for(lambda: condition() or self.process.poll() is not None,
                                         limit) or not condition():
                raise Failed(f"{self.name}: waited in vain for {what}; its log ends: {self.said()}")

    def send(self, op, **command):
        self.process.stdin.write(json.dumps({"op": op, **command}) + "\n")
        self.process.stdin.flush()

    def wait_connected(self, connected=True, limit=60):
        self.wait(lambda: self.connected == connected, limit, f"connected={connected}")

    def serve(self, topic):
        self.send("serve", topic=topic)

    def start_call(self, topic, method, args=None, **more):
        self.last_id += 1
        self.send("call", id=self.last_id, topic=topic, method=method, args=args or {}, **more)
        return self.last_id

    def end_call(self, number, limit=90):
        self.wait(lambda: number in self.answers, limit, f"the answer to call {number}")
        answer = self.answers.pop(number)
        if answer["event"] == "failure":
            raise Failure(answer["code"], answer["message"])
        return answer.get("size", answer.get("result"))

    def call(self, topic, method, args=None, **more):
        return self.end_call(self.start_call(topic, method, args, **more))

    def fails(self, topic, method, args=None, **more):
        """The Failure that a call ends with."""
        try:
            result = self.call(topic, method, args, **more)
        except Failure as failure:
            return failure
        raise Failed(f"{method} did not fail but returned {result!r}")

    def cast(self, topic, method, args=None, **more):
        self.send("cast", topic=topic, method=method, args=args or {}, **more)

    def fanout(self, topic, method, args=None, **more):
        self.send("fanout", topic=topic, method=method, args=args or {}, **more)

    def note(self, limit=60):
        try:
            return self.notes.get(timeout=limit)
        except queue.Empty:
            raise Failed(f"{self.name}: no request came; its log ends: {self.said()}") from None

    def event(self, limit=120):
        try:
            return self.events.get(timeout=limit)
        except queue.Empty:
            raise Failed(f"{self.name}: nothing said; its log ends: {self.said()}") from None

    def stats(self, limit=60):
        self.send("stats")
        return self.event(limit)

    def burst(self, topic, n, window=1, method="echo", args=None, limit=300, **more):
        self.send("burst", topic=topic, n=n, window=window, method=method, args=args or {}, **more)
        return self.event(limit)

    def rss_mb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            for line in file:
                if line.startswith("VmRSS"):
                    return int(line.split()[1]) / 1024
        return 0

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def said(self):
        return "; ".join(self.log().strip().splitlines()[-4:])

    def stop(self, limit=20):
        """In order: what was sent arrives."""
        self.process.stdin.close()
        try:
            self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"{self.name} does not end") from None

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def ours(folder, name, hub=False, wait=True, **options):
    """Our end, named 'name'; 'options' are of neutrino.conf."""
    path = os.path.join(folder, f"{name}.conf")
    with open(path, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write("[DEFAULT]\n" + "".join(f"{k} = {v}\n" for k, v in options.items()))
    argv = [os.path.join(hosts.build_dir(), "tests/peer/bus_peer"), *(["--hub"] if hub else []),
            "--config-file", path, f"--host={name}"]
    peer = Peer(name, argv, os.path.join(folder, f"{name}-{time.monotonic_ns()}.log"))
    if wait:
        peer.wait_connected()
    return peer


def oslo(folder, name, url, *options):
    """The same end made of oslo.messaging; 'options': lines of [oslo_messaging_rabbit]."""
    argv = ["/usr/bin/python3", "-B", os.path.join(HERE, "oslo_peer.py"), name, url, *options]
    peer = Peer(name, argv, os.path.join(folder, f"{name}-{time.monotonic_ns()}.log"))
    peer.wait_connected()
    return peer


if __name__ == "__main__":
    sys.exit("imported by tests")
