"""Data of every shape: secrets go by their names and by their look, and no data takes long or raises."""

from __future__ import annotations

import json
import logging
import time
from collections import OrderedDict, UserDict, deque
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from molam_sdk import PaymentIntent
from molam_sdk.redaction import REDACTED, sanitize_sensitive_data
from tests.redaction.variants import SECRET_NAMES

PAN = "4242424242424242"
KEY = "sk_live_51Habcdefghij"


@dataclass
class Shown:
    number: str

    def __repr__(self) -> str:
        return f"Shown({self.number})"


@dataclass(frozen=True)
class Card:
    cvc: str
    holder: str = "bob"
    body: bytes = field(default=b"private", repr=False)


class Login(NamedTuple):
    user: str
    password: str


class Row(NamedTuple):
    x: str


class Model(BaseModel):
    model_config = ConfigDict(extra="allow")
    token: str = "abc"
    card: Any = None


class Text(str):
    pass


class Colour(Enum):
    RED = PAN


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no")


class BadMapping(UserDict[str, str]):
    def items(self) -> Any:
        raise RuntimeError("no")


def _chained() -> BaseException:
    try:
        try:
            raise KeyError(PAN)
        except KeyError as first:
            raise ValueError(f"key {KEY}") from first
    except ValueError as error:
        error.__notes__ = [f"tried {PAN}"]  # type: ignore[attr-defined]
        return error


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize("value", ["x", 123, ["x"], {"x": "y"}, b"x", 1.5])
def test_a_value_under_a_secret_name_goes_whole(name: str, value: object) -> None:
    for key in (name, name.encode(), Text(name)):
        assert sanitize_sensitive_data({"outer": [{key: value}]}) == {"outer": [{name: REDACTED}]}


def test_a_secret_that_is_absent_shows_as_absent() -> None:
    assert sanitize_sensitive_data({"api_key": None}) == {"api_key": None}


CARRIERS = [
    PAN, int(PAN), -int(PAN), float(PAN), Decimal(PAN), Decimal(PAN).normalize(), Decimal(f"{PAN}.00"), [PAN],
    (PAN,), {PAN}, frozenset({PAN}), deque([PAN]), {PAN: 1}, {int(PAN): 1}, {"x": {"y": [{"z": PAN}]}},
    PAN.encode(), bytearray(PAN.encode()), memoryview(PAN.encode()), PAN.encode("utf-16-le"), Text(PAN),
    Colour.RED, Shown(PAN), PurePosixPath("/cards", PAN), OrderedDict(x=PAN), MappingProxyType({"x": PAN}),
    UserDict({"x": PAN}), {"x": PAN}.values(), {PAN: 1}.keys(), {"x": PAN}.items(), Row(PAN),
    Model(card={"x": PAN}), ValueError(f"card {PAN}"), KeyError(PAN), _chained(), "４２４２ ４２４２ ４２４２ ４２４２",
    {"id": PAN}, {"request_id": PAN}, {"ts": int(PAN)},
    {"idempotency_key": f"order {PAN}"}, {"trace_id": PAN},
]  # fmt: skip


@pytest.mark.parametrize("data", CARRIERS)
def test_a_card_number_is_found_in_everything(data: object) -> None:
    shown = json.dumps(sanitize_sensitive_data(data), ensure_ascii=False)
    assert PAN not in shown
    assert "４２４２" not in shown
    assert "4242" not in shown.replace("424242******4242", "")


NAMED = [
    Card("hunter2"), Login("bob", "hunter2"), Model(token="hunter2"), Model(password="hunter2"),
    {"a": Login("bob", "hunter2")}, ("password", "hunter2"), [("cookie", "hunter2")],
    [[b"authorization", b"hunter2"]], ["deploy", "--password", "hunter2"],
    {"headers": [(b"x-api-key", b"hunter2")]}, {b"password": b"hunter2"}, {"cardCvc": ["hunter2"]},
    "password=hunter2", b'{"pin": "hunter2"}', ValueError("password=hunter2"), {"id": "password=hunter2"},
    {"request_id": "Bearer hunter2"}, {("password",): "password=hunter2"},
]  # fmt: skip


@pytest.mark.parametrize("data", NAMED)
def test_a_secret_goes_by_the_name_it_has_anywhere(data: object) -> None:
    assert "hunter2" not in json.dumps(sanitize_sensitive_data(data))


@pytest.mark.parametrize("name", ["idempotency_key", "Idempotency-Key", "request_id", "id", "event_id"])
def test_an_id_that_looks_like_a_card_number_can_still_be_found(name: str) -> None:
    assert sanitize_sensitive_data({name: PAN}) == {name: "424242******4242"}
    assert sanitize_sensitive_data({name: int(PAN)}) == {name: "424242******4242"}


@pytest.mark.parametrize("name", ["trace_id", "dd.trace_id", "spanId"])
def test_a_number_of_64_bits_under_a_traces_name_stays(name: str) -> None:
    number = 4000000000000000006
    assert sanitize_sensitive_data({name: number, "n": str(number)}) == {name: number, "n": REDACTED}
    assert sanitize_sensitive_data({name: str(number)}) == {name: str(number)}


@pytest.mark.parametrize(
    "plain",
    [
        {"a": [1, 1.5, True, None, "x", {}]},
        {"ts": 1700000000000, "ns": 1700000000000000000, "amount": 12.5},
        {"key": "pi-7e44"},
        [],
        "x",
        10**13,
    ],
)
def test_what_holds_no_secret_is_the_same(plain: object) -> None:
    assert sanitize_sensitive_data(plain) == plain


def test_everything_becomes_plain_and_the_data_stays_as_it_was() -> None:
    intent = PaymentIntent.model_validate({"id": "pi_1", "status": "s", "amount": 1, "currency": "USD", "cvc": "123"})
    data = {"list": [PAN], "model": intent, "card": Card("123"), "text": Text("x"), "raw": b"x", "error": _chained()}
    cleaned = sanitize_sensitive_data(data)
    assert cleaned["model"]["cvc"] == REDACTED
    assert cleaned["card"] == {"cvc": REDACTED, "holder": "bob"}
    assert type(cleaned["text"]) is str
    # pytest-xdist runs tests where an exception of its own is being handled, which the chain then ends with.
    assert cleaned["error"].startswith(f"ValueError: key {REDACTED}; tried {REDACTED}; from KeyError: '{REDACTED}'")
    assert data["list"] == [PAN]


def test_numbers_that_json_does_not_know_become_texts() -> None:
    data = {"nan": float("nan"), "high": float("inf"), "low": float("-inf"), "vast": 10**5000, "large": 1e300}
    cleaned = sanitize_sensitive_data(data)
    assert cleaned == {
        "nan": "NaN",
        "high": "Infinity",
        "low": "-Infinity",
        "vast": "<an integer of 16610 bits>",
        "large": 1e300,
    }
    json.dumps(cleaned, allow_nan=False)


@pytest.mark.parametrize(
    "data",
    [
        Unprintable(),
        {Unprintable(): 1},
        [Unprintable()],
        BadMapping(x="y"),
        {"x": BadMapping()},
        ValueError(Unprintable()),
    ],
)
def test_what_cannot_be_read_is_said_and_raises_nothing(data: object) -> None:
    assert "that cannot be shown: RuntimeError" in json.dumps(sanitize_sensitive_data(data))


def test_data_that_is_shared_many_times_over_ends_soon_and_says_that_it_was_cut() -> None:
    shared: Any = {"card": PAN}
    for _ in range(12):
        shared = [shared] * 10
    began = time.process_time()
    shown = json.dumps(sanitize_sensitive_data({"x": shared}), ensure_ascii=False)
    assert time.process_time() - began < 2  # it takes some 20 ms; all of it would be 10 to the 12th values
    assert "… (deeper than 12 levels)" in shown
    shown = json.dumps(sanitize_sensitive_data([[PAN] * 100] * 1_000), ensure_ascii=False)
    assert "… (more than 10000 values)" in shown
    assert len(shown) < 1_000_000


def test_long_texts_count_as_many_values() -> None:
    cleaned = sanitize_sensitive_data(["x" * 1_000_000] * 100)
    assert cleaned[0] == "x" * 1_000_000
    assert cleaned[-1] == "… (more than 10000 values)"


def test_data_that_holds_itself_ends() -> None:
    loop: dict[str, Any] = {"card": PAN}
    loop["loop"] = loop
    rows: list[Any] = [PAN]
    rows += [rows, rows, loop]
    for data in (loop, rows, {"x": rows}):
        assert PAN not in json.dumps(sanitize_sensitive_data(data))


def test_names_that_hold_secrets_are_not_remembered() -> None:
    from molam_sdk.redaction import text, walk

    sanitize_sensitive_data({PAN: 1, f"x {KEY}": 2, "harmless": "hunter_two"})
    remembered = repr([*walk._known_names, *text._harmless_words])
    assert PAN not in remembered
    assert KEY not in remembered


def test_any_number_of_names_and_words_leaves_the_memory_bounded() -> None:
    from molam_sdk.redaction import text, walk

    sanitize_sensitive_data(
        {"".join(map(chr, (97 + n // 26 % 26, 97 + n % 26))) * 4: f"word_{chr(97 + n % 26)}" for n in range(676)}
    )
    for n in range(3_000):
        sanitize_sensitive_data({f"name{n}": "x"})
    assert len(walk._known_names) <= 1024
    assert len(text._harmless_words) <= 256


@given(
    st.recursive(
        st.text() | st.integers() | st.floats() | st.none() | st.binary() | st.decimals(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.binary(), inner) | st.tuples(inner, inner),
    )
)
def test_no_data_makes_it_raise(data: object) -> None:
    json.dumps(sanitize_sensitive_data(data), allow_nan=False)


@given(st.text(), st.text())
def test_a_key_never_survives_whatever_stands_around_it(before: str, after: str) -> None:
    for data in (f"{before} {KEY} {after}", {before: KEY}, [before, KEY, after]):
        assert KEY not in json.dumps(sanitize_sensitive_data(data))


def test_a_logger_in_the_data_is_shown_by_its_name() -> None:
    assert sanitize_sensitive_data({"logger": logging.getLogger("x.y")})["logger"].startswith("<Logger x.y (")


@pytest.mark.parametrize("named", ["name", "key", "header", "field"])
def test_the_value_beside_a_secrets_name_goes(named: str) -> None:
    assert sanitize_sensitive_data([{named: "X-Api-Key", "value": "x"}]) == [{named: "X-Api-Key", "value": REDACTED}]
    assert sanitize_sensitive_data({named: "Host", "value": "x"}) == {named: "Host", "value": "x"}
    assert sanitize_sensitive_data({named: "cookie", "value": None}) == {named: "cookie", "value": None}
