"""Becomes a lab host's holder: a process that keeps its mount and UTS namespaces.

    holder.py SPEC

SPEC is JSON: name, netns, links {path: target}, binds {path: source},
files {path: [mode, uid, text]}, dirs {path: [mode, uid]}.

The host has its own /etc, /usr/bin, /usr/sbin, /usr/share and /var/lib (the
machine's, with changes that go to memory), an empty /var/log, /run and /dev, and
the /sys of its network namespace.  /run/netns stays the machine's: what a program
adds there is seen everywhere.  When the last process of the host is gone the kernel
drops all of it.
"""

import json
import os
import re
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from neutrinolab import kernel  # noqa: E402

LAYERED = ["/etc", "/usr/bin", "/usr/sbin", "/usr/share", "/var/lib"]
STORE = "/run/.lab"
DEVICES = ["null", "zero", "full", "random", "urandom", "tty", "net", "kvm", "pts", "shm", "ptmx"]


def mount_points():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            yield re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), line.split()[4])


def keep_mounts_here():
    """Every mount becomes private but the one of named network namespaces."""
    shared = kernel.NETNS_DIR
    for point in mount_points():
        if point == shared or point.startswith(shared + "/"):
            continue
        try:
            kernel.mount(None, point, None, kernel.MS_PRIVATE)
        except OSError:
            pass  # Below another mount: out of reach, for us as for everybody in here.


def mount_run():
    netns = os.open(kernel.NETNS_DIR, os.O_RDONLY | os.O_DIRECTORY)
    kernel.mount("neutrino-lab", "/run", "tmpfs", 0, "mode=755")
    os.mkdir(kernel.NETNS_DIR)
    kernel.mount(f"/proc/self/fd/{netns}", kernel.NETNS_DIR, None, kernel.MS_BIND | kernel.MS_REC)
    os.close(netns)
    os.mkdir("/run/lock", 0o755)
    os.mkdir(STORE, 0o711)


def mount_layers():
    for point in LAYERED:
        name = point.strip("/").replace("/", "-")
        upper, work = f"{STORE}/{name}", f"{STORE}/{name}.work"
        os.mkdir(upper, 0o755)
        os.mkdir(work, 0o755)
        os.chmod(upper, 0o755)
        kernel.mount("neutrino-lab", point, "overlay", 0,
                     f"lowerdir={point},upperdir={upper},workdir={work}")
    os.mkdir(f"{STORE}/log", 0o755)
    kernel.mount(f"{STORE}/log", "/var/log", None, kernel.MS_BIND)


def mount_dev():
    machine = os.open("/dev", os.O_RDONLY | os.O_DIRECTORY)
    kernel.mount("neutrino-lab", "/dev", "tmpfs", 0, "mode=755")
    for name in DEVICES:
        source = f"/proc/self/fd/{machine}/{name}"
        if os.path.isdir(source):
            os.mkdir(f"/dev/{name}")
        elif os.path.exists(source):
            with open(f"/dev/{name}", "w", encoding="ascii"):
                pass
        else:
            continue
        kernel.mount(source, f"/dev/{name}", None, kernel.MS_BIND | kernel.MS_REC)
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        os.symlink(f"/proc/self/fd/{number}", f"/dev/{name}")
    os.symlink("/proc/self/fd", "/dev/fd")
    os.close(machine)


def replace(path):
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)


def fill(spec, sources):
    for path, (mode, uid) in spec["dirs"].items():
        os.makedirs(path, mode=0o755, exist_ok=True)
        os.chmod(path, mode)
        os.chown(path, uid, uid)
    for path, (mode, uid, text) in spec["files"].items():
        replace(path)
        with open(path, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            os.fchown(file.fileno(), 0 if mode & 0o022 == 0 and uid == 0 else uid, uid)
            file.write(text)
    for path, target in spec["links"].items():
        replace(path)
        os.symlink(target, path)
    for path in spec["binds"]:
        replace(path)
        with open(path, "w", encoding="ascii"):
            os.chmod(path, 0o755)
        kernel.mount(f"/proc/self/fd/{sources[path]}", path, None, kernel.MS_BIND)


def main():
    spec = json.loads(sys.argv[1])
    os.umask(0o022)
    os.setsid()
    fd = os.open(kernel.netns_path(spec["netns"]), os.O_RDONLY)
    kernel.setns(fd, kernel.CLONE_NEWNET)
    os.close(fd)
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWUTS)
    keep_mounts_here()
    # Opened in here: a bind mount cannot come from another mount namespace.
    sources = {path: os.open(source, os.O_PATH) for path, source in spec["binds"].items()}
    mount_run()
    kernel.mount("sysfs", "/sys", "sysfs")
    mount_layers()
    mount_dev()
    fill(spec, sources)
    socket.sethostname(spec["name"])
    null = os.open("/dev/null", os.O_RDWR)
    os.write(1, b"ready\n")
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.closerange(3, 256)
    os.chdir("/")
    os.execv("/usr/bin/sleep", [f"neutrino-lab: {spec['netns']}", "infinity"])


if __name__ == "__main__":
    try:
        main()
    except OSError as problem:
        print(f"lab host: {problem}", file=sys.stderr)
        sys.exit(1)
