"""100,000 mutations of good deliveries: none is accepted, and only the one error class comes out."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molam_sdk import WebhookVerificationError
from molam_sdk.webhooks import construct_event, sign, verify_molam_signature
from tests.support.webhooks.deliveries import NOW, SECRET, SECRETS, body_of

pytestmark = pytest.mark.slow

EXAMPLES, MUTATIONS = 100, 1_000


def refused(header: object, body: object) -> bool:
    """Whether it is refused, in the only way allowed: any other error passes through and fails the test."""
    try:
        construct_event(body, header, SECRETS, now=NOW)  # type: ignore[arg-type]  # rubbish on purpose
    except WebhookVerificationError:
        return True
    return False


def mutated(chance: random.Random, text: bytes) -> bytes:
    """The bytes with one to three bytes replaced, inserted, removed or exchanged; never the same bytes."""
    changed = bytearray(text)
    while bytes(changed) == text:
        for _ in range(chance.randint(1, 3)):
            at, byte = chance.randrange(len(changed)), chance.randrange(256)
            deed = chance.randrange(4)
            if deed == 0:
                changed[at] = byte
            elif deed == 1:
                changed.insert(at, byte)
            elif deed == 2 and len(changed) > 1:
                del changed[at]
            else:
                other = chance.randrange(len(changed))
                changed[at], changed[other] = changed[other], changed[at]
    return bytes(changed)


def says_the_same(header: bytes, original: bytes) -> bool:
    """Whether two headers differ only in the spaces that may stand around names and values."""

    def fields(text: bytes) -> list[list[bytes]]:
        return [[part.strip(b" \t") for part in field.split(b"=")] for field in text.split(b",")]

    return fields(header) == fields(original)


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(min_value=0), note=st.text(max_size=40))
def test_no_mutation_of_header_or_body_is_accepted(seed: int, note: str) -> None:
    chance = random.Random(seed)
    body = body_of(note=note)
    header = sign(body, SECRET, now=NOW).encode()
    assert verify_molam_signature(header, body, SECRETS, now=NOW)
    for _ in range(MUTATIONS // 2):
        bad = mutated(chance, header)
        assert refused(bad, body) or says_the_same(bad, header), bad
        assert refused(header, mutated(chance, body))


HEADERS = st.one_of(
    st.none(),
    st.text(),
    st.binary(),
    st.integers(),
    st.lists(st.one_of(st.none(), st.text(), st.binary()), max_size=3),
    st.from_regex(r"(t=[0-9]{0,20},?)?( ?v1=[0-9a-f]{0,70},?)*(kid=.{0,5})?"),
    st.dictionaries(st.text(), st.text()),
)
BODIES = st.one_of(
    st.binary(), st.text(), st.none(), st.integers(), st.binary().map(bytearray), st.dictionaries(st.text(), st.text())
)


@settings(max_examples=500, deadline=None)
@given(header=HEADERS, body=BODIES)
def test_whatever_comes_only_the_one_error_class_comes_out(header: object, body: object) -> None:
    assert refused(header, body)


@settings(max_examples=500, deadline=None)
@given(body=st.one_of(st.binary(), st.text(), st.recursive(st.none() | st.text(), st.lists).map(repr)))
def test_a_signed_body_is_an_event_or_refused(body: bytes | str) -> None:
    try:
        header = sign(body, SECRET, now=NOW)
    except WebhookVerificationError:
        return
    refused(header, body)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' + b"9" * 100_000 + b"}",
        b'"\\ud800"',
        b"\xff",
        b"NaN",
        b'{"a":NaN}',
        b'{"a":1e999999999}',
    ],
)
def test_signed_json_made_to_hurt_does_no_harm(body: bytes) -> None:
    refused(sign(body, SECRET, now=NOW), body)
