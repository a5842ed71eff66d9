"""A library that is not installed is named by the line that installs it, and none is loaded before it is used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from molam_sdk import ConfigurationError, secrets

LIBRARIES: dict[str, tuple[str, Callable[[], Any]]] = {
    "vault": ("hvac", lambda: secrets.VaultSource("a", "b")),
    "aws": ("boto3", lambda: secrets.AwsSource("a")),
    "azure": ("azure.keyvault.secrets", lambda: secrets.AzureSource("https://a.test", "b")),
    "gcp": ("google.cloud.secretmanager", lambda: secrets.GoogleSource("a")),
    "keyring": ("keyring", lambda: secrets.KeyringSource("a", "b")),
}


@pytest.mark.parametrize("extra", LIBRARIES)
def test_a_missing_library_is_named_by_its_extra(extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, make = LIBRARIES[extra]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert f"{module} is missing; run: pip install 'molam-python-sdk[{extra}]'" in str(caught.value)


def test_each_is_loaded_on_use_alone() -> None:
    program = (
        "import sys, molam_sdk, molam_sdk.secrets as s; s.FileSource('/x'), s.first('sk_live_1'), s.VaultSource;"
        "print(*sys.modules)"
    )
    loaded = set(subprocess.check_output([sys.executable, "-c", program], text=True).split())
    assert {module for module, _ in LIBRARIES.values()} & loaded == set()


def test_a_client_with_a_fixed_key_loads_nothing_that_keeps_secrets() -> None:
    program = (
        "import sys, molam_sdk; molam_sdk.MolamClient(molam_sdk.ClientConfig(api_key='sk_live_1')); print(*sys.modules)"
    )
    loaded = set(subprocess.check_output([sys.executable, "-c", program], text=True).split())
    ours = {name for name in loaded if name.startswith("molam_sdk.secrets")}
    assert ours <= {"molam_sdk.secrets", "molam_sdk.secrets.key_file"}


def test_every_name_of_the_room_can_be_had() -> None:
    for name in secrets.__all__:
        assert getattr(secrets, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        secrets.Nothing  # noqa: B018 - the access is the test
