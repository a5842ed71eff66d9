"""One source after the other, until one answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from molam_sdk import ConfigurationError
from molam_sdk.secrets import CallableSource, EnvironmentSource, FileSource, Keeping, first
from molam_sdk.secrets.tally import TALLY


class Down:
    """A source that fails until it is mended."""

    def __init__(self) -> None:
        self.answer: Any = OSError("down")

    def __call__(self) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("nothing", [None, "", " ", ()])
def test_a_source_that_has_none_is_passed_over(nothing: Any) -> None:
    assert first(CallableSource(lambda: nothing), lambda kid: nothing, {"v1": nothing}, "whsec_1")("v1") == (
        b"whsec_1",
    )


def test_a_source_that_fails_is_passed_over_and_counted() -> None:
    source = first(CallableSource(Down(), label="passed over"), "sk_live_1")
    assert source() == (b"sk_live_1",)
    assert TALLY.failures()["callable:passed over"] == 1


def test_where_none_has_any_a_failure_is_not_taken_for_none() -> None:
    with pytest.raises(OSError, match="down"):
        first(CallableSource(Down()), CallableSource(lambda: None))()
    assert first(CallableSource(lambda: None), EnvironmentSource("NONE_SUCH", {}))() == ()


def test_the_first_one_counts_again_when_it_is_back() -> None:
    down = Down()
    source = first(CallableSource(down), "sk_live_old", keeping=Keeping(ttl_seconds=0))
    assert source() == (b"sk_live_old",)
    down.answer = "sk_live_new"
    assert source() == (b"sk_live_new",)


def test_the_last_good_answer_of_the_chain_outlives_all_of_them() -> None:
    down = Down()
    down.answer = "sk_live_1"
    source = first(CallableSource(down), keeping=Keeping(ttl_seconds=0))
    assert source() == (b"sk_live_1",)
    down.answer = OSError("down")
    assert source() == (b"sk_live_1",)


def test_a_chain_that_only_looks_is_looked_at_each_time(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("sk_live_1")
    source = first(EnvironmentSource("NONE_SUCH", {}), FileSource(tmp_path / "s"))
    assert (source.keeping.local, source()) == (True, (b"sk_live_1",))
    (tmp_path / "s").write_text("sk_live_2")
    assert source() == (b"sk_live_2",)


def test_a_chain_is_as_patient_as_the_least_patient_of_its_sources() -> None:
    long = CallableSource(lambda: None, keeping=Keeping(ttl_seconds=900))
    short = CallableSource(lambda: None, keeping=Keeping(ttl_seconds=60))
    assert first(long, short, EnvironmentSource("X", {})).keeping == short.keeping
    assert first(lambda kid: None).keeping == Keeping()
    assert first(long, keeping=Keeping(ttl_seconds=5)).keeping.ttl_seconds == 5


def test_a_chain_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="one source at least"):
        first()


def test_its_label_names_its_sources_and_no_secret() -> None:
    label = first(FileSource("/run/s"), "sk_live_1", lambda kid: None).label
    assert label.startswith("first(file:/run/s, fixed, callable:")
    assert "sk_live" not in label
