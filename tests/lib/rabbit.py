"""A real RabbitMQ broker for one test file, gone at its end.

    rabbit.private_network()                # Nobody else's ports; once, before anything starts.
    broker = rabbit.start(folder)           # or netns="NAME": in that network namespace
    broker.url                              # rabbit://neutrino:SECRET@127.0.0.1:5672/
    broker.pause(); broker.resume()         # SIGSTOP, SIGCONT
    broker.kill(); broker.start()           # kill -9 (loses what is not durable), and again
    broker.stop(); broker.start()           # in order
    broker.control("list_queues", "name")   # rabbitmqctl
    rabbit.Proxy(5673)                      # the same broker at another port

Folder: rabbitmq.conf, mnesia/, log/.  A broker takes about 5 s to come up on an idle machine.
"""

import os
import socket
import struct
import subprocess
import threading

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


class Proxy:
    """Another address of the broker.

    cut() resets a connection in the middle of a frame; stop() ends all and takes no more."""

    def __init__(self, port, target=5672):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", port))
        self.left = None  # Bytes from the client until the reset.
        self.n_resets = 0
        self.ends = []
        threading.Thread(target=self.accept, daemon=True).start()

    def cut(self, after):
        self.left = after

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for end in self.ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # It ended by itself.

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                broker_end = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            self.ends += [client, broker_end]
            for source, target, is_client in ((client, broker_end, True),
                                              (broker_end, client, False)):
                threading.Thread(target=self.pump, args=(source, target, is_client),
                                 daemon=True).start()

    def pump(self, source, target, is_client):
        try:
            while data := source.recv(4096):
                if is_client and self.left is not None:
                    self.left -= len(data)
                    if self.left < 0:
                        self.left = None
                        self.n_resets += 1
                        target.sendall(data[:len(data) // 2])
                        for end in (source, target):
                            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                           struct.pack("ii", 1, 0))
                        break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
