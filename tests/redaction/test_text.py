"""Texts: every variant of a secret goes, ordinary lines stay, and the time is linear in the length."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molam_sdk.redaction import REDACTED, redact_text
from tests.redaction import honest, variants

ROWS = variants.rows()


def _pieces_left(text: str, secret: str) -> list[str]:
    """What of the secret, five characters at a time, is still there and stood nowhere else."""
    size = min(5, len(secret))
    clean, rest = redact_text(text), text.replace(secret, "\n")
    pieces = (secret[at : at + size] for at in range(len(secret) - size + 1))
    return [piece for piece in pieces if piece in clean and piece not in rest]


def test_no_piece_of_a_secret_survives_in_any_variant() -> None:
    left = [(text, pieces) for text, secret in ROWS if (pieces := _pieces_left(text, secret))]
    print(f"{len(ROWS)} variants of secrets, {len(left)} let through")
    assert len(set(ROWS)) > 2_500
    assert left == []


def test_what_was_redacted_stays_as_it_is() -> None:
    assert [text for text, _ in ROWS if redact_text(once := redact_text(text)) != once] == []


def test_a_variant_is_found_in_the_middle_of_an_honest_line() -> None:
    around = [line for line in honest.lines(75) if not {"\n", "'", '"'} & set(line)]
    hidden = [f"{line} | {text}" for line in around[:12] for text, _ in variants.OTHERS]
    secrets = [secret for _ in around[:12] for _, secret in variants.OTHERS]
    assert [text for text, secret in zip(hidden, secrets, strict=True) if secret in redact_text(text)] == []


def test_of_ten_thousand_ordinary_lines_at_most_one_in_a_thousand_is_changed() -> None:
    lines = list(honest.lines())
    changed = [(line, clean) for line in lines if (clean := redact_text(line)) != line]
    print(f"{len(lines)} ordinary lines, {len(changed)} changed")
    assert len(lines) >= 10_000
    assert len(changed) <= len(lines) / 1000, changed[:5]


@pytest.mark.parametrize("seed", range(3))
def test_so_it_is_with_other_numbers_and_ids(seed: int) -> None:
    changed = sum(redact_text(line) != line for line in honest.lines(5_000, seed))
    assert changed <= 5


def _repeated(part: str) -> Callable[[int], str]:
    return lambda size: (part * (size // len(part) + 1))[:size]


HOSTILE = [
    "4", "4 ", "4242 ", "4242 4242 4242 4241 ", "4-4/4.4 ", "42 4 ", "\uff14 ", "4242,", "a", "a ", "=", ":",
    "\\", "%41", "&#52;", "\\u0034", "password", "password=x ", "password=a,", 'password="', 'password=\\"x',
    'pin:\\\\\\\\"', "password=[", "{'password':{", "token:", "token: ", "Cookie: ", "Authorization: Bearer ",
    "--password ", "('token', ", "name: token value: ", "<password>", "<password>a", "password '",
    'form-data; name="pin"\n\n', "password: |\n a\n", "password is ", "bearer ", "Basic a", "pin 12",
    "api key ", "eyJabcdefg.", "sk_", "-----BEGIN PRIVATE KEY-----", "://a:b", "://a:b@", "a:bbb@", "-u a:",
    "4242424242424242=", "a4242424242424242", "'", '"', "\x9b", "\u202e",
    "bearer\\n", "sk_live_a\n", "xsk_live_a1", "1,234", "-----BEGIN+A", "Authorization: A ", "password=Decimal('",
    "4\ufe0f",
]  # fmt: skip


@pytest.mark.alone
@pytest.mark.parametrize("part", HOSTILE)
def test_twice_the_text_takes_twice_the_time(part: str) -> None:
    """Quadratic time would be sixteen times as much for four times the text; 32 KB would take minutes."""
    make = _repeated(part)
    short, long = (min(_seconds(make(size)) for _ in range(3)) for size in (8_000, 32_000))
    assert long < 8 * short + 0.05


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("part", ["4242 4242 4242 4241 ", "4-4/4.4 ", "password=x ", "\\", "a", "token:"])
def test_a_megabyte_ends(part: str) -> None:
    assert _seconds(_repeated(part)(1_000_000)) < 60


def _seconds(text: str) -> float:
    began = time.process_time()
    redact_text(text)
    return time.process_time() - began


@given(st.text())
def test_no_text_makes_it_raise(text: str) -> None:
    redact_text(text)


@given(
    st.lists(
        st.sampled_from(
            ["\\", '"', "'", "pin", "=", ":", " ", "4242", "%", "\n", "{", "[", "<", ">", "@", "-", "a", "://"]
        )
    )
)
def test_no_mixture_of_signs_makes_it_raise(parts: list[str]) -> None:
    clean = redact_text("".join(parts))
    assert redact_text(clean).count("4242") <= clean.count("4242")


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424241",  # its check digit is wrong
        "1700000000000",
        "+4222222222222",  # a telephone number
        "a4242424242424242",  # a part of a hash
        "4242424242424242b",
        "424242424.2424242",
        "42424 24242-424242",  # no usual grouping, and not even one sign between the groups
        "0.4242424242424242",
        "0x4242424242424242",
        "trace_id=4000000000000000006",
        "token_type=bearer",
        "max_tokens=4096",
        "PWD=/srv/shop",
        "password = read_password(path)",
        "password: must be longer",
        "password=None",
        "password=$1",
        "password=********",
        "auth: alice signed in",
        "Basic authentication",
        "nginx:1.25@sha256:0123",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact_text(text) == text


def test_the_rest_of_the_line_stays() -> None:
    assert (
        redact_text('{"user": "bob", "password": "x y", "n": 1}')
        == f'{{"user": "bob", "password": "{REDACTED}", "n": 1}}'
    )
    assert redact_text("qty 2 4242 4242 4242 4242 12/28") == f"qty 2 {REDACTED} 12/28"
    assert redact_text("Authorization: Bearer abcdef123 to /v1/x") == f"Authorization: Bearer {REDACTED} to /v1/x"
    assert redact_text("postgres://shop:pw@db/shop") == f"postgres://shop:{REDACTED}@db/shop"
