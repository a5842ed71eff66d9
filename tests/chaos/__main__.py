"""The longer chaos run: `python -m tests.chaos --orders 20000 --seed 7`."""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import Plan, run


def main() -> int:
    """Print progress, figures and what was wrong; 1 if anything was."""
    parser = argparse.ArgumentParser("python -m tests.chaos", description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000, help="in all (%(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="decides faults and kills (drawn)")
    parser.add_argument("--seconds", type=float, default=900, help="give up after (%(default)s)")
    parser.add_argument("--merchants", default="sync,alarms,async", help="a process each (%(default)s)")
    parser.add_argument("--width", type=int, default=16, help="threads or tasks per merchant (%(default)s)")
    chosen = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if chosen.seed is None else chosen.seed
    print(f"seed {seed}; again: make chaos ARGS='--seed {seed} --orders {chosen.orders}'", flush=True)
    plan = Plan(seed, chosen.orders, chosen.seconds, tuple(chosen.merchants.split(",")), chosen.width)
    with tempfile.TemporaryDirectory() as folder:
        figures, wrong = run(plan, Path(folder), lambda line: print(line, flush=True))
    print(json.dumps(figures, indent=2))
    print(*wrong[:50], sep="\n")
    print(f"{len(wrong)} wrong" if wrong else "every order once, every claim true")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
