"""Secrets in Vault, through the real hvac: both engines, refusals, logins that end, and a Vault that is down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hvac
import pytest

from molam_sdk import ClientConfig, ConfigurationError, MolamClient
from molam_sdk.secrets import Keeping, VaultSource
from molam_sdk.testing import ScriptedTransport, reply
from molam_sdk.webhooks import RotatingSecrets, sign, verify_molam_signature
from tests.support.vault import VaultDouble

SHOP = {"api_key": "sk_live_1", "webhook_v1": "whsec_1", "webhook_v2": ["whsec_new", "whsec_old"], "number": 5}


@pytest.fixture
def vault() -> Iterator[VaultDouble]:
    with VaultDouble() as double:
        double.secrets |= {"secret/shop": SHOP, "kv1/shop": SHOP, "team/deep/shop": SHOP}
        yield double


def test_a_field_of_a_secret_is_the_key(vault: VaultDouble) -> None:
    assert VaultSource("shop", "api_key", client=vault.client())() == (b"sk_live_1",)
    assert vault.requests == [("GET", "secret/data/shop")]


@pytest.mark.parametrize(
    ("path", "options"),
    [("shop", {"version": 1, "mount": "kv1"}), ("deep/shop", {"mount": "team"}), ("{kid}", {})],
)
def test_each_engine_and_mount_is_read(vault: VaultDouble, path: str, options: dict[str, Any]) -> None:
    assert VaultSource(path, "api_key", client=vault.client(), **options)("shop") == (b"sk_live_1",)


def test_a_kid_names_its_field(vault: VaultDouble) -> None:
    source = VaultSource("shop", "webhook_{kid}", client=vault.client())
    assert source("v1") == (b"whsec_1",)
    assert source("v2") == (b"whsec_new", b"whsec_old")
    assert (source("v3"), source("../x")) == ((), ())


@pytest.mark.parametrize("how", ["absent", "deleted"])
def test_a_secret_that_is_not_there_is_none(vault: VaultDouble, how: str) -> None:
    if how == "deleted":
        vault.deleted.add("secret/shop")
    path = "shop" if how == "deleted" else "other"
    assert VaultSource(path, "api_key", client=vault.client())() == ()


def test_a_field_that_is_no_secret_is_refused(vault: VaultDouble) -> None:
    with pytest.raises(ConfigurationError, match="answered with a int"):
        VaultSource("shop", "number", client=vault.client())()


@pytest.mark.parametrize(
    ("state", "error"), [("sealed", hvac.exceptions.VaultDown), ("gone", OSError), ("up", hvac.exceptions.Forbidden)]
)
def test_that_it_cannot_be_read_is_never_taken_for_none(vault: VaultDouble, state: Any, error: Any) -> None:
    vault.state = state
    client = vault.client(token="root" if state != "up" else "wrong")
    with pytest.raises(error):
        VaultSource("shop", "api_key", client=client)()


def test_the_last_good_answer_does_while_it_is_sealed_gone_or_hanging(vault: VaultDouble) -> None:
    keeping = Keeping(ttl_seconds=0)
    source = VaultSource("shop", "api_key", client=vault.client(timeout=1), keeping=keeping)
    assert source() == (b"sk_live_1",)
    for state in ("sealed", "gone", "hanging"):
        vault.state = state  # type: ignore[assignment]
        assert source() == (b"sk_live_1",)


def test_a_login_that_ended_is_made_again(vault: VaultDouble) -> None:
    source = VaultSource("shop", "api_key", client=vault.log_in, keeping=Keeping(ttl_seconds=0))
    assert (source(), source(), vault.logins) == ((b"sk_live_1",), (b"sk_live_1",), 1)
    vault.tokens.clear()
    assert (source(), source(), vault.logins) == ((b"sk_live_1",), (b"sk_live_1",), 2)


def test_by_default_the_variables_of_vault_count(vault: VaultDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ADDR", vault.url)
    monkeypatch.setenv("VAULT_TOKEN", "root")
    monkeypatch.setenv("VAULT_NAMESPACE", "shops")
    source = VaultSource("shop", "api_key")
    assert source() == (b"sk_live_1",)
    assert vault.namespaces == ["shops"]
    vault.tokens = {"rotated"}
    monkeypatch.setenv("VAULT_TOKEN", "rotated")
    source.forget()
    assert source() == (b"sk_live_1",)
    before = source._client
    source.after_fork()
    source.forget()
    assert source() == (b"sk_live_1",)
    assert source._client is not before  # whose connections are the parent's
    source._client.adapter.close()


def test_a_client_and_a_receiver_can_share_one_secret(vault: VaultDouble) -> None:
    transport = ScriptedTransport(reply(200, {"data": []}))
    api_key = VaultSource("shop", "api_key", client=vault.client())
    with MolamClient(ClientConfig(api_key=api_key), transport=transport) as client:
        assert list(client.list_refunds()) == []
    assert transport.requests[0].headers["Authorization"] == "Bearer sk_live_1"
    assert client.config.api_key is api_key
    secrets = RotatingSecrets(VaultSource("shop", "webhook_{kid}", client=vault.client()))
    assert verify_molam_signature(sign(b"{}", "whsec_1"), b"{}", secrets)
    assert verify_molam_signature(sign(b"{}", "whsec_old", "v2"), b"{}", secrets)


def test_a_version_that_vault_has_not_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="version must be 1 or 2"):
        VaultSource("shop", "api_key", version=3)
