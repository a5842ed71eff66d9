"""Secrets in AWS Secrets Manager, through the real boto3 and moto's server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from molam_sdk import ConfigurationError
from molam_sdk.secrets import AwsSource, Keeping

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning:(moto|werkzeug|botocore).*")]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.fixture
def aws(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The real client, by the usual variables; nothing of an earlier test is left."""
    settings = {
        "AWS_ENDPOINT_URL": server,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("secretsmanager")
    yield client
    for secret in client.list_secrets()["SecretList"]:
        client.delete_secret(SecretId=secret["Name"], ForceDeleteWithoutRecovery=True)
    client.close()


def closing(source: AwsSource) -> tuple[Any, ...]:
    """What a source answers; its connections are closed."""
    try:
        return source("v1")
    finally:
        source._connected().close()


def test_a_secret_is_read_by_the_usual_variables(aws: Any) -> None:
    aws.create_secret(Name="prod/molam", SecretString="sk_live_1\n")
    assert closing(AwsSource("prod/molam")) == (b"sk_live_1",)


def test_a_field_of_a_json_object_can_be_meant(aws: Any) -> None:
    aws.create_secret(Name="prod/molam", SecretString=json.dumps({"api_key": "sk_live_1", "webhook_v1": "whsec_1"}))
    assert closing(AwsSource("prod/molam", "api_key", client=aws)) == (b"sk_live_1",)
    aws = boto3.client("secretsmanager")
    assert closing(AwsSource("prod/molam", "webhook_{kid}", client=aws)) == (b"whsec_1",)


def test_a_binary_secret_and_a_name_by_kid(aws: Any) -> None:
    aws.create_secret(Name="molam-v1", SecretBinary=b"whsec_1")
    assert closing(AwsSource("molam-{kid}")) == (b"whsec_1",)


def test_a_secret_that_is_not_there_is_none(aws: Any) -> None:
    assert closing(AwsSource("none", client=aws)) == ()


def test_a_rotation_is_followed_and_the_secret_before_can_count_too(aws: Any) -> None:
    aws.create_secret(Name="molam", SecretString="old")
    both = AwsSource("molam", stages=("AWSCURRENT", "AWSPREVIOUS"), client=aws, keeping=Keeping(ttl_seconds=0))
    present = AwsSource("molam", client=aws, keeping=Keeping(ttl_seconds=0))
    assert (both(), present()) == ((b"old",), (b"old",))
    aws.put_secret_value(SecretId="molam", SecretString="new")
    assert (both(), present()) == ((b"new", b"old"), (b"new",))


def test_that_it_cannot_be_read_is_never_taken_for_none(aws: Any) -> None:
    aws.create_secret(Name="molam", SecretString="sk_live_1")
    aws.delete_secret(SecretId="molam")  # to be deleted in thirty days: it can be restored
    source = AwsSource("molam", client=aws)
    with pytest.raises(aws.exceptions.InvalidRequestException):
        source()
    aws.restore_secret(SecretId="molam")
    assert source() == (b"sk_live_1",)


@pytest.mark.parametrize("name", ["", None])
def test_a_name_that_is_none_is_refused(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="name must be a name"):
        AwsSource(name)
