"""No token, password or key in the frames of libraries that we call: vaults, clouds, keyrings, databases."""

from __future__ import annotations

import gc
import json
import logging
import socket
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
from azure.identity import ClientSecretCredential
from google.cloud.secretmanager import SecretManagerServiceClient
from google.oauth2.credentials import Credentials
from keyring.backends.fail import Keyring as FailKeyring
from keyring.errors import KeyringLocked
from keyrings.alt.file import PlaintextKeyring
from moto.server import ThreadedMotoServer

from molam_sdk import ClientConfig, MolamClient
from molam_sdk.secrets import AwsSource, AzureSource, GoogleSource, KeptSource, KeyringSource, VaultSource
from molam_sdk.testing import ScriptedTransport
from tests.security.canaries import LIVE_KEY, found_in
from tests.security.conftest import Outlets
from tests.security.trackers import TRACKERS
from tests.support.key_vault import Credential, KeyVault, running
from tests.support.vault import VaultDouble

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning:(moto|werkzeug|botocore|google).*",
        "ignore::ResourceWarning",
        "ignore::pytest.PytestUnraisableExceptionWarning",
    ),
]

TOKEN: Final = "CANARYtoken"
Provoke = Callable[[Callable[[], object]], BaseException]


@pytest.fixture(autouse=True)
def left_open_by_libraries() -> Iterator[None]:
    """Connections that a library forgets are closed here, not in a later test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def _nothing_is_found(error: BaseException, outlets: Outlets) -> None:
    ways = {name: track(error) for name, track in TRACKERS.items()} | outlets.written()
    assert {name: found_in(text) for name, text in ways.items() if found_in(text)} == {}


@pytest.fixture
def dead() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def vault() -> Iterator[VaultDouble]:
    with VaultDouble() as double:
        double.secrets["secret/shop"] = {"api_key": LIVE_KEY}
        yield double


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    logging.getLogger("botocore").setLevel(logging.INFO)  # at DEBUG it writes its requests itself
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    made = boto3.client(
        "secretsmanager",
        endpoint_url=f"http://{host}:{port}",
        region_name="eu-west-1",
        aws_access_key_id=TOKEN,
        aws_secret_access_key=TOKEN,
        aws_session_token=TOKEN,
    )
    yield made
    made.close()
    moto.stop()
    logging.getLogger("botocore").setLevel(logging.NOTSET)


def _fail(source: KeptSource, provoke: Provoke, *, way: str = "") -> Iterator[BaseException]:
    """As a client asks, as a receiver asks, and asked by hand; that there is none is an error to a client alone."""
    with MolamClient(ClientConfig(api_key=source, max_retries=0), transport=ScriptedTransport()) as client:
        yield provoke(client.retrieve_balance)
    if way.startswith("no such"):
        return
    yield provoke(source)
    yield provoke(source.fetch)


@pytest.mark.parametrize("state", ["up", "sealed", "gone"])
def test_a_token_of_vault_is_in_no_frame(state: Any, vault: VaultDouble, provoke: Provoke, outlets: Outlets) -> None:
    vault.state = state
    for error in _fail(VaultSource("shop", "api_key", client=vault.client(token=TOKEN)), provoke):
        _nothing_is_found(error, outlets)


def test_keys_of_aws_are_in_no_frame(aws: Any, provoke: Provoke, outlets: Outlets) -> None:
    aws.create_secret(Name="canary", SecretString=LIVE_KEY)
    aws.delete_secret(SecretId="canary")
    for error in _fail(AwsSource("canary", client=aws), provoke):
        _nothing_is_found(error, outlets)


def test_a_token_of_google_is_in_no_frame(dead: int, provoke: Provoke, outlets: Outlets) -> None:
    credentials = Credentials(TOKEN)  # type: ignore[no-untyped-call]
    client = SecretManagerServiceClient(
        transport="rest", credentials=credentials, client_options={"api_endpoint": f"http://127.0.0.1:{dead}"}
    )
    for error in _fail(GoogleSource("projects/shop/secrets/molam", client=client), provoke):
        _nothing_is_found(error, outlets)


@pytest.fixture
def key_vault(tmp_path: Path) -> Iterator[KeyVault]:
    with running(tmp_path, TOKEN) as double:
        yield double


def _without_a_field(double: KeyVault) -> None:
    double.secrets["molam"] = json.dumps({"of_another_shop": LIVE_KEY})


AZURE: dict[str, Callable[[KeyVault], None]] = {
    "no such secret": lambda double: double.secrets.clear(),
    "no such field": _without_a_field,
    "no such field: a text": lambda double: double.secrets.update(molam=LIVE_KEY[:-1]),
    "refused": lambda double: setattr(double, "status", 403),
    "refused, the token repeated": lambda double: vars(double).update(status=403, repeats=True),
    "another token": lambda double: setattr(double, "token", "another"),
    "down": lambda double: setattr(double, "status", 503),
    "no answer that can be read": lambda double: setattr(double, "broken", True),
    "gone": lambda double: double.server.socket.close(),
}


@pytest.mark.parametrize("way", AZURE)
def test_a_token_of_azure_is_in_no_frame(way: str, key_vault: KeyVault, provoke: Provoke, outlets: Outlets) -> None:
    key_vault.secrets["molam"] = json.dumps({"api_key": LIVE_KEY})
    AZURE[way](key_vault)
    with key_vault.client(Credential(TOKEN)) as client:
        for error in _fail(AzureSource(None, "molam", "api_key", client=client), provoke, way=way):
            _nothing_is_found(error, outlets)


def test_a_client_secret_of_azure_is_in_no_frame(
    key_vault: KeyVault, dead: int, provoke: Provoke, outlets: Outlets
) -> None:
    credential = ClientSecretCredential(
        "tenant", "shop", TOKEN, authority=f"https://localhost:{dead}", disable_instance_discovery=True, retry_total=0
    )
    with key_vault.client(credential) as client:
        for error in _fail(AzureSource(None, "molam", client=client), provoke):
            _nothing_is_found(error, outlets)


class SealedKeyring(PlaintextKeyring):
    """A keyring whose master password nobody gave."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked(f"{service} is locked")


def _keyring(folder: Path, content: str | None) -> PlaintextKeyring:
    made = PlaintextKeyring()
    made.file_path = str(folder / "keyring.cfg")
    made.set_password("molam", "other", LIVE_KEY)
    made.set_password("molam", "broken", LIVE_KEY)
    if content is not None:
        path = Path(made.file_path)
        path.write_text(content + path.read_text() if content.endswith("\n") else path.read_text() + content)
    return made


KEYRINGS: dict[str, Callable[[Path], Any]] = {
    "no such password": lambda folder: _keyring(folder, None),
    "a file that is none": lambda folder: _keyring(folder, f"{LIVE_KEY} = no section\n"),
    "a password that cannot be decoded": lambda folder: _keyring(folder, f"api_5fkey = {TOKEN}!"),
    "locked": lambda _folder: SealedKeyring(),
    "none at all": lambda _folder: FailKeyring(),
}


@pytest.mark.parametrize("way", KEYRINGS)
def test_a_password_of_a_keyring_is_in_no_frame(way: str, tmp_path: Path, provoke: Provoke, outlets: Outlets) -> None:
    backend = KEYRINGS[way](tmp_path)
    for error in _fail(KeyringSource("molam", "api_key", client=backend), provoke, way=way):
        _nothing_is_found(error, outlets)


@pytest.mark.parametrize("driver", ["postgresql+psycopg", "mysql+pymysql"])
def test_a_password_of_the_journals_database_is_in_no_frame(
    driver: str, dead: int, provoke: Provoke, outlets: Outlets
) -> None:
    url = f"{driver}://shop:{TOKEN}@127.0.0.1:{dead}/shop"

    config = ClientConfig(api_key=LIVE_KEY, journal=url)
    _nothing_is_found(provoke(partial(MolamClient, config, transport=ScriptedTransport())), outlets)
