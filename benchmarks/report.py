"""Stored figures as the tables of a document, between two marks in it, so that nobody copies numbers by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from .figures import from_json

_BEGIN: Final = "<!-- figures: written by python -m benchmarks --report -->"
_END: Final = "<!-- end of figures -->"


def write(stored: Path, document: Path) -> None:
    """Replace what stands between the marks of ``document`` with the figures of ``stored`` and their machine."""
    run = json.loads(stored.read_text(encoding="utf-8"))
    before, _, rest = document.read_text(encoding="utf-8").partition(_BEGIN)
    _, found, after = rest.partition(_END)
    if not found:
        raise SystemExit(f"{document} lacks the marks {_BEGIN} and {_END}")
    tables = [from_json(figures).as_markdown() for figures in run["figures"].values()]
    machine = [f"- {name}: {value}" for name, value in run["machine"].items()]
    text = "\n".join([*tables, "### Machine and versions", "", *machine])
    document.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}", encoding="utf-8")
