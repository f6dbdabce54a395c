#!/usr/bin/python3 -B
# timeout: 600
"""neutrino-agent as a program: what it says before it starts, to systemd, to ovs-appctl and to
Prometheus; what SIGHUP changes, and that its end changes nothing in the switch."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

import rabbit  # noqa: E402
import sanitized  # noqa: E402
from check import at_end, check, cleanup, done, equal, expect, need, wait_for  # noqa: E402
from neutrinolab import kernel  # noqa: E402
from switch import Switch  # noqa: E402

TOP = os.environ["NT_TEST_TMP"]
PROGRAM = sanitized.program("src/neutrino-agent")
LOG = os.path.join(TOP, "agent.log")
OUT = os.path.join(TOP, "agent.out")
LIMIT = 60
SERVER = r"""
import sys
import oslo_messaging as om  # The same library as neutron-server's.
from oslo_config import cfg

class Reports:
    target = om.Target(version="1.5")
    def report_state(self, context, agent_state, time=None):
        print("report", agent_state["agent_state"]["agent_type"], flush=True)
        return "new"
    def has_alive_neutron_server(self, context, **kwargs):
        return True
    def __getattr__(self, name):
        raise AttributeError(name)

class State(Reports):
    target = om.Target(version="1.5", namespace="rpc-state")

om.set_transport_defaults("neutron")
transport = om.get_rpc_transport(cfg.ConfigOpts(), url=sys.argv[1])
servers = []
for topic in ("q-reports-plugin", "q-plugin", "q-server-resource-versions"):
    server = om.get_rpc_server(transport, om.Target(topic=topic, server="server"),
                               [Reports(), State()], executor="threading")
    server.start()
    servers.append(server)
print("serving", flush=True)
for server in servers:
    server.wait()
"""


class Notified:
    """systemd's end of NOTIFY_SOCKET."""

    def __init__(self):
        self.path = os.path.join(TOP, "notify")
        self.lines = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            self.lines += self.socket.recv(4096).decode().splitlines()

    def wait(self, line, times=1):
        wait_for(lambda: self.lines.count(line) >= times, LIMIT,
                 lambda: f"systemd is told {line!r}: {self.lines[-5:]}, log {log_tail()}")


def log_tail():
    with open(LOG, encoding="utf-8", errors="replace") as file:
        return " | ".join(file.read().splitlines()[-15:])


def write_config(path, report_interval=30, more=""):
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"[DEFAULT]\nhost = h1\ntransport_url = {broker.url}\n"
                   f"ovs_run_dir = {switch.run_dir}\nlog_file = {LOG}\n"
                   f"[ovs]\nlocal_ip = 127.0.0.1\ndatapath_type = netdev\n"
                   f"ovsdb_connection = {switch.remote}\n"
                   f"[agent]\ntunnel_types = vxlan\nl2_population = true\n"
                   f"report_interval = {report_interval}\n{more}")


class Agent:
    def __init__(self, config, *arguments):
        env = {**switch.env, **sanitized.env(), "NOTIFY_SOCKET": notified.path, "WATCHDOG_USEC": "2000000"}
        with open(OUT, "ab") as out:
            self.process = subprocess.Popen(
                switch.argv([PROGRAM, "--config-file", config, *arguments]),
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd="/")
        cleanup(self.kill)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def run(*arguments):
    """Status and output of a program that ends by itself."""
    ended = subprocess.run(switch.argv([PROGRAM, *arguments]),
                           env={**switch.env, **sanitized.env()}, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT)
    return ended.returncode, ended.stdout


def ask(*command):
    return switch.tool("ovs-appctl", "-t", "neutrino-agent", *command).stdout


def flows(bridge):
    text = switch.tool("ovs-ofctl", "-O", "OpenFlow13", "--no-stats", "dump-flows", bridge,
                       ok=False).stdout
    return sorted(line.strip() for line in text.splitlines() if "actions=" in line)


def refusals():
    for arguments, sentence in [
            (["--tunnel_types=vxlan", "--local_ip=192.0.2.1"],
             "local_ip is '192.0.2.1': no interface of this host has that address"),
            (["--tunnel_types=stt"], "'stt' is none of gre, vxlan and geneve"),
            (["--firewall_driver=openvswitch"], "set firewall_driver = noop"),
            (["--bridge_mappings=physnet1"], "not of the form PHYSICAL_NETWORK:BRIDGE"),
            (["--log-file=/nonexistent/x.log", "--tunnel_types=stt"], "none of gre, vxlan"),
            (["--no-such-thing=1"], "no option is called no_such_thing")]:
        status, output = run("--config-file", "/dev/null", *arguments)
        equal(status, 1, f"status of {arguments}")
        expect(sentence in output, output)
        status, output = run("--check", "--config-file", "/dev/null", *arguments)
        equal(status, 1, f"status of --check {arguments}")
        expect("error: " in output and sentence in output, output)


def waits_for_the_server():
    notified.wait("STATUS=waiting for neutron-server")
    wait_for(lambda: flows("br-int") and flows("br-tun"), LIMIT,
             lambda: f"bridges have flows: {log_tail()}")
    expect("READY=1" not in notified.lines, notified.lines)


def answers_operators():
    for command in ("port/list", "vlan/list", "tunnel/list", "flow/list", "plan", "facts", "metrics",
                    "sync", "exit", "vlog/set"):
        expect(f"  {command}" in ask("list-commands"), f"no {command}")
    expect("neutrino-agent" in ask("version"), ask("version"))
    equal(ask("vlan/list").strip(), "", "local VLANs")
    with open(os.path.join(switch.run_dir, "neutrino-agent.pid"), encoding="utf-8") as file:
        equal(int(file.read()), agent.process.pid, "pid file")


def a_second_one_is_refused():
    status, output = run("--config-file", CONFIG, "--log-file", "second.log", "--log-dir", TOP)
    with open(os.path.join(TOP, "second.log"), encoding="utf-8") as file:
        said = file.read()
    equal(status, 1, f"status ({output})")
    expect(f"is process {agent.process.pid}'s" in said, said)


def becomes_ready():
    server = subprocess.Popen(switch.argv([sys.executable, "-c", SERVER, broker.url]),
                              stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    cleanup(server.kill)
    said = []

    def read():
        for line in server.stdout:
            said.append(line)

    threading.Thread(target=read, daemon=True).start()
    # In either order: the first topic is served before the last one.
    wait_for(lambda: {"serving\n", "report Open vSwitch agent\n"} <= set(said), LIMIT,
             lambda: f"a report: {said}, log {log_tail()}")
    notified.wait("READY=1")
    expect(any(line.startswith("STATUS=0 ports in their networks, ") for line in notified.lines)
           or not wait_for(lambda: any("0 ports in their networks" in line
                                       for line in notified.lines), LIMIT, "status"), "status")


def counts():
    text = ask("metrics")
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    equal(values["neutrino_agent_ready"], "1", "ready")
    expect(int(values["neutrino_agent_state_reports_total"]) >= 1, text)
    expect(0 <= float(values["neutrino_agent_state_report_age_seconds"]) < LIMIT, text)
    expect(int(values['neutrino_agent_flows{state="wanted"}']) >= 10, text)
    equal(values['neutrino_agent_flow_changes_total{what="refused"}'], "0", "refused flows")
    page = switch.tool("curl", "-s", "http://127.0.0.1:9777/metrics").stdout
    names = {re.sub("_(sum|count|bucket)$", "", re.split("[{ ]", line)[0])
             for line in text.splitlines() if line[0] != "#"}
    missing = [name for name in names if f"# TYPE {name} " not in page]
    equal(missing, [], "metrics that /metrics lacks")
    expect('program="neutrino-agent"' in page, page[:300])


def plans_anew_what_it_has():
    facts = os.path.join(TOP, "facts.json")
    with open(facts, "w", encoding="utf-8") as file:
        file.write(ask("facts"))
    status, output = run("--config-file", CONFIG, "--log-file", "plan.log", "--log-dir", TOP,
                         "--plan", facts)
    with open(os.path.join(TOP, "plan.log"), encoding="utf-8") as file:
        equal(status, 0, f"status ({output} {file.read()[-500:]})")
    for bridge in ("br-int", "br-tun"):
        planned = [line for line in output.splitlines() if line.startswith(f"{bridge} ")]
        equal(len(planned), len(flows(bridge)), f"flows of {bridge}: {output}")


def reads_again():
    n_reloads = sum(line == "RELOADING=1" for line in notified.lines)
    os.rename(LOG, LOG + ".1")
    write_config(CONFIG, report_interval=1, more="[ovs]\nof_listen_port = 6644\n")
    os.kill(agent.process.pid, signal.SIGHUP)
    notified.wait("RELOADING=1", n_reloads + 1)
    notified.wait("READY=1", 2)
    wait_for(lambda: os.path.exists(LOG) and "configuration was read again" in open(LOG).read(),
             LIMIT, "a new log")
    with open(LOG, encoding="utf-8") as file:
        said = file.read()
    expect("waits for a restart option=of_listen_port now=6633 then=6644" in said, said)
    expect("changed=yes" in said, said)


def a_wrong_file_changes_nothing():
    with open(CONFIG, "a", encoding="utf-8") as file:
        file.write("[ovs]\ndatapath_type = dpdk\n")
    os.kill(agent.process.pid, signal.SIGHUP)
    wait_for(lambda: "configuration is left as it was" in open(LOG).read(), LIMIT, log_tail)
    equal(agent.process.poll(), None, "status")
    write_config(CONFIG)


def says_that_its_loop_turns():
    before = notified.lines.count("WATCHDOG=1")
    notified.wait("WATCHDOG=1", before + 2)


def ends(how):
    before = {bridge: flows(bridge) for bridge in ("br-int", "br-tun")}
    how()
    status = agent.process.wait(LIMIT)
    sanitized.expect_clean("the agent", OUT)
    equal(status, 0, f"status ({log_tail()})")
    expect("STOPPING=1" in notified.lines, notified.lines[-5:])
    equal({bridge: flows(bridge) for bridge in before}, before, "flows")
    expect(not os.path.exists(os.path.join(switch.run_dir, "neutrino-agent.pid")), "pid file")


def leaves_edits():
    before = flows("br-int")
    switch.tool("ovs-ofctl", "-O", "OpenFlow13", "--strict", "del-flows", "br-int",
                "table=23,priority=0")
    switch.tool("ovs-ofctl", "-O", "OpenFlow13", "add-flow", "br-int", "table=23,actions=drop")
    wait_for(lambda: 'neutrino_agent_flows{state="differing"} 2' in ask("metrics"), LIMIT,
             lambda: f"two flows differ: {ask('metrics')}")
    expect(len(flows("br-int")) == len(before), flows("br-int"))
    expect(flows("br-int") != before, "flows are as they were")
    expect("are not as wanted and left so" in log_tail(), log_tail())
    equal(sorted(line.split(": ")[0] for line in ask("plan").splitlines()),
          ["br-int left as others changed it (bridge br-int)",
           "br-int left as others changed it (nobody's)"], "plan")
    equal(ask("plan", "br-tun"), "nothing to do\n", "plan of br-tun")


def logged(words):
    with open(LOG, encoding="utf-8", errors="replace") as file:
        return [line for line in file if words in line]


@contextlib.contextmanager
def started():
    """An agent that is there for this check alone."""
    other = Agent(CONFIG)
    try:
        yield other
    finally:
        other.kill()


def ends_the_start(options, *words):
    """It ends by itself, with status 1 and one line that holds all the words."""
    before = len(logged("agent terminated!"))
    write_config(CONFIG, more=f"[ovs]\n{options}\n")
    with started() as other:
        equal(other.process.wait(LIMIT), 1, f"status ({log_tail()})")
    sanitized.expect_clean("the agent", OUT)
    said = logged("agent terminated!")[before:]
    equal(len(said), 1, f"lines that say why ({log_tail()})")
    missing = [word for word in words if word not in said[0]]
    equal(missing, [], f"words that {said[0]!r} lacks")


@contextlib.contextmanager
def stopped(daemon):
    """It is there and does not answer."""
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(daemon.pid, signal.SIGCONT)


def a_silent_database_ends_it():
    with stopped(switch.ovsdb):
        ends_the_start("ovsdb_timeout = 1", "OVSDB", switch.remote, "for 3 s", "ovsdb_timeout")


def a_late_database_is_waited_for():
    """Late by less than the three times."""
    n_before = len(logged("started host="))
    write_config(CONFIG)
    switch.tool("ovs-ofctl", "-O", "OpenFlow13", "del-flows", "br-int")
    with stopped(switch.ovsdb), started():
        wait_for(lambda: len(logged("started host=")) > n_before, LIMIT, log_tail)
        os.kill(switch.ovsdb.pid, signal.SIGCONT)
        wait_for(lambda: flows("br-int"), LIMIT, log_tail)


def a_switch_that_does_not_connect_ends_it():
    with stopped(switch.vswitchd):
        for options, words in (("", ["127.0.0.1:6633", "of_listen_port"]),
                               ("of_connect = mgmt", ["br-int.mgmt", "ovs_run_dir"])):
            ends_the_start(f"of_connect_timeout = 1\n{options}", "within 1 s",
                           "of_connect_timeout", *words)


def wait_patch(is_it, what):
    wait_for(lambda: is_it(switch.row("Interface", "patch-tun")), LIMIT,
             lambda: f"patch-tun {what}: {switch.row('Interface', 'patch-tun')}, {log_tail()}")


def a_patch_port_that_cannot_be_made_ends_it():
    """Its peer is itself, as an operator might write it."""
    switch.vsctl("set", "Interface", "patch-tun", "options:peer=patch-tun", wait=False)
    wait_patch(lambda row: row["ofport"] == -1, "has no number")
    ends_the_start("", "patch-tun", "br-int", "peer must not be self")


def another_port_of_a_patchs_name_becomes_one():
    """It has no device, so it would never get a number."""
    switch.vsctl("del-port", "patch-tun", "--", "add-port", "br-int", "patch-tun", wait=False)
    wait_patch(lambda row: row["ofport"] == -1, "has no number")
    write_config(CONFIG)
    with started():
        wait_patch(lambda row: row["type"] == "patch" and row["options"] == {"peer": "patch-int"}
                   and row["ofport"] > 0, "is joined")


rabbit.private_network()
switch = Switch("agent").start()
broker = rabbit.start(os.path.join(TOP, "rabbit"), netns=switch.netns)
notified = Notified()
CONFIG = os.path.join(TOP, "agent.conf")
write_config(CONFIG)
at_end("no sanitizer says a word", sanitized.expect_clean, "the agent", OUT)
check("what cannot work is refused with a sentence", refusals)
agent = Agent(CONFIG)
need("without a server it sets up its bridges and waits", waits_for_the_server)
check("ovs-appctl finds it and its commands", answers_operators)
check("a second one is refused", a_second_one_is_refused)
need("it is ready when the server has taken a report", becomes_ready)
check("its numbers are told twice alike", counts)
check("a fresh one would plan the same", plans_anew_what_it_has)
check("the watchdog hears of it", says_that_its_loop_turns)
check("SIGHUP opens the log and the configuration anew", reads_again)
check("a wrong file is refused and nothing changes", a_wrong_file_changes_nothing)
check("SIGTERM ends it and leaves the flows", ends,
      lambda: agent.process.send_signal(signal.SIGTERM))
agent = Agent(CONFIG, "--no-repair")
need("the next one is ready, too", lambda: notified.wait("READY=1", 4))
check("it leaves what others change when that is wished", leaves_edits)
check("the command exit ends it, too", ends, lambda: ask("exit"))
check("a mapped bridge that is missing ends the start", ends_the_start,
      "bridge_mappings = physnet1:br-none", "br-none", "physnet1")
check("a database that does not answer ends the start", a_silent_database_ends_it)
check("a database that answers late does not", a_late_database_is_waited_for)
check("a switch that does not connect ends the start", a_switch_that_does_not_connect_ends_it)
check("a patch port that the switch cannot make ends the start",
      a_patch_port_that_cannot_be_made_ends_it)
check("a port that has a patch port's name becomes one", another_port_of_a_patchs_name_becomes_one)
done()
