"""The sandbox judges the SDK, so it shares no code with it; and the plugin loads nothing unasked."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.sandbox_process import ROOT

SANDBOX = sorted((ROOT / "molam_sdk" / "sandbox").glob("*.py"))


@pytest.mark.parametrize("path", SANDBOX, ids=lambda path: path.name)
def test_no_file_of_the_sandbox_imports_the_rest_of_the_sdk(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level < 2, f"line {node.lineno} reaches out of the sandbox"
            assert node.level == 1 or not (node.module or "").startswith("molam_sdk"), f"line {node.lineno}"
        if isinstance(node, ast.Import):
            assert not any(name.name.startswith("molam_sdk") for name in node.names), f"line {node.lineno}"


def test_the_pytest_plugin_and_the_command_line_load_no_server() -> None:
    script = (
        "import sys, molam_sdk.pytest_plugin, molam_sdk.cli.commands\n"
        "heavy = {'starlette', 'uvicorn', 'sqlalchemy', 'aiohttp', 'molam_sdk.sandbox'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 0, done.stderr
