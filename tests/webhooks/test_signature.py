"""The signature: what is accepted, what is refused, and in which words."""

from __future__ import annotations

import hashlib
import hmac
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from molam_sdk import MolamError, WebhookVerificationError
from molam_sdk.webhooks import MAX_PAYLOAD_BYTES, sign, verify_molam_signature
from tests.support.webhooks.deliveries import NOW, SECRET, SECRETS

BODY = b'{"id":"evt_1","type":"payment.succeeded","data":{"amount":5000}}'
T = str(int(NOW * 1000))
V1 = hmac.new(SECRET.encode(), f"{T}.".encode() + BODY, hashlib.sha256).hexdigest()
V2 = hmac.new(b"second", f"{T}.".encode() + BODY, hashlib.sha256).hexdigest()
GOOD = f"t={T},v1={V1},kid=v1"


def verify(header: Any = GOOD, body: Any = BODY, secrets: Any = SECRETS, **options: Any) -> bool:
    return verify_molam_signature(header, body, secrets, **{"now": NOW, **options})


@pytest.mark.parametrize(
    "header",
    [
        GOOD,
        GOOD.encode(),
        [GOOD],
        (GOOD,),
        [b"", GOOD.encode()],
        f"t={T},v1={V1}",
        f"  t = {T} ,\tv1= {V1} , kid =v1 ",
        f"kid=v1,v1={V1},t={T}",
        f"v1={V1},kid=v1,t={T}",
        f"t={T},v1={V1},kid=v1,alg=sha256",
        f"t={T},v1={'0' * 64},kid=v1,v1={V1},kid=v1",
        f"t={T},v1={V2},kid=2,v1={V1},kid=v1",
        f"t={T},v1={V2},kid=other,v1={V1},kid=v1",
        f"t={T},kid=2,v1={V2},kid=v1,v1={V1}",
        f"t={T},v1={V1},v1={'0' * 64},kid=2",
        [f"t={T},v1={'0' * 64},kid=2", GOOD],
        [f"t=1,v1={V1},kid=v1", GOOD],
    ],
)
def test_a_header_with_one_good_pair_is_accepted(header: Any) -> None:
    assert verify(header)


MISSING = "Missing Molam-Signature header"
FORMAT = "Invalid signature header format"
TIME = "timestamp outside tolerance"
KID = "Unknown key ID"
MISMATCH = "Signature mismatch"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, MISSING),
        ("", MISSING),
        (" \t", MISSING),
        (b"", MISSING),
        ([], MISSING),
        ([None, ""], MISSING),
        ("garbage", FORMAT),
        (",,,", FORMAT),
        (f"v1={V1},kid=v1", FORMAT),
        (f"t={T}", FORMAT),
        (f"t={T},kid=v1", FORMAT),
        (f"t=,v1={V1},kid=v1", FORMAT),
        (f"t={T},v1=,kid=v1", FORMAT),
        (f"t={T},v1={V1},kid=", FORMAT),
        (f"t={T},v1={V1},kie=v1", FORMAT),
        (f"t={T},t={T},v1={V1},kid=v1", FORMAT),
        (f"t=-{T},v1={V1},kid=v1", FORMAT),
        (f"t={T}.0,v1={V1},kid=v1", FORMAT),
        (f"t=１８,v1={V1},kid=v1", FORMAT),
        (f"t={T}\x85,v1={V1},kid=v1", FORMAT),
        (f"t={'9' * 17},v1={V1},kid=v1", FORMAT),
        (f"t={T},v1={V1},kid=v1,kid=v1", FORMAT),
        (f"t={T},v1=é{V1[1:]},kid=v1", FORMAT),
        (b"\xff\xfe", FORMAT),
        (7, FORMAT),
        ({"t": T}, FORMAT),
        (object(), FORMAT),
        ("t=1," + "v1=a," * 2000, FORMAT),
        (f"t={T}" + f",v1={V1},kid=v1" * 17, FORMAT),
        (f"t={int(NOW)},v1={V1},kid=v1", TIME),
        (f"t={T},v1={V1},kid=v2", KID),
        (f"t={T},v1={V1},kid=__class__", KID),
        (f"t={T},v1={V1[:-1]},kid=v1", MISMATCH),
        (f"t={T},v1={V1}0,kid=v1", MISMATCH),
        (f"t={T},v1={V1.upper()},kid=v1", MISMATCH),
        (f"t=0{T},v1={V1},kid=v1", MISMATCH),
        (f"t={int(T) + 1},v1={V1},kid=v1", MISMATCH),
        (f"t={T},v1={V1},kid=2,v1={V2},kid=v1", MISMATCH),
    ],
)
def test_any_other_header_is_refused_in_the_words_merchants_match(header: Any, message: str) -> None:
    with pytest.raises(WebhookVerificationError, match=f"^{message}"):
        verify(header, secrets={"v1": SECRET, "2": "second"})


def test_a_kid_counts_for_the_digest_it_follows_where_another_has_none() -> None:
    header = f"t={T},v1={'0' * 64},v1={V2},kid=2"
    assert verify(header, secrets={"v1": SECRET, "2": "second"})
    with pytest.raises(WebhookVerificationError, match="Signature mismatch"):
        verify(header, secrets={"v1": SECRET, "2": "third"})


@pytest.mark.parametrize(
    "header",
    [f"Xt={T},v1={V1},kid=v1", f"t={T}X,v1={V1},kid=v1", f"t={T},Xv1={V1},kid=v1", f"\x0ct={T},v1={V1},kid=v1",
     f"t={T}=t={T},v1={V1},kid=v1"],
)  # fmt: skip
def test_only_spaces_and_tabs_around_a_field_are_left_out(header: str) -> None:
    with pytest.raises(WebhookVerificationError, match=f"^{FORMAT}"):
        verify(header)


def test_a_value_begins_after_the_first_equals_sign() -> None:
    with pytest.raises(WebhookVerificationError, match=f"^{MISMATCH}"):
        verify(f"t={T},v1={V1}=,kid=v1")


def test_a_digest_with_a_letter_more_is_another_one() -> None:
    with pytest.raises(WebhookVerificationError, match=f"^{MISMATCH}"):
        verify(f"t={T},v1={V1}X,kid=v1")


def test_a_source_that_fails_is_named_and_told_apart_from_a_kid_that_is_unknown() -> None:
    failure = OSError("the vault is down")

    def fails(kid: str) -> str:
        raise failure

    with pytest.raises(WebhookVerificationError) as caught:
        verify(secrets=fails)
    assert str(caught.value) == "Unknown key ID 'v1': looking up its secret failed"
    assert caught.value.__cause__ is failure
    with pytest.raises(WebhookVerificationError) as caught:
        verify(secrets={"2": "second"})
    assert (str(caught.value), caught.value.__cause__) == ("Unknown key ID 'v1'", None)


@pytest.mark.parametrize("kid", ["k" * 65, "../../etc/passwd", "v1' OR '1'='1", "v1/", "k\u00eb", "v1\n", "*"])
def test_a_kid_outside_its_grammar_reaches_no_source(kid: str) -> None:
    asked: list[str] = []
    with pytest.raises(WebhookVerificationError, match=FORMAT):
        verify(f"t={T},v1={V1},kid={kid}", secrets=asked.append)
    assert asked == []


def test_a_header_may_name_three_kids_and_no_more() -> None:
    asked: list[str] = []

    def known(kid: str) -> str | None:
        asked.append(kid)
        return SECRET if kid == "v1" else None

    pairs = [f"v1={V2},kid=a", f"v1={V2},kid=b", f"v1={V2},kid=a", f"v1={V1},kid=v1"]
    assert verify(f"t={T}," + ",".join(pairs), secrets=known)
    assert asked == ["a", "b", "v1"]
    with pytest.raises(WebhookVerificationError, match=FORMAT):
        verify(f"t={T},v1={V2},kid=c," + ",".join(pairs), secrets=known)
    assert len(asked) == 3


def test_a_digest_is_computed_once_for_a_secret_and_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[bytes] = []
    digest = hmac.digest

    def counted(key: bytes, message: bytes, name: str) -> bytes:
        computed.append(key)
        return digest(key, message, name)

    monkeypatch.setattr(hmac, "digest", counted)
    with pytest.raises(WebhookVerificationError, match=MISMATCH):
        verify(f"t={T}" + f",v1={'0' * 64},kid=v1,v1={'1' * 64},kid=2" * 8, secrets=SECRET)
    assert len(computed) == 1


def late(header: str = GOOD) -> dict[str, Any]:
    return {"header": header, "now": NOW + 301}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"header": None}, "missing_header"),
        ({"header": "t=1"}, "malformed_header"),
        ({"body": {}}, "no_raw_body"),
        ({"body": bytes(MAX_PAYLOAD_BYTES + 1)}, "too_large"),
        ({"body": b"other"}, "mismatch"),
        ({"secrets": {"v1": "another"}}, "mismatch"),
        ({"secrets": {"2": SECRET}}, "unknown_kid"),
        ({"secrets": {}.__getitem__}, "unknown_kid"),
        ({"header": f"{GOOD},v1={V2},kid=2", "body": b"other"}, "unknown_kid"),
        ({"secrets": lambda kid: 1 / 0}, "lookup_failed"),
        (late(), "clock"),
        ({**late(), "now": NOW - 301}, "clock"),
        ({**late(), "body": b"other"}, "mismatch"),
        ({**late(), "secrets": {}}, "unknown_kid"),
        ({**late(), "secrets": lambda kid: 1 / 0}, "lookup_failed"),
    ],
)
def test_the_reason_tells_our_own_fault_from_a_strangers(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(WebhookVerificationError) as caught:
        verify(**given)
    assert caught.value.reason == reason
    assert pickle.loads(pickle.dumps(caught.value)).reason == reason


def test_what_is_no_raw_body_is_refused_by_its_kind() -> None:
    with pytest.raises(WebhookVerificationError, match=r"not over a dict$"):
        verify(body={"id": "evt_1"})


def test_every_signature_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []

    def compare(ours: str, theirs: str) -> bool:
        compared.append((ours, theirs))
        return ours == theirs

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert verify()
    assert compared == [(V1, V1)]


@pytest.mark.parametrize("seconds", [-300, -299.999, 0, 299.999, 300])
def test_a_clock_within_the_tolerance_is_accepted_both_ways(seconds: float) -> None:
    assert verify(now=NOW + seconds)


@pytest.mark.parametrize("seconds", [-300.001, 300.001, -31_536_000, 31_536_000])
def test_a_clock_outside_the_tolerance_is_refused_both_ways(seconds: float) -> None:
    with pytest.raises(WebhookVerificationError, match=TIME):
        verify(now=NOW + seconds)


@pytest.mark.parametrize(("tolerance", "accepted"), [(0, False), (0.4, False), (1, True)])
def test_the_tolerance_is_the_callers(tolerance: float, accepted: bool) -> None:
    if accepted:
        assert verify(now=NOW + 0.5, tolerance_seconds=tolerance)
        return
    with pytest.raises(WebhookVerificationError, match=TIME):
        verify(now=NOW + 0.5, tolerance_seconds=tolerance)


@pytest.mark.parametrize("tolerance", [None, float("inf"), float("nan"), -1, "300", True])
def test_a_tolerance_that_is_no_finite_number_of_seconds_is_refused(tolerance: Any) -> None:
    with pytest.raises(ValueError, match=r"^tolerance_seconds is .*: it must be a finite number of seconds"):
        verify(tolerance_seconds=tolerance)


def test_the_present_is_now_unless_it_is_passed_in() -> None:
    assert verify_molam_signature(sign(BODY, SECRET), BODY, SECRETS)
    with pytest.raises(WebhookVerificationError, match=TIME):
        verify_molam_signature(GOOD, BODY, SECRETS)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, bytes.decode])
def test_the_body_may_be_bytes_or_text(kind: Callable[[bytes], Any]) -> None:
    assert verify(body=kind(BODY))


@pytest.mark.parametrize("body", [None, {}, {"id": "evt_1"}, 7, object(), [1, 2], "\ud800"])
def test_what_is_no_raw_body_is_refused(body: Any) -> None:
    with pytest.raises(WebhookVerificationError, match="Invalid JSON payload"):
        verify(body=body)


def test_a_body_beyond_the_limit_is_refused_before_it_is_hashed() -> None:
    with pytest.raises(WebhookVerificationError, match=f"more than {MAX_PAYLOAD_BYTES} bytes"):
        verify(body=bytes(MAX_PAYLOAD_BYTES + 1))
    with pytest.raises(WebhookVerificationError, match="more than 63 bytes"):
        verify(max_bytes=len(BODY) - 1)


@pytest.mark.parametrize(
    "source",
    [
        SECRET,
        SECRET.encode(),
        {"v1": SECRET},
        {"v1": SECRET.encode()},
        {"v1": ["old", SECRET]},
        {"v1": ("", SECRET)},
        lambda kid: {"v1": SECRET}[kid],
        lambda kid: ["old", SECRET.encode()],
        lambda kid: (secret for secret in ("old", SECRET)),
        lambda kid: bytearray(SECRET.encode()),
    ],
)
def test_secrets_come_from_many_sources(source: Any) -> None:
    assert verify(secrets=source)


async def _async_source(kid: str) -> str:
    return SECRET


def _raising(error: Exception) -> Callable[[str], str]:
    def source(kid: str) -> str:
        raise error

    return source


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"v1": None},
        {"v1": ""},
        {"v1": b""},
        {"v1": []},
        {"v1": 7},
        {"v1": [7]},
        "",
        None,
        7,
        lambda: SECRET,
        lambda kid: None,
        lambda kid: object(),
        _raising(KeyError("v1")),
        _raising(RuntimeError("the vault is down")),
        _raising(MolamError("no")),
        _async_source,
    ],
)
def test_a_source_that_knows_nothing_or_fails_means_an_unknown_key(source: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(WebhookVerificationError, match=KID):
            verify(secrets=source)


def test_an_empty_secret_is_no_secret() -> None:
    forged = hmac.new(b"", f"{T}.".encode() + BODY, hashlib.sha256).hexdigest()
    with pytest.raises(WebhookVerificationError, match=KID):
        verify(f"t={T},v1={forged},kid=v1", secrets={"v1": ""})


def test_a_source_that_fails_for_one_kid_does_not_spoil_the_other() -> None:
    assert verify(f"t={T},v1={V2},kid=2,{GOOD[len(T) + 3 :]}", secrets=lambda kid: {"v1": SECRET}[kid])


def test_errors_name_neither_secret_nor_digest() -> None:
    with pytest.raises(WebhookVerificationError) as refused:
        verify(body=b"other")
    assert SECRET not in repr(refused.value)
    assert V1[:8] not in repr(refused.value)


def test_sign_makes_what_verify_accepts() -> None:
    assert sign(BODY, SECRET, now=NOW) == GOOD
    assert sign(BODY.decode(), SECRET.encode(), "v1", now=NOW) == GOOD
    both = sign(BODY, {"v1": SECRET, "2": ["second", "third"]}, now=NOW)
    assert both.startswith(f"{GOOD},v1={V2},kid=2,v1=")
    assert verify(both, secrets={"2": "third"})
    assert verify(both, secrets={"v1": SECRET})


def test_every_digest_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []
    in_constant_time = hmac.compare_digest

    def compare(left: str, right: str) -> bool:
        compared.append((left, right))
        return in_constant_time(left, right)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert verify(f"t={T},v1={'0' * 64},kid=v1,v1={V1},kid=v1")
    assert compared == [(V1, "0" * 64), (V1, V1)]
