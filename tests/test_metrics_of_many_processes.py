"""Series of many worker processes, kept in files and shown by one of them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest


def test_multiprocess_mode_shows_the_series_of_a_worker_that_has_not_called_yet(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        from prometheus_client import CollectorRegistry, multiprocess
        from molam_sdk import ClientConfig, MolamSyncClient
        from molam_sdk.testing import ScriptedTransport
        client = MolamSyncClient(ClientConfig(api_key="sk_live_1"), transport=ScriptedTransport())
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        labels = {"endpoint": "create_payout", "code": "timeout"}
        print(registry.get_sample_value("molam_sdk_requests_total", labels))
        print(registry.get_sample_value("molam_sdk_retries_total", {"reason": "timeout"}))
        """
    )
    environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout.split()) == (0, ["0.0", "0.0"]), ran.stderr


def test_multiprocess_mode_adds_up_the_workers(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import os, sys
        from prometheus_client import CollectorRegistry, generate_latest, multiprocess
        from molam_sdk import ClientConfig, MolamSyncClient
        from molam_sdk.testing import ScriptedTransport, reply
        body = {"id": "pi_1", "status": "s", "amount": 100.5, "currency": "USD"}
        script = [reply(200, body)] * 3
        client = MolamSyncClient(ClientConfig(api_key="sk_live_1"), transport=ScriptedTransport(*script))
        pids = []
        for _ in range(2):
            pid = os.fork()
            if not pid:
                for _ in range(3):
                    client.create_payment_intent({"amount": 100.5, "currency": "USD"})
                os._exit(0)
            pids.append(pid)
        assert all(os.waitpid(pid, 0)[1] == 0 for pid in pids)
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        labels = {"endpoint": "create_payment_intent", "code": "200"}
        print(registry.get_sample_value("molam_sdk_requests_total", labels))
        """
    )
    if not hasattr(os, "fork"):
        pytest.skip("no fork on this system")
    environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout.strip()) == (0, "6.0"), ran.stderr


def test_multiprocess_mode_shows_the_worst_breaker_and_all_calls_in_flight_of_living_workers(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import os
        from prometheus_client import CollectorRegistry, multiprocess
        from molam_sdk import ClientConfig, MolamSyncClient
        from molam_sdk.testing import ScriptedTransport, reply
        body = {"id": "pi_1", "status": "s", "amount": 100.5, "currency": "USD"}
        ready, told = os.pipe()
        held, release = os.pipe()

        def wait_in_flight(request):
            os.write(told, b"x")
            os.read(held, 1)
            return reply(200, body)

        def worker(opens):
            client = MolamSyncClient(ClientConfig(api_key="sk_live_1"), transport=ScriptedTransport(wait_in_flight))
            other = MolamSyncClient(ClientConfig(api_key="sk_live_1"), "other", transport=ScriptedTransport())
            if opens:
                other.cb.open()
            client.create_payment_intent({"amount": 100.5, "currency": "USD"})
            os._exit(0)

        def shown():
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
            return (
                registry.get_sample_value("molam_sdk_circuit_breaker_state", {"name": "other"}),
                registry.get_sample_value("molam_sdk_calls_in_flight", {"group": "payments"}),
            )

        pids = []
        for opens in (True, False):
            pid = os.fork()
            if not pid:
                worker(opens)
            pids.append(pid)
            os.read(ready, 1)
        while_they_live = shown()
        for pid in pids:
            os.write(release, b"x")
            os.waitpid(pid, 0)
            multiprocess.mark_process_dead(pid)
        print(while_they_live, shown())
        """
    )
    if not hasattr(os, "fork"):
        pytest.skip("no fork on this system")
    environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout.strip()) == (0, "(2.0, 2.0) (None, None)"), ran.stderr
