"""A million calls through one client: what they leave behind in memory and descriptors.

Run: python -m benchmarks.soak --calls 1000000 --seconds 900 --state soak.json. It ends at whichever bound comes
first; with the same state file the next run goes on counting where this one stopped.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from molam_sdk import MolamError, MolamSyncClient

from . import ours
from .figures import Figures, Options
from .loopback import http_answer, serve
from .payload import ANSWERS, PAYMENT

CALLS: Final = 1_000_000
SECONDS: Final = 900.0
_WARM_UP: Final = 20_000
_STEP: Final = 10_000
_BAD: Final[Mapping[str, bytes]] = {
    "/v1/declined": http_answer(b'{"error": {"code": "card_declined"}}', status="402 Payment Required"),
    "/v1/unreadable": http_answer(b"<html>"),
}


@dataclass(frozen=True, slots=True)
class Left:
    """What a process holds."""

    memory_kib: int
    descriptors: int


def measure(options: Options) -> Figures:
    """The whole soak, for the table of benchmarks."""
    done, seconds, before, after = soak(CALLS, max(SECONDS, options.seconds), print)
    row = {
        "calls": done,
        "calls a second": round(done / seconds),
        "memory more KiB": after.memory_kib - before.memory_kib,
        "descriptors more": after.descriptors - before.descriptors,
    }
    notes = (f"2 in 100 calls fail; compared with the state after {_WARM_UP:,} calls",)
    return Figures("soak", "A million calls through one client", {"molam": row}, notes)


def soak(calls: int, seconds: float, say: Callable[[str], None]) -> tuple[int, float, Left, Left]:
    """Calls made, seconds taken, what the process held after the warm-up and at the end."""
    with serve({**_BAD, **ANSWERS}) as server, ours.full_client(server.url) as client:
        _call(client, _WARM_UP)
        before, began, done = _held(), time.monotonic(), 0
        while done < calls and time.monotonic() - began < seconds:
            _call(client, min(_STEP, calls - done))
            done += min(_STEP, calls - done)
            now = _held()
            say(f"{done:9,d} calls  {time.monotonic() - began:6.0f} s  "
                f"memory {now.memory_kib - before.memory_kib:+6d} KiB  descriptors "
                f"{now.descriptors - before.descriptors:+d}")  # fmt: skip
        return done, time.monotonic() - began, before, _held()


def _call(client: MolamSyncClient, count: int) -> None:
    for number in range(count):
        try:
            if number % 100 == 0:
                client.post("/v1/declined")
            elif number % 100 == 50:
                client.get("/v1/unreadable")
            else:
                client.create_payment_intent(PAYMENT)
        except MolamError:
            continue
    gc.collect()


def _held() -> Left:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return Left(memory, len(list(Path("/proc/self/fd").iterdir())))


def main() -> int:
    """Go on from the state file, if one is named, and store there how far it came."""
    parser = argparse.ArgumentParser("python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--state", type=Path)
    chosen = parser.parse_args()
    state = json.loads(chosen.state.read_text()) if chosen.state and chosen.state.exists() else {"calls": 0, "runs": []}
    if state["calls"] >= chosen.calls:
        print(f"{state['calls']:,} calls were made already")
        return 0
    done, seconds, before, after = soak(
        chosen.calls - state["calls"], chosen.seconds, lambda line: print(line, flush=True)
    )
    state["calls"] += done
    state["runs"].append({"calls": done, "seconds": round(seconds), "memory_kib": after.memory_kib - before.memory_kib,
                          "descriptors": after.descriptors - before.descriptors})  # fmt: skip
    if chosen.state:
        chosen.state.write_text(json.dumps(state, indent=1))
    print(json.dumps(state, indent=1))
    return 0 if after.descriptors <= before.descriptors else 1


if __name__ == "__main__":
    sys.exit(main())
