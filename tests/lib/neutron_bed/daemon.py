"""A daemon of the bed: one program that stays, with everything it started itself."""

import os
import signal
import subprocess

from neutrinolab import hosts, kernel
from neutrinolab.kernel import Failed, wait_for

TAIL = 15  # Lines of a log that a failure shows.


def ids(pid):
    """(parent, session) of a process, or None."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), int(fields[3])


class Daemon:
    """argv, run inside 'host'; its output goes to 'log', a path of the test's side.

    Signals go to the whole: the process, what descends from it and what has its session,
    because servers fork workers and agents start helpers."""

    def __init__(self, host, name, argv, log, env=None):
        self.host = host
        self.name = name
        self.argv = argv
        self.log = log
        self.env = env
        self.process = None

    @property
    def pid(self):
        return self.process.pid if self.process else 0

    def lives(self):
        return self.process is not None and self.process.poll() is None

    def start(self):
        if self.lives():
            raise Failed(f"{self.name} on {self.host.name} runs already")
        with open(self.log, "ab") as file:
            # nsenter becomes the program, so the process id is the program's own.
            self.process = subprocess.Popen(
                self.host.argv(self.argv), stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                start_new_session=True, env=hosts.environment(self.env), cwd="/")
        return self

    def pids(self):
        """Process ids of the whole, the first one first."""
        known = {self.pid}
        rest = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                found = ids(entry)
                if found:
                    rest[int(entry)] = found
        grown = True
        while grown:
            more = {pid for pid, (parent, session) in rest.items()
                    if pid not in known and (parent in known or session == self.pid)}
            grown = bool(more)
            known |= more
        return [self.pid, *sorted(known - {self.pid})]

    def signal(self, number, pids=None):
        for pid in self.pids() if pids is None else pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def pause(self):
        """Stops the whole until resume(): to others it looks as if the machine hung."""
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def kill(self):
        """kill -9 of the whole at once."""
        if self.process is None:
            return
        pids = self.pids()
        self.signal(signal.SIGKILL, pids)
        self.process.wait()
        wait_for(lambda: not any(alive(pid) for pid in pids), 10, f"the end of {self.name}")

    def stop(self, limit=60):
        """SIGTERM to the first process and wait; Failed when something of it stays."""
        if not self.lives():
            return
        pids = self.pids()
        self.process.send_signal(signal.SIGTERM)
        wait_for(lambda: not self.lives(), limit,
                 lambda: f"{self.name} on {self.host.name} ignores SIGTERM: {self.why()}")
        # Workers of a server may need a moment longer than their parent.
        wait_for(lambda: not any(alive(pid) for pid in pids), 10,
                 f"{self.name} on {self.host.name} left processes behind")

    def restart(self):
        self.stop()
        return self.start()

    def output(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def why(self, count=TAIL):
        """The end of its log, for a message."""
        return " | ".join(self.output().splitlines()[-count:]) or "it said nothing"

    def wait(self, condition, limit, what):
        """wait_for() that also ends when the daemon does."""
        def met():
            value = condition()
            if not value and not self.lives():
                raise Failed(f"{self.name} on {self.host.name} ended with status "
                             f"{self.process.returncode}: {self.why()}")
            return value
        return wait_for(met, limit, lambda: f"{self.name} on {self.host.name}: "
                                            f"{what}: {self.why()}")

    def cpu_seconds(self):
        """User and system time of the whole so far, ended children of its processes included."""
        ticks = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            ticks += sum(int(field) for field in fields[11:15])
        return ticks / os.sysconf("SC_CLK_TCK")

    def rss_kib(self):
        """Memory of the whole: proportional set size, so shared pages count once."""
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                    total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
            except OSError:
                continue
        return total


def alive(pid):
    stat = kernel.process_stat(pid)
    return stat is not None and stat[0] not in "ZX"
