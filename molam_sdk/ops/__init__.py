"""What whoever is on call is given: alerts, a dashboard, and a shop to try them on. `molam ops export` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
"""Where the files stand in the package."""

RUNBOOK: Final = "RUNBOOK.md"


def files() -> Iterator[Path]:
    """Each file, by its path below the folder."""
    found = (path.relative_to(FOLDER) for path in sorted(FOLDER.rglob("*")) if path.is_file())
    return (path for path in found if path.suffix not in (".py", ".pyc"))


def text_of(file: Path, runbook: str = RUNBOOK) -> str:
    """A file as it is written out. ``runbook``: where the alerts' links to the runbook lead."""
    return (FOLDER / file).read_text(encoding="utf-8").replace(f"runbook_url: {RUNBOOK}", f"runbook_url: {runbook}")
