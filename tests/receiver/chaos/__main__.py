"""The longer chaos run: `python -m tests.receiver.chaos --events 5000 --stores mariadb --modes later`."""

from __future__ import annotations

import argparse
import json
import random
import sys

from tests.receiver.chaos.run import Plan, run


def main() -> int:
    """Print progress, figures and what was wrong; 1 if anything was."""
    parser = argparse.ArgumentParser("python -m tests.receiver.chaos", description=__doc__)
    parser.add_argument("--events", type=int, default=5000, help="of each run; 30%% come twice (%(default)s)")
    parser.add_argument(
        "--stores", default="postgresql,mariadb,redis,sqlite,asyncpg,django", help="a run each (%(default)s)"
    )
    parser.add_argument("--modes", default="now,later", help="answered when handled, or when stored (%(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="decides the order and the kills (drawn)")
    parser.add_argument("--seconds", type=float, default=3600, help="give a run up after (%(default)s)")
    chosen = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if chosen.seed is None else chosen.seed
    failed = 0
    for store in chosen.stores.split(","):
        for mode in chosen.modes.split(","):
            if (store, mode) == ("redis", "later"):  # Redis has no inbox
                continue
            plan = Plan(store, mode, chosen.events, seed, chosen.seconds, kills=max(4, chosen.events // 100))
            figures, wrong = run(plan, lambda line: print(line, flush=True))
            print(json.dumps(figures))
            print(*wrong[:50], sep="\n")
            print(f"{len(wrong)} wrong" if wrong else "double 0, lost 0, unsettled 0", flush=True)
            failed += bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
