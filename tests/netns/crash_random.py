#!/usr/bin/python3 -B
# serial
# timeout: 900
"""50 kills at random moments of boots and deletes; the seed is fixed and printed.

    tests/netns/crash_random.py [SEED [ROUNDS]]
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from chaos import run  # noqa: E402
from check import done  # noqa: E402


def main():
    numbers = [int(text) for text in sys.argv[1:]]
    run("cr", numbers[0] if numbers else 20120727, numbers[1] if len(numbers) > 1 else 50)
    done()


if __name__ == "__main__":
    main()
