"""The pytest plugin as a merchant meets it: the test file of docs/sandbox.md, run in a pytest of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs" / "sandbox.md"


def run_pytest(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of a folder as a merchant would, without the plugins that only our own tests need."""
    without = [part for name in ("cacheprovider", "asyncio", "schemathesis", "xdist") for part in ("-p", f"no:{name}")]
    command = [sys.executable, "-m", "pytest", "-q", *without, *options]
    env = {**os.environ, **environment}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, env=env)


SETTINGS_OF_A_SHOP = {
    "MOLAM_API_KEY": "sk_live_1",
    "MOLAM_ENVIRONMENT": "staging",
    "MOLAM_PROXY": "http://proxy.invalid:8080",
    "MOLAM_MAX_RETRIES": "none",
    "MOLAM_SWITCHED_OFF": "all",
    "MOLAM_JOURNAL": "/no/folder/molam.db",
    "MOLAM_WEBHOOK_SECRET_V1": "whsec_of_the_shop",
    "MOLAM_SANDBOX_SEED": "none",
}


@pytest.mark.parametrize("settings", [{}, SETTINGS_OF_A_SHOP], ids=["nothing set", "a shop's settings"])
def test_the_merchants_test_file_of_the_docs_passes_with_warnings_as_errors(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    code = re.search(r"```python\n# test_shop\.py\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    (tmp_path / "test_shop.py").write_text(code[1], encoding="utf-8")
    done = run_pytest(tmp_path, "-W", "error", **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_each_test_gets_an_empty_sandbox(tmp_path: Path) -> None:
    (tmp_path / "test_empty.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('n', [1, 2])\n"
        "def test_it(molam_sandbox, n):\n"
        "    assert molam_sandbox.webhooks.events() == []\n"
        "    molam_sandbox.webhooks.trigger('payout.paid')\n",
        encoding="utf-8",
    )
    done = run_pytest(tmp_path, "-W", "error")
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_the_extra_the_fixture_says_what_to_install_and_other_tests_run(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("import sys\nsys.modules['starlette'] = None\n", encoding="utf-8")
    (tmp_path / "test_shop.py").write_text(
        "def test_other():\n    pass\ndef test_it(molam_sandbox):\n    pass\n", encoding="utf-8"
    )
    done = run_pytest(tmp_path)
    assert "1 passed, 1 error" in done.stdout
    assert "pip install 'molam-python-sdk[sandbox]'" in done.stdout


def test_a_marker_gives_the_sandbox_its_options_and_the_nearest_one_counts(tmp_path: Path) -> None:
    (tmp_path / "test_shop.py").write_text(
        "import pytest\n"
        "pytestmark = pytest.mark.molam(seed=7, overdraft=True)\n"
        "keys = set()\n"
        "def test_of_the_module(molam_sandbox):\n"
        "    keys.add(molam_sandbox.api_key)\n"
        "@pytest.mark.molam(overdraft=False)\n"
        "def test_its_own(molam_sandbox):\n"
        "    keys.add(molam_sandbox.api_key)\n"
        "    assert len(keys) == 1\n"
        "    assert not molam_sandbox._policy.overdraft\n"
        "@pytest.mark.molam(rate=0)\n"
        "def test_wrong(molam_sandbox):\n    pass\n"
        "@pytest.mark.molam(colour=1)\n"
        "def test_unknown(molam_sandbox):\n    pass\n"
        "@pytest.mark.molam(7)\n"
        "def test_unnamed(molam_sandbox):\n    pass\n",
        encoding="utf-8",
    )
    done = run_pytest(tmp_path, "-W", "error", "--strict-markers")
    assert "2 passed, 3 errors" in done.stdout, done.stdout
    for told in ("rate must be greater than zero", "colour", "takes options by name"):
        assert told in done.stdout
