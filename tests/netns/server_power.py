#!/usr/bin/python3 -B
# timeout: 900
"""Servers are stopped, started and rebooted: they keep devices, chain, address and console,
stay as they were left when neutrino-compute starts anew, get there when their host was away,
and when it dies half-way.  A server of a host that does not return can be deleted."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need, wait_for  # noqa: E402
from lab import kernel, lab_for  # noqa: E402
from servers import DOWN, HARD, SOFT, START, STOP, UP, Server  # noqa: E402
from store import in_use  # noqa: E402

HOST = "compute-1"
WORDS = {"stop": STOP, "start": START, "reboot": SOFT, "reboot --hard": HARD}


class NetnsServer(Server):
    def clients(self):
        """Its DHCP clients: one in a guest that runs."""
        path = kernel.netns_path(self.lab.guest_netns(self.name))
        return [pid for pid, _ in kernel.processes_in({kernel.namespace_id(path)})
                if b"\0udhcpc\0" in kernel.command_line(pid)]

    def belongings(self):
        """What must not change."""
        links = [line.split(" mtu ")[0] for line in
                 self.lab.in_host(HOST, ["ip", "-o", "link"]).stdout.splitlines()
                 if ": vnet" in line]
        name = kernel.netns_path(self.lab.guest_netns(self.name))
        return {"devices": links, "namespace": kernel.namespace_id(name),
                "address": self.lab.address(self.name), "hosts file": self.lab.hosts_file(),
                "rules": self.lab.all_rules(HOST)}


def same(server, before):
    after = server.belongings()
    for what, wanted in before.items():
        equal(after[what], wanted, what)


def leases(server):
    """It has its address by DHCP, and one client that asks for it."""
    netns = server.lab.guest_netns(server.name)
    wanted = server.lab.address(server.name)
    wait_for(lambda: f"inet {wanted}/" in kernel.run(
        ["ip", "netns", "exec", netns, "ip", "addr", "show", "eth0"]).stdout, 20,
        "the guest has not got its address")
    equal(len(server.clients()), 1, "DHCP clients")


def stopped(server, before):
    server.act(STOP)
    server.wait("SHUTOFF")
    equal(server.states(), ("SHUTOFF", "stopped", None, 4), "states")
    equal(server.clients(), [], "processes of the guest")
    expect(DOWN in server.console(), "the guest was not asked to end")
    same(server, before)


def stays_stopped(server, before):
    server.lab.restart_program(HOST, "compute")
    server.lab.up_computes_known()
    wait_for(lambda: server.states() == ("SHUTOFF", "stopped", None, 4), 10,
             lambda: f"{server.states()}")
    equal(server.clients(), [], "processes of the guest")
    same(server, before)


def started(server, before):
    server.act(START)
    server.wait("ACTIVE")
    equal(server.states(), ("ACTIVE", "active", None, 1), "states")
    server.wait_up(2)
    leases(server)
    same(server, before)


def rebooted(server, before, hard):
    ups, downs = (server.console().count(text) for text in (UP, DOWN))
    server.act(HARD if hard else SOFT)
    server.wait("ACTIVE")
    server.wait_up(ups + 1)
    equal(server.console().count(DOWN), downs + (0 if hard else 1), "farewells")
    leases(server)
    same(server, before)


def refused(server):
    """In the shape clients parse, with the state in the text."""
    for body, word in ((START, "start"), ({"reboot": {"type": "NO"}}, None), ({"reboot": 1}, None)):
        answer = server.send(body)
        fault = answer.json()["conflictingRequest" if word else "badRequest"]
        equal(answer.status, fault["code"], "code")
        if word:
            equal((answer.status, fault["message"]),
                  (409, f"Cannot '{word}' instance {server.id} while it is in vm_state active"),
                  "fault")
        else:
            equal(answer.status, 400, "status")


def away(server):
    """Each wish while the host is away is carried out when it returns."""
    lab = server.lab
    for body, task, status in ((STOP, "powering-off", "SHUTOFF"), (START, "powering-on", "ACTIVE"),
                               (SOFT, "rebooting", "ACTIVE"),
                               (HARD, "rebooting_hard", "ACTIVE")):
        ups = server.console().count(UP)
        lab.stop_program(HOST, "compute")
        server.act(body)
        equal(server.view()["OS-EXT-STS:task_state"], task, "task")
        answer = server.send(body)
        if body is HARD:
            equal(answer.status, 202, "a hard reboot during one")
        else:
            equal(answer.status, 409, "while a task is under way")
            expect(f"in task_state {task}" in answer.text(), answer.text())
        lab.up_program(HOST, "compute")
        server.wait(status)
        equal(len(server.clients()) <= 1, True, "at most one DHCP client")
        if status == "ACTIVE":
            server.wait_up(ups + 1)
            leases(server)


def cut_off(server):
    """The host hears nothing of a wish, and finds it when it is connected again."""
    rule = ["OUTPUT", "-p", "tcp", "--dport", "8770", "-j", "REJECT",
            "--reject-with", "tcp-reset"]
    for body, status in ((STOP, "SHUTOFF"), (START, "ACTIVE")):
        server.lab.in_host(HOST, ["iptables-nft", "-I", *rule])
        try:
            server.act(body)
            equal(server.is_(status), False, f"{status} although cut off")
        finally:
            server.lab.in_host(HOST, ["iptables-nft", "-D", *rule])
        server.wait(status)
    leases(server)


def dies(server, word, point):
    """neutrino-compute dies there in the middle, and goes on when it is started again."""
    lab, status = server.lab, "SHUTOFF" if word == "stop" else "ACTIVE"
    if word == "start":
        server.act(STOP)
        server.wait("SHUTOFF")
    ups = server.console().count(UP)
    lab.stop_program(HOST, "compute")
    victim = lab.up_program(HOST, "compute", env={"NEUTRINO_FAILPOINT": point})
    lab.up_computes_known()
    server.act(WORDS[word])
    wait_for(lambda: not victim.lives(), 20, f"neutrino-compute never passed {point}")
    victim.process.wait()
    lab.up_program(HOST, "compute")
    server.wait(status)
    if status == "ACTIVE":
        server.wait_up(ups + 1)
        leases(server)
    else:
        equal(server.clients(), [], "processes of the guest")
        server.act(START)
        server.wait("ACTIVE")
        server.wait_up(ups + 1)


def host_restarted(server):
    """A stopped guest whose host lost its devices and namespaces gets them anew."""
    lab = server.lab
    server.act(STOP)
    server.wait("SHUTOFF")
    lab.stop_program(HOST, "compute")
    netns = lab.guest_netns(server.name)
    lab.in_host(HOST, ["ip", "link", "del", "vnet0"])
    kernel.run(["ip", "netns", "del", netns])
    lab.up_program(HOST, "compute")
    lab.up_computes_known()
    equal(server.view()["status"], "SHUTOFF", "status")
    server.act(START)
    server.wait("ACTIVE")
    leases(server)


def start_fails(server):
    """It is in error with the reason, keeps what it has, and starts when that is gone."""
    lab = server.lab
    server.act(STOP)
    server.wait("SHUTOFF")
    lab.stop_program(HOST, "compute")
    lab.up_program(HOST, "compute", env={"NEUTRINO_FAILPOINT": "guest-start:1=error"})
    lab.up_computes_known()
    server.act(START)
    wait_for(lambda: server.view()["status"] == "ERROR", 20, lambda: f"{server.states()}")
    expect("failpoint" in server.view()["fault"]["message"], server.view())
    lab.restart_program(HOST, "compute")
    lab.up_computes_known()
    equal(server.view()["status"], "ERROR", "status after a restart")
    server.wait_up(1)
    server.act(HARD)
    server.wait("ACTIVE")
    leases(server)


def deleted_while_stopped(server):
    server.act(STOP)
    server.wait("SHUTOFF")
    server.lab.delete_and_wait(server.name)
    wait_for(lambda: not in_use(server.lab), 10, "its address is still in use")


def host_gone(lab):
    """A server of a host that was declared down goes at once, its guest when the host returns."""
    address = lab.boot_and_wait("lost", HOST)
    server = NetnsServer(lab, "lost")
    lab.stop_program(HOST, "compute")
    lab.api.delete("lost")
    equal(server.view()["OS-EXT-STS:task_state"], "deleting", "task while it may return")
    wait_for(lambda: HOST not in lab.api.hosts_up("compute"), 60, "the host is not declared down")
    equal(server.send({"forceDelete": None}).status, 202, "the delete")
    equal(lab.api.server("lost"), None, "the server")
    wait_for(lambda: address not in in_use(lab), 30, "its address is still in use")
    expect(server.clients(), "the guest is gone already")
    lab.up_program(HOST, "compute")
    wait_for(lambda: lab.guest_netns("lost") not in kernel.netns_names(), 20,
             "its guest still runs")
    equal(lab.in_host(HOST, ["ls", "/var/lib/nova/instances"]).stdout.split(), [], "folders")


def reset(lab):
    """An administrator's word, until the host has one."""
    lab.up_computes_known()
    lab.boot_and_wait("odd", HOST)
    server = NetnsServer(lab, "odd")
    server.act({"os-resetState": {"state": "error"}})
    equal(server.view()["status"], "ERROR", "after a reset to error")
    server.act({"os-resetState": {"state": "active"}})
    equal(server.states()[:2], ("ACTIVE", "active"), "after a reset to active")
    equal(server.send({"os-resetState": {"state": "gone"}}).status, 400, "another state")
    lab.delete_and_wait("odd")


def main():
    lab = lab_for("sp", guests=[("vm", HOST)],
                  options={"*": {"service_down_time": "12", "report_interval": "2"}})
    server = NetnsServer(lab, "vm")
    server.wait_up(1)
    before = server.belongings()
    need("stop: SHUTOFF, with devices, chain and address", stopped, server, before)
    check("a stopped server stays so when neutrino-compute starts anew", stays_stopped, server,
          before)
    need("start: it leases its address again, its console goes on", started, server, before)
    check("reboot: it is asked to end, and starts again", rebooted, server, before, False)
    check("reboot --hard: it is not asked", rebooted, server, before, True)
    check("what is not possible is refused as nova does", refused, server)
    check("wishes while the host is away are carried out when it returns", away, server)
    check("wishes a host cut off did not hear are found by it", cut_off, server)
    for word in WORDS:
        points = (["guest-started:1", "guest-plugged:1"] if word != "stop" else []) + (
            ["guest-power:1", "guest-ended:1"] if word != "start" else []) + ["file-renamed:1"]
        for point in points:
            check(f"{word}: dies at {point}", dies, server, word, point)
    check("a guest whose devices the host lost starts with new ones", host_restarted, server)
    check("a start that fails leaves it in error, with its console", start_fails, server)
    check("a stopped server can be deleted", deleted_while_stopped, server)
    check("a server of a host that does not return can be deleted", host_gone, lab)
    check("reset-state", reset, lab)
    done()


if __name__ == "__main__":
    main()
