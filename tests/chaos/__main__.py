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
    parser.add_argument("--seconds", type=float, default=None, help="give up after (900; a journal's: by its orders)")
    parser.add_argument("--merchants", default="sync,alarms,async,limits", help="a process each (%(default)s)")
    parser.add_argument("--width", type=int, help="threads or tasks per merchant (16; shops that note nothing: 8)")
    parser.add_argument("--journal", choices=PLACES, help="shops that note nothing, and where their journal is")
    parser.add_argument("--folder", type=Path, help="a journal's run is kept here, and goes on where it was broken off")
    chosen = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if chosen.seed is None else chosen.seed
    journal = f" --journal {chosen.journal}" if chosen.journal else ""
    print(f"seed {seed}; again: make chaos ARGS='--seed {seed} --orders {chosen.orders}{journal}'", flush=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL has a user of its own
        if chosen.journal:
            kills = max(6, min(90, chosen.orders // 50))
            journalled = JournalPlan(
                seed, chosen.orders, chosen.seconds, chosen.journal, width=chosen.width or 8, kills=kills
            )
            figures, wrong = run_with_journal(journalled, _kept(chosen.folder) or Path(folder), _say)
        else:
            seconds = chosen.seconds or 900.0
            plan = Plan(seed, chosen.orders, seconds, tuple(chosen.merchants.split(",")), chosen.width or 16)
            figures, wrong = run(plan, Path(folder), _say)
    print(json.dumps(figures, indent=2))
    print(*wrong[:50], sep="\n")
    print(f"{len(wrong)} wrong" if wrong else "every order once, every claim true")
    return 1 if wrong else 0


def _kept(folder: Path | None) -> Path | None:
    if folder is not None:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    return folder


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
