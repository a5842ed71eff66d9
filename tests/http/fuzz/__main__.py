"""Run as long as wanted: ``python -m tests.http.fuzz --count 5000000 --seed 7``; Ctrl-C says how far it came."""

from __future__ import annotations

import argparse
import secrets
import sys
import time

from tests.http.fuzz.check import first_failure


def main() -> int:
    """1 where an input shows a fault."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=1_000_000)
    options.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="without it, another one each time")
    chosen = options.parse_args()
    began, done = time.monotonic(), 0

    def progress(number: int) -> None:
        nonlocal done
        done = number
        if number % 50_000 == 0:
            print(f"{number:,} inputs, {number / (time.monotonic() - began):,.0f} per second", flush=True)

    print(f"seed {chosen.seed}, {chosen.count:,} inputs", flush=True)
    try:
        found = first_failure(chosen.seed, chosen.count, progress)
    except KeyboardInterrupt:
        found = None
    print(found or f"{done:,} inputs, nothing wrong")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
