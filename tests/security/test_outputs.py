"""No canary in what `molam journal` prints, and in reprs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet
from prometheus_client import CollectorRegistry
from sqlalchemy import create_engine

from molam_sdk import ClientConfig, MolamAsyncClient, MolamClient, MolamSyncClient
from molam_sdk.cli.commands import molam
from molam_sdk.journal import End, KeptAnswer
from molam_sdk.receiver import WebhookReceiver
from molam_sdk.secrets import (
    AwsSource,
    CallableSource,
    EnvironmentSource,
    FileSource,
    KeyringSource,
    VaultSource,
    first,
)
from molam_sdk.store import MemoryStore, SqliteStore
from molam_sdk.store.database.alchemy import AlchemyDatabase
from molam_sdk.store.database.sqlite import SqliteDatabase
from molam_sdk.store.sealing import seal_of
from molam_sdk.store.sql import SqlStore
from molam_sdk.testing import ScriptedTransport
from molam_sdk.transports import RequestsTransport
from molam_sdk.webhooks import EnvironmentSecrets, RotatingSecrets
from tests.security.canaries import CARD, CODES, LIVE_KEY, PROXY_USER, WEBHOOK_SECRET, found_in
from tests.support.journals import OPEN, Bench, bench_of

pytestmark = pytest.mark.slow

TERMINAL: Final = "\x1b[2J\u202e\x9b"
NOTE: Final = f"called bob, password: {CODES['pin']}, card {CARD}, key {LIVE_KEY} {TERMINAL}"
SEALED_BY: Final = Fernet.generate_key().decode()


def _is_clean(text: str) -> None:
    assert found_in(text) == [], text[:2000]
    assert not any(sign in text for sign in TERMINAL if not sign.isprintable()), text


@pytest.fixture(params=[None, SEALED_BY], ids=["plain", "sealed"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with closing(SqliteDatabase(tmp_path / "molam.db")) as database:
        bench = bench_of(database)
        bench.store.seal = seal_of(request.param)  # type: ignore[attr-defined]  # a table
        body = json.dumps({"metadata": {"card": CARD, **CODES}, "currency": LIVE_KEY, "amount": int(CARD)}).encode()
        answered = KeptAnswer(201, {}, json.dumps({"id": f"pi_{LIVE_KEY}", "secret": WEBHOOK_SECRET}).encode())
        told = {"actor": f"bob {LIVE_KEY}", "trace_id": f"trace {LIVE_KEY}"}
        bench.left(End("done", None, f"code {LIVE_KEY}", answer=answered), "order-1", body=body, **told)
        bench.left(End("review", "unknown", TERMINAL, note=NOTE), "order-2", body=NOTE.encode())
        bench.left(OPEN, "order-3", body=NOTE.encode(errors="surrogatepass"))
        yield bench


@pytest.fixture
def run(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Result]:
    """The command, with the journal in this folder and its key."""

    def run(*arguments: str, **environment: str) -> Result:
        settings = {"MOLAM_JOURNAL": str(tmp_path / "molam.db"), "MOLAM_JOURNAL_KEY": SEALED_BY, **environment}
        return CliRunner().invoke(molam, arguments, env=settings)

    return run


def test_a_journal_that_is_listed_shown_and_exported_tells_no_secret(
    journal: Bench, run: Callable[..., Result], tmp_path: Path
) -> None:
    commands = [["list"], ["list", "--json"], ["export"], ["export", "--csv"]]
    commands += [["show", f"order-{number}", *form] for number in (1, 2, 3) for form in ([], ["--json"])]
    for command in commands:
        shown = run("journal", *command)
        assert shown.exit_code == 0, shown.output
        assert "order-" in shown.output
        _is_clean(shown.output)
    note = json.loads(run("journal", "show", "order-2", "--json").output)["note"]
    assert note == f"called bob, password: ***REDACTED***, card ***REDACTED***, key ***REDACTED*** {TERMINAL}"
    assert "called bob" in run("journal", "list").output
    rows = list(csv.DictReader(io.StringIO(run("journal", "export", "--csv").output)))
    assert ["called bob" in row["note"] for row in rows if row["key"] == "order-2"] == [True]


def test_no_repr_holds_a_secret(tmp_path: Path, no_environment: None) -> None:
    (tmp_path / "key").write_text(LIVE_KEY)
    environ = {"MOLAM_API_KEY": LIVE_KEY, "MOLAM_WEBHOOK_SECRET_V1": WEBHOOK_SECRET}
    url = f"postgresql+psycopg://{PROXY_USER}@127.0.0.1:1/shop"
    sources = [
        EnvironmentSource("MOLAM_API_KEY", environ),
        FileSource(tmp_path / "key"),
        CallableSource(lambda: LIVE_KEY),
        VaultSource("shop", "api_key", client=object()),
        AwsSource("shop", client=object()),
        KeyringSource("molam", "api_key", client=object()),
        EnvironmentSecrets(environ=environ),
        RotatingSecrets(EnvironmentSecrets(environ=environ)),
    ]
    sources.append(first(*sources[:2]))
    for source in sources[:3]:
        assert source() or True
    proxied = f"http://{PROXY_USER}@127.0.0.1:1"
    config = ClientConfig(
        api_key=LIVE_KEY, proxy=proxied, base_url="https://api.test", journal=url, journal_key=SEALED_BY
    )
    plain = ClientConfig(api_key=LIVE_KEY, journal=str(tmp_path / "molam.db"), journal_key=SEALED_BY)
    with ExitStack() as stack:
        sync = stack.enter_context(MolamSyncClient(plain, transport=ScriptedTransport(), registry=CollectorRegistry()))
        wired = stack.enter_context(MolamClient(ClientConfig(api_key=LIVE_KEY, proxy=proxied)))
        awaited = MolamAsyncClient(ClientConfig(api_key=LIVE_KEY, proxy=proxied), registry=CollectorRegistry())
        wired.headers["X-Api-Key"] = "CANARYfield"
        engine = create_engine(url)
        sqlite = SqliteStore(tmp_path / "events.db")
        stack.callback(sqlite.close)
        receiver = WebhookReceiver({"v1": WEBHOOK_SECRET}, MemoryStore(), registry=CollectorRegistry())
        stack.callback(receiver.close)
        things = [
            *sources, config, plain, sync, wired, awaited, sync.client, sync.cb, sync.config, sync._state, wired._state,
            sync._breaker, sync.journal, sync.journal._calls, sync._journalled_calls().store, wired._state.transport,
            wired._state.key, awaited._state.key, wired._state.headers, RequestsTransport(config), engine, sqlite,
            AlchemyDatabase(engine), seal_of(SEALED_BY), receiver, receiver.store, SqlStore, *sync._observers,
        ]  # fmt: skip
        shown = [text for thing in things for text in _shown(thing)]
    assert [text for text in shown if SEALED_BY in text] == []
    assert [text for text in shown if found_in(text.replace(PROXY_USER.partition(":")[0], ""))] == []  # no password


def _shown(thing: object) -> list[str]:
    parts = [getattr(thing, name, None) for name in getattr(type(thing), "__slots__", ())]
    parts += list(getattr(thing, "__dict__", {}).values()) if not isinstance(thing, type) else []
    held = [repr(part) for part in parts if type(part).__module__.startswith("molam_sdk")]
    return [repr(thing), str(thing), f"{thing}", *held]
