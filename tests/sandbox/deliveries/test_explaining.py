"""Why a signature failed, said in a sentence: each thing that goes wrong in a receiver."""

from __future__ import annotations

import json

import pytest

from molam_sdk.sandbox.deliveries.explaining import ReceivedDelivery, SentDelivery, explain
from molam_sdk.sandbox.deliveries.signing import sign

BODY = b'{"id": "evt_1", "amount": 5000}'
NOW = 1_800_000_000.0
SECRETS = [("v1", "whsec_old"), ("v2", "whsec_new")]
SENT = SentDelivery(sign(BODY, int(NOW * 1000), SECRETS), BODY, SECRETS, ["whsec_of_another"])


@pytest.mark.parametrize(
    ("received", "told"),
    [
        (ReceivedDelivery(), "The signature holds"),
        (ReceivedDelivery(secret="whsec_old"), "The signature holds"),
        (ReceivedDelivery(secret="whsec_new\n"), "white space around it"),
        (ReceivedDelivery(secret="new"), "lacks its prefix"),
        (ReceivedDelivery(secret="whsec_of_another"), "another webhook endpoint"),
        (ReceivedDelivery(secret="whsec_typo"), "no secret of this endpoint"),
        (
            ReceivedDelivery(body=json.dumps(json.loads(BODY), separators=(",", ":")).encode()),
            "parsed and written again",
        ),
        (ReceivedDelivery(body=BODY + b"\n"), "white space more or less"),
        (ReceivedDelivery(body=b'{"id": "evt_2"}'), "not what was sent"),
        (ReceivedDelivery(header="v1=abc"), "no t or no v1"),
        (ReceivedDelivery(header=SENT.header.replace("t=18", "t=17")), "another attempt or was changed"),
    ],
)
def test_the_cause_is_named(received: ReceivedDelivery, told: str) -> None:
    assert told in explain(SENT, received, NOW)[0]


def test_an_old_attempt_is_said_to_be_too_old() -> None:
    held, old = explain(SENT, ReceivedDelivery(), NOW + 400)
    assert "holds" in held
    assert "400 s ago" in old


def test_a_fault_is_owned_up_to() -> None:
    bad = SentDelivery(sign(BODY, int(NOW * 1000), [("v1", "whsec_of_nobody")]), BODY, SECRETS)
    assert "bad_signature" in explain(bad, ReceivedDelivery(), NOW)[0]
    rotated = SentDelivery(sign(BODY, int(NOW * 1000), SECRETS[:1]), BODY, SECRETS)
    assert "kid v1" in explain(rotated, ReceivedDelivery(), NOW)[0]
