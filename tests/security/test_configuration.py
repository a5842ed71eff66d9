"""No secret in what a wrong set-up raises or warns of, whether it stands in the wrong place or beside a mistake."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from requests.adapters import HTTPAdapter

from molam_sdk import ClientConfig, MolamClient, MolamError, MolamSyncClient
from molam_sdk.models import PaymentIntentCreate
from molam_sdk.testing import ScriptedTransport
from molam_sdk.transports import RequestsTransport
from molam_sdk.webhooks import EnvironmentSecrets, construct_event, verify_molam_signature
from tests.security.canaries import (
    CARD,
    LIVE_KEY,
    MISPLACED,
    PAYMENT,
    PEM,
    PROXY_USER,
    TOKEN,
    WEBHOOK_SECRET,
    found_in,
)
from tests.security.conftest import Outlets
from tests.security.trackers import TRACKERS

Provoke = Callable[[Callable[[], object]], BaseException]

WRONG_SETTINGS: list[dict[str, Any]] = [
    {"api_key": f"{LIVE_KEY} "},
    {"api_key": LIVE_KEY.replace("sk_", "pk_")},
    {"api_key": LIVE_KEY.encode()},
    {"api_key": f"{LIVE_KEY[:12]} {LIVE_KEY[12:]}"},
    *({name: MISPLACED} for name in ("base_url", "environment", "region", "default_currency", "proxy", "ca_bundle")),
    *({name: MISPLACED} for name in ("timeout_total", "max_retries", "pool_size", "verify_ssl", "debug", "bulkheads")),
    *({name: PEM} for name in ("mtls_cert", "mtls_key", "ca_bundle")),
    {"bulkheads": {MISPLACED: 1}},
    {"bulkheads": {"payouts": MISPLACED}},
    {"bulkheads": {"payouts": int(CARD) * -1}},
    {"timeout_total": int(CARD) * 10},
    {"default_locale": f"{MISPLACED}\n"},
    {"base_url": f"https://{PROXY_USER}@api.test"},
    {"base_url": f"http://{PROXY_USER}@api.test"},
    {"base_url": f"https://{PROXY_USER}:x@api.test:port"},
    {"base_url": f"https://api.test/?key={MISPLACED}"},
    {"proxy": f"ftp://{PROXY_USER}@proxy.test"},
    {"proxy": f"socks5://{PROXY_USER}@proxy.test"},
    {"proxy": f"http://{PROXY_USER}@proxy.test", "base_url": "http://localhost"},
    {"verify_ssl": False},
    {"verify_ssl": False, "api_key": TOKEN},
    {"mtls_cert": __file__},
]


def _found(error: BaseException, outlets: Outlets) -> dict[str, list[str]]:
    ways = {name: track(error) for name, track in TRACKERS.items()} | outlets.written()
    return {name: found_in(text) for name, text in ways.items() if found_in(text)}


def _client(settings: list[dict[str, Any]]) -> MolamClient:
    return MolamClient(ClientConfig(**settings.pop()))


@pytest.mark.parametrize("settings", WRONG_SETTINGS, ids="+".join)
def test_a_wrong_setting_is_refused_without_being_repeated(
    settings: dict[str, Any], provoke: Provoke, outlets: Outlets
) -> None:
    error = provoke(partial(_client, [{"api_key": LIVE_KEY} | settings]))
    assert isinstance(error, MolamError), error
    assert error.outcome == "not_sent"
    assert _found(error, outlets) == {}


WRONG_VARIABLES = [
    {"MOLAM_API_KEY": LIVE_KEY, name: MISPLACED}
    for name in ("MOLAM_BASE_URL", "MOLAM_REGION", "MOLAM_ENVIRONMENT", "MOLAM_TIMEOUT_TOTAL", "MOLAM_VERIFY_SSL",
                 "MOLAM_MAX_RETRIES", "MOLAM_BULKHEADS", "MOLAM_DEFAULT_CURRENCY", "MOLAM_CA_BUNDLE")
]  # fmt: skip


@pytest.mark.parametrize("environ", WRONG_VARIABLES, ids=lambda environ: list(environ)[-1])
def test_a_variable_that_cannot_be_read_is_not_repeated(
    environ: dict[str, str], provoke: Provoke, outlets: Outlets, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    error = provoke(ClientConfig.from_env)
    assert isinstance(error, MolamError), error
    assert _found(error, outlets) == {}


def test_a_proxy_of_the_environment_that_cannot_be_used_keeps_its_password(
    provoke: Provoke, outlets: Outlets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"socks5://{PROXY_USER}@proxy.test")
    config = ClientConfig(api_key=LIVE_KEY)
    for call in (partial(MolamClient, config), partial(RequestsTransport, config)):
        assert _found(provoke(call), outlets) == {}
    again = partial(RequestsTransport, config, adapter=HTTPAdapter(max_retries=3))
    assert _found(provoke(again), outlets) == {}


CHANGES: list[tuple[str, tuple[Any, ...]]] = [
    ("set_api_key", (f"{LIVE_KEY}\n",)),
    ("set_api_key", (MISPLACED.replace("sk_", ""),)),
    ("set_region", (MISPLACED,)),
    ("verify_webhook_signature", ("t=1,v1=00", b"{}", WEBHOOK_SECRET)),
    ("resolve", (PAYMENT,)),
]


@pytest.mark.parametrize(("method", "arguments"), CHANGES, ids=[name for name, _ in CHANGES])
def test_a_change_that_is_refused_is_not_repeated(
    method: str, arguments: tuple[Any, ...], provoke: Provoke, outlets: Outlets
) -> None:
    with MolamSyncClient(ClientConfig(api_key=LIVE_KEY), registry=outlets.registry) as client:
        error = provoke(partial(getattr(client, method), *arguments))
        assert isinstance(error, MolamError), error
        assert _found(error, outlets) == {}
        address = provoke(partial(setattr, client, "base_url", f"https://{PROXY_USER}@api.test"))
        assert _found(address, outlets) == {}


def test_a_closed_client_tells_nothing(provoke: Provoke, outlets: Outlets) -> None:
    client = MolamSyncClient(ClientConfig(api_key=LIVE_KEY), registry=outlets.registry)
    client.close()
    assert _found(provoke(partial(client.create_payment_intent, PAYMENT)), outlets) == {}


def test_a_payload_that_is_no_model_tells_nothing(provoke: Provoke, outlets: Outlets) -> None:
    wrong = PAYMENT | {"amount": CARD}
    for call in (
        partial(PaymentIntentCreate, **wrong),
        partial(PaymentIntentCreate.model_validate, wrong),
        partial(PaymentIntentCreate.model_validate_json, '{"amount": "%s", "currency": "USD"}' % CARD),  # noqa: UP031
        partial(PaymentIntentCreate(**PAYMENT).model_copy, update={"amount": CARD, "customer_id": {"pin": CARD}}),
    ):
        error = provoke(call)
        assert isinstance(error, MolamError), error
        assert _found(error, outlets) == {}


WEBHOOKS = [
    (b'{"id": "evt_1"}', "t=1,v1=00", WEBHOOK_SECRET),
    (b'{"id": "evt_1"}', "t=99999999999999,v1=" + "0" * 64, {"v1": [WEBHOOK_SECRET]}),
    (b'{"id": "evt_1"}', None, lambda _kid: WEBHOOK_SECRET),
    (b'{"id": "evt_1"}', "t=1", EnvironmentSecrets(environ={"MOLAM_WEBHOOK_SECRET_V1": WEBHOOK_SECRET})),
    ({"card": CARD}, "t=1,v1=00", WEBHOOK_SECRET),
    ("\ud800" + CARD, "t=1,v1=00", WEBHOOK_SECRET),
]


@pytest.mark.parametrize(("body", "header", "secret"), WEBHOOKS, ids=range(len(WEBHOOKS)))
def test_a_webhook_that_is_refused_tells_no_secret(
    body: Any, header: Any, secret: Any, provoke: Provoke, outlets: Outlets
) -> None:
    for call in (
        partial(construct_event, body, header, secret, 1e15),
        partial(verify_molam_signature, header, body, secret, 1e15),
    ):
        error = provoke(call)
        assert isinstance(error, MolamError), error
        assert _found(error, outlets) == {}


def test_what_stands_in_reprs_copies_and_warnings_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(PEM)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        config = ClientConfig.from_env(
            {"MOLAM_API_KEY": LIVE_KEY, "MOLAM_APIKEY": MISPLACED, "MOLAM_ENVIRONMENT": "sandbox"},
            proxy=f"http://{PROXY_USER}@proxy.test",
            mtls_cert=str(tmp_path / "key.pem"),
        )
    assert [str(warning.message)[:12] for warning in warned] == ["Nothing read", "A live key ("]
    client = MolamClient(ClientConfig(api_key=LIVE_KEY), transport=ScriptedTransport())
    shown = [*map(repr, (config, copy.copy(config), client, client.headers, client._state)), *map(str, warned)]
    assert {text: found_in(text) for text in shown if found_in(text)} == {}
    assert pickle.loads(pickle.dumps(config)) == config
