"""Secrets in the system's keyring, through the real keyring and a backend that writes a file."""

from __future__ import annotations

from pathlib import Path

import keyring
import pytest
from keyrings.alt.file import PlaintextKeyring

from molam_sdk.secrets import Keeping, KeyringSource


@pytest.fixture
def backend(tmp_path: Path) -> PlaintextKeyring:
    made = PlaintextKeyring()
    made.file_path = str(tmp_path / "keyring.cfg")
    return made


def test_a_password_of_the_keyring_is_the_key(backend: PlaintextKeyring) -> None:
    backend.set_password("molam", "api_key", "sk_test_1")
    source = KeyringSource("molam", "api_key", client=backend, keeping=Keeping(ttl_seconds=0))
    assert source() == (b"sk_test_1",)
    backend.set_password("molam", "api_key", "sk_test_2")
    assert source() == (b"sk_test_2",)
    assert repr(source) == "<KeyringSource keyring:molam/api_key>"


def test_a_password_that_is_not_there_is_none(backend: PlaintextKeyring) -> None:
    backend.set_password("molam", "webhook_v1", "whsec_1")
    source = KeyringSource("molam", "webhook_{kid}", client=backend)
    assert (source("v1"), source("v2"), source("../x")) == ((b"whsec_1",), (), ())


def test_by_default_it_is_the_keyring_that_keyring_chooses(
    backend: PlaintextKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.set_password("molam", "api_key", "sk_test_1")
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        assert KeyringSource("molam", "api_key")() == (b"sk_test_1",)
    finally:
        keyring.set_keyring(before)
