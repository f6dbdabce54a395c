#!/usr/bin/python3
"""The test runner finds what the sanitizers and the fuzzer find."""

import glob
import json
import os
import shutil
import sys

from house import ROOT, Checks, run, runner, tree


BODY = '#include <stdio.h>\n#include <stdlib.h>\nint main(int n, char *v[]){%s puts("ok 1 - a");}\n'
SANITIZED = ["gcc", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def unit(checks):
    """A file of build-asan with a leak, one with undefined behaviour, one clean."""
    kinds = {"clean": "", "leak": "char *volatile p = malloc(n); p = NULL;",
             "overflow": "n += 2147483647;", "outside": "char b[2]; b[n + 1] = 1; n = b[n];"}
    for name, code in kinds.items():
        with tree({"build-asan/a.c": BODY % code, "tests/x": ""}) as top:
            exe = os.path.join(top, "build-asan/a")
            run(*SANITIZED, "-o", exe,
                os.path.join(top, "build-asan/a.c"))
            os.makedirs(os.path.join(top, "build-asan/meson-info"))
            os.makedirs(os.path.join(top, "build-aux"))
            shutil.copy(os.path.join(ROOT, "build-aux/lsan.supp"), os.path.join(top, "build-aux"))
            with open(os.path.join(top, "build-asan/meson-info/intro-tests.json"), "w",
                      encoding="utf-8") as f:
                json.dump([{"name": name, "cmd": [exe], "timeout": 20}], f)
            last, status, output = runner(top, "--suite", "unit")
            wanted = 0 if name == "clean" else 1
            checks.that(f"unit: {name} is " + ("passed" if wanted == 0 else "found"),
                        status == wanted, output)


KINDS = {"clean": "", "leak": "char *volatile p = malloc(n); p = NULL;",
         "overflow": "n += 2147483647;", "outside": "char *p = malloc(1); p[n] = 1; free(p);",
         "unhappy": "return 7;"}
DAEMON = """#!/usr/bin/python3
import os, subprocess, sys
sys.path[:0] = ["LIB", "LAB"]
import sanitized
from check import check, done
log = os.path.join(os.environ["NT_TEST_TMP"], "log")
with open(log, "w") as out:
    end = subprocess.run([sanitized.program("a")], stdout=out, stderr=out,
                         env={**os.environ, **sanitized.env()})
check("ended", sanitized.expect_clean, "a", log, end.returncode)
done()
"""


def daemon(checks):
    """What runs beside a test of suite netns, from build-asan."""
    lib, lab = os.path.join(ROOT, "tests/lib"), os.path.join(ROOT, "lab/lib")
    for name, code in KINDS.items():
        with tree({"build-asan/a.c": BODY % code, "tests/netns/test_x.py": DAEMON.replace(
                "LIB", lib).replace("LAB", lab)}) as top:
            exe = os.path.join(top, "build-asan/a")
            run(*SANITIZED, "-o", exe, exe + ".c")
            os.makedirs(os.path.join(top, "build-aux"))
            shutil.copy(os.path.join(ROOT, "build-aux/lsan.supp"), os.path.join(top, "build-aux"))
            os.environ["NT_AGENT_BUILD"] = os.path.dirname(exe)
            last, status, output = runner(top, "--suite", "netns")
            del os.environ["NT_AGENT_BUILD"]
            wanted = "1 passed, 0 failed" if name == "clean" else "0 passed, 1 failed"
            checks.that(f"netns: {name} is " + ("passed" if name == "clean" else "found"),
                        last == wanted and ("leak" not in name or "LeakSanitizer" in output),
                        output)


def fuzz(checks):
    code = ("#include <stdint.h>\n#include <stdlib.h>\n"
            "int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)\n"
            "{ if (n > 1 && d[0] == 'x' && CRASH) { abort(); } return 0; }\n")
    for crash in (0, 1):
        with tree({"build-fuzz/tests/fuzz/a.c": code, "tests/fuzz/seeds/fuzz_a/1": "ya"}) as top:
            where = os.path.join(top, "build-fuzz/tests/fuzz")
            done = run("clang", "-fsanitize=fuzzer", f"-DCRASH={crash}", "-o", where + "/fuzz_a",
                       where + "/a.c")
            last, status, output = runner(top, "--suite", "fuzz", "--fuzz-time", "1")
            kept = glob.glob(os.path.join(top, "build-fuzz/crashes/fuzz_a/crash-*"))
            if crash:
                checks.that("fuzz: a crash is found and its input kept", status == 1 and kept,
                            done[1] + output)
            else:
                checks.that("fuzz: a harness without a crash passes",
                            last == "1 passed, 0 failed", done[1] + output)
                seeds = os.listdir(os.path.join(top, "tests/fuzz/seeds/fuzz_a"))
                checks.that("fuzz: new inputs do not go to the seeds", seeds == ["1"], seeds)
    with tree({"build-fuzz/tests/fuzz/fuzz_a": "#!/bin/sh\n", "tests/x": ""}) as top:
        last, status, output = runner(top, "--suite", "fuzz", "--fuzz-time", "1")
        checks.that("fuzz: a harness without seeds fails", status == 1, output)


def main():
    checks = Checks()
    for part in (unit, daemon, fuzz):
        part(checks)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
