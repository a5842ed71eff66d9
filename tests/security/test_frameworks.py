"""The same in the frameworks that merchants have: their own error pages, and Sentry's integrations for them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import flask
import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sentry_sdk.integrations.fastapi import FastApiIntegration
from sentry_sdk.integrations.flask import FlaskIntegration
from sentry_sdk.integrations.starlette import StarletteIntegration

from molam_sdk import ClientConfig, MolamAsyncClient, MolamSyncClient
from molam_sdk.contrib.flask import webhook_blueprint
from molam_sdk.receiver import WebhookReceiver
from molam_sdk.store import MemoryStore
from molam_sdk.webhooks import sign
from tests.security.canaries import LIVE_KEY, PAYMENT, PERSON, WEBHOOK_SECRET, found_in
from tests.security.conftest import Outlets
from tests.security.situations import ON_THE_WAY
from tests.security.trackers import kept_by_sentry
from tests.support.http_server import Serve
from tests.support.webhooks import django_project
from tests.support.webhooks.deliveries import body_of

pytestmark = pytest.mark.slow

WAYS = ["reset", "declined", "another shape"]

# What the views call: by name, so that a view's own frame holds nothing.
CALLS: dict[str, Callable[[], Any]] = {}


def _client(serve: Serve, way: str, outlets: Outlets) -> MolamSyncClient:
    config = ClientConfig(api_key=LIVE_KEY, base_url=serve(usual=ON_THE_WAY[way].turn).url, max_retries=0)
    client = MolamSyncClient(config, registry=outlets.registry)
    CALLS["pay"] = partial(client.create_payment_intent, PAYMENT)
    CALLS["refund"] = partial(client.create_refund, {"payment_id": "", "metadata": PERSON})
    return client


@pytest.mark.parametrize("way", WAYS)
def test_flask(way: str, serve: Serve, outlets: Outlets) -> None:
    app = flask.Flask("shop")

    @app.get("/<name>")
    def view(name: str) -> str:
        return str(CALLS[name]())

    with _client(serve, way, outlets), kept_by_sentry(FlaskIntegration()) as sent:
        for name in ("/pay", "/refund"):
            assert app.test_client().get(name).status_code == 500
    assert len(sent) >= 2
    assert found_in("\n".join(sent)) == []
    assert {where: found_in(text) for where, text in outlets.written().items() if found_in(text)} == {}


@pytest.mark.filterwarnings("ignore:Using `httpx` with")  # at import, by newer starlettes
@pytest.mark.parametrize("way", WAYS)
def test_fastapi(way: str, serve: Serve, outlets: Outlets) -> None:
    from starlette.testclient import TestClient

    app = FastAPI(debug=True)
    url = serve(usual=ON_THE_WAY[way].turn).url

    @app.get("/pay")
    async def view() -> str:
        async with MolamAsyncClient(
            ClientConfig(api_key=LIVE_KEY, base_url=url, max_retries=0), registry=outlets.registry
        ) as client:
            return str(await partial(client.create_payment_intent, PAYMENT)())

    with kept_by_sentry(StarletteIntegration(), FastApiIntegration()) as sent:
        page = TestClient(app, raise_server_exceptions=False).get("/pay", headers={"Accept": "text/html"})
    assert page.status_code == 500
    assert "molam_sdk" in page.text
    assert len(sent) >= 1
    assert found_in(page.text + "\n".join(sent)) == []


def django_view(_request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(str(CALLS[name]()))


urlpatterns = [path("<name>", django_view)]


@pytest.mark.parametrize("way", WAYS)
def test_the_debug_page_of_django(way: str, serve: Serve, outlets: Outlets) -> None:
    django_project.configure()
    with _client(serve, way, outlets), override_settings(DEBUG=True, ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        for name in ("/pay", "/refund"):
            page = Client(raise_request_exception=False).get(name)
            assert page.status_code == 500
            assert "MolamError" in page.content.decode() or "_frames.py" in page.content.decode()
            assert found_in(page.content.decode()) == []


def test_a_handler_of_webhooks_that_fails(outlets: Outlets) -> None:
    receiver = WebhookReceiver({"v1": WEBHOOK_SECRET}, MemoryStore(), registry=CollectorRegistry())

    @receiver.on("payment.succeeded")
    def handler(event: Any) -> None:
        del event
        raise RuntimeError("the shop's own mistake")

    app = flask.Flask("shop")
    app.register_blueprint(webhook_blueprint(receiver, "/hooks"))
    with kept_by_sentry() as sent:
        body = body_of(data={"id": "pi_1", "metadata": PERSON})
        answer = app.test_client().post("/hooks", data=body, headers={"Molam-Signature": sign(body, WEBHOOK_SECRET)})
        forged = app.test_client().post("/hooks", data=body, headers={"Molam-Signature": sign(body, "whsec_other")})
    assert (answer.status_code, forged.status_code, len(sent)) == (500, 400, 1)
    assert found_in("\n".join(sent)) == []
    assert found_in("".join(outlets.written().values()) + answer.text + forged.text) == []


SHOWN_BY_PYTEST = """
from functools import partial
from molam_sdk import ClientConfig, MolamClient
from tests.security import canaries

client = MolamClient(ClientConfig(api_key=canaries.LIVE_KEY, base_url="http://127.0.0.1:1", max_retries=0))
pay = {"sent": partial(client.create_payment_intent, canaries.PAYMENT),
       "refused": partial(client.create_refund, {"payment_id": 7, "metadata": canaries.PERSON}),
       "configured": partial(ClientConfig, api_key=canaries.LIVE_KEY + " "),
       "from_env": partial(ClientConfig.from_env, {"MOLAM_REGION": canaries.MISPLACED})}

def test_sent(): pay["sent"]()
def test_refused(): pay["refused"]()
def test_configured(): pay["configured"]()
def test_from_env(): pay["from_env"]()
"""


def test_pytest_with_showlocals(tmp_path: Path) -> None:
    (tmp_path / "test_shop.py").write_text(SHOWN_BY_PYTEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "pytest", "-l", "--tb=long", "-p", "no:cacheprovider", str(tmp_path)]
    environment = {"PYTHONPATH": str(root), "PATH": "", "COLUMNS": "400"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert "4 failed" in done.stdout
    assert found_in(done.stdout + done.stderr) == []
