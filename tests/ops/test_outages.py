"""Outages of a shop under load, each seen by the alerts that are right for it, and by no other; then they end.

A real Prometheus, the SDK's own shop and the sandbox, a hundred times faster than on call. The suite runs some of them,
`make outages` all.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import pytest
import requests

from tests.support.ops_shop import OpsShop
from tests.support.prometheus import Prometheus, needs_prometheus
from tests.support.sandbox_process import Process

IN_DOUBT_FOR: Final = 15
"""Seconds, for the quarter of an hour that money may be in doubt on call."""

_LIMITS: Final = {
    "oldest_doubt_seconds) > 900": f"oldest_doubt_seconds) > {IN_DOUBT_FOR}",
    # A busy machine misses scrapes for three seconds; for a minute it does not.
    "absent(molam_sdk_requests_total)\n        for: 5m": "absent(molam_sdk_requests_total)\n        for: 100m",
}
_ALL: Final = "MOLAM_ALL_OUTAGES" in os.environ

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Scene:
    """What is there to be broken."""

    sandbox: Process
    shop: OpsShop
    prometheus: Prometheus


@dataclass(frozen=True)
class Outage:
    """Something breaks while ``during`` is open, and the alerts ``seen`` fire; ``mended``: what is done after it."""

    name: str
    during: Callable[[Scene], object]
    seen: frozenset[str]
    mended: Callable[[Scene], object] = lambda scene: scene.shop.control("DELETE")
    always: bool = False


@contextmanager
def noise(scene: Scene) -> Iterator[None]:
    """A stranger posts what he likes to the public URL."""
    over = threading.Event()

    def make_noise() -> None:
        forged = f"t={int(time.time() * 1000)},v1={'0' * 64},kid=v1"
        with requests.Session() as session:
            session.trust_env = False
            while not over.wait(0.02):
                scene.shop.post_webhook(session, b"{}", forged)
                scene.shop.post_webhook(session, b"{}", forged.replace("kid=v1", "kid=evil"))

    thread = threading.Thread(target=make_noise)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def answer_503(scene: Scene) -> None:
    scene.shop.control("POST", kind="status", status=503)


def answer_slowly(scene: Scene) -> None:
    scene.shop.control("POST", kind="latency", seconds=5.5)


def decline(scene: Scene) -> None:
    scene.shop.control("POST", kind="status", status=402, operation="confirm_payment_intent", probability=0.7)


def kill_a_worker(scene: Scene) -> None:
    scene.shop.control("POST", kind="latency", seconds=1.0, operation="create_payout")
    scene.shop.kill_a_worker_with_money_in_doubt()


def clear_and_recover(scene: Scene) -> None:
    scene.shop.control("DELETE")
    scene.shop.recover()


OUTAGES: Final = (
    Outage(
        "the API is down",
        answer_503,
        frozenset({"MolamCallsFail", "MolamCallsFailing", "MolamBreakerOpen", "MolamOutcomeUnknown"}),
        clear_and_recover,
        always=True,
    ),
    Outage(
        "the key is revoked",
        lambda scene: scene.shop.key_file.write_text("sk_test_revoked"),
        frozenset({"MolamKeyRefused"}),
        lambda scene: scene.shop.key_file.write_text(scene.sandbox.key),
    ),
    Outage("the API is slow", answer_slowly, frozenset({"MolamCallsSlow", "MolamCallsSlowing"})),
    Outage(
        "the webhooks' secret is wrong",
        lambda scene: scene.shop.secret_file.write_text("whsec_of_another_shop"),
        frozenset({"MolamWebhooksNotBelieved"}),
        lambda scene: scene.shop.secret_file.write_text(scene.shop.secret),
    ),
    Outage("declines double", decline, frozenset({"MolamDeclinesDoubled"})),
    Outage(
        "a worker is killed with money in doubt",
        kill_a_worker,
        frozenset({"MolamMoneyInDoubt"}),
        clear_and_recover,
        always=True,
    ),
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    needs_prometheus()
    folder = tmp_path_factory.mktemp("outages")
    (folder / "shop").mkdir()
    (folder / "prometheus").mkdir()
    sandbox = Process()
    try:
        with (
            OpsShop(folder / "shop", sandbox) as shop,
            Prometheus(folder / "prometheus", shop.target, limits=_LIMITS) as prometheus,
        ):
            bought = 'sum(molam_sdk_requests_total{code="200",endpoint="confirm_payment_intent"}) > 20'
            prometheus.wait_until(lambda: bool(prometheus.query(bought)), "the shop sells")
            yield Scene(sandbox, shop, prometheus)
    finally:
        sandbox.kill()


@pytest.fixture
def quiet(scene: Scene) -> Scene:
    """Nothing fires, while the shop sells."""
    scene.prometheus.wait_until(lambda: not scene.prometheus.firing(), "all alerts are resolved", 120)
    return scene


@pytest.mark.parametrize("outage", [one for one in OUTAGES if _ALL or one.always], ids=lambda outage: outage.name)
def test_an_outage_is_seen_by_its_alerts_alone_which_then_resolve(
    outage: Outage, quiet: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    prometheus, began = quiet.prometheus, time.time()
    outage.during(quiet)
    to_fire = prometheus.wait_until(lambda: outage.seen <= prometheus.fired_since(began), f"{sorted(outage.seen)} fire")
    outage.mended(quiet)
    to_resolve = prometheus.wait_until(lambda: not prometheus.firing(), "all alerts are resolved", 120)
    assert prometheus.fired_since(began) == outage.seen
    if _ALL:
        with capsys.disabled():
            alerts = ", ".join(sorted(outage.seen))
            print(f"\n{outage.name}: {alerts} after {to_fire:.1f} s; ended {to_resolve:.1f} s after it")


def test_a_strangers_noise_wakes_nobody(quiet: Scene) -> None:
    prometheus, began = quiet.prometheus, time.time()
    refused = 'sum(increase(molam_sdk_webhook_events_total{type="unverified"}[10s])) > 100'
    with noise(quiet):
        prometheus.wait_until(lambda: bool(prometheus.query(refused)) and time.time() > began + 6, "noise")
    assert prometheus.fired_since(began) == set()
