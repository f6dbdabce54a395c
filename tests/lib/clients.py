"""The stock command lines, as people run them in the lab's controller-1.

    one = Openstack(lab, KEYSTONE)
    rows = one.data("server", "list")

The openstack client takes longer to start than to work, so one process runs many
commands, each by the client's own entry point with a sign-in of its own."""

import json
import subprocess

import check
from neutrinolab import hosts

# Reads a JSON list of arguments per line; answers [exit status, stdout, stderr].
DRIVER = r"""
import io, json, sys
from openstackclient.shell import OpenStackShell
for line in sys.stdin:
    sys.stdout, sys.stderr = out, err = io.StringIO(), io.StringIO()
    try:
        status = OpenStackShell().run(json.loads(line))
    except SystemExit as end:
        status = end.code
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    print(json.dumps([status, out.getvalue(), err.getvalue()]), flush=True)
"""

KEYSTONE, BASIC = "password", "http_basic"


def environment(lab, way):
    """openrc, and for a sign-in with a token exchange what openrc leaves out of one."""
    env = dict(lab.client_environment())
    if way == KEYSTONE:
        for name in ("OS_AUTH_TYPE", "OS_ENDPOINT", "OS_ENDPOINT_OVERRIDE", "OS_PROJECT_ID"):
            env.pop(name, None)
        env.update({"OS_USER_DOMAIN_ID": "default", "OS_PROJECT_DOMAIN_ID": "default",
                    "OS_IDENTITY_API_VERSION": "3"})
    return hosts.environment(env)


def openstack_environment(lab, way):
    env = environment(lab, way)
    if way == BASIC:
        # Other than nova, it hands these to a plugin that does not know them.
        for name in ("OS_PROJECT_ID", "OS_PROJECT_NAME", "OS_AUTH_URL", "OS_ENDPOINT_OVERRIDE"):
            env.pop(name)
    return env


class Openstack:
    """One openstack client; a command that fails is a failed check."""

    def __init__(self, lab, way):
        self.way, self.lab = way, lab
        self.process = subprocess.Popen(
            lab.hosts["controller-1"].argv(["/usr/bin/python3", "-c", DRIVER]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/",
            env=openstack_environment(lab, way))
        check.cleanup(self.process.kill)

    def run(self, *argv):
        """(exit status, stdout, stderr)."""
        self.process.stdin.write(json.dumps(argv) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        check.expect(line, f"openstack {' '.join(argv)}: the client ended")
        return json.loads(line)

    def text(self, *argv):
        status, out, err = self.run(*argv)
        check.equal(status, 0, f"openstack {' '.join(argv)}: {err.strip()[-300:]}; exit status")
        return out

    def data(self, *argv):
        return json.loads(self.text(*argv, "-f", "json"))

    def refused(self, *argv):
        """What it says when it fails, which it must."""
        status, out, err = self.run(*argv)
        check.expect(status != 0, f"openstack {' '.join(argv)} did not fail: {out[-300:]}")
        return err

    def end(self):
        self.process.stdin.close()
        self.process.wait(10)


class Nova:
    def __init__(self, lab, way):
        self.lab, self.env = lab, environment(lab, way)

    def run(self, *argv):
        done = self.lab.in_host("controller-1", ["nova", *argv], env=self.env, check=False,
                                timeout=60)
        return done.returncode, done.stdout, done.stderr

    def text(self, *argv):
        status, out, err = self.run(*argv)
        check.equal(status, 0, f"nova {' '.join(argv)}: {err.strip()[-300:]}; exit status")
        return out

    def rows(self, *argv):
        """Rows of its table as lists of cells, the header first."""
        return [[cell.strip() for cell in line.strip("|").split("|")]
                for line in self.text(*argv).splitlines() if line.startswith("|")]

    def properties(self, *argv):
        return {row[0]: row[1] for row in self.rows(*argv)[1:]}

    def refused(self, *argv):
        status, out, err = self.run(*argv)
        check.expect(status != 0, f"nova {' '.join(argv)} did not fail: {out[-300:]}")
        return out + err  # It tells the reason on one and the failure on the other.
