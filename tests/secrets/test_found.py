"""What of an answer is a secret, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import ConfigurationError
from molam_sdk.secrets.found import secrets_of


@pytest.mark.parametrize(
    "found",
    ["whsec_1", b"whsec_1", bytearray(b"whsec_1"), memoryview(b"whsec_1"), ["whsec_1"], {"whsec_1"}, ("whsec_1",)],
)
def test_a_secret_may_come_in_any_of_its_shapes(found: Any) -> None:
    assert secrets_of(lambda kid: found, "v1") == (b"whsec_1",)
    assert secrets_of({"v1": found}, "v1") == (b"whsec_1",)


def test_several_secrets_keep_their_order() -> None:
    assert secrets_of(lambda kid: iter(["new", b"old", ""]), "v1") == (b"new", b"old")


@pytest.mark.parametrize(
    "found",
    [None, "", b"", (), [], " ", "\n", "\t\r\n " * 9, "whsec_", " whsec_ ", b"whsec_\n", "None", "null", "NONE"],
)
def test_what_stands_for_a_forgotten_secret_is_none(found: Any) -> None:
    assert secrets_of(lambda kid: found, "v1") == ()
    assert secrets_of(lambda kid: ["whsec_1", *([found] if isinstance(found, str | bytes) else [])], "v1") == (
        b"whsec_1",
    )


@pytest.mark.parametrize(
    "found",
    [{"value": "whsec_1"}, {}, 5, 0, True, 1.5, object(), [5], [None], [["whsec_1"]], [{"value": "whsec_1"}], ("a", 1)],
    ids=lambda found: type(found).__name__,
)
def test_what_is_no_secret_is_refused_and_never_repeated(found: Any) -> None:
    with pytest.raises(ConfigurationError, match="a source of secrets answered with a") as caught:
        secrets_of(lambda kid: found, "v1")
    assert "whsec_1" not in str(caught.value)


def test_an_answer_that_must_be_awaited_is_refused() -> None:
    async def find(kid: str) -> str:
        return "whsec_1"

    async def several(kid: str) -> Any:
        yield "whsec_1"

    for source in (find, several):
        with pytest.raises(ConfigurationError, match="must not be async"):
            secrets_of(source, "v1")


def test_a_text_that_cannot_be_sent_is_refused_and_never_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        secrets_of(lambda kid: "whsec_1\ud83d", "v1")
    assert caught.value.__cause__ is None
    assert not isinstance(caught.value.__context__, ValueError)  # pytest-xdist may handle one of its own meanwhile


def test_the_bytes_of_an_undecodable_variable_are_kept() -> None:
    assert secrets_of("whsec_\udcff", "v1") == (b"whsec_\xff",)


def test_a_kid_that_a_mapping_lacks_has_no_secret() -> None:
    assert secrets_of({"v1": "whsec_1"}, "v2") == ()
    assert secrets_of("whsec_1", "v2") == (b"whsec_1",)
