"""Of all tests: one that ran out of time shows which tasks were waiting, and for what (pytest-timeout shows threads
alone), and none fails because the machine is busy while Hypothesis draws."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("on a busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("on a busy machine")


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
