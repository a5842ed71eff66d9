"""A journal that is encrypted: nothing of a body is in the file, keys bind as before, and nothing is lost."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from molam_sdk import ClientConfig, ConfigurationError, JournalError, MolamClient, MolamError, RequestValidationError
from molam_sdk.cli.commands import molam
from molam_sdk.journal import MemoryJournal
from molam_sdk.store.sealing import Seal, SealError
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.script import TIMEOUT

OLD, NEW = "b2xkIGtleSBvZiBhIHRlc3QsIDMyIGJ5dGVzIGxvbmc=", "bmV3IGtleSBvZiBhIHRlc3QsIDMyIGJ5dGVzIGxvbmc="
INTENT = {"id": "pi_1", "status": "succeeded", "amount": "4711.5", "currency": "USD"}
PAID = reply(200, INTENT, {"X-Molam-Request-Id": "req_1"})
ORDER = {"amount": "4711.5", "currency": "USD", "description": "a-secret-cake"}


class Shop:
    """A shop with an encrypted journal in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, key: Any, *script: Any) -> tuple[MolamClient, ScriptedTransport]:
        transport = ScriptedTransport(*script)
        config = ClientConfig(api_key="sk_test_1", environment="sandbox", max_retries=0, journal_key=key)
        return MolamClient(config, transport=transport, journal=self.path), transport

    def pay(self, key: Any, *script: Any, order: Any = ORDER, idempotency_key: str = "order-7") -> Any:
        client, self.transport = self.open(key, *script)
        with client:
            return client.create_payment_intent(order, idempotency_key=idempotency_key)

    def files(self) -> bytes:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return b"".join(path.read_bytes() for path in self.path.parent.glob("molam.db*"))

    def change(self, assignment: str, key: str = "order-7") -> None:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute(f"UPDATE molam_journal SET {assignment} WHERE idempotency_key = ?", (key,))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "molam.db")


def test_nothing_of_a_body_an_answer_or_a_note_stands_in_the_file(shop: Shop) -> None:
    shop.pay(OLD, PAID)
    client, _ = shop.open(OLD, TIMEOUT)
    with client:
        with pytest.raises(MolamError):
            client.create_payment_intent(ORDER, idempotency_key="order-8")
        client.journal.settle("order-8", done=True, note="a-secret-note")
        assert client.journal.get("order-8").note == "a-secret-note"  # type: ignore[union-attr]
    held = shop.files()
    for secret in (b"4711", b"a-secret-cake", b'"status"', b"pi_1", b"a-secret-note"):
        assert secret not in held
    from molam_sdk.journal.entry import hash_of

    plain = b'{"amount":4711.5,"currency":"USD","description":"a-secret-cake","capture":false,"metadata":{}}'
    assert hash_of(plain).encode() not in held


def test_the_stored_answer_is_given_again(shop: Shop) -> None:
    first = shop.pay(OLD, PAID)
    again = shop.pay(OLD)
    assert (again.id, again.replayed, shop.transport.requests) == (first.id, True, [])


def test_keys_bind_as_before(shop: Shop) -> None:
    shop.pay(OLD, PAID)
    with pytest.raises(RequestValidationError, match="another body"):
        shop.pay(OLD, order={**ORDER, "description": "x"})
    assert shop.transport.requests == []


def test_a_doubt_is_asked_again_with_the_same_bytes(shop: Shop) -> None:
    with pytest.raises(MolamError):
        shop.pay(OLD, TIMEOUT)
    sent = shop.transport.requests[0].body
    client, transport = shop.open(OLD, PAID)
    with client:
        assert [entry.state for entry in client.recover()] == ["done"]
    assert [request.body for request in transport.requests] == [sent]


def test_what_is_enqueued_is_sealed_and_made(shop: Shop) -> None:
    client, transport = shop.open(OLD, PAID)
    with client:
        client.journal.enqueue(client.create_payment_intent, ORDER, idempotency_key="order-7")
        assert b"a-secret-cake" not in shop.files()
        assert client.journal.worker().run_until_empty() == 1
    assert b"a-secret-cake" in (transport.requests[0].body or b"")


@pytest.mark.parametrize(("key", "said"), [(NEW, "none of the keys opens it"), (None, "no key is set")])
def test_a_wrong_or_missing_key_refuses_and_loses_nothing(shop: Shop, key: Any, said: str) -> None:
    shop.pay(OLD, PAID)
    with pytest.raises(JournalError, match=said) as caught:
        shop.pay(key)
    assert (caught.value.outcome, shop.transport.requests) == ("not_sent", [])
    assert "MOLAM_JOURNAL_KEY" in str(caught.value)
    assert shop.pay(OLD).replayed


def test_what_was_moved_into_another_row_is_refused(shop: Shop) -> None:
    shop.pay(OLD, PAID)
    shop.pay(OLD, PAID, order={**ORDER, "description": "y"}, idempotency_key="order-8")
    shop.change("body = (SELECT body FROM molam_journal WHERE idempotency_key = 'order-8')")
    with pytest.raises(JournalError, match="moved"):
        shop.pay(OLD)


def test_what_was_changed_is_refused(shop: Shop) -> None:
    shop.pay(OLD, PAID)
    shop.change("body = substr(body, 1, 60)")
    with pytest.raises(JournalError, match="none of the keys"):
        shop.pay(OLD)


def test_a_journal_that_was_not_encrypted_goes_on(shop: Shop) -> None:
    shop.pay(None, PAID)
    assert shop.pay(OLD).replayed
    with pytest.raises(RequestValidationError, match="another body"):
        shop.pay(OLD, order={**ORDER, "description": "x"})


def test_rotation_leaves_nothing_of_the_old_key(shop: Shop) -> None:
    shop.pay(None, PAID)
    shop.pay(OLD, PAID, idempotency_key="order-8")
    client, _ = shop.open([NEW, OLD])
    with client:
        assert client.journal.rotate_key() == (2, 0)
    assert shop.pay(NEW).replayed
    assert shop.pay(NEW, idempotency_key="order-8").replayed
    assert b"a-secret-cake" not in shop.files().rpartition(b"order-7")[2][:200]


def test_rotation_leaves_what_a_call_has(shop: Shop) -> None:
    with pytest.raises(MolamError):
        shop.pay(OLD, TIMEOUT)
    shop.change("lease_until = 1e18")
    client, _ = shop.open([NEW, OLD])
    with client:
        assert client.journal.rotate_key() == (0, 1)


def test_a_journal_without_a_key_is_not_rotated(shop: Shop) -> None:
    client, _ = shop.open(None)
    with client, pytest.raises(ConfigurationError, match="MOLAM_JOURNAL_KEY"):
        client.journal.rotate_key()


def test_the_command_rotates_and_shows(shop: Shop) -> None:
    shop.pay(OLD, PAID)
    environment = {"MOLAM_JOURNAL_KEY": f"{NEW},{OLD}"}
    ran = CliRunner().invoke(molam, ["journal", "--journal", str(shop.path), "rotate-key"], env=environment)
    assert (ran.exit_code, ran.output) == (0, "1 encrypted, 0 left, since a call has them\n")
    shown = ["journal", "--journal", str(shop.path), "show", "order-7"]
    assert "4711.5" in CliRunner().invoke(molam, shown, env={"MOLAM_JOURNAL_KEY": NEW}).output
    refused = CliRunner().invoke(molam, shown, env={"MOLAM_JOURNAL_KEY": OLD})
    assert (refused.exit_code, "none of the keys" in refused.output) == (1, True)


def test_a_callable_is_asked_again_for_a_key_that_it_has_learnt_since(shop: Shop) -> None:
    keys = [OLD]
    shop.pay(lambda: keys, PAID)
    shop.pay(NEW, PAID, idempotency_key="order-8")
    client, _ = shop.open(lambda: list(keys))
    with client:
        assert client.journal.get("order-7") is not None
        with pytest.raises(JournalError):
            client.journal.get("order-8")
        keys.append(NEW)
        assert client.journal.get("order-8").state == "done"  # type: ignore[union-attr]


class Reversed:
    """A cipher of the merchant's own, which gives any bytes."""

    def encrypt(self, data: bytes) -> bytes:
        return b"\xff" + data[::-1]

    def decrypt(self, token: bytes) -> bytes:
        return token[1:][::-1]


def test_a_cipher_of_the_merchant_s_own(shop: Shop) -> None:
    shop.pay(Reversed(), PAID)
    assert b"a-secret-cake" not in shop.files()
    assert shop.pay(Reversed()).replayed


@pytest.mark.parametrize(
    ("key", "said"),
    [("short", "44 characters"), (f"{OLD},", "44 characters"), (7, "not int"), ([], "not list"), ([b"x"], "not list")],
)
def test_what_is_no_key_is_refused_when_the_client_is_made(shop: Shop, key: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        shop.open(key)
    assert OLD not in str(caught.value)


def test_a_callable_that_gives_no_key_sends_nothing(shop: Shop) -> None:
    with pytest.raises(MolamError, match="44 characters") as caught:
        shop.pay(lambda: "nothing")
    assert (caught.value.outcome, shop.transport.requests) == ("not_sent", [])


def test_a_store_of_the_merchant_s_own_is_not_encrypted_by_us() -> None:
    config = ClientConfig(api_key="sk_test_1", environment="sandbox", journal_key=OLD)
    with pytest.raises(ConfigurationError, match="encrypt in the store"):
        MolamClient(config, transport=ScriptedTransport(), journal=MemoryJournal())


def test_without_cryptography_the_extra_is_named(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from molam_sdk import ClientConfig, MolamClient\n"
        "MolamClient(ClientConfig(api_key='sk_test_1', environment='sandbox', journal_key=sys.argv[1]), journal='x.db')"
    )
    ran = subprocess.run([sys.executable, "-c", program, OLD], capture_output=True, text=True, cwd=tmp_path)
    assert "pip install 'molam-python-sdk[crypto]'" in ran.stderr
    assert OLD not in ran.stderr


def test_no_key_is_in_a_repr() -> None:
    assert OLD not in repr(ClientConfig(api_key="sk_test_1", environment="sandbox", journal_key=OLD))


@pytest.mark.parametrize("column", ["note", "answer"])
def test_a_value_opens_in_its_own_place_alone(column: str) -> None:
    seal = Seal(OLD)
    sealed = seal.close("order-7", "body", b"x")
    assert seal.open("order-7", "body", sealed) == b"x"
    with pytest.raises(SealError, match="moved"):
        seal.open("order-7", column, sealed)


def test_the_file_and_its_companions_are_their_owner_s_alone(shop: Shop) -> None:
    client, _ = shop.open(OLD, PAID)
    with client:
        client.create_payment_intent(ORDER)
        found = {path.name: path.stat().st_mode & 0o777 for path in shop.path.parent.glob("molam.db*")}
    assert found == {"molam.db": 0o600, "molam.db-wal": 0o600, "molam.db-shm": 0o600}


def test_a_callable_is_asked_each_minute_which_key_to_encrypt_by() -> None:
    keys: list[str] = [OLD]
    seal = Seal(lambda: list(keys))
    assert Seal(OLD).open("order-7", "body", seal.close("order-7", "body", b"one")) == b"one"
    keys[:] = [NEW, OLD]
    assert Seal(OLD).open("order-7", "body", seal.close("order-7", "body", b"two")) == b"two"
    seal._asked_at -= 61
    assert Seal(NEW).open("order-7", "body", seal.close("order-7", "body", b"three")) == b"three"
    keys.clear()  # the vault is down: what it said last stays good
    seal._asked_at -= 61
    assert Seal(NEW).open("order-7", "body", seal.close("order-7", "body", b"four")) == b"four"
