#!/usr/bin/python3
"""make deps: installs what is missing, starts nothing, leaves policy-rc.d as it was."""

import os
import sys
import time

from house import ROOT, Checks, run, tool, tree

APT = """#!/bin/sh
echo "$*" >>"$FAKE/apt.log"
cat "$NT_POLICY_RC_D" >"$FAKE/policy-seen"
"$NT_POLICY_RC_D" ssh start; echo "policy says $?" >>"$FAKE/apt.log"
[ ! -e "$FAKE/apt-fails" ] || { echo "E: no network"; exit 100; }
[ ! -e "$FAKE/apt-killed" ] || kill -9 $PPID
"""
DPKG = """#!/bin/sh
shift 2
for p in "$@"; do [ "$p" = nftables ] || echo "installed $p"; done
"""
DPKG_ALL = """#!/bin/sh
shift 2
for p in "$@"; do echo "installed $p"; done
"""


def deps(top, uid=0):
    """Runs tools/deps with apt-get, dpkg-query and id of our own."""
    path = os.path.join(top, "bin")
    with open(os.path.join(path, "id"), "w", encoding="utf-8") as f:
        f.write(f"#!/bin/sh\necho {uid}\n")
    os.chmod(os.path.join(path, "id"), 0o755)
    env = dict(os.environ, FAKE=top, NT_POLICY_RC_D=os.path.join(top, "policy-rc.d"),
               PATH=path + ":" + os.environ["PATH"])
    return run(os.path.join(ROOT, "tools/deps"), env=env)


def read(top, name):
    try:
        with open(os.path.join(top, name), encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return None


def main():
    checks = Checks()
    fake = {"bin/apt-get": APT, "bin/dpkg-query": DPKG}
    own = "#!/bin/sh\nexit 0\n"

    with tree(fake) as top:
        status, output = deps(top)
        log = read(top, "apt.log") or ""
        checks.that("the missing package alone is installed", status == 0
                    and log.count("\ninstall ") == 1 and "nftables\n" in log and "meson" not in log
                    and "--no-install-recommends" in log, output + log)
        checks.that("the package list is fetched first", log.startswith("update"), log)
        checks.that("no daemon may start meanwhile", "policy says 101" in log, log)
        checks.that("no policy is left where none was", read(top, "policy-rc.d") is None)
    with tree({**fake, "policy-rc.d": own}) as top:
        deps(top)
        checks.that("the machine's own policy is back", read(top, "policy-rc.d") == own)
        checks.that("it was not in force meanwhile", "exit 101" in (read(top, "policy-seen") or ""))
        checks.that("no copy of it stays", not [n for n in os.listdir(top) if "before" in n])
    with tree({**fake, "policy-rc.d": own, "apt-fails": ""}) as top:
        status, output = deps(top)
        checks.that("a failure of apt-get fails and shows why", status == 1
                    and "E: no network" in output, output)
        checks.that("the policy is back after a failure", read(top, "policy-rc.d") == own)
    with tree({**fake, "policy-rc.d": own, "apt-killed": ""}) as top:
        deps(top)
        stuck = read(top, "policy-rc.d") != own
        os.unlink(os.path.join(top, "apt-killed"))
        deps(top)
        checks.that("the run after a kill puts the policy back",
                    stuck and read(top, "policy-rc.d") == own, read(top, "policy-rc.d"))
    with tree(fake) as top:
        status, output = deps(top, uid=1000)
        checks.that("without root it says what is missing", status == 1
                    and "missing: nftables" in output and read(top, "apt.log") is None, output)
    with tree({**fake, "bin/dpkg-query": DPKG_ALL}) as top:
        status, output = deps(top, uid=1000)
        checks.that("with nothing missing nothing happens", status == 0
                    and output == "" and read(top, "apt.log") is None, output)
        started = time.monotonic()
        deps(top)
        seconds = time.monotonic() - started
        checks.that("that takes under 0.3 s", seconds < 0.3, f"{seconds:.2f} s")
    checks.that("an unknown group is refused", tool("deps", "nonsense")[0] == 2)
    listed = tool("deps", "--list", "build")[1].split()
    checks.that("a group lists its packages only", "meson" in listed and "tcpdump" not in listed,
                listed)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
