#!/usr/bin/python3
"""make install puts every file where a Debian system expects it."""

import glob
import os
import shutil
import stat
import sys
import tempfile

from house import ROOT, Checks, run

WANTED = """
etc/neutrino/neutrino.conf
etc/neutrino/nova.conf.sample
usr/bin/neutrino
usr/bin/neutrino-dhcpbridge
usr/bin/neutron-openvswitch-agent
usr/bin/neutron-ovs-cleanup
usr/bin/nova-dhcpbridge
usr/lib/systemd/system/neutrino-agent.service
usr/lib/systemd/system/neutrino-cleanup.service
usr/lib/systemd/system/neutrino-compute.service
usr/lib/systemd/system/neutrino-flat.service
usr/lib/systemd/system/neutrino-server.service
usr/lib/sysusers.d/neutrino.conf
usr/lib/tmpfiles.d/neutrino.conf
usr/sbin/neutrino-agent
usr/sbin/neutrino-cleanup
usr/sbin/neutrino-compute
usr/sbin/neutrino-flat
usr/sbin/neutrino-server
usr/share/bash-completion/completions/neutrino
usr/share/doc/neutrino/ARCHITECTURE.md
usr/share/doc/neutrino/CHANGELOG.md
usr/share/doc/neutrino/CONTRIBUTING.md
usr/share/doc/neutrino/LICENSE
usr/share/doc/neutrino/README.md
usr/share/fish/vendor_completions.d/neutrino.fish
usr/share/man/man1/neutrino.1
usr/share/man/man5/neutrino.conf.5
usr/share/man/man8/neutrino-agent.8
usr/share/man/man8/neutrino-cleanup.8
usr/share/man/man8/neutrino-compute.8
usr/share/man/man8/neutrino-dhcpbridge.8
usr/share/man/man8/neutrino-flat.8
usr/share/man/man8/neutrino-server.8
usr/share/zsh/vendor-completions/_neutrino
""".split()


def files_below(top):
    return sorted(os.path.relpath(os.path.join(folder, name), top)
                  for folder, _, names in os.walk(top) for name in names)


def in_the_tree():
    """What the images and guests of the lab become."""
    lab = os.path.join(ROOT, "lab")
    return ["usr/share/neutrino/" + os.path.relpath(os.path.join(folder, name), lab)
            for part in ("guests", "images") for folder, _, names in
            os.walk(os.path.join(lab, part)) for name in names]


def shell_calls(program):
    """The functions of the C library that start a shell and that the program imports."""
    status, output = run("nm", "-D", "--undefined-only", program)
    names = {line.split()[-1].split("@")[0] for line in output.splitlines() if line.split()}
    # A list without even exit() would mean that nothing was read.
    if status or not names & {"exit", "__libc_start_main"}:
        return [f"nm cannot read it: {output[:100]}"]
    return sorted(names & {"system", "popen", "wordexp", "execl", "execle", "execlp"})


def refused_units(top):
    """What systemd says of the installed units, where its tool is there to be asked."""
    tool = shutil.which("systemd-analyze")
    units = sorted(glob.glob(os.path.join(top, "usr/lib/systemd/system/*.service")))
    if not tool:
        return []
    os.makedirs(os.path.join(top, "bin"))
    shutil.copy("/usr/bin/true", os.path.join(top, "bin/kill"))  # ExecReload= names it.
    _, said = run(tool, "verify", "--man=no", "--recursive-errors=no", f"--root={top}", *units)
    with open(units[0], "a", encoding="utf-8") as file:
        file.write("[Service]\nNoSuchKey=1\n")
    _, of_wrong = run(tool, "verify", "--man=no", "--recursive-errors=no", f"--root={top}", units[0])
    return said or ("" if "NoSuchKey" in of_wrong else f"it does not find mistakes: {of_wrong}")


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="house-") as top:
        status, output = run("make", "-C", ROOT, "install", f"DESTDIR={top}", "PREFIX=/usr")
        checks.that("make install succeeds", status == 0, output[-400:])
        found = files_below(top)
        wanted = WANTED + in_the_tree()
        missing = sorted(set(wanted) - set(found))
        extra = sorted(set(found) - set(wanted))
        checks.that("nothing is missing", not missing, missing)
        checks.that("nothing else is installed", not extra, extra)

        def path(name):
            return os.path.join(top, name)

        def mode(name):
            return stat.S_IMODE(os.stat(path(name)).st_mode) if os.path.exists(path(name)) else 0

        link = path("usr/bin/nova-dhcpbridge")
        checks.that("nova-dhcpbridge leads to neutrino-dhcpbridge",
                    os.path.islink(link) and os.readlink(link) == "neutrino-dhcpbridge")
        link = path("usr/bin/neutron-openvswitch-agent")
        checks.that("neutron-openvswitch-agent leads to neutrino-agent", os.path.islink(link)
                    and os.path.realpath(link) == os.path.realpath(path("usr/sbin/neutrino-agent")))
        wrong = [n for n in found if n.startswith(("usr/bin/", "usr/sbin/"))
                 and mode(n) != 0o755] + [n for n in found if n.endswith("/init")
                                          and mode(n) & 0o555 != 0o555]
        checks.that("programs and guests are executable", not wrong, wrong)
        wrong = [f"{n}: {' '.join(calls)}" for n in found if n.startswith(("usr/bin/", "usr/sbin/"))
                 for calls in [shell_calls(path(n))] if calls]
        checks.that("no program can start a shell", not wrong, wrong)
        wrong = [n for n in found if mode(n) & 0o022]
        checks.that("nothing is writable by others", not wrong, wrong)
        for name in ("server", "flat", "compute", "agent", "cleanup"):
            unit = path(f"usr/lib/systemd/system/neutrino-{name}.service")
            text = open(unit, encoding="utf-8").read() if os.path.exists(unit) else ""
            checks.that(f"the unit of {name} starts the installed program",
                        f"\nExecStart=/usr/sbin/neutrino-{name}" in text and "@" not in
                        text.replace("@system-service", "").replace("@privileged", "")
                        .replace("@resources", ""), text[:200])
            header, _, body = text.partition("[Service]")
            checks.that(f"systemd never gives {name} up", "\nRestart=" not in body
                        or "\nStartLimitIntervalSec=0\n" in header, header)
        wrong = refused_units(top)
        checks.that("systemd understands the units", not wrong, wrong)
        images = [n for n in found if n.endswith(".image")]
        for name in images:
            with open(path(name), encoding="utf-8") as f:
                places = [line.split("=")[1].strip() for line in f if line.startswith("location")]
            checks.that(f"{os.path.basename(name)} names an installed guest", len(places) == 1
                        and os.path.exists(path(places[0].lstrip("/") + "/init")), places)
        checks.that("there is an image", images)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
