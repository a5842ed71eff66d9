"""What is known of key ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from molam_sdk.receiver.believed import BelievedKids, result_of_refusal
from molam_sdk.webhooks import EnvironmentSecrets


def ask_nobody(kid: str) -> object:
    raise AssertionError(f"asked for {kid}")


def test_a_header_of_several_kids_proves_none_of_them() -> None:
    believed = BelievedKids({"v1": "whsec_1"})
    believed.note(("v1", "made-up"))
    assert believed.is_stranger(("made-up",), ask_nobody)
    believed.note(("v1",))
    assert believed.is_stranger(("made-up",), ask_nobody)
    assert not believed.is_stranger(("made-up", "v1"), ask_nobody)


def test_no_more_kids_are_remembered_than_molam_has() -> None:
    believed = BelievedKids("whsec_1")
    for number in range(100):
        believed.note((str(number),))
    assert not believed.is_stranger(("63",), ask_nobody)
    assert believed.is_stranger(("64",), ask_nobody)


def test_a_callable_is_asked_for_the_usual_kid_and_for_no_fourth() -> None:
    asked: list[str] = []
    believed = BelievedKids(asked.append)
    assert not believed.is_stranger(("2",), asked.append)
    assert not believed.is_stranger(("v1", "2"), asked.append)
    assert not believed.is_stranger(("2", "3", "4"), asked.append)
    assert asked == ["v1"]


def test_a_reason_that_nobody_knows_is_sent_again() -> None:
    assert result_of_refusal("something new", lambda: True) == "malformed"


@pytest.mark.parametrize(
    "secrets", ["", " ", "None", "whsec_", b"", {}, {"v1": []}, {"v1": None}, {"v1": " "}], ids=repr
)
def test_what_stands_for_a_forgotten_secret_makes_nobody_a_stranger(secrets: Any) -> None:
    assert not BelievedKids(secrets).is_stranger(("v1",), ask_nobody)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"MOLAM_WEBHOOK_SECRET_V1": "None"},
        {"MOLAM_WEBHOOK_SECRET_V1": " "},
        {"MOLAM_WEBHOOK_SECRET_V1_FILE": "/nowhere/at/all"},
        {"MOLAM_WEBHOOK_SECRET_V1_FILE": "/"},
    ],
    ids=str,
)
def test_an_environment_whose_only_secret_cannot_be_had_makes_nobody_a_stranger(environ: dict[str, str]) -> None:
    assert not BelievedKids(EnvironmentSecrets(environ=environ)).is_stranger(("v1",), ask_nobody)


def test_an_environment_with_the_secret_of_another_kid_makes_one_a_stranger(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("whsec_c2VjcmV0")
    for environ in (
        {"MOLAM_WEBHOOK_SECRET_V1": "whsec_c2VjcmV0"},
        {"MOLAM_WEBHOOK_SECRET_V1_FILE": str(tmp_path / "secret"), "MOLAM_WEBHOOK_SECRET_V2": "None"},
    ):
        assert BelievedKids(EnvironmentSecrets(environ=environ)).is_stranger(("v9",), ask_nobody)
