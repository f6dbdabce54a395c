#!/usr/bin/python3 -B
# timeout: 600
"""OSSA-2014-039 (CVE-2014-7821): a text that takes for ever to check.  Every text of every
body is answered within a time that grows with its length and no faster."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../api"))

from check import check, done, expect  # noqa: E402
from lab import lab_for  # noqa: E402
from test_fields import BODIES, TEXT, with_value  # noqa: E402

SIZE = 200000  # Bytes.
LIMIT_S = 0.2 + SIZE / 1024 * 0.001  # 1 ms for each KB, and the way there and back.
# What checks of names, addresses and keys have been slow at.
TEXTS = ["a" * SIZE, "." * SIZE, "a." * (SIZE // 2), "1." * (SIZE // 2), "-" * SIZE,
         " " * SIZE, "\t" * SIZE, "/" * SIZE, "=" * SIZE, ":" * SIZE, "é" * (SIZE // 2),
         "0" * SIZE, "ssh-rsa " + "A" * SIZE, "a" * SIZE + "!", "%" * SIZE, "\\" * (SIZE // 2)]


def bounded(lab, method, path, body, field):
    for text in TEXTS:
        start = time.monotonic()
        answer = lab.api.send(method, path, with_value(body, field, text), base="")
        took = time.monotonic() - start
        expect(400 <= answer.status < 500, f"{text[:10]!r}...: {answer.status}")
        if took > LIMIT_S:  # Once more: the machine may have been busy.
            start = time.monotonic()
            lab.api.send(method, path, with_value(body, field, text), base="")
            took = min(took, time.monotonic() - start)
        expect(took < LIMIT_S, f"{text[:10]!r}... took {took:.2f} s")


def main():
    lab = lab_for("oc")
    for method, path, body, fields in BODIES:
        for field, kind in fields.items():
            if kind == TEXT:
                check(f"{method} {path.split('/')[-1][:12]}: {field}", bounded, lab, method, path,
                      body, field)
    check("the server lives",
          lambda: expect(lab.program("controller-1", "server").lives(), "it has ended"))
    done()


if __name__ == "__main__":
    main()
