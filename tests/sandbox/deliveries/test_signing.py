"""The signature is the one of the contract."""

from __future__ import annotations

from molam_sdk.sandbox.deliveries.signing import sign


def test_the_signature_is_the_one_of_the_contract() -> None:
    header = sign(b'{"id":"evt_1"}', 1700000000000, [("v1", "whsec_a"), ("2", "whsec_b")])
    first = "25448858472b4801e6480b69020aa59d6709d456aca1e50f0d0fc3e232c05f8f"
    second = "3d229103a81d73c292e6122eec9d53212e7995e73c2b5d3ffa95d43f9f3e2186"
    assert header == f"t=1700000000000,v1={first},kid=v1,v1={second},kid=2"
