#!/usr/bin/python3
"""A bed whose test was killed leaves no process, no namespace and no mount."""
# timeout: 600

import os
import signal
import subprocess
import sys

from check import check, cleanup, done, equal, expect, need
from neutrinolab import hosts, kernel

PROGRAM = """
import signal
from neutron_bed import Bed
Bed(hosts=1, service_plugins=[]).up()
print("up", flush=True)
signal.pause()
"""


def processes():
    return {int(entry) for entry in os.listdir("/proc") if entry.isdigit()}


def start():
    """A test of its own that has brought a bed up; its process, for the runner's."""
    process = subprocess.Popen(
        [os.path.join(hosts.TREE, "tests/run"), "--inside", sys.executable, "-c", PROGRAM],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True,
        env={**os.environ, "NT_TEST_TMP": os.path.join(os.environ["NT_TEST_TMP"], "inner")})
    cleanup(process.kill)
    equal(process.stdout.readline(), b"up\n", "what the inner test says")
    return process


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return sorted(line.split()[4] for line in file)


def gone(before, mounted):
    try:
        kernel.wait_for(lambda: processes() <= before, 30, "")
    except kernel.Failed:
        left = [kernel.command_line(pid) for pid in processes() - before]
        expect(False, f"processes: {left}")
    equal(kernel.netns_names(), [], "network namespaces")
    equal(mounts(), mounted, "mounts")


def main():
    before, mounted = processes(), mounts()
    started = []
    need("a bed comes up in a test of its own", lambda: started.append(start()))
    check("it has many processes", lambda: expect(
        len(processes() - before) > 10, f"{len(processes() - before)}"))
    os.kill(started[0].pid, signal.SIGKILL)
    started[0].wait()
    check("nothing of it is left after kill -9", gone, before, mounted)
    done()


if __name__ == "__main__":
    main()
