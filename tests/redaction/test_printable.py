"""What a terminal would obey, or nobody can see, is written as an escape; everything else stays."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest

from molam_sdk.redaction import escape_unseen, escape_unseen_in_lines


def test_no_character_that_controls_directs_or_hides_is_left_raw() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    clean = escape_unseen(every)
    assert {unicodedata.category(c) for c in clean} & {"Cc", "Cf", "Cs", "Zl", "Zp"} == set()
    clean.encode("utf-8")


def test_letters_signs_and_blanks_of_every_script_stay() -> None:
    text = "Prix : 12\u202f000 F CFA, reçu à Thiès 你好 مرحبا שלום नमस्ते 👍"
    assert escape_unseen(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[31mred\x9b0m\x7f", "\\u001b[31mred\\u009b0m\\u007f"),
        ("\u202egnp.exe\u2028", "\\u202egnp.exe\\u2028"),
        ("\udc80", "\\udc80"),
        ("\U000e0041", "\\udb40\\udc41"),
    ],
)
def test_escapes_are_those_of_json(text: str, shown: str) -> None:
    assert escape_unseen(text) == shown
    assert json.loads(f'"{shown}"') == text


def test_the_lines_of_a_traceback_stay_lines() -> None:
    assert escape_unseen_in_lines("a\n  b\x1b\nc\u2028d") == "a\n  b\\u001b\nc\\u2028d"
