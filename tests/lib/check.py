"""The checks of one test file.

Each check prints one line, `ok - NAME` or `not ok - NAME: DETAIL`, and a check that
fails does not stop the others.  A file ends with done(), whose exit code is 1 when
any failed.  What cleanup() was given runs at the end, also after a signal.
"""

import atexit
import os
import signal
import sys
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../lab/lib"))

from neutrinolab.kernel import Failed, wait_for  # noqa: E402

__all__ = ["Failed", "at_end", "check", "cleanup", "done", "equal", "equal_text", "expect", "failed",
           "need", "wait_for"]

_failed = []
_last = []
_count = 0


def expect(condition, detail):
    """Fails the running check unless the condition holds."""
    if not condition:
        raise Failed(detail() if callable(detail) else detail)


def equal(found, wanted, what="value"):
    expect(found == wanted, f"{what}: wanted {wanted!r}, found {found!r}")


def equal_text(found, wanted, what="text"):
    """Compares texts line by line; the detail names what is missing and what is too much."""
    if found == wanted:
        return
    have, want = found.splitlines(), wanted.splitlines()
    missing = [line for line in want if line not in have]
    extra = [line for line in have if line not in want]
    if not missing and not extra:
        at = next((i for i, pair in enumerate(zip(have, want)) if pair[0] != pair[1]),
                  min(len(have), len(want)))
        raise Failed(f"{what}: same lines, other order or count, from line {at + 1}: "
                     f"{have[at:at + 1]}")
    raise Failed(f"{what}: missing {missing}, too much {extra}")


def check(name, function, *arguments):
    """Runs one check; True when it held."""
    global _count
    _count += 1
    try:
        function(*arguments)
    except Failed as problem:
        detail = str(problem)
    except Exception as problem:  # A mistake in a check is a failed check, not the end.
        detail = "".join(traceback.format_exception_only(problem)).strip()
        traceback.print_exc()
    else:
        print(f"ok - {name}", flush=True)
        return True
    _failed.append(name)
    print(f"not ok - {name}: {' | '.join(detail.splitlines())}", flush=True)
    return False


def need(name, function, *arguments):
    """A check without which the rest of the file makes no sense."""
    if not check(name, function, *arguments):
        done()


def failed():
    """Whether a check has failed so far; for clean-up that then says more."""
    return bool(_failed)


def cleanup(function, *arguments):
    """Runs at the end of the process, last registered first, also after a signal."""
    atexit.register(function, *arguments)


def at_end(name, function, *arguments):
    """A check that done() makes when all others are over."""
    _last.append((name, function, arguments))


def done():
    """Ends the test file."""
    while _last:
        name, function, arguments = _last.pop()
        check(name, function, *arguments)
    sys.exit(1 if _failed or not _count else 0)


def _stop(number, _frame):
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


for _number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(_number, _stop)
