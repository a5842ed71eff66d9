"""Of all tests: one that ran out of time shows which tasks were waiting, and for what (pytest-timeout shows threads
alone), none fails because the machine is busy while Hypothesis draws, and none leaves settings for the next one."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("on a busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("on a busy machine")

_OF_THE_TESTS = ("MOLAM_TEST_", "MOLAM_SANDBOX_", "MOLAM_ALL_", "MOLAM_TEAR_", "MOLAM_FUZZ_")

for _name in [name for name in os.environ if name.startswith("MOLAM_") and not name.startswith(_OF_THE_TESTS)]:
    del os.environ[_name]  # a developer's own settings are not the tests'


def _settings() -> tuple[object, ...]:
    """What a test could leave behind for others that run in its process."""
    logger = logging.getLogger("molam_sdk")
    environment = {name: value for name, value in os.environ.items() if name.startswith("MOLAM_")}
    handlers = [handler for handler in logger.handlers if type(handler).__module__ != "_pytest.logging"]
    return environment, logger.level, handlers, logger.propagate, logger.disabled


@pytest.fixture(autouse=True)
def leaves_no_settings() -> Generator[None]:
    """A test that changes the environment, or where the SDK logs to, and does not take it back, is red itself."""
    before = _settings()
    yield
    assert _settings() == before


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo is not None and "Timeout (>" in str(call.excinfo.value):
        from molam_sdk.sandbox.http.stacks import stack_of_task

        waiting = [task for task in gc.get_objects() if type(task) is asyncio.Task and not task.done()]
        report.sections.append(("Tasks that wait", "\n".join(map(stack_of_task, waiting)) or "none"))
    return report
