#!/usr/bin/python3
"""lab/neutron: up to stay, entered and used from outside, gone after down."""
# timeout: 600

import os
import subprocess

from check import check, cleanup, done, equal, expect, need
from neutrinolab import hosts, kernel

LAB = os.path.join(hosts.TREE, "lab/neutron")
ENV = {**os.environ, "LAB_STATE_DIR": os.path.join(os.environ["NT_TEST_TMP"], "state")}


def lab(*arguments, status=0):
    done = subprocess.run([LAB, *arguments], capture_output=True, text=True, env=ENV, check=False,
                          stdin=subprocess.DEVNULL)
    equal(done.returncode, status, f"status of {' '.join(arguments)}: {done.stderr}{done.stdout}")
    return done.stdout + done.stderr


def processes():
    return {int(entry) for entry in os.listdir("/proc") if entry.isdigit()}


def port_on(host):
    """Makes a port with the stock client and plugs it."""
    made = lab("in", "ctl", "openstack", "port", "create", "--network", "demo", "--host", host,
               "-f", "value", "-c", "id", "extra").split()[-1]
    said = lab("plug", host, made)
    expect(f"vm-{made[:11]} on {host}: 10.1.0." in said, said)
    lab("in", f"vm-{made[:11]}", "ip", "-4", "addr", "show", "dev", "eth0")


def gone(before):
    kernel.wait_for(lambda: processes() <= before, 30,
                    lambda: f"left: {[kernel.command_line(p) for p in processes() - before]}")
    equal(kernel.netns_names(), [], "network namespaces")
    equal(os.path.exists(ENV["LAB_STATE_DIR"]), False, "state folder")


def main():
    before = processes()
    cleanup(lambda: subprocess.run([LAB, "down"], env=ENV, capture_output=True, check=False))
    need("it comes up, with guests that reach each other", lambda: expect(
        "reaches" in lab("up"), "nobody reaches anybody"))
    check("a second up finds it", lambda: expect("already" in lab("up"), "it does not say so"))
    check("a host is entered", lambda: expect("br-int" in lab("in", "h1", "ovs-vsctl", "show"),
                                              "no br-int"))
    check("each host has its own name", lambda: equal(lab("in", "h2", "hostname"), "h2\n"))
    check("the stock client works beside the server", lambda: expect(
        "demo" in lab("in", "ctl", "openstack", "network", "list"), "no network demo"))
    check("another port is plugged", port_on, "h2")
    check("a place that is not there is an error", lambda: expect(
        "no host or guest h9" in lab("in", "h9", "true", status=1), "no reason given"))
    check("down", lambda: equal(lab("down"), "it is down\n"))
    check("nothing is left", gone, before)
    check("a second down has nothing to do", lambda: equal(lab("down"), "it is not up\n"))
    done()


if __name__ == "__main__":
    main()
