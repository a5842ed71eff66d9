"""What ``manage.py check`` says of the receivers behind a project's views."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk.receiver import WebhookReceiver
from molam_sdk.store import MemoryStore
from molam_sdk.webhooks import EnvironmentSecrets, SecretSource
from tests.support.webhooks.deliveries import SECRET
from tests.support.webhooks.django_project import configure

configure()

from django.core.management import call_command  # noqa: E402
from django.core.management.base import SystemCheckError  # noqa: E402

from molam_sdk.contrib.django.views import known_receivers, webhook_path  # noqa: E402


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = list(known_receivers)
    yield
    known_receivers[:] = before


def add_view(source: SecretSource) -> None:
    webhook_path(WebhookReceiver(source, MemoryStore(), registry=CollectorRegistry()))


@pytest.mark.parametrize("source", ["", {}, {"v1": None}, EnvironmentSecrets(environ={}), lambda kid: None])
def test_a_receiver_without_a_secret_is_an_error(source: SecretSource) -> None:
    add_view(source)
    with pytest.raises(SystemCheckError, match=r"molam_webhooks\.E001\) A webhook receiver has no secret"):
        call_command("check")


@pytest.mark.parametrize(
    "source",
    [
        SECRET,
        {"2": [SECRET]},
        EnvironmentSecrets(environ={"MOLAM_WEBHOOK_SECRET_2": SECRET}),
        {"v1": SECRET}.get,
    ],
)
def test_a_receiver_with_one_is_none(source: SecretSource) -> None:
    add_view(source)
    said = io.StringIO()
    call_command("check", stdout=said)
    assert "no issues" in said.getvalue()
