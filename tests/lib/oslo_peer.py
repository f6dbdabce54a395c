"""One end of the bus made of oslo.messaging: what tests/peer/bus_peer.c is, with its lines.

    oslo_peer.py NAME URL [OPTION=VALUE]...

Started by buspeer.py."""

import json
import logging
import os
import sys
import threading
import time

from oslo_config import cfg
import oslo_messaging

LOCK = threading.Lock()
# What neutron's own contexts hold, as far as a receiver may look at it.
CONTEXT = {"is_admin": True, "user_id": None, "project_id": "p-1", "roles": [],
           "request_id": "req-11111111-2222-3333-4444-555555555555"}


def tell(event, **values):
    with LOCK:
        print(json.dumps({"event": event, **values}), flush=True)


class NoSuchThing(Exception):
    """What the method 'fail' raises."""


class Endpoint:
    target = oslo_messaging.Target(version="1.5")

    def __init__(self, topic):
        self.topic = topic

    def echo(self, _context, **arguments):
        return arguments

    def fail(self, _context):
        raise NoSuchThing("no such thing: 42")

    def note(self, context, **arguments):
        tell("request", topic=self.topic, method="note", args=arguments,
             request_id=context.get("request_id"), context=context)

    def large(self, _context, n):
        return "x" * n

    def hold(self, _context, **_arguments):
        time.sleep(3600)


class Peer:
    def __init__(self, name, url, options):
        self.name = name
        conf = cfg.CONF  # The library registers some of its options there only.
        conf([])
        oslo_messaging.set_transport_defaults("neutron")
        self.transport = oslo_messaging.get_rpc_transport(conf, url=url)
        for option in options:
            key, value = option.split("=", 1)
            conf.set_override(key, json.loads(value), group="oslo_messaging_rabbit")
        self.servers = []

    def serve(self, topic):
        server = oslo_messaging.get_rpc_server(
            self.transport, oslo_messaging.Target(topic=topic, server=self.name),
            [Endpoint(topic)], executor="threading",
            access_policy=oslo_messaging.DefaultRPCAccessPolicy)
        server.start()
        self.servers.append(server)

    def client(self, command):
        target = oslo_messaging.Target(topic=command["topic"], server=command.get("host"),
                                       version=command.get("version", "1.0"),
                                       namespace=command.get("namespace"))
        if command["op"] == "fanout":
            target = target(fanout=True)
        return oslo_messaging.get_rpc_client(self.transport, target,
                                             timeout=command.get("timeout_ms", 60000) / 1000)

    def call(self, command):
        try:
            result = self.client(command).call(CONTEXT, command["method"], **command["args"])
        except oslo_messaging.MessagingTimeout as problem:
            tell("failure", id=command["id"], code="timeout", message=str(problem))
        except oslo_messaging.RemoteError as problem:
            tell("failure", id=command["id"], code=problem.exc_type, message=problem.value)
        except Exception as problem:  # pylint: disable=broad-except
            tell("failure", id=command["id"], code=type(problem).__name__, message=str(problem))
        else:
            if isinstance(result, str) and len(result) > 1000:
                tell("reply", id=command["id"], size=len(result))
            else:
                tell("reply", id=command["id"], result=result)

    def cast(self, command):
        count = command.get("n", 1)
        client = self.client(command)
        for i in range(count):
            arguments = {"i": i} if count > 1 else command["args"]
            client.cast(CONTEXT, command["method"], **arguments)

    def burst(self, command):
        n, window = command["n"], command["window"]
        latencies, failed = [], []
        client = self.client(command)

        def work(count):
            for _ in range(count):
                began = time.monotonic()
                try:
                    client.call(CONTEXT, command["method"], **command["args"])
                except Exception as problem:  # pylint: disable=broad-except
                    failed.append(problem)
                latencies.append((time.monotonic() - began) * 1000)

        began = time.monotonic()
        threads = [threading.Thread(target=work, args=(n // window,)) for _ in range(window)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - began
        latencies.sort()
        tell("burst", n=len(latencies), failed=len(failed), per_s=len(latencies) / took,
             median_ms=latencies[len(latencies) // 2], p99_ms=latencies[len(latencies) * 99 // 100])

    def run(self):
        tell("state", connected=True)
        for line in sys.stdin:
            command = json.loads(line)
            op = command["op"]
            if op == "serve":
                self.serve(command["topic"])
            elif op == "call":
                threading.Thread(target=self.call, args=(command,), daemon=True).start()
            elif op in ("cast", "fanout"):
                self.cast(command)
            elif op == "burst":
                self.burst(command)
            elif op == "stats":
                tell("stats")
        # Held methods sleep in threads that nobody could end.
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    Peer(sys.argv[1], sys.argv[2], sys.argv[3:]).run()
