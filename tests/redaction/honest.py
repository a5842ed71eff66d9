"""Ten thousand lines as honest programs write them: none of them holds a secret, many of them look a little like it."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

_BASE32: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PATHS: Final = (
    "/", "/checkout/", "/api/v1/orders/1042/", "/static/css/site.3f9ab21c.css", "/healthz", "/users/sign_in?next=/cart",
    "/v1/connect/payment_intents?limit=20&starting_after=pi_01HV7Z8Q6J3K5M7N", "/search?q=pan+fried+rice&page=2",
)  # fmt: skip
_AGENTS: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.6723.117 Safari/537.36",
    "curl/8.5.0", "kube-probe/1.29", "Prometheus/2.53.1", "molam-python-sdk/0.1.0 (CPython 3.12.4; Linux)",
)  # fmt: skip


class Facts:
    """The changing parts of a line, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def __getattr__(self, name: str) -> str:
        return str(_PARTS[name](self.dice))


def _stamp(dice: random.Random, form: str) -> str:
    two = [f"{dice.randrange(60):02}" for _ in range(2)]
    day, hour = f"{dice.randrange(1, 29):02}", f"{dice.randrange(24):02}"
    return form.format(day=day, hour=hour, minute=two[0], second=two[1], ms=f"{dice.randrange(1000):03}")


def _hex(dice: random.Random, length: int) -> str:
    return f"{dice.getrandbits(4 * length):0{length}x}"


def _epoch(dice: random.Random) -> float:
    return dice.uniform(1_600_000_000, 1_900_000_000)


_PARTS: Final[dict[str, Callable[[random.Random], object]]] = {
    "iso": lambda dice: _stamp(dice, "2026-11-{day}T{hour}:{minute}:{second}.{ms}Z"),
    "time": lambda dice: _stamp(dice, "2026-11-{day} {hour}:{minute}:{second},{ms}"),
    "clf": lambda dice: _stamp(dice, "{day}/Nov/2026:{hour}:{minute}:{second} +0000"),
    "klog": lambda dice: _stamp(dice, "11{day} {hour}:{minute}:{second}.{ms}417"),
    "syslog": lambda dice: _stamp(dice, "Nov {day} {hour}:{minute}:{second}"),
    "s": lambda dice: int(_epoch(dice)),
    "ms": lambda dice: int(_epoch(dice) * 1e3),
    "us": lambda dice: int(_epoch(dice) * 1e6),
    "ns": lambda dice: int(_epoch(dice) * 1e9),
    "float": lambda dice: repr(_epoch(dice)),
    "ratio": lambda dice: repr(dice.random()),
    "took": lambda dice: f"{dice.random() * 3:.3f}",
    "ip": lambda dice: ".".join(str(dice.randrange(1, 255)) for _ in range(4)),
    "ipv6": lambda dice: ":".join(_hex(dice, 4) for _ in range(8)),
    "port": lambda dice: dice.randrange(1024, 65536),
    "pid": lambda dice: dice.randrange(2, 99999),
    "n": lambda dice: dice.randrange(1, 10**6),
    "small": lambda dice: dice.randrange(60),
    "status": lambda dice: dice.choice((200, 201, 204, 301, 304, 400, 401, 404, 422, 429, 500, 502, 503)),
    "size": lambda dice: dice.randrange(0, 90000),
    "uuid": lambda dice: uuid.UUID(int=dice.getrandbits(128), version=4),
    "ulid": lambda dice: "01" + "".join(dice.choices(_BASE32, k=24)),
    "md5": lambda dice: _hex(dice, 32),
    "sha": lambda dice: _hex(dice, 40),
    "sha256": lambda dice: _hex(dice, 64),
    "span": lambda dice: _hex(dice, 16),
    "object_id": lambda dice: _hex(dice, 24),
    "address": lambda dice: f"0x{dice.getrandbits(44) + 2**44:x}",
    "snowflake": lambda dice: dice.randrange(17 * 10**17, 19 * 10**17),
    "datadog": lambda dice: dice.getrandbits(63),
    "order": lambda dice: f"{dice.randrange(10**8):08}",
    "amount": lambda dice: f"{dice.randrange(10**8) / 100:.2f}",
    "grouped": lambda dice: f"{dice.randrange(10**9):,}",
    "francs": lambda dice: f"{dice.randrange(10**9):,}".replace(",", "\u202f"),
    "phone": lambda dice: (
        f"+221 7{dice.randrange(10)} {dice.randrange(1000):03} {dice.randrange(100):02} {dice.randrange(100):02}"
    ),
    "phones": lambda dice: f"+{dice.choice((1, 33, 44, 49, 57, 58, 225, 502))}{dice.randrange(10**9, 10**10)}",
    "version": lambda dice: ".".join(str(dice.randrange(40)) for _ in range(3)),
    "path": lambda dice: dice.choice(_PATHS),
    "agent": lambda dice: dice.choice(_AGENTS),
    "verb": lambda dice: dice.choice(("GET", "POST", "PUT", "DELETE")),
    "worker": lambda dice: f"celery@shop-{dice.randrange(20)}",
    "pod": lambda dice: f"shop-{_hex(dice, 9)}-{''.join(dice.choices('bcdfghjklmnpqrstvwxz2456789', k=5))}",
}

# One template a line; ``\\n`` and ``\\\\`` stand for what Python means by them.
_WRITTEN: Final = Path(__file__).with_name("honest.txt").read_text(encoding="utf-8").splitlines()
TEMPLATES: Final = tuple(line.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\") for line in _WRITTEN)


def lines(count: int = 10_500, seed: int = 20261121) -> Iterator[str]:
    """Each template in turn, with other facts each time."""
    facts = Facts(seed)
    for number in range(count):
        yield TEMPLATES[number % len(TEMPLATES)].format_map(_Parts(facts))


class _Parts(dict[str, str]):
    def __init__(self, facts: Facts) -> None:
        super().__init__()
        self._facts = facts

    def __missing__(self, name: str) -> str:
        return getattr(self._facts, name)
