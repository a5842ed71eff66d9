"""What is known of key ids."""

from __future__ import annotations

from molam_sdk.receiver.believed import BelievedKids, result_of_refusal


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
