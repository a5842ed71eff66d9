"""Set-ups that are broken, each in one way: `molam doctor --strict` names it, and says what to do."""

from __future__ import annotations

import datetime as dt
import socket
import sqlite3
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.fernet import Fernet

from molam_sdk._journalling.opening import journal_store_of, opened_here
from molam_sdk.sandbox import Sandbox
from tests.clients.hostile.conftest import certificates, no_environment, serve
from tests.support.certificates import Certificates
from tests.support.doctor import doctor, findings
from tests.support.http_server import MOLAMS, Serve, Turn, answer, error, html, then_close, then_hang
from tests.support.journals import asked
from tests.support.keys import token

pytestmark = pytest.mark.slow

__all__ = ["certificates", "no_environment", "serve"]

KEY: Final = "sk_test_CANARYkey"
WRONG_SECRET: Final = "sk_test_CANARYwebhook"
PROXY_LOGIN: Final = "CANARYuser:CANARYpassword"
JOURNAL_KEY: Final = Fernet.generate_key().decode()
OTHER_JOURNAL_KEY: Final = Fernet.generate_key().decode()
BALANCE: Final[dict[str, object]] = {"data": []}


@dataclass
class Shop:
    """What a set-up can be made of. ``sound``: one in which nothing is wrong."""

    sandbox: Sandbox
    serve: Serve
    certificates: Certificates
    folder: Path

    @property
    def sound(self) -> dict[str, str]:
        return {
            "MOLAM_API_KEY": self.sandbox.api_key,
            "MOLAM_BASE_URL": self.sandbox.url,
            "MOLAM_WEBHOOK_SECRET_V1": "whsec_CANARY",
            "MOLAM_TIMEOUT_READ": "1",
            "HOME": str(self.folder),
        }

    def at(self, turn: Turn, key: str = KEY) -> dict[str, str]:
        return {"MOLAM_BASE_URL": self.serve(usual=turn).url, "MOLAM_API_KEY": key}

    def over_tls(self, context: ssl.SSLContext | None = None, ca: str | None = None) -> dict[str, str]:
        server = self.serve(usual=answer(200, BALANCE, [MOLAMS]), tls=context or self.certificates.server())
        bundle = ca or self.certificates.ca_file
        return {"MOLAM_BASE_URL": server.url, "MOLAM_CA_BUNDLE": bundle, "MOLAM_API_KEY": KEY}

    def expired(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        yesterday = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=1)
        self.certificates.ca.issue_cert("127.0.0.1", not_after=yesterday).configure_cert(context)
        return context

    def through(self, turn: Turn) -> dict[str, str]:
        """Through a proxy that does this, with a login."""
        port = self.serve(usual=turn).port
        proxy = f"http://{PROXY_LOGIN}@127.0.0.1:{port}"
        return {"MOLAM_BASE_URL": "https://api.test", "MOLAM_API_KEY": KEY, "MOLAM_PROXY": proxy}

    def file(self, name: str, content: str) -> str:
        (self.folder / name).write_text(content, encoding="utf-8")
        return str(self.folder / name)

    def made_journal(self, key: str | None = None) -> str:
        """The file of one with its table; with a refund in it that was encrypted by a key."""
        path = str(self.folder / "made.db")
        store = opened_here(path, journal_store_of(path, key))
        assert store is not None
        if key is not None:
            store.begin(asked(body=b'{"name":"CANARY"}'), 60)
        store.close()
        return path


def _dead() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _dated(seconds_off: float) -> Turn:
    return answer(200, BALANCE, [MOLAMS, ("Date", formatdate(time.time() + seconds_off, usegmt=True))])


Broken = tuple[Callable[[Shop], dict[str, str]], str, tuple[str, ...]]

BROKEN: Final[dict[str, Broken]] = {
    "wrong key": (lambda _: {"MOLAM_API_KEY": KEY}, "call", ("401", "does not accept this key", "copy it anew")),
    "wrong path": (
        lambda shop: {"MOLAM_BASE_URL": f"{shop.sandbox.url}/api/v1"},
        "call",
        ("404", "correct host and path of MOLAM_BASE_URL|must be the API's address"),
    ),
    "another's page": (lambda shop: shop.at(html(200)), "call", ("200", "not Molam's", "MOLAM_BASE_URL")),
    "another's 404": (lambda shop: shop.at(html(404)), "call", ("404", "not Molam's")),
    "another's 401": (lambda shop: shop.at(html(401)), "call", ("401", "not Molam's")),
    "another's 403": (lambda shop: shop.at(answer(403, {"message": "no"})), "call", ("403", "not Molam's")),
    "another's balance": (lambda shop: shop.at(answer(200, BALANCE)), "call", ("200", "X-Molam-Request-Id")),
    "another's JSON": (lambda shop: shop.at(answer(200, {"ok": 1})), "call", ("200", "not Molam's")),
    "nothing at all": (lambda shop: shop.at(answer(204)), "call", ("204", "not Molam's")),
    "no HTTP": (lambda shop: shop.at(then_close(b"SSH-2.0-x\r\n")), "call", ("not HTTP|HTTP",)),
    "hangs": (lambda shop: shop.at(then_hang()), "call", ("in time",)),
    "redirect": (lambda shop: shop.at(answer(301, None, [("Location", "/")])), "call", ("redirect", "MOLAM_BASE_URL")),
    "forbidden": (lambda shop: shop.at(error(403, "account_suspended")), "call", ("403", "account_suspended")),
    "key in the answer": (lambda shop: shop.at(error(403, KEY)), "call", ("403", "REDACTED")),
    "down": (lambda shop: shop.at(error(503, "down")), "call", ("503", "again")),
    "nothing listens": (
        lambda _: {"MOLAM_BASE_URL": f"http://127.0.0.1:{_dead()}"},
        "connect",
        ("refused", "correct the address"),
    ),
    "no such name": (lambda _: {"MOLAM_BASE_URL": "https://molam.invalid"}, "dns", ("molam.invalid", "MOLAM_BASE_URL")),
    "dead proxy": (
        lambda _: {"MOLAM_BASE_URL": "https://api.test", "MOLAM_PROXY": f"http://{PROXY_LOGIN}@127.0.0.1:{_dead()}"},
        "proxy",
        ("127.0.0.1", "correct MOLAM_PROXY"),
    ),
    "dead proxy for http": (
        lambda _: {"MOLAM_PROXY": f"http://127.0.0.1:{_dead()}"},
        "proxy",
        ("127.0.0.1", "correct MOLAM_PROXY"),
    ),
    "proxy of no name": (
        lambda _: {"MOLAM_BASE_URL": "https://api.test", "MOLAM_PROXY": "http://proxy.invalid:8080"},
        "proxy",
        ("proxy.invalid", "correct MOLAM_PROXY"),
    ),
    "proxy that refuses": (lambda shop: shop.through(answer(407)), "proxy", ("407", "password")),
    "proxy that is none": (lambda shop: shop.through(then_close(b"hi\r\n\r\n")), "proxy", ("correct MOLAM_PROXY",)),
    "SOCKS proxy": (lambda _: {"MOLAM_PROXY": "socks5://127.0.0.1:1080"}, "proxy", ("socks5",)),
    "http proxy elsewhere": (lambda _: {"MOLAM_PROXY": "http://proxy.test:1"}, "proxy", ("in clear",)),
    "folder as CA bundle": (
        lambda shop: shop.over_tls(ca=str(shop.folder)),
        "tls",
        ("MOLAM_CA_BUNDLE is a folder", "rehash"),
    ),
    "empty CA bundle": (lambda shop: {"MOLAM_CA_BUNDLE": shop.file("ca.pem", "")}, "tls", ("ca_bundle", "correct")),
    "CA bundle that is none": (lambda shop: {"MOLAM_CA_BUNDLE": shop.file("ca.pem", "x")}, "tls", ("ca_bundle",)),
    "CA bundle that is not there": (lambda _: {"MOLAM_CA_BUNDLE": "/no/ca.pem"}, "config", ("ca_bundle", "no such")),
    "another CA": (
        lambda shop: shop.over_tls(ca=shop.certificates.stranger_ca_file),
        "tls",
        ("not trusted", "MOLAM_CA_BUNDLE"),
    ),
    "nothing verified": (lambda shop: shop.over_tls() | {"MOLAM_VERIFY_SSL": "off"}, "verify", ("MOLAM_VERIFY_SSL",)),
    "live key unverified": (
        lambda _: {"MOLAM_VERIFY_SSL": "off", "MOLAM_API_KEY": "sk_live_CANARY"},
        "config",
        ("verify_ssl=False",),
    ),
    "expired certificate": (lambda shop: shop.over_tls(shop.expired()), "tls", ("expired", "renew", "clock")),
    "another host's certificate": (
        lambda shop: shop.over_tls(shop.certificates.server("shop.test")),
        "tls",
        ("mismatch", "MOLAM_BASE_URL"),
    ),
    "https to a port of http": (
        lambda shop: {"MOLAM_BASE_URL": shop.sandbox.url.replace("http:", "https:")},
        "tls",
        ("scheme and port",),
    ),
    "no certificate of ours": (
        lambda shop: shop.over_tls(shop.certificates.server(client_required=True)),
        "call",
        ("certificate", "MOLAM_MTLS_CERT"),
    ),
    "half a pair": (lambda shop: {"MOLAM_MTLS_CERT": shop.certificates.ca_file}, "tls", ("mtls_cert",)),
    "clock ahead": (lambda shop: shop.at(_dated(-3600)), "clock", ("ahead", "NTP")),
    "clock behind": (lambda shop: shop.at(_dated(3600)), "clock", ("behind", "NTP")),
    "no date": (lambda shop: shop.at(answer(200, BALANCE, [MOLAMS])), "clock", ("Date",)),
    "no webhook secret": (lambda _: {"MOLAM_WEBHOOK_SECRET_V1": ""}, "webhooks", ("MOLAM_WEBHOOK_SECRET_V1", "whsec_")),
    "forgotten secret": (lambda _: {"MOLAM_WEBHOOK_SECRET_V1": "None"}, "webhooks", ("holds no secret",)),
    "bare prefix": (lambda _: {"MOLAM_WEBHOOK_SECRET_V1": "whsec_"}, "webhooks", ("holds no secret",)),
    "key as webhook secret": (
        lambda _: {"MOLAM_WEBHOOK_SECRET_V1": WRONG_SECRET},
        "webhooks",
        ("MOLAM_WEBHOOK_SECRET_V1", "does not begin with whsec_"),
    ),
    "webhook secret's file is gone": (
        lambda _: {"MOLAM_WEBHOOK_SECRET_V2_FILE": "/no/secret"},
        "webhooks",
        ("MOLAM_WEBHOOK_SECRET_V2_FILE", "correct the path"),
    ),
    "journal in no folder": (
        lambda shop: {"MOLAM_JOURNAL": str(shop.folder / "no" / "journal.db")},
        "journal",
        ("no folder", "correct MOLAM_JOURNAL"),
    ),
    "journal that is a folder": (lambda shop: {"MOLAM_JOURNAL": str(shop.folder)}, "journal", ("is a folder",)),
    "journal that is none": (
        lambda shop: {"MOLAM_JOURNAL": shop.file("journal.db", "x" * 5000)},
        "journal",
        ("not a database", "correct MOLAM_JOURNAL"),
    ),
    "journal in memory": (lambda _: {"MOLAM_JOURNAL": ":memory:"}, "journal", ("forget",)),
    "journal that may only be read": (
        lambda shop: {
            "MOLAM_JOURNAL": f"sqlite:///file:{shop.made_journal()}?mode=ro&uri=true".replace(":", "+pysqlite:", 1)
        },
        "journal",
        ("readonly", "correct MOLAM_JOURNAL"),
    ),
    "journal's database is down": (
        lambda _: {"MOLAM_JOURNAL": f"postgresql+psycopg://shop:CANARY@127.0.0.1:{_dead()}/shop"},
        "journal",
        ("refused", "correct MOLAM_JOURNAL"),
    ),
    "journal key that is none": (lambda _: {"MOLAM_JOURNAL_KEY": "CANARY"}, "journal", ("MOLAM_JOURNAL_KEY", "Fernet")),
    "journal key that is none, of a journal": (
        lambda shop: {"MOLAM_JOURNAL": shop.made_journal(), "MOLAM_JOURNAL_KEY": f"CANARY{JOURNAL_KEY}"},
        "journal",
        ("MOLAM_JOURNAL_KEY", "Fernet"),
    ),
    "another journal's key": (
        lambda shop: {"MOLAM_JOURNAL": shop.made_journal(JOURNAL_KEY), "MOLAM_JOURNAL_KEY": OTHER_JOURNAL_KEY},
        "journal",
        ("none of the keys opens it", "every key", "rotate-key"),
    ),
    "encrypted journal without a key": (
        lambda shop: {"MOLAM_JOURNAL": shop.made_journal(JOURNAL_KEY)},
        "journal",
        ("no key is set", "MOLAM_JOURNAL_KEY", "every key"),
    ),
    "unknown variable": (lambda _: {"MOLAM_TIMEOUT": "5"}, "config", ("MOLAM_TIMEOUT", "did you mean", "unset")),
    "no number": (lambda _: {"MOLAM_MAX_RETRIES": "CANARY"}, "config", ("MOLAM_MAX_RETRIES", "whole number")),
    "http to elsewhere": (lambda _: {"MOLAM_BASE_URL": "http://api.molam.io"}, "config", ("must be https",)),
    "no key": (lambda _: {"MOLAM_API_KEY": ""}, "key", ("no key", "MOLAM_API_KEY")),
    "no key of Molam's": (lambda _: {"MOLAM_API_KEY": "pk_CANARY"}, "config", ("api_key", "sk_")),
    "key with a blank": (lambda _: {"MOLAM_API_KEY": "sk_test_ CANARY"}, "config", ("api_key", "blank")),
    "key file gone": (
        lambda _: {"MOLAM_API_KEY": "", "MOLAM_API_KEY_FILE": "/no/key"},
        "config",
        ("MOLAM_API_KEY_FILE", "/no/key"),
    ),
    "key file of another": (
        lambda shop: {"MOLAM_API_KEY": "", "MOLAM_API_KEY_FILE": shop.file("key", "whsec_CANARY")},
        "key",
        ("api_key must begin",),
    ),
    "expired token": (lambda _: {"MOLAM_API_KEY": token(-5000)}, "key", ("expired", "give a new one")),
    "token just expired": (lambda _: {"MOLAM_API_KEY": token(-30)}, "expiry", ("expired", "renews")),
    "token without renewal": (lambda _: {"MOLAM_API_KEY": token(500)}, "expiry", ("nothing renews",)),
}


@pytest.fixture
def shop(sandbox: Sandbox, serve: Serve, certificates: Certificates, tmp_path: Path, no_environment: None) -> Shop:
    return Shop(sandbox, serve, certificates, tmp_path)


def test_the_sound_set_up_is_green(shop: Shop) -> None:
    done = doctor("--strict", **shop.sound)
    assert done.exit_code == 0, done.stdout


def test_a_sound_set_up_over_tls_is_green(shop: Shop) -> None:
    turn = answer(200, BALANCE, [MOLAMS, ("Date", formatdate(usegmt=True))])
    server = shop.serve(usual=turn, tls=shop.certificates.server(client_required=True))
    ours = shop.certificates.client_file
    mtls = {"MOLAM_CA_BUNDLE": shop.certificates.ca_file, "MOLAM_MTLS_CERT": ours, "MOLAM_MTLS_KEY": ours}
    done = doctor("--strict", **shop.sound | mtls | {"MOLAM_BASE_URL": server.url, "MOLAM_API_KEY": KEY})
    assert done.exit_code == 0, done.stdout
    (seen,) = server.requests
    assert (seen.line, seen.headers["authorization"]) == ("GET /v1/connect/balance HTTP/1.1", f"Bearer {KEY}")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_set_up_is_named_with_what_to_do(name: str, shop: Shop) -> None:
    settings, finding, words = BROKEN[name]
    done = doctor("--strict", **shop.sound | settings(shop))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 1, done.stdout
    level, text = findings(done)[finding]
    assert level in ("warn", "fail"), done.stdout
    missing = [word for word in words if not any(part in text for part in word.split("|"))]
    assert not missing, text
    assert "CANARY" not in done.output
    assert "e30." not in done.output
    assert not any(key in done.output for key in (JOURNAL_KEY, OTHER_JOURNAL_KEY))
    assert shop.sandbox.api_key not in done.output


def test_a_journal_is_read_by_any_of_its_keys(shop: Shop) -> None:
    keys = f"{OTHER_JOURNAL_KEY}, {JOURNAL_KEY}"
    journal = {"MOLAM_JOURNAL": shop.made_journal(JOURNAL_KEY), "MOLAM_JOURNAL_KEY": keys}
    assert findings(doctor(**shop.sound | journal))["journal"] == ("ok", "can be written")


@pytest.mark.parametrize("problem", [error(403, "insufficient_scope")], ids=["lacks the scope"])
def test_a_key_that_may_not_read_the_balance_is_good(problem: Turn, shop: Shop) -> None:
    found = findings(doctor(**shop.sound | shop.at(problem)))
    assert found["call"] == ("ok", "Molam knows the key, which may not read the balance (403)")


def test_a_journal_that_is_there_is_tried_and_left_as_it_was(shop: Shop) -> None:
    found = findings(doctor("--strict", **shop.sound | {"MOLAM_JOURNAL": shop.made_journal()}))
    assert found["journal"] == ("ok", "can be written")
    journal = {"MOLAM_JOURNAL": shop.made_journal(), "MOLAM_JOURNAL_KEY": JOURNAL_KEY}
    assert findings(doctor(**shop.sound | journal))["journal"] == ("ok", "can be written")
    with sqlite3.connect(shop.made_journal()) as database:
        assert database.execute("SELECT count(*) FROM molam_journal").fetchone() == (0,)
    database.close()


def test_the_clocks_are_compared_without_a_key_too(shop: Shop) -> None:
    server = shop.serve(usual=_dated(-3600))
    found: dict[str, Any] = findings(doctor(**shop.sound | {"MOLAM_BASE_URL": server.url, "MOLAM_API_KEY": ""}))
    assert found["clock"][0] == "fail"
    assert "call" not in found
    assert "authorization" not in server.requests[0].headers
