"""What metrics tell of sources and keys: age, failures, seconds left, in one process and in many."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import certifi
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from molam_sdk import ClientConfig, MolamError, MolamSyncClient
from molam_sdk._transport.tls import TlsSettings
from molam_sdk.secrets import CallableSource, FileSource
from molam_sdk.secrets.tally import TALLY, SourceTally
from molam_sdk.testing import ScriptedTransport, reply
from molam_sdk.webhooks import RotatingSecrets
from tests.support.keys import token

OK = reply(200, {"data": []})
AGE, FAILURES = "molam_sdk_secret_age_seconds", "molam_sdk_secret_failures_total"
LEFT = "molam_sdk_api_key_seconds_left"
RELOADS = "molam_sdk_certificate_reload_failures_total"


@pytest.fixture(autouse=True)
def _nobody_elses() -> None:
    """Keys of tests before this one are gone from the tally."""
    gc.collect()


def client_of(api_key: Any, registry: CollectorRegistry, *script: Any) -> MolamSyncClient:
    config = ClientConfig(api_key=api_key, max_retries=0)
    return MolamSyncClient(config, transport=ScriptedTransport(*script), registry=registry)


def shown(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def test_a_source_has_an_age_and_its_failures_from_zero(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk_live_1")
    registry, label = CollectorRegistry(), f"file:{tmp_path / 'key'}"
    client = client_of(FileSource(tmp_path / "key"), registry, OK)
    assert (shown(registry, AGE, source=label), shown(registry, FAILURES, source=label)) == (None, 0)
    list(client.list_refunds())
    age = shown(registry, AGE, source=label)
    assert age is not None
    assert 0 <= age < 60
    assert "sk_live_1" not in generate_latest(registry).decode()


def test_a_source_that_fails_grows_old_and_is_counted() -> None:
    clock, answers = [0.0], [["whsec_1"], OSError("down"), ["whsec_2"]]

    def ask(kid: str) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    registry = CollectorRegistry()
    client_of("sk_live_1", registry)
    secrets = RotatingSecrets(CallableSource(ask, label="growing old"), clock=lambda: clock[0])
    label = "callable:growing old"
    secrets("v1")
    clock[0] = 60
    assert secrets("v1") == (b"whsec_1",)
    assert (shown(registry, AGE, source=label), shown(registry, FAILURES, source=label)) == (60, 1)
    clock[0] = 90
    assert (shown(registry, AGE, source=label), shown(registry, FAILURES, source=label)) == (90, 1)
    secrets("v1")
    assert secrets._slots.of("v1")._flight.wait(30)
    assert (shown(registry, AGE, source=label), shown(registry, FAILURES, source=label)) == (0, 1)


def test_of_several_kids_the_oldest_shows_and_made_up_ones_do_not() -> None:
    clock = [0.0]
    known = CallableSource({"v1": "a", "v2": "b"}.get, label="kids")
    source = RotatingSecrets(known, clock=lambda: clock[0])
    for moment, kid in enumerate(("made-up", "v1", "v2")):
        clock[0] = moment
        source(kid)
    assert TALLY.ages()["callable:kids"] == 1


def test_a_source_that_is_gone_is_shown_no_more() -> None:
    registry = CollectorRegistry()
    client_of("sk_live_1", registry)
    source = CallableSource(lambda: "sk_live_1", label="gone soon")
    source()
    assert shown(registry, AGE, source="callable:gone soon") is not None
    del source
    gc.collect()
    assert shown(registry, AGE, source="callable:gone soon") is None


def test_the_seconds_of_the_first_key_to_expire_are_shown() -> None:
    registry = CollectorRegistry()
    fixed = client_of("sk_live_1", registry)
    assert shown(registry, LEFT) is None
    late = client_of(token(5000), CollectorRegistry())
    early = client_of(lambda: token(500), registry, OK)
    assert shown(registry, LEFT) == pytest.approx(5000, abs=60)
    list(early.list_refunds())
    assert shown(registry, LEFT) == pytest.approx(500, abs=60)
    early.set_api_key("sk_live_1")
    gc.collect()
    assert shown(registry, LEFT) == pytest.approx(5000, abs=60)
    late.set_api_key("sk_live_1")
    gc.collect()
    assert shown(registry, LEFT) is None
    del fixed


def test_a_key_that_cannot_be_had_is_counted_of_its_source() -> None:
    registry = CollectorRegistry()

    def fail() -> str:
        raise OSError("down")

    client = client_of(CallableSource(fail, label="counted"), registry)
    for _ in range(2):
        with pytest.raises(MolamError):
            list(client.list_refunds())
    assert shown(registry, FAILURES, source="callable:counted") == 2


class Answer:
    """Something kept, of an age."""

    label = "x"

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def age(self) -> float:
        return self.seconds


def test_the_oldest_answer_of_a_source_is_its_age() -> None:
    tally, answers = SourceTally(), [Answer(seconds) for seconds in range(50)]
    for answer in answers:
        tally.watch(answer)
    assert tally.ages() == {"x": 49}


def test_failures_of_many_threads_are_all_counted() -> None:
    tally, threads = SourceTally(), []
    for _ in range(8):
        threads.append(threading.Thread(target=lambda: [tally.count_failure("x") for _ in range(500)]))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert tally.failures() == {"x": 4000}


def test_many_processes_show_the_oldest_answer_the_first_end_and_all_failures(tmp_path: Path) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("no fork on this system")
    program = textwrap.dedent(
        """
        import os, time
        from prometheus_client import CollectorRegistry, multiprocess
        from molam_sdk import ClientConfig, MolamSyncClient
        from molam_sdk.secrets import CallableSource, Keeping
        from molam_sdk.testing import ScriptedTransport, reply
        from tests.support.keys import token

        ready, told = os.pipe()
        held, release = os.pipe()
        fails = False

        def ask():
            if fails:
                raise OSError("down")
            return token(500)

        def worker():
            global fails
            source = CallableSource(ask, label="ours", keeping=Keeping(ttl_seconds=0))
            script = [reply(200, {"data": []})] * 3
            client = MolamSyncClient(ClientConfig(api_key=source), transport=ScriptedTransport(*script))
            list(client.list_refunds())
            fails = True
            list(client.list_refunds())
            client._state.key._kept._flight.wait(30)
            os.write(told, b"x")
            os.read(held, 1)
            os._exit(0)

        for _ in range(2):
            if not os.fork():
                worker()
        for _ in range(2):
            os.read(ready, 1)
        MolamSyncClient(ClientConfig(api_key="sk_live_1"), transport=ScriptedTransport())
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        print(registry.get_sample_value("molam_sdk_secret_failures_total", {"source": "callable:ours"}))
        print(400 < registry.get_sample_value("molam_sdk_api_key_seconds_left") <= 500)
        print(registry.get_sample_value("molam_sdk_secret_age_seconds", {"source": "callable:ours"}) >= 0)
        os.write(release, b"xx")
        for _ in range(2):
            os.wait()
        """
    )
    environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout.split()) == (0, ["2.0", "True", "True"]), ran.stderr


def test_certificates_that_cannot_be_loaded_are_counted_from_zero_at_each_try(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(Path(certifi.where()).read_bytes())
    registry = CollectorRegistry()
    client_of("sk_live_1", registry)
    before = shown(registry, RELOADS)
    assert before is not None  # the series stands before the first failure
    settings = TlsSettings(ClientConfig(api_key="sk_live_1", ca_bundle=str(ca)))
    good = settings.context()
    assert shown(registry, RELOADS) == before
    for tries, broken in enumerate(("-----BEGIN CERTIFICATE-----", "none"), 1):
        ca.write_text(broken)
        assert settings.context() is good
        assert shown(registry, RELOADS) == before + tries
    ca.write_bytes(Path(certifi.where()).read_bytes())
    assert settings.context() is not good
    assert shown(registry, RELOADS) == before + 2
