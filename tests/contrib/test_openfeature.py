"""OpenFeature as the source of switches, with the SDK's own provider in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagResolutionDetails
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider
from prometheus_client import CollectorRegistry

from molam_sdk import ClientConfig, MolamSyncClient, SwitchedOffError
from molam_sdk.contrib.openfeature import OpenFeatureSwitches
from molam_sdk.testing import ScriptedTransport, reply

DOMAIN = "molam"
PAYOUT = {"amount": 5, "currency": "XOF", "beneficiary": "b", "origin_module": "m", "origin_entity": "e"}
PAID_OUT = reply(201, PAYOUT | {"id": "po_1", "status": "pending"})
FLAG = "molam.payouts.enabled"


@pytest.fixture(autouse=True)
def _no_provider_afterwards() -> Iterator[None]:
    yield
    api.clear_providers()


def client_of(switches: OpenFeatureSwitches) -> MolamSyncClient:
    config = ClientConfig(api_key="sk_live_1", switches=switches)
    return MolamSyncClient(config, transport=ScriptedTransport(*[PAID_OUT] * 5), registry=CollectorRegistry())


def provide(**flag: Any) -> None:
    api.set_provider(InMemoryProvider({FLAG: InMemoryFlag("off", {"on": True, "off": False}, **flag)}), domain=DOMAIN)


def test_a_flag_that_is_off_stops_its_group_and_no_other() -> None:
    provide()
    client = client_of(OpenFeatureSwitches(DOMAIN))
    with pytest.raises(SwitchedOffError):
        client.create_payout(PAYOUT)
    assert client.get("/v1/connect/anything") is not None


def test_without_a_provider_and_for_flags_nobody_knows_everything_is_on() -> None:
    client = client_of(OpenFeatureSwitches(DOMAIN))
    client.create_payout(PAYOUT)
    api.set_provider(InMemoryProvider({}), domain=DOMAIN)
    client.create_payout(PAYOUT)


def test_a_flag_is_targeted_by_the_context_of_the_moment() -> None:
    def by_country(flag: InMemoryFlag[bool], context: EvaluationContext | None) -> FlagResolutionDetails[bool]:
        country = None if context is None else context.attributes.get("country")
        return FlagResolutionDetails(flag.variants["off" if country == "SN" else "on"])

    provide(context_evaluator=by_country)
    country = ["SN"]
    client = client_of(OpenFeatureSwitches(DOMAIN, context=lambda: EvaluationContext(None, {"country": country[0]})))
    with pytest.raises(SwitchedOffError):
        client.create_payout(PAYOUT)
    country[0] = "CI"
    client.create_payout(PAYOUT)


def test_a_provider_that_fails_lifts_no_stop() -> None:
    broken = [False]

    def evaluate(flag: InMemoryFlag[bool], _context: EvaluationContext | None) -> FlagResolutionDetails[bool]:
        if broken[0]:
            raise OSError("away")
        return FlagResolutionDetails(flag.variants["off"])

    provide(context_evaluator=evaluate)
    client = client_of(OpenFeatureSwitches(DOMAIN))
    for broken[0] in (False, True):
        with pytest.raises(SwitchedOffError):
            client.create_payout(PAYOUT)
