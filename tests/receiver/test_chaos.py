"""Workers and servers killed, connections cut, clocks a minute apart, duplicates, handlers that fail or are slow: each
event takes effect once, and none is left. `python -m tests.receiver.chaos` is the longer run.
"""

from __future__ import annotations

import sys

import pytest

from tests.receiver.chaos.run import SERVERS, Plan, run
from tests.support.servers import is_installed

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]
RUNS = [
    ("postgresql", "later"),
    ("mariadb", "now"),
    ("redis", "now"),
    ("sqlite", "later"),
    ("asyncpg", "later"),
    ("django", "now"),
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("store", "mode"), RUNS)
def test_each_event_takes_effect_once_whoever_dies(store: str, mode: str) -> None:
    for kind in {SERVERS.get(store, store), "redis"} - {"sqlite"}:
        if not is_installed(kind):
            pytest.skip(f"{kind} is not installed")
    figures, wrong = run(Plan(store, mode, events=45, seed=2026, seconds=500, kills=2))
    assert wrong == [], figures
    assert figures["killed"] == 2
