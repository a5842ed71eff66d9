"""The longer chaos run: `python -m tests.chaos --orders 20000 --seed 7`."""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.journal.databases import PLACES
from tests.chaos.journal.run import JournalPlan, run_with_journal
from tests.chaos.run import Plan, run


def main() -> int:
    """Print progress, figures and what was wrong; 1 if anything was."""
    parser = argparse.ArgumentParser("python -m tests.chaos", description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000, help="in all (%(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="decides faults and kills (drawn)")
    parser.add_argument("--seconds", type=float, default=900, help="give up after (%(default)s)")
    parser.add_argument("--merchants", default="sync,alarms,async,limits", help="a process each (%(default)s)")
    parser.add_argument("--width", type=int, default=16, help="threads or tasks per merchant (%(default)s)")
    parser.add_argument("--journal", choices=PLACES, help="shops that note nothing, and where their journal is")
    chosen = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if chosen.seed is None else chosen.seed
    journal = f" --journal {chosen.journal}" if chosen.journal else ""
    print(f"seed {seed}; again: make chaos ARGS='--seed {seed} --orders {chosen.orders}{journal}'", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        if chosen.journal:
            journalled = JournalPlan(seed, chosen.orders, chosen.seconds, chosen.journal, width=chosen.width)
            figures, wrong = run_with_journal(journalled, Path(folder), _say)
        else:
            plan = Plan(seed, chosen.orders, chosen.seconds, tuple(chosen.merchants.split(",")), chosen.width)
            figures, wrong = run(plan, Path(folder), _say)
    print(json.dumps(figures, indent=2))
    print(*wrong[:50], sep="\n")
    print(f"{len(wrong)} wrong" if wrong else "every order once, every claim true")
    return 1 if wrong else 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
