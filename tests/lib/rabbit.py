"""A real RabbitMQ broker for one test file, gone at its end.

    rabbit.private_network()                # Nobody else's ports; once, before anything starts.
    broker = rabbit.start(folder)           # or netns="NAME": in that network namespace
    broker.url                              # rabbit://neutrino:SECRET@127.0.0.1:5672/
    broker.pause(); broker.resume()         # SIGSTOP, SIGCONT
    broker.kill(); broker.start()           # kill -9 (loses what is not durable), and again
    broker.stop(); broker.start()           # in order
    broker.control("list_queues", "name")   # rabbitmqctl

Folder: rabbitmq.conf, mnesia/, log/.  A broker takes about 5 s to come up on an idle machine.
"""

import os
import subprocess

import check
from neutrinolab import kernel
from neutrinolab.broker import Broker, dial


def private_network():
    """The test file gets a network namespace of its own, with loopback up."""
    kernel.unshare(kernel.CLONE_NEWNET)
    kernel.run(["ip", "link", "set", "lo", "up"])


def start(folder, netns=None, port=5672, *, address="127.0.0.1", settings=(), tls=None,
          password=None, limit=120):
    """A running broker, in the caller's network namespace or the one named 'netns'.

    address: what its url names.  settings: more lines of rabbitmq.conf.  tls: paths of
    (authority, certificate, key); then the port speaks TLS only."""
    os.makedirs(folder, exist_ok=True)
    prefix = ["nsenter", f"--net={kernel.netns_path(netns)}", "--"] if netns else []

    def spawn(argv, output, env):
        with open(output, "ab") as file:
            return subprocess.Popen([*prefix, *argv], stdin=subprocess.DEVNULL, stdout=file,
                                    stderr=file, env=env, cwd=folder, start_new_session=True)

    def connect():
        if netns:
            with kernel.inside_netns(netns):
                return dial(port)
        return dial(port)

    broker = Broker(folder, port, spawn, connect, address=address, settings=settings, tls=tls,
                    password=password)
    check.cleanup(broker.kill)
    return broker.start(limit)
