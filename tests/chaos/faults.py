"""Which misfortune a request meets: decided by seed, key and how often the key was seen, and by nothing else."""

from __future__ import annotations

import random
from dataclasses import dataclass

# Of a thousand requests so many meet each kind; the rest, 510, pass unharmed.
SHARES = {
    "close_before": 40,  # closed, not carried to Molam
    "reset_before": 25,
    "503_before": 25,
    "page_before": 15,  # some proxy's page: 404 or 502
    "429_before": 20,
    "401_before": 10,
    "404_before": 15,  # in the shape of Molam's errors, but without a request id
    "gateway_before": 40,  # a gateway answers in Molam's place, and Molam hears of nothing
    "close_after": 50,  # carried out, and no answer
    "reset_after": 35,
    "503_after": 25,  # carried out, and a gateway says 503, 502 or 504
    "gateway_after": 60,  # carried out, and a gateway's answer in place of Molam's
    "truncate": 35,  # carried out, and half the answer
    "garbage": 15,  # carried out, and a page instead of the JSON of a 2xx
    "twice": 10,  # carried out, and the answer comes twice at once
    "stray": 20,  # carried out, and a 2xx comes again as the answer to the next request of the connection
    "hang": 15,  # carried out, and silence
    "drip": 10,  # carried out, and a byte now and then
    "zombie": 15,  # carried to Molam only after the merchant has lost patience
    "slow": 10,  # a little late
}


@dataclass(frozen=True, slots=True)
class Misfortune:
    """A kind, and a number from 0 to 1 that decides its details."""

    kind: str
    detail: float


def decide(seed: int, key: str, nth: int) -> Misfortune | None:
    """What the ``nth`` request under a key meets; None for nothing."""
    chance = random.Random(f"{seed}:{key}:{nth}")
    drawn = chance.randrange(1000)
    for kind, share in SHARES.items():
        if drawn < share:
            return Misfortune(kind, chance.random())
        drawn -= share
    return None
