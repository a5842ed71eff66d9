"""Two stored runs side by side: what became cheaper, what dearer."""

from __future__ import annotations

import json
from pathlib import Path

from .figures import Figures, from_json

_WORTH_SAYING = 0.03


def compare(before: Path, after: Path) -> str:
    """Every number of both runs that differs by more than 3%, in percent."""
    old, new = _load(before), _load(after)
    lines = []
    for name in new.keys() & old.keys():
        lines += [f"{name}: {line}" for line in _differences(old[name], new[name])]
    return "\n".join(sorted(lines)) or "no difference above 3%"


def _differences(old: Figures, new: Figures) -> list[str]:
    lines = []
    for contestant, row in new.rows.items():
        for column, number in row.items():
            was = old.rows.get(contestant, {}).get(column)
            if was and abs(number / was - 1) > _WORTH_SAYING:
                lines.append(f"{contestant}, {column}: {was:g} → {number:g} ({number / was - 1:+.0%})")
    return lines


def _load(path: Path) -> dict[str, Figures]:
    stored = json.loads(path.read_text(encoding="utf-8"))["figures"]
    return {name: from_json(figures) for name, figures in stored.items()}
