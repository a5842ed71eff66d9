"""200 greenlets through one source, made before gevent patches or after: ``greenlet_secrets.py before|after``."""

from __future__ import annotations

import sys
import time

from gevent import monkey

if sys.argv[1] == "before":
    monkey.patch_all()

from molam_sdk.secrets import CallableSource, Keeping
from molam_sdk.webhooks import RotatingSecrets

asked: list[str] = []


def find(kid: str) -> str:
    asked.append(kid)
    time.sleep(0.2)
    return f"whsec_{len(asked)}"


clock = [0.0]
rotating = RotatingSecrets(find, clock=lambda: clock[0])
kept = CallableSource(lambda: find("kept"), keeping=Keeping(ttl_seconds=0))
if sys.argv[1] == "after":
    monkey.patch_all()

import gevent  # noqa: E402

began = time.monotonic()
rounds = []
for seconds in (0, 50, 60, 130):  # unknown, renewed in the background, over, both secrets
    clock[0] = seconds
    jobs = [gevent.spawn(rotating, "v1") for _ in range(200)]
    gevent.joinall(jobs, timeout=20)
    rounds.append(len({job.value for job in jobs}))
jobs = [gevent.spawn(kept) for _ in range(200)]
gevent.joinall(jobs, timeout=20)
sys.stdout.write(f"{rounds} {asked.count('v1')} {all(job.value for job in jobs)} {time.monotonic() - began < 15}\n")
