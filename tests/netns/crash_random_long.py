#!/usr/bin/python3 -B
# serial
# long
# timeout: 7200
"""500 kills at random moments, of another seed each time; the seed is printed."""

import os
import secrets
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from chaos import run  # noqa: E402
from check import done  # noqa: E402


def main():
    run("cl", int(sys.argv[1]) if len(sys.argv) > 1 else secrets.randbelow(10**9), 500)
    done()


if __name__ == "__main__":
    main()
