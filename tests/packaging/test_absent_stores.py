"""A store that is absent skips its tests on a developer's machine, and turns CI red."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ONE_TEST = "tests/store/test_redis.py"


@pytest.mark.slow
@pytest.mark.parametrize(("required", "told"), [("0", "skipped"), ("1", "MOLAM_TEST_REQUIRE_STORES is set: no Redis")])
def test_an_absent_redis_is_skipped_or_red(required: str, told: str) -> None:
    environment = {
        **os.environ,
        "MOLAM_TEST_REDIS_URL": "redis://127.0.0.1:1/0",
        "MOLAM_TEST_REQUIRE_STORES": required,
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "redis", ONE_TEST]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert told in done.stdout
    assert (done.returncode == 0) == (required == "0")
