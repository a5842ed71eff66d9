"""Signatures made by others: node's crypto and openssl, kept in a file and made again where the tools are there."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from molam_sdk import WebhookVerificationError
from molam_sdk.webhooks import sign, verify_molam_signature

HERE = Path(__file__).parent
VECTORS: list[dict[str, Any]] = json.loads((HERE / "vectors.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", VECTORS, ids=[f"{v['by']}-{v['about']}" for v in VECTORS])
def test_a_signature_by_another_implementation_verifies(vector: dict[str, Any]) -> None:
    now = vector["t"] / 1000
    body = vector["body"].encode()
    assert verify_molam_signature(vector["header"], body, {vector["kid"]: vector["secret"]}, now=now)
    assert sign(body, vector["secret"], vector["kid"], now=now) == vector["header"]
    with pytest.raises(WebhookVerificationError, match="Signature mismatch"):
        verify_molam_signature(vector["header"], body + b" ", {vector["kid"]: vector["secret"]}, now=now)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_node_still_makes_these_signatures() -> None:
    lines = "\n".join(json.dumps(vector) for vector in VECTORS)
    made = subprocess.run(
        ["node", HERE / "make_vectors.js"], input=lines.encode(), capture_output=True, check=True
    ).stdout.decode()
    assert [json.loads(line)["header"] for line in made.splitlines()] == [vector["header"] for vector in VECTORS]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_still_makes_these_signatures() -> None:
    for vector in VECTORS:
        key = vector["secret"].encode().hex()
        made = subprocess.run(
            ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{key}"],
            input=f"{vector['t']}.{vector['body']}".encode(),
            capture_output=True,
            check=True,
        ).stdout.decode()
        assert f"v1={made.split()[-1]}," in vector["header"]
