"""Every Python block of the README and the guides runs as it stands, against the embedded sandbox."""

from __future__ import annotations

import gc
import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from molam_sdk.sandbox import Sandbox

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "RUNBOOK.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]

_BLOCK = re.compile(r"^```python(?P<flags>[^\n]*)\n(?P<code>.*?)^```", re.M | re.S)


def _blocks() -> list[tuple[str, str]]:
    """Name and code of each block; one that says ``no-run`` needs a framework's project around it."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in _BLOCK.finditer(text):
            line = text.count("\n", 0, block.start()) + 1
            if "no-run" not in block["flags"]:
                found.append((f"{page.name}:{line}", block["code"]))
    return found


@contextmanager
def _as_it_was() -> Iterator[None]:
    """What a page's process sets up for itself is taken back: its environment, and where the SDK logs to."""
    logger = logging.getLogger("molam_sdk")
    level, handlers, propagate = logger.level, logger.handlers[:], logger.propagate
    try:
        with mock.patch.dict(os.environ):
            yield
    finally:
        logger.setLevel(level)
        logger.handlers[:], logger.propagate = handlers, propagate


@pytest.mark.parametrize(("name", "code"), _blocks(), ids=[name for name, _ in _blocks()])
def test_a_block_of_the_documentation_runs(
    name: str, code: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with _as_it_was(), Sandbox() as sandbox:
        monkeypatch.setenv("MOLAM_API_KEY", sandbox.api_key)
        monkeypatch.setenv("MOLAM_BASE_URL", sandbox.url)
        namespace: dict[str, object] = {"__name__": "documentation"}
        with warnings.catch_warnings():
            # A page does not show an application's end, so what its blocks open is left to the collector.
            warnings.simplefilter("ignore", ResourceWarning)
            exec(compile(code, name, "exec"), namespace)
            holds_tests = any(item.startswith("test_") for item in namespace)
            namespace.clear()
            gc.collect()
    if holds_tests:
        pytest.skip("a test file for merchants: it is run as one beside its guide")


def test_the_readme_has_blocks_to_run() -> None:
    assert any(name.startswith("README") for name, _ in _blocks())
