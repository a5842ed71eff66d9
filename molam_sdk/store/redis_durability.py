"""What a Redis must be set to so that it forgets no event: asked of the server where that is allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from redis.exceptions import ResponseError


def durability_of(client: Any) -> Mapping[str, str]:
    """What ``CONFIG GET`` says; nothing where the server does not let us ask."""
    asked = ("appendonly", "save", "maxmemory", "maxmemory-policy")
    try:
        answers = [client.config_get(name) for name in asked]
    except ResponseError:
        return {}
    found: dict[str, str] = {}
    for answer in answers:
        if not isinstance(answer, dict):
            return {}
        found |= {_text(name): _text(value) for name, value in answer.items() if not isinstance(value, dict)}
    return found


def losses(settings: Mapping[str, str]) -> Iterator[str]:
    """How a server with these settings can forget that an event was handled: each a sentence with what to set."""
    if settings.get("appendonly") == "no":
        when = "writes nothing to disk" if not settings.get("save") else "writes to disk now and then"
        yield f"it {when}: a restart forgets handled events, which then run again. Set appendonly yes."
    evicts = settings.get("maxmemory-policy", "noeviction") != "noeviction"
    if evicts and settings.get("maxmemory", "0") != "0":
        policy = settings["maxmemory-policy"]
        yield f"it evicts keys when its memory is full ({policy}). Set maxmemory-policy noeviction."


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
