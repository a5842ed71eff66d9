"""What the doctor answers with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer: what was looked at, how it stands, and a sentence that says what to do where it is not well."""

    name: str
    level: Level
    text: str
