"""Secrets in Azure Key Vault: the real client over TLS, against a double of its HTTP API with its challenge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.keyvault.secrets import SecretClient

from molam_sdk import ConfigurationError
from molam_sdk.secrets import AzureSource, Keeping
from tests.support.key_vault import Credential, KeyVault, running


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[KeyVault]:
    with running(tmp_path) as double:
        yield double


@pytest.fixture
def client(vault: KeyVault) -> Iterator[SecretClient]:
    with vault.client(Credential()) as made:
        yield made


def test_a_secret_is_read(vault: KeyVault, client: SecretClient) -> None:
    vault.secrets["molam-api-key"] = "sk_live_1"
    assert AzureSource(None, "molam-api-key", client=client)() == (b"sk_live_1",)


def test_a_kid_is_spelt_as_azure_wants_it(vault: KeyVault, client: SecretClient) -> None:
    vault.secrets["molam-key-2026-b"] = "whsec_1"
    source = AzureSource(None, "molam-{kid}", client=client)
    assert (source("key_2026.b"), source("v2"), source("../x")) == ((b"whsec_1",), (), ())


def test_a_field_of_a_json_object_can_be_meant(vault: KeyVault, client: SecretClient) -> None:
    vault.secrets["molam"] = json.dumps({"api_key": "sk_live_1"})
    assert AzureSource(None, "molam", "api_key", client=client)() == (b"sk_live_1",)


def test_that_it_cannot_be_read_is_never_taken_for_none(vault: KeyVault, client: SecretClient) -> None:
    vault.secrets["molam"] = "sk_live_1"
    source = AzureSource(None, "molam", client=client, keeping=Keeping(ttl_seconds=0))
    vault.status = 403
    with pytest.raises(HttpResponseError):
        source()
    vault.status = 200
    assert source() == (b"sk_live_1",)
    vault.status = 503
    assert source() == (b"sk_live_1",)


def test_an_error_that_repeats_the_token_is_told_without_it(vault: KeyVault, client: SecretClient) -> None:
    vault.status, vault.repeats = 403, True
    with pytest.raises(ConfigurationError, match=r"azure:molam cannot be read: .*no, Bearer \*\*\*REDACTED") as caught:
        AzureSource(None, "molam", client=client)()
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_by_default_it_is_the_client_with_the_default_credential() -> None:
    source = AzureSource("https://shop.vault.azure.net", "molam")
    client = source._connected()
    assert (type(client), client.vault_url) == (SecretClient, "https://shop.vault.azure.net")
    client.close()


@pytest.mark.parametrize(
    ("url", "client", "why"),
    [
        (None, None, "give either vault_url or client"),
        ("https://a.test", object(), "give either vault_url or client"),
        ("http://a.test", None, "must be an https URL"),
        ("shop", None, "must be an https URL"),
    ],
)
def test_one_place_must_be_named_and_be_encrypted(url: str | None, client: Any, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        AzureSource(url, "molam", client=client)
