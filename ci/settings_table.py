"""The table of a client's settings: names and defaults are the config's, unit and reason stand here."""

from __future__ import annotations

import sys
from dataclasses import MISSING, fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


from molam_sdk import ClientConfig

# By the name of each field; one that is missing here, or is no field any more, ends the program.
MEANING: dict[str, tuple[str, str]] = {
    "api_key": ("", "whose calls these are; a source, a file or a function renews it without a restart"),
    "base_url": ("URL or name", "where calls go; https, or http on loopback"),
    "environment": ("name", "`production`, `staging` or `sandbox`, in place of a URL"),
    "region": ("name", "`us-east`, `eu-west`, `ap-south`: production near you"),
    "timeout_connect": ("s", "a connection that takes longer is lost anyway; another attempt is cheaper"),
    "timeout_read": ("s", "silence of the server for so long ends an attempt"),
    "timeout_total": ("s", "the whole call with retries and pauses: less than what your own callers wait"),
    "max_retries": ("attempts", "more help against dips only, and make outages longer"),
    "retry_backoff_factor": ("s", "the ceiling of the first pause; it doubles with each"),
    "retry_backoff_max": ("s", "no pause is longer"),
    "retry_after_max": ("s", "a longer `Retry-After` is not waited for: the call ends"),
    "retry_budget": ("tokens", "what all retries of a client may cost at a time: an outage becomes no storm"),
    "remembered_keys": ("keys", "how many keys in doubt a client remembers"),
    "retry_cost": ("tokens", "what a retry takes from the budget"),
    "retry_cost_timeout": ("tokens", "the same after a timeout, which has cost the server more"),
    "pool_size": ("connections", "idle ones that are kept: as many as calls run at a time"),
    "pool_idle_seconds": ("s", "below the minute after which gateways close idle connections"),
    "max_body_bytes": ("bytes", "an answer that is larger is not read: it cannot exhaust memory"),
    "bulkheads": ("calls", "in flight at most, by group: a batch of payouts cannot starve checkouts"),
    "bulkhead_wait": ("s", "how long a call waits for a place in its bulkhead"),
    "verify_ssl": ("", "off for test keys only"),
    "ca_bundle": ("path", "your own CA; looked at while the client runs"),
    "mtls_cert": ("path", "the client's certificate; looked at while the client runs"),
    "mtls_key": ("path", "its key, without a passphrase"),
    "proxy": ("URL", "wins over the environment's proxies"),
    "default_currency": ("ISO 4217", "of payloads that name none"),
    "default_locale": ("language", "of Molam's messages: `Accept-Language`"),
    "journal": ("path or URL", "where each call is written down before its first byte"),
    "journal_required": ("", "a call that cannot be written down is not sent"),
    "journal_key": (
        "Fernet keys",
        "bodies and answers in the journal are encrypted; the first encrypts, all of them read",
    ),
    "journal_tag": ("", "created objects carry a tag in their metadata, by which an event or a list finds their entry"),
    "debug": ("", "a log line per attempt, at DEBUG"),
    "switched_off": ("names", "groups and operations that are refused: see [operating](operating.md)"),
    "switches_file": ("path", "the same in a file, looked at while the client runs"),
    "switches": ("function", "the same by a function, such as OpenFeature's; not from the environment"),
}
_ONLY_BY_ARGUMENT = {"switches"}


def rows() -> list[tuple[str, ...]]:
    """The head, and a row for each setting."""
    known = {item.name for item in fields(ClientConfig)}
    if known != MEANING.keys():
        raise SystemExit(f"ci/settings_table.py: correct the rows of {', '.join(sorted(known ^ MEANING.keys()))}")
    head = ("setting", "variable", "unit", "default", "why")
    return [head, *(_row(item.name, item.default) for item in fields(ClientConfig))]


def _row(name: str, default: object) -> tuple[str, ...]:
    unit, why = MEANING[name]
    variable = "" if name in _ONLY_BY_ARGUMENT else f"`MOLAM_{name.upper()}`"
    return (f"`{name}`", variable, unit, _shown(default), why)


def _shown(default: object) -> str:
    if default is None or default is MISSING:
        return ""
    return f"`{default}`" if isinstance(default, bool | str) else f"{default:,g}"
