"""What all sources have in common: answers kept for each kid, a bounded number of them, under one label."""

from __future__ import annotations

import copy
import dataclasses
import traceback
from typing import Any

import pytest

from molam_sdk import ClientConfig, ConfigurationError
from molam_sdk.secrets import CallableSource, EnvironmentSource, Keeping, KeptSource
from molam_sdk.webhooks import RotatingSecrets


class Vault:
    """A function that counts how often it is asked."""

    def __init__(self, **known: object) -> None:
        self.known = known
        self.asked: list[str] = []

    def __call__(self, kid: str) -> Any:
        self.asked.append(kid)
        return self.known.get(kid)


class Counting(KeptSource):
    """A source of a merchant's own."""

    def __init__(self, vault: Vault, size: int = 4) -> None:
        super().__init__("counting", size=size)
        self.vault = vault

    def fetch(self, kid: str = "") -> Any:
        return self.vault(kid)


def test_a_source_of_ones_own_needs_no_more_than_fetch() -> None:
    source = Counting(Vault(v1="whsec_1"))
    assert [source("v1") for _ in range(3)] == [(b"whsec_1",)] * 3
    assert source.vault.asked == ["v1"]


def test_made_up_kids_neither_flood_the_place_nor_push_out_real_ones() -> None:
    source = Counting(Vault(v1="whsec_1"))
    source("v1")
    for number in range(100):
        assert source(f"made-up-{number}") == ()
    source("made-up-99")
    source("v1")
    assert len(source.vault.asked) == 101


def test_of_many_real_kids_the_oldest_goes() -> None:
    source = Counting(Vault(**{f"k{number}": "s" for number in range(6)}))
    for number in (0, 1, 2, 3, 4, 5, 5, 4, 3, 2):
        source(f"k{number}")
    assert source.vault.asked == ["k0", "k1", "k2", "k3", "k4", "k5"]
    source("k0")
    assert source.vault.asked[-1] == "k0"


def test_one_place_is_enough_for_one_kid() -> None:
    source = Counting(Vault(v1="a", v2="b"), size=1)
    assert [source(kid) for kid in ("v1", "v2", "v1")] == [(b"a",), (b"b",), (b"a",)]
    assert source.vault.asked == ["v1", "v2", "v1"]


def test_a_leaked_secret_can_be_forgotten_at_once() -> None:
    source = Counting(Vault(v1="leaked"))
    source("v1")
    source.vault.known["v1"] = "new"
    source.forget("v1")
    assert source("v1") == (b"new",)


def test_a_function_is_given_the_kid_if_it_takes_one() -> None:
    assert CallableSource(lambda kid: f"whsec_{kid}")("v1") == (b"whsec_v1",)
    assert CallableSource(lambda: "sk_live_1")() == (b"sk_live_1",)
    assert CallableSource(Vault(v1="a"))("v1") == (b"a",)


def test_a_function_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="wants a function, not a str"):
        CallableSource("sk_live_1")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"keeping must be a molam_sdk.secrets.Keeping, not int"):
        CallableSource(lambda: "sk_live_1", keeping=60)  # type: ignore[arg-type]


def test_a_source_that_must_be_awaited_is_refused() -> None:
    async def find() -> str:
        return "sk_live_1"

    with pytest.raises(ConfigurationError, match="must not be async"):
        CallableSource(find)()


def test_a_configuration_with_a_source_can_be_copied() -> None:
    source = CallableSource(lambda: "sk_live_1", label="ours")
    config = ClientConfig(api_key=source)
    assert copy.deepcopy(config).api_key is source
    assert dataclasses.asdict(config)["api_key"] is source
    assert repr(source) == "<CallableSource callable:ours>"


def test_a_variable_of_the_environment_is_read_each_time() -> None:
    environ = {"SHOP_v1": "one"}
    source = EnvironmentSource("SHOP_{kid}", environ)
    assert source("v1") == (b"one",)
    environ["SHOP_v1"] = "two, three"
    assert (source("v1"), source("v2"), source("")) == ((b"two", b"three"), (), ())


def test_how_long_an_answer_counts_can_be_said() -> None:
    source = CallableSource(lambda: "sk_live_1", keeping=Keeping(ttl_seconds=7))
    assert source.keeping.ttl_seconds == 7


@pytest.mark.parametrize("answer", [{"value": "whsec_planted"}, ["whsec_planted", 5], "whsec_planted\ud83d"], ids=repr)
@pytest.mark.parametrize("kind", [CallableSource, RotatingSecrets])
def test_an_error_carries_no_secret_in_its_frames(kind: Any, answer: Any) -> None:
    source = kind({"v1": answer}.get)
    with pytest.raises(ConfigurationError) as caught:
        source("v1")
    ours = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    values = [value for frame in ours.stack if "molam_sdk" in frame.filename for value in (frame.locals or {}).values()]
    assert [value for value in values if "planted" in value] == []
    assert "planted" not in str(caught.value)
