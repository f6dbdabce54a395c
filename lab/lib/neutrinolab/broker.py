"""A RabbitMQ broker of one's own: Debian's package, without systemd and without its user.

Everything it writes is below one folder.  Who wants one says how processes are started
(in a lab host, in a test's namespace) and gets an object that can stop, freeze and kill
the broker and start it again on what it had stored.
"""

import os
import secrets
import signal
import socket
import urllib.parse

from . import kernel
from .kernel import Failed

SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"
CONTROL = "/usr/lib/rabbitmq/bin/rabbitmqctl"
EPMD = "/usr/bin/epmd"
USER = "neutrino"
# The machine is shared: few threads, and none that spins while it waits.
ERLANG = "+S 2:2 +A 8 +sbwt none +sbwtdcpu none +sbwtdio none"
HEADER = b"AMQP\x00\x00\x09\x01"


class Broker:
    """'folder' and 'port' are as the broker sees them; 'outside' is the same folder for us.

    spawn(argv, output, env) starts a process and returns its Popen; connect() returns a
    socket that is connected to the broker."""

    def __init__(self, folder, port, spawn, connect, *, outside=None, address="127.0.0.1",
                 password=None, settings=(), tls=None):
        self.folder, self.port, self.address = folder, port, address
        self.outside = outside or folder
        self.spawn, self.connect = spawn, connect
        self.user, self.password = USER, password or secrets.token_hex(12)
        self.settings = list(settings)
        self.tls = tls
        self.epmd = self.process = None

    @property
    def url(self):
        """transport_url of both our programs and oslo.messaging."""
        password = urllib.parse.quote(self.password, safe="")
        return f"rabbit://{self.user}:{password}@{self.address}:{self.port}/"

    @property
    def pid(self):
        return self.process.pid

    def env(self):
        at = self.folder
        return {
            "HOME": at, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
            "RUNNING_UNDER_SYSTEMD": "true",  # No shell stays between us and the broker.
            "RABBITMQ_NODENAME": f"rabbit{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": f"{at}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{at}/advanced.config",
            "RABBITMQ_CONF_ENV_FILE": f"{at}/rabbitmq-env.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{at}/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": f"{at}/mnesia", "RABBITMQ_LOG_BASE": f"{at}/log",
            "RABBITMQ_PID_FILE": f"{at}/pid",
            "RABBITMQ_DIST_PORT": str(self.port + 20000),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
            "ERL_EPMD_PORT": str(self.port + 30000), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP_SECONDS": "0",
        }

    def config(self):
        lines = [f"default_user = {self.user}", f"default_pass = {self.password}",
                 "loopback_users = none", "log.file.level = info", "disk_free_limit.absolute = 1MB",
                 "vm_memory_high_watermark.absolute = 1GB"]
        if self.tls:
            authority, certificate, key = self.tls
            lines += ["listeners.tcp = none", f"listeners.ssl.1 = 0.0.0.0:{self.port}",
                      f"ssl_options.cacertfile = {authority}",
                      f"ssl_options.certfile = {certificate}", f"ssl_options.keyfile = {key}",
                      "ssl_options.verify = verify_none"]
        else:
            lines.append(f"listeners.tcp.1 = 0.0.0.0:{self.port}")
        return "\n".join(lines + self.settings) + "\n"

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.outside, name)
        with open(path, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)

    def start(self, limit=120):
        """Starts the broker and waits until it speaks AMQP."""
        for path in (SERVER, EPMD):
            if not os.path.exists(path):
                raise Failed(f"{path}: no such file; install rabbitmq-server")
        for name in ("mnesia", "log"):
            os.makedirs(os.path.join(self.outside, name), exist_ok=True)
        self.write("rabbitmq.conf", self.config(), 0o600)
        self.write("enabled_plugins", "[].\n")
        if self.epmd is None or self.epmd.poll() is not None:
            self.epmd = self.spawn([EPMD], f"{self.outside}/epmd.out", self.env())
        self.process = self.spawn([SERVER], f"{self.outside}/broker.out", self.env())
        try:
            kernel.wait_for(self.is_ready, limit, lambda: f"the broker is not ready: {self.said()}")
        except Failed:
            self.kill()
            raise
        return self

    def said(self):
        """The end of what it wrote, for an error message."""
        text = ""
        for name in ("broker.out", f"log/rabbit{self.port}@localhost.log"):
            try:
                with open(os.path.join(self.outside, name), encoding="utf-8",
                          errors="replace") as file:
                    text += file.read()
            except FileNotFoundError:
                pass
        return "; ".join(text.strip().splitlines()[-5:]) or "it said nothing"

    def lives(self):
        return self.process is not None and self.process.poll() is None

    def is_ready(self):
        if not self.lives():
            raise Failed(f"the broker ended at once: {self.said()}")
        try:
            with self.connect() as peer:
                if self.tls:
                    return True
                peer.settimeout(5)
                peer.sendall(HEADER)
                return peer.recv(1) == b"\x01"  # The first frame is a method.
        except OSError:
            return False

    def control(self, *arguments, limit=120):
        """rabbitmqctl; its standard output.  Takes a second or two."""
        process = self.spawn([CONTROL, "-q", *arguments], f"{self.outside}/control.out",
                             self.env())
        try:
            status = process.wait(limit)
        finally:
            process.poll() is None and process.kill()
        with open(f"{self.outside}/control.out", encoding="utf-8", errors="replace") as file:
            text = file.read()
        os.unlink(f"{self.outside}/control.out")
        if status != 0:
            raise Failed(f"rabbitmqctl {' '.join(arguments)}: exit {status}: {text.strip()}")
        return text

    def pause(self):
        """Freezes it: connections stay, nothing is read or answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.pid, signal.SIGCONT)

    def stop(self, limit=60):
        """Ends it in order: clients are told, durable things are stored."""
        if self.lives():
            self.process.terminate()
            kernel.wait_for(lambda: not self.lives(), limit, "the broker does not end")

    def kill(self):
        """Ends it at once, and what it started."""
        for process in (self.process, self.epmd):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


def dial(port):
    """connect() for a broker in the caller's own network namespace."""
    return socket.create_connection(("127.0.0.1", port), 5)
