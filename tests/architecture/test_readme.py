"""Every Python block of the README and the guides runs as it stands, against the embedded sandbox."""

from __future__ import annotations

import gc
import logging
import os
import re
import subprocess
import sys
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


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
def test_the_first_payment_works_when_followed_to_the_letter(tmp_path: Path) -> None:
    """In two shells: one keeps the sandbox, the other pastes the line that it prints, and runs the block."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## A first payment")[2].partition("\n## ")[0]
    shell, code = re.search(r"```sh\n(.*?)```", section, re.S), _BLOCK.search(section)
    assert shell is not None
    assert code is not None
    start = next(line.partition("#")[0].split() for line in shell[1].splitlines() if line.startswith("molam "))
    (tmp_path / "pay.py").write_text(code["code"], encoding="utf-8")
    inside = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*start, "--port", "0"], env=inside, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as sandbox:
        try:
            assert sandbox.stdout is not None
            export = next(line for line in sandbox.stdout if line.startswith("export "))
            pasted = ["sh", "-c", f"{export}\nexec python pay.py"]
            done = subprocess.run(pasted, env=inside, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        finally:
            sandbox.terminate()
    assert done.stdout.startswith("succeeded 100.5 req_"), done.stderr
