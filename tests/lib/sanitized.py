"""Programs of the agent's side, and whether a sanitizer had anything to say about them.

They come from the folder that $NT_AGENT_BUILD names: tests/run says build-asan.  Without it, as in
bench, and within plain_build() they come from the plain build.

    Popen([sanitized.program("src/neutrino-agent"), ...], env={**env, **sanitized.env()})
    sanitized.expect_clean("the agent", log, process.returncode)
"""

import contextlib
import os
import re

from check import Failed
from neutrinolab import hosts

REPORT = re.compile(r"(ERROR: (Address|Leak)Sanitizer|runtime error:|AddressSanitizer:DEADLYSIGNAL)")
SHOWN = 12  # Lines of a report.
OPTIONS = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")


@contextlib.contextmanager
def plain_build():
    """For what measures time or memory."""
    before = os.environ.pop("NT_AGENT_BUILD", None)
    try:
        yield
    finally:
        if before:
            os.environ["NT_AGENT_BUILD"] = before


def program(path):
    """A program of ours by its path in a build folder."""
    return os.path.join(os.environ.get("NT_AGENT_BUILD") or hosts.build_dir(), path)


def env():
    """What the sanitizers are told, by tests/run."""
    return {name: os.environ[name] for name in OPTIONS if name in os.environ}


def report(log):
    """The first lines of the first report in a log, or []."""
    try:
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return []
    for i, line in enumerate(lines):
        if REPORT.search(line):
            return [text.strip() for text in lines[i:i + SHOWN] if text.strip()]
    return []


def expect_clean(name, log, status=0):
    """Of a program that has ended: by SIGTERM or its input's end, unless 'status' is that of a
    kill by the test."""
    lines = report(log)
    if lines:
        raise Failed(f"{name}, {log}: " + " | ".join(lines))
    if status not in (0, -9):
        raise Failed(f"{name} ended with status {status}, see {log}")
