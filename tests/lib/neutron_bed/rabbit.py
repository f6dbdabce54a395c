"""RabbitMQ in the bed's controller."""

import os
import subprocess

from neutrinolab import broker, kernel

from . import wires

FOLDER = "/run/rabbit"
PASSWORD = "neutron-bed"


class Rabbit(broker.Broker):
    """start(), stop(), kill(), pause(), resume(), control(): see neutrinolab/broker.py."""

    def __init__(self, host):
        os.makedirs(host.file(FOLDER), exist_ok=True)

        def spawn(argv, output, env):
            with open(output, "ab") as file:
                return subprocess.Popen(host.argv(argv), stdin=subprocess.DEVNULL, stdout=file,
                                        stderr=file, env=env, cwd="/", start_new_session=True)

        def connect():
            with kernel.inside_netns(host.netns):
                return broker.dial(5672)

        super().__init__(FOLDER, 5672, spawn, connect, outside=host.file(FOLDER),
                         password=PASSWORD, address=wires.mgmt_address(wires.CONTROLLER))
