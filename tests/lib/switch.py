"""An Open vSwitch of its own for one test: ovsdb-server and ovs-vswitchd (userspace datapath)
in a network namespace, with their files below $NT_TEST_TMP.

    switch = Switch("a").start()
    switch.vsctl("add-br", "br-int", "--", "set", "Bridge", "br-int", "datapath_type=netdev")
    peer = switch.peer()                  # tests/peer/ovsdb_peer.c on this database
    peer.want_port("tap0", tag=5); peer.settle()
"""

import json
import os
import queue
import subprocess
import threading

import check
import sanitized
from neutron_bed.ovs import rows_of
from neutrinolab import hosts, kernel
from neutrinolab.kernel import Failed, wait_for

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
LIMIT = 60
ENDED = object()


class Switch:
    def __init__(self, name, schema=SCHEMA, ovsdb_options=()):
        self.netns = f"nt-test-ovs-{name}"
        self.run_dir = os.path.join(os.environ["NT_TEST_TMP"], f"ovs-{name}")
        self.schema, self.ovsdb_options = schema, ovsdb_options
        self.db = os.path.join(self.run_dir, "conf.db")
        self.sock = os.path.join(self.run_dir, "db.sock")
        self.remote = f"unix:{self.sock}"
        self.ovsdb = self.vswitchd = None
        self.n_peers = 0
        self.peers = []
        self.env = hosts.environment({"OVS_RUNDIR": self.run_dir, "OVS_LOGDIR": self.run_dir,
                                      "OVS_DBDIR": self.run_dir, "OVS_SYSCONFDIR": self.run_dir})

    def argv(self, argv):
        return ["nsenter", f"--net={kernel.netns_path(self.netns)}", "--", *argv]

    def spawn(self, name, argv):
        with open(os.path.join(self.run_dir, f"{name}.out"), "ab") as out:
            return subprocess.Popen(self.argv(argv), stdin=subprocess.DEVNULL, stdout=out,
                                    stderr=out, env=self.env, start_new_session=True, cwd="/")

    def start(self, vswitchd=True):
        if not os.path.isdir(self.run_dir):
            os.makedirs(self.run_dir)
            kernel.run(["ip", "netns", "add", self.netns])
            kernel.run(self.argv(["ip", "link", "set", "lo", "up"]))
            check.cleanup(self.end)
        self.start_ovsdb()
        if vswitchd:
            self.start_vswitchd()
        return self

    def start_ovsdb(self):
        if not os.path.exists(self.db):
            kernel.run(["ovsdb-tool", "create", self.db, self.schema])
        self.ovsdb = self.spawn("ovsdb-server", [
            "/usr/sbin/ovsdb-server", self.db, f"--remote=punix:{self.sock}",
            "--remote=db:Open_vSwitch,Open_vSwitch,manager_options",
            f"--unixctl={self.run_dir}/ovsdb-server.ctl", "-vconsole:info", *self.ovsdb_options])
        wait_for(lambda: os.path.exists(self.sock) and self.tool(
            "ovs-vsctl", "--no-wait", "--timeout=5", "init", ok=False).returncode == 0,
            LIMIT, "ovsdb-server answers")

    def start_vswitchd(self):
        self.vswitchd = self.spawn("ovs-vswitchd", [
            "/usr/sbin/ovs-vswitchd", self.remote, "--disable-system",
            f"--unixctl={self.run_dir}/ovs-vswitchd.ctl", "-vconsole:info"])
        self.vsctl("set", "Open_vSwitch", ".", "external_ids:hostname=test")

    @staticmethod
    def stop(process):
        if process and process.poll() is None:
            process.kill()
            process.wait()

    def stop_ovsdb(self):
        """As by kill -9."""
        self.stop(self.ovsdb)
        if os.path.exists(self.sock):
            os.unlink(self.sock)

    def end(self):
        self.stop(self.vswitchd)
        self.stop(self.ovsdb)
        kernel.run(["ip", "netns", "del", self.netns], check=False)

    def tool(self, *argv, ok=True, limit=LIMIT):
        return kernel.run(self.argv(argv), env=self.env, timeout=limit + 10, check=ok)

    def vsctl(self, *arguments, wait=True):
        return self.tool("ovs-vsctl", f"--db={self.remote}", f"--timeout={LIMIT}",
                         *([] if wait else ["--no-wait"]), *arguments).stdout

    def rows(self, table):
        """All rows of a table, columns as Python values (sets: lists, maps: dicts)."""
        return rows_of(json.loads(self.vsctl("--format=json", "list", table, wait=False)))

    def row(self, table, name):
        found = [row for row in self.rows(table) if row["name"] == name]
        return found[0] if found else None

    def n_transactions(self, program):
        """Those of a program of ours, which says its name in each; the switch has its own."""
        log = self.tool("ovsdb-tool", "show-log", self.db).stdout
        return sum(line.startswith("record ") and f'"{program}"' in line
                   for line in log.splitlines())

    def judge_peers(self):
        for peer in self.peers:
            sanitized.expect_clean(peer.log, peer.log, peer.end())

    def peer(self, **options):
        self.n_peers += 1
        return Peer(self, f"peer-{self.n_peers}",
                    [options.get("remote", self.remote), *options.get("keys", ()),
                     *options.get("more", ())])


class Peer:
    """tests/peer/ovsdb_peer.c: wishes as JSON lines, one answer to each."""

    def __init__(self, switch, name, arguments):
        self.log = os.path.join(switch.run_dir, f"{name}.log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                switch.argv([sanitized.program("tests/peer/ovsdb_peer"), *arguments]),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                start_new_session=True)
        self.look_at_end(switch)
        self.answers = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.answers.put(json.loads(line))
        self.answers.put(ENDED)

    def send(self, do, **command):
        self.process.stdin.write(json.dumps({"do": do, **command}) + "\n")
        self.process.stdin.flush()

    def answer(self, limit=LIMIT):
        try:
            answer = self.answers.get(timeout=limit)
        except queue.Empty:
            raise Failed(f"no answer within {limit} s: {self.said()}") from None
        if answer is ENDED:
            raise Failed(f"ended with status {self.process.wait()}: {self.said()}")
        return answer

    def ask(self, do, **command):
        self.send(do, **command)
        return self.answer()

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return " | ".join(file.read().splitlines()[-15:])

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def look_at_end(self, switch):
        check.cleanup(self.kill)
        if not switch.peers:
            check.at_end(f"peers of {switch.netns} end in order", switch.judge_peers)
        switch.peers.append(self)

    def end(self):
        """Closes its input, which ends it; its exit status."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
        return self.process.wait(LIMIT)

    def settle(self):
        """Returns once all wishes are in the database."""
        return self.ask("settle")

    def changes(self):
        """{(kind, name): readded} since the last call."""
        return {(kind, name): readded for kind, name, readded in self.ask("changes")}

    def wait(self, do, condition, what, **command):
        """The answer to a question once it meets the condition."""
        last = []

        def met():
            last[:] = [self.ask(do, **command)]
            return condition(last[0])
        wait_for(met, LIMIT, lambda: f"{what}: {last}")
        return last[0]
