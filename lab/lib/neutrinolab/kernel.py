"""System calls and child processes.  Children are started by argv, never by a shell."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWNET = 0x40000000
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18

NETNS_DIR = "/run/netns"

_libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """Something the lab needed did not work; the text is for the user."""


def _check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def setns(fd, kind):
    _check(_libc.setns(fd, kind), "setns")


def unshare(kinds):
    _check(_libc.unshare(kinds), "unshare")


def mount(source, target, fstype=None, flags=0, data=None):
    def text(value):
        return None if value is None else os.fsencode(value)

    _check(_libc.mount(text(source), text(target), text(fstype), ctypes.c_ulong(flags), text(data)),
           f"mount {fstype or 'bind'} on {target}")


def unmount(target):
    _check(_libc.umount2(os.fsencode(target), 0), f"unmount {target}")


@contextlib.contextmanager
def inside_netns(name):
    """The calling thread is in the named network namespace: sockets made there stay in it."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        fd = os.open(netns_path(name), os.O_RDONLY)
        try:
            setns(fd, CLONE_NEWNET)
        finally:
            os.close(fd)
        try:
            yield
        finally:
            setns(own, CLONE_NEWNET)
    finally:
        os.close(own)


def netns_path(name):
    return f"{NETNS_DIR}/{name}"


def netns_names():
    try:
        return sorted(os.listdir(NETNS_DIR))
    except FileNotFoundError:
        return []


def netns_dir_state():
    """Whether the folder of named namespaces is there, and whether it is a mount already."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        mounted = any(line.split()[4] == NETNS_DIR for line in file)
    return {"exists": os.path.isdir(NETNS_DIR), "mounted": mounted}


def netns_dir_restore(before):
    """Takes back what ip(8) makes for the first named namespace, once none is left."""
    def done():
        if netns_names() or before["mounted"] or not netns_dir_state()["mounted"]:
            return True
        try:
            unmount(NETNS_DIR)
        except OSError:
            return False  # In use; for a moment also by mount namespaces that just ended.
        if not before["exists"]:
            os.rmdir(NETNS_DIR)
        return True

    try:
        wait_for(done, 2, NETNS_DIR)
    except (Failed, OSError):
        pass  # Somebody else uses it by now.


def namespace_id(path):
    """(device, inode) of a namespace, or None when it is gone or not a namespace."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_dev, status.st_ino)


def process_stat(pid):
    """State letter and start time of a process, or None."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[19])


def command_line(pid):
    """The arguments of a process, each ending with a NUL byte; empty when it is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


def process_lives(pid, starttime):
    stat = process_stat(pid)
    return stat is not None and stat[0] not in "ZX" and stat[1] == starttime


def processes_in(namespaces):
    """(pid, starttime) of all that have a network or mount namespace of the set."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        stat = process_stat(entry)
        if stat is None or stat[0] in "ZX":
            continue
        spaces = {namespace_id(f"/proc/{entry}/ns/{kind}") for kind in ("net", "mnt")}
        if spaces & namespaces:
            found.append((int(entry), stat[1]))
    return found


def kill(pid, starttime, number=signal.SIGKILL):
    """Signals exactly that process: a pid that now belongs to another is left alone."""
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not process_lives(pid, starttime):
            return False
        signal.pidfd_send_signal(fd, number)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(fd)


def run(argv, *, check=True, timeout=30, text_input=None, env=None, pass_fds=()):
    """Runs a command to its end; the result has returncode, stdout, stderr as text."""
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=None if text_input is not None else subprocess.DEVNULL,
                              input=text_input, env=env, timeout=timeout, text=True,
                              errors="replace", check=False, pass_fds=pass_fds)
    except FileNotFoundError as error:
        raise Failed(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{' '.join(argv)}: no end within {timeout} s") from error
    if check and done.returncode != 0:
        why = (done.stderr or done.stdout).strip()
        raise Failed(f"{' '.join(argv)}: exit {done.returncode}: {why}")
    return done


def wait_for(condition, limit, what):
    """The first true value of condition(), or Failed after 'limit' seconds.

    'what' is text, or a function that makes it when it is needed."""
    end = time.monotonic() + limit
    pause = 0.01
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            text = what() if callable(what) else what
            raise Failed(f"waited {limit:g} s in vain: {text}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)
