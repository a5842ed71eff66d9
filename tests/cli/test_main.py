"""What the program says where an extra is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.sandbox_process import ROOT


@pytest.mark.parametrize(("library", "extra"), [("click", "cli"), ("starlette", "sandbox"), ("uvicorn", "sandbox")])
def test_a_missing_extra_is_one_sentence_with_the_command(library: str, extra: str) -> None:
    script = (
        f"import sys; sys.modules[{library!r}] = None; sys.argv[1:] = ['demo']; from molam_sdk import cli; cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr.strip() == f"molam: {library} is missing; run: pip install 'molam-python-sdk[{extra}]'"
