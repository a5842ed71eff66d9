"""100,000 answers, lawful and not, in random pieces: never another reading than RFC 9112, h11 and llhttp allow."""

from __future__ import annotations

import pytest

from tests.http.fuzz.check import Case, first_failure, shrink

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(20))
def test_the_reader_is_never_more_lenient_than_the_rfc_nor_alone_in_what_it_reads(seed: int) -> None:
    assert first_failure(seed, 5_000) is None


def test_a_failing_input_is_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    def complaint(case: Case) -> str | None:
        return "an x: here" if b"x" in b"".join(case.pieces) else None

    monkeypatch.setattr(Case, "complaint", complaint)
    assert shrink(Case([b"abc", b"dxf" * 50, b"g"], connect=False)) == Case([b"x"], connect=False)
