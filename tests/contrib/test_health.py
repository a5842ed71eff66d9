"""The pages of health for probes, in each framework."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask
from prometheus_client import CollectorRegistry

from molam_sdk import ClientConfig, MolamSyncClient
from molam_sdk.contrib.fastapi import health_router
from molam_sdk.contrib.flask import health_blueprint
from molam_sdk.health import Health
from tests.support.webhooks.django_project import migrated


@pytest.fixture
def client() -> MolamSyncClient:
    return MolamSyncClient(ClientConfig(api_key="sk_live_1"), registry=CollectorRegistry())


def _flask(health: Health) -> Iterator[Any]:
    app = Flask(__name__)
    app.register_blueprint(health_blueprint(health))
    yield lambda page: _facts(app.test_client().get(page))


def _fastapi(health: Health) -> Iterator[Any]:
    from starlette.testclient import TestClient

    app = FastAPI()
    app.include_router(health_router(health))
    with TestClient(app) as client:
        yield lambda page: _facts(client.get(page))


def _django(health: Health) -> Iterator[Any]:
    with migrated():
        from django.http import HttpRequest

        from molam_sdk.contrib.django.views import health_paths

        views = {f"/{each.pattern}": each.callback for each in health_paths(health)}
        yield lambda page: _facts(views[page](HttpRequest()))


def _facts(answer: Any) -> tuple[int, dict[str, Any], str]:
    import json

    text = answer.content if hasattr(answer, "content") else answer.data
    return answer.status_code, json.loads(text), answer.headers["Cache-Control"]


@pytest.mark.filterwarnings("ignore:Using `httpx` with")  # at import, by newer starlettes
@pytest.mark.parametrize("framework", [_flask, _fastapi, _django])
def test_the_pages_answer_200_or_503(framework: Any, client: MolamSyncClient) -> None:
    for get in framework(Health(client)):
        status, ready, caching = get("/health/molam/ready")
        assert (status, ready["status"], caching) == (200, "ok", "no-store")
        client.close()
        status, ready, _ = get("/health/molam/ready")
        assert (status, ready["status"], ready["checks"]["client"]["status"]) == (503, "failing", "failing")
        status, alive, _ = get("/health/molam/live")
        assert (status, alive["status"], alive["checks"]) == (200, "ok", {})
