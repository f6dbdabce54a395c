#!/usr/bin/python3 -B
"""Gives the rules of one guest to iptables-restore, ip6tables-restore and nft at once, takes
them away again, and prints the seconds each time took as JSON.  The argument says what:
{"texts": {tool: restore text}, "guard": nft text, "n": how often}.
"""

import json
import re
import subprocess
import sys
import tempfile
import time


def file_of(text):
    file = tempfile.TemporaryFile(mode="w+")
    file.write(text)
    file.flush()
    file.seek(0)
    return file


def run_all(commands):
    """Runs [(argv, input)] at the same time; seconds until the last one ends."""
    inputs = [file_of(text) for _, text in commands]
    start = time.monotonic()
    running = [subprocess.Popen(argv, stdin=file) for (argv, _), file in zip(commands, inputs)]
    status = [process.wait() for process in running]
    seconds = time.monotonic() - start
    if any(status):
        raise SystemExit(f"status {status} of {[argv[0] for argv, _ in commands]}")
    return seconds


def restore(tool):
    return [f"{tool}-restore", "--noflush", "-c", "-w", "5"]


def removal(text):
    """The restore text that takes 'text' away."""
    rules = re.findall(r"^\[0:0\] -A (\S+) (.*)$", text, re.MULTILINE)
    chain = re.search(r"^:(\S+) ", text, re.MULTILINE)[1]
    lines = [f"-D {where} {rule}" for where, rule in rules if where != chain]
    return "\n".join(["*filter", *lines, f"-F {chain}", f"-X {chain}", "COMMIT", ""])


def main():
    spec = json.loads(sys.argv[1])
    times = []
    for i in range(spec["n"]):
        names = {"name": 10**6 + i}
        texts = {tool: text % names for tool, text in spec["texts"].items()}
        guard = spec["guard"] % names
        times.append(run_all([*((restore(tool), text) for tool, text in texts.items()),
                              (["nft", "-f", "-"], guard)]))
        chain = f"f{names['name']}"
        run_all([*((restore(tool), removal(text)) for tool, text in texts.items()),
                 (["nft", "-f", "-"],
                  f'delete element bridge neutrino-guard ports {{ "{chain}" }}\n'
                  f"delete chain bridge neutrino-guard {chain}\n")])
    json.dump(times, sys.stdout)


if __name__ == "__main__":
    main()
