"""Names: the same name in every spelling, and those that only look like a secret's."""

from __future__ import annotations

import pytest

from molam_sdk.redaction import names
from molam_sdk.redaction.names import read_name, stems
from tests.redaction.variants import SECRET_NAMES


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_secret_name_is_one_in_every_spelling(name: str) -> None:
    spellings = {
        *(name, name.lower(), name.upper()),
        *(name.replace("_", joint) for joint in "-. "),
    }
    words = name.replace("-", "_").split("_")
    spellings |= {words[0] + "".join(word.title() for word in words[1:]), f"{{{name}}}i"}
    if name != "sessionid":  # which also ends the names of ids: checkout_session_id
        spellings |= {f"user_{name}", f"X-{name}"}
    assert [spelling for spelling in spellings if not read_name(spelling).secret] == []


@pytest.mark.parametrize(
    "name",
    "idempotency_key key id author spin shipping company compass timespan bypass cookies_accepted token_type "
    "max_tokens next_page_token secret_name password_changed session_count signature_valid signed_at pinned expand "
    "span design discount passenger tokenizer keys customer_id amount last4 authorized_at".split(),
)
def test_other_names_are_none(name: str) -> None:
    assert not read_name(name).secret


def test_every_secret_name_holds_a_stem_that_makes_a_text_suspect() -> None:
    known = names._SECRET | names._SECRET_WORDS | set(names._SECRET_ENDINGS)
    assert [name for name in known if stems().search(name) is None] == []
    assert [name for name in SECRET_NAMES if stems().search(name.lower()) is None] == []


def test_a_name_of_any_length_is_read_by_its_end() -> None:
    assert read_name("x" * 100_000 + "_password").secret
    assert not read_name("password" * 10_000 + "_changed").secret
