"""Escapes are read for what they stand for, and each character remembers where it came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molam_sdk.redaction.folding import Folded


@pytest.mark.parametrize(
    ("escaped", "read"),
    [
        ("a%20b%2Fc", "a b/c"),
        ("a%2520b", "a b"),
        ("%C2%A0%EF%BC%94", "\u00a0\uff14"),
        (r"a\nb\\nc\tD", "a\nb\nc\tD"),
        (r"\u00a0\\u0034\x34", "\u00a044"),
        ("&nbsp;&#52;&#x34;&amp;", "\u00a044&"),
        ("100% of C:\\dir & more", "100% of C:\\dir & more"),
    ],
)
def test_an_escape_is_what_it_stands_for(escaped: str, read: str) -> None:
    assert Folded(escaped).text == read


def test_a_span_leads_back_to_the_whole_of_its_escapes() -> None:
    folded = Folded("x%204242&nbsp;4242y")
    at = folded.text.index("4242\u00a04242")
    assert folded.original((at, at + 9)) == (4, 18)


@given(st.text(alphabet="%&\\#;ux0123456789aAnbsp \n'\""))
def test_every_span_lies_within_the_original(text: str) -> None:
    folded = Folded(text)
    assert folded.original((0, len(folded.text))) == (0, len(text))
