#!/usr/bin/python3 -B
"""The files that Debian's neutron packages install, read by neutrino-agent: as they are, and with
every option that they mention only in comments."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect  # noqa: E402

PROGRAM = os.path.join(os.environ["BUILD_DIR"], "src/neutrino-agent")
TOP = os.environ["NT_TEST_TMP"]
FILES = ["/etc/neutron/neutron.conf", "/etc/neutron/plugins/ml2/openvswitch_agent.ini"]
# Options whose default in the comments is no value of theirs but a description.
NO_VALUE = re.compile(r"<(None|current_ip|sample_[a-z_]+)>")


def run(files, *more):
    arguments = [word for path in files for word in ("--config-file", path)]
    ended = subprocess.run([PROGRAM, "--check", *arguments, *more], text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return ended.returncode, ended.stdout.splitlines()


def uncommented(path):
    """The file with each "#option = default" in force; its number of options."""
    lines, n = [], 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            option = re.match(r"#(\w+ = .*)", line)
            if line.startswith("[") or (option and not NO_VALUE.search(line)):
                lines.append(option.group(1) if option else line.rstrip())
                n += bool(option)
    copy = os.path.join(TOP, os.path.basename(path))
    with open(copy, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return copy, n


def as_installed():
    """Only the firewall that is not there yet is refused."""
    status, lines = run(FILES)
    equal(status, 1, "status")
    equal(len(lines), 1, f"lines ({lines})")
    expect("openvswitch_agent.ini:" in lines[0] and "set firewall_driver = noop" in lines[0], lines)
    status, lines = run(FILES, "--firewall_driver=noop", "--tunnel_types=")
    equal((status, lines), (0, []), "without it")


def all_options():
    copies = [uncommented(path) for path in FILES]
    expect(copies[0][1] > 200 and copies[1][1] > 40, copies)
    _, lines = run([path for path, _ in copies], "--firewall_driver=noop")
    strange = [line for line in lines if " has no effect here" not in line]
    equal(strange, [], "warnings and errors")


check("files of Debian's packages are read as they stand", as_installed)
check("none of the options they mention is taken for a slip or has another kind of value",
      all_options)
done()
