#!/usr/bin/python3
"""The test runner: what it counts, what it ends, what it leaves."""

import glob
import os
import shutil
import signal
import subprocess
import sys
import time

from house import ROOT, Checks, runner, tree

HEAD = "#!/usr/bin/python3\n"
GOOD = HEAD + "print('ok - one')\nprint('ok - two')\n"
MARK = f"house-sleeper-{os.getpid()}"


def one(text, *args):
    with tree({"tests/netns/test_x.py": text}) as top:
        return runner(top, "--suite", "netns", *args)


def processes(mark):
    """Ids of the processes that have 'mark' in their command line, this one apart."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        pid = int(path.split("/")[2])
        try:
            with open(path, "rb") as f:
                if mark.encode() in f.read() and pid != os.getpid():
                    found.append(pid)
        except OSError:
            pass
    return found


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def counting(checks):
    last, status, output = one(GOOD)
    checks.that("checks are counted", last == "2 passed, 0 failed" and status == 0, output)
    for name, text, wanted in [
            ("a failed check fails the run",
             HEAD + "print('ok - one')\nprint('not ok - two: 1 is not 2')\nexit(1)\n",
             "1 passed, 1 failed"),
            ("a failed check fails the run even with status 0",
             HEAD + "print('not ok - two: 1 is not 2')\n", "0 passed, 1 failed"),
            ("a status without a failed check is a failure",
             HEAD + "print('ok - one')\nexit(3)\n", "1 passed, 1 failed"),
            ("a crash is a failure",
             HEAD + "import os\nprint('ok - one', flush=True)\nos.abort()\n", "1 passed, 1 failed"),
            ("a file that prints no check is a failure", HEAD + "print('fine')\n",
             "0 passed, 1 failed"),
            ("a plan not kept is a failure", HEAD + "print('1..3')\nprint('ok 1 - one')\n",
             "1 passed, 1 failed"),
            ("a file over its time is a failure",
             HEAD + "# timeout: 1\nimport time\nprint('ok - one', flush=True)\ntime.sleep(60)\n",
             "1 passed, 1 failed")]:
        last, status, output = one(text)
        checks.that(name, last == wanted and status == 1, output)
    last, status, output = one(HEAD + "import sys\nfor i in range(90): print('line', i)\n"
                               "sys.exit('the reason')\n")
    checks.that("the end of a failed file's output is shown",
                "the reason" in output and "line 89" in output and "line 3\n" not in output, output)
    last, status, output = one(HEAD + "print('ok - one')\nprint('ok - two # SKIP no kernel')\n")
    checks.that("a skipped check is named and not counted as passed",
                last == "1 passed, 0 failed" and "two # SKIP no kernel" in output, output)
    last, status, output = one(HEAD + "# long\nprint('ok - one')\n")
    checks.that("a run of nothing fails", status == 1 and last == "0 passed, 1 failed", output)
    last, status, output = one(HEAD + "# long\nprint('ok - one')\n", "--long")
    checks.that("long files run when asked for", last == "1 passed, 0 failed", output)
    last, status, output = one(GOOD, "--match", "nothing-like-it")
    checks.that("a match of nothing fails", status == 1 and last == "0 passed, 0 failed", output)


def serial(checks):
    text = (HEAD + "# serial\nimport os,sys\np=os.environ['LOCK']\n"
            "fd=os.open(p,os.O_CREAT|os.O_EXCL)\nimport time\ntime.sleep(0.2)\nos.unlink(p)\n"
            "print('ok - alone')\n")
    with tree({f"tests/netns/test_{n}.py": text for n in "abc"}) as top:
        os.environ["LOCK"] = os.path.join(top, "lock")
        last, _, output = runner(top, "--suite", "netns")
        checks.that("serial files run one after the other", last == "3 passed, 0 failed", output)


def again(checks):
    """Fails the first time; and one that always does."""
    once = (HEAD + "import os\np=os.environ['LOCK']\nif os.path.exists(p):\n    print('ok - one')\n"
            "else:\n    open(p,'w').close()\n    print('not ok - one: the first time')\n")
    for files, limit, wanted, status_wanted in [
            ({"a": once, "b": GOOD}, 1, "3 passed, 0 failed", 0),
            ({"a": once}, 0, "0 passed, 1 failed", 1),
            ({"a": HEAD + "print('not ok - one')\n"}, 1, "0 passed, 1 failed", 1),
            ({"a": once, "b": HEAD + "print('not ok - two')\n"}, 1, "0 passed, 2 failed", 1)]:
        with tree({f"tests/netns/test_{n}.py": text for n, text in files.items()}) as top:
            os.environ["LOCK"] = os.path.join(top, "lock")
            last, status, output = runner(top, "--suite", "netns", "--again", str(limit))
            checks.that(f"a second try: {wanted}",
                        last == wanted and status == status_wanted
                        and (status == 1 or "not ok - one: the first time" in output), output)


def leaving(checks):
    is_root = os.geteuid() == 0
    sleeper = f"subprocess.Popen(['sh','-c','sleep 300; : {MARK}'], start_new_session=True)\n"
    last, status, output = one(HEAD + "import subprocess\n" + sleeper + "print('ok - one')\n")
    checks.that("a process left behind is ended", last == "1 passed, 0 failed"
                and not processes(MARK), output)
    for number in (signal.SIGTERM, signal.SIGKILL):
        ready = HEAD + "import subprocess,time\n" + sleeper + "time.sleep(60)\n"
        with tree({"tests/netns/test_x.py": ready}) as top:
            shutil.copy(os.path.join(ROOT, "tests/run"), os.path.join(top, "tests/run"))
            process = subprocess.Popen(
                [os.path.join(top, "tests/run"), "--no-build", "--suite", "netns"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                env=dict(os.environ, TMPDIR=top))
            began = wait_until(lambda: processes(MARK))
            process.send_signal(number)
            output = process.communicate()[0]
            name = signal.Signals(number).name
            ended = began and wait_until(lambda: not processes(MARK), 10 if is_root else 1)
            for pid in processes(MARK):
                os.kill(pid, signal.SIGKILL)
            needs_root = number == signal.SIGKILL and not is_root
            checks.that(f"{name} to the runner ends what it started"
                        + (" # SKIP needs root" if needs_root else ""), ended or needs_root, output)
            if number == signal.SIGTERM:
                checks.that("an interrupted run fails with a summary", process.returncode == 1
                            and output.rstrip().endswith("failed"), output)
    if not is_root:
        print("ok - a namespace left behind is gone # SKIP needs root")
        return
    name = f"nt-test-house-{os.getpid()}"
    last, status, output = one(HEAD + "import subprocess\n"
                               f"subprocess.run(['ip','netns','add','{name}'],check=True)\n"
                               f"subprocess.Popen(['ip','netns','exec','{name}','sleep','300'])\n"
                               "print('ok - one')\n")
    checks.that("a namespace left behind is gone", last == "1 passed, 0 failed"
                and not os.path.exists("/run/netns/" + name), output)


def main():
    checks = Checks()
    for part in (counting, serial, again, leaving):
        part(checks)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
