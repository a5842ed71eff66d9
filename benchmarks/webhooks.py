"""What a webhook costs: verify and parse, ours beside stripe's, ``svix`` and ``standardwebhooks``."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import time
from collections.abc import Callable
from datetime import datetime, timezone
from statistics import median
from typing import Any, Final

from molam_sdk.webhooks import construct_event, sign, verify_molam_signature

from .figures import Figures, Options

Contestant = Callable[[], object]

OURS: Final = "molam"
_SIZES: Final = {"small": 100, "large": 10_000}
_CALLS: Final = 400


def measure(options: Options) -> Figures:
    """Microseconds per delivery on bodies of the same size, everyone in one process, in a new order every round."""
    rows: dict[str, dict[str, float]] = {}
    for size, padding in _SIZES.items():
        contestants = _contestants(padding)
        chosen = {name: call for name, call in contestants.items() if options.only in name or name == OURS}
        for name, rounds in _race(chosen, options.rounds).items():
            row = rows.setdefault(name, {})
            row[f"{size} µs"] = median(seconds for seconds, _ in rounds) * 1e6
            row[f"{size} ratio to ours"] = median(seconds / ours for seconds, ours in rounds)
    return Figures("webhooks", "A webhook verified and parsed", rows, (
        f"{options.rounds} rounds of {_CALLS} deliveries each; ratios are medians over the rounds. Bodies of "
        f"{' and '.join(f'{len(_body(padding)):,} bytes' for padding in _SIZES.values())}. standardwebhooks and "
        "svix give the parsed JSON, the others an event; “with the model” also reads the payment as a checked model.",
    ))  # fmt: skip


def _race(contestants: dict[str, Contestant], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds per call of each round, and ours of the same round beside them."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
    order = list(contestants)
    chance = random.Random(1)
    for _ in range(rounds):
        chance.shuffle(order)
        seconds = {name: _time(contestants[name]) for name in order}
        for name in order:
            taken[name].append((seconds[name], seconds[OURS]))
    return taken


def _time(call: Contestant) -> float:
    for _ in range(_CALLS // 20):
        call()
    began = time.perf_counter()
    for _ in range(_CALLS):
        call()
    return (time.perf_counter() - began) / _CALLS


def _contestants(padding: int) -> dict[str, Contestant]:
    body = _body(padding)
    header, secrets = sign(body, "whsec_bench"), {"v1": "whsec_bench"}
    contestants: dict[str, Contestant] = {
        OURS: lambda: construct_event(body, header, secrets),
        "molam, with the model": lambda: construct_event(body, header, secrets).data,
        "molam, verify only": lambda: verify_molam_signature(header, body, secrets),
    }
    for name, make in (("standardwebhooks", _standardwebhooks), ("svix", _svix), ("stripe", _stripe)):
        try:
            contestants[name] = make(body)
        except ImportError as absent:
            print(f"left out: {name} ({absent})")
    return contestants


def _standardwebhooks(body: bytes) -> Contestant:
    from standardwebhooks import Webhook

    return _standard(Webhook, body, "webhook")


def _svix(body: bytes) -> Contestant:
    from svix.webhooks import Webhook

    return _standard(Webhook, body, "svix")


def _standard(kind: Any, body: bytes, prefix: str) -> Contestant:
    """Both speak one protocol, under names of their own."""
    webhook, moment, text = kind(base64.b64encode(b"k" * 24).decode()), int(time.time()), body.decode()
    headers = {
        f"{prefix}-id": "evt_1",
        f"{prefix}-timestamp": str(moment),
        f"{prefix}-signature": webhook.sign("evt_1", datetime.fromtimestamp(moment, timezone.utc), text),
    }
    return lambda: webhook.verify(text, headers)


def _stripe(body: bytes) -> Contestant:
    import stripe

    moment = int(time.time())
    digest = hmac.new(b"whsec_bench", f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    header = f"t={moment},v1={digest}"
    return lambda: stripe.Webhook.construct_event(body, header, "whsec_bench")  # type: ignore[no-untyped-call]


def _body(padding: int) -> bytes:
    payment = {
        "id": "pi_1",
        "status": "succeeded",
        "amount": 100.5,
        "currency": "USD",
        "capture": True,
        "customer_id": "cus_1",
        "metadata": {"order": "7", "note": "x" * padding},
        "created_at": "2026-11-21T08:00:00Z",
    }
    event = {"id": "evt_1", "object": "event", "type": "payment.succeeded", "created": 1_800_000_000}
    return json.dumps({**event, "livemode": False, "data": payment}).encode()
