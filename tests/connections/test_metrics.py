"""Connections as metrics show them: how many stand, and how many were opened."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from weakref import WeakSet

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import ClientConfig, MolamAsyncClient, MolamSyncClient
from molam_sdk._connections.tally import CONNECTIONS
from tests.support.http_server import ORDER, HostileServer, created, then_close

STANDING, OPENED = "molam_sdk_connections", "molam_sdk_connections_opened_total"


@pytest.fixture(autouse=True)
def _nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pools that other tests have left open do not count."""
    monkeypatch.setattr(CONNECTIONS, "_pools", WeakSet())


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer([created(), created(), then_close(), created()]) as running:
        yield running


def shown(registry: CollectorRegistry) -> tuple[float | None, float | None]:
    states = ("idle", "in_use")
    idle, in_use = (registry.get_sample_value(STANDING, {"state": state}) for state in states)
    return idle, in_use


def test_connections_are_shown_from_zero_and_counted_as_they_are_opened(server: HostileServer) -> None:
    registry = CollectorRegistry()
    with MolamSyncClient(ClientConfig(api_key="sk_test_1", base_url=server.url), registry=registry) as client:
        before = registry.get_sample_value(OPENED) or 0
        assert shown(registry) == (0, 0)
        for _ in range(2):
            client.create_payment_intent(ORDER)
        assert shown(registry) == (1, 0)
        assert registry.get_sample_value(OPENED) == before + 1
        client.create_payment_intent(ORDER)  # the server closes it: another one is opened
        assert registry.get_sample_value(OPENED) == before + 2


async def test_those_of_asyncio_are_shown_too(server: HostileServer) -> None:
    registry = CollectorRegistry()
    async with MolamAsyncClient(ClientConfig(api_key="sk_test_1", base_url=server.url), registry=registry) as client:
        await client.create_payment_intent(ORDER)
        assert shown(registry) == (1, 0)
    assert shown(registry) == (0, 0)


def test_many_processes_show_theirs_together(server: HostileServer, tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import sys
        from prometheus_client import CollectorRegistry, multiprocess
        from molam_sdk import ClientConfig, MolamSyncClient
        with MolamSyncClient(ClientConfig(api_key="sk_test_1", base_url=sys.argv[1])) as client:
            client.create_payment_intent({"amount": 5, "currency": "USD"})
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
            print(registry.get_sample_value("molam_sdk_connections_opened_total"))
            print(registry.get_sample_value("molam_sdk_connections", {"state": "in_use"}))
        """
    )
    environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    command = [sys.executable, "-c", program, server.url]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout.split()) == (0, ["1.0", "1.0"]), ran.stderr
