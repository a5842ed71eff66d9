"""ci/run_tests.py: what fails beside others is tried once more, alone, and named; what fails twice is red."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

AT_SECOND_TRY = """
from pathlib import Path
def test_flaky():
    tried = Path("tried")
    if not tried.exists():
        tried.touch()
        raise AssertionError("the machine is busy")
def test_right():
    pass
"""
CASES = {
    "right": ("def test_right():\n    pass\n", 0, False),
    "flaky": (AT_SECOND_TRY, 0, True),
    "wrong": ("def test_wrong():\n    raise AssertionError\n", 1, False),
    "flaky and wrong": (AT_SECOND_TRY + "def test_wrong():\n    raise AssertionError\n", 1, True),
    "too many": ("".join(f"def test_{n}():\n    raise AssertionError\n" for n in range(41)), 1, False),
    "none": ("", 5, False),
    "no Python": ("def", 2, False),
}


@pytest.mark.parametrize("case", CASES)
def test_the_second_try(root: Path, tmp_path: Path, case: str) -> None:
    code, status, flaky = CASES[case]
    (tmp_path / "test_it.py").write_text(code, encoding="utf-8")
    command = [sys.executable, str(root / "ci/run_tests.py"), "-q", "-p", "no:schemathesis", "test_it.py"]
    done = subprocess.run([*command, "--rootdir", "."], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    assert ("FLAKY test_it.py::test_flaky" in done.stdout) == flaky
    assert ("once more" in done.stdout) == (case in {"flaky", "wrong", "flaky and wrong"})
