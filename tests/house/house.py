"""What the tests of the tools share: a temporary tree and one line per check."""

import os
import shutil
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Checks:
    """Prints each check; status() is the exit status of the file."""

    def __init__(self):
        self.n_failed = 0

    def that(self, name, holds, detail=""):
        if holds:
            print(f"ok - {name}", flush=True)
            return
        self.n_failed += 1
        detail = " ".join(str(detail).split())[:500]
        print(f"not ok - {name}: {detail or 'does not hold'}", flush=True)

    def status(self):
        return 1 if self.n_failed else 0


def tree(files):
    """A TemporaryDirectory holding 'files', a dictionary of path to text; scripts (those
    that begin with #!) are executable."""
    top = tempfile.TemporaryDirectory(prefix="house-")
    for path, text in files.items():
        full = os.path.join(top.name, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)
        if text.startswith("#!"):
            os.chmod(full, 0o755)
    return top


def run(*argv, **options):
    """Status and output (both streams) of a program."""
    done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                          stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    return done.returncode, done.stdout


def tool(name, *args):
    return run(os.path.join(ROOT, "tools", name), *args)


def runner(top, *args):
    """Copies the test runner into 'top' and runs it there: last line, status, output."""
    shutil.copy(os.path.join(ROOT, "tests/run"), os.path.join(top, "tests/run"))
    status, output = run(os.path.join(top, "tests/run"), "--no-build", *args)
    return output.rstrip().splitlines()[-1], status, output
