"""AWS Secrets Manager, through boto3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from .extra import imported
from .keeping import REMOTE, Keeping
from .names import checked_name
from .remote import ANSWER_SECONDS, CONNECT_SECONDS, RemoteSource

_CURRENT: Final = ("AWSCURRENT",)


class AwsSource(RemoteSource):
    """A secret of AWS Secrets Manager, by its name or ARN. Needs the extra ``aws``.

    ::

        api_key = AwsSource("prod/molam", "api_key")
        secrets = AwsSource("prod/molam-webhook-{kid}", stages=("AWSCURRENT", "AWSPREVIOUS"))

    ``field``: the secret is a JSON object, and this field of it is meant. ``stages``: the versions that count, the
    present one first. ``client``: ``boto3.client("secretsmanager")``, or a function that makes one; by default one by
    the usual variables, files and roles.
    """

    def __init__(
        self,
        name: str,
        field: str | None = None,
        *,
        stages: Sequence[str] = _CURRENT,
        client: Any = None,
        keeping: Keeping = REMOTE,
    ) -> None:
        self._boto3: Any = imported("boto3", "aws")
        self._stages = tuple(checked_name("stages", stage) for stage in stages)
        super().__init__("aws", name, field, self._by_environment if client is None else client, keeping)

    def _by_environment(self) -> Any:
        config = imported("botocore.config", "aws").Config(
            connect_timeout=CONNECT_SECONDS, read_timeout=ANSWER_SECONDS, retries={"total_max_attempts": 2}
        )
        # A session of its own: boto3's default one must not be used by several threads.
        return self._boto3.session.Session().client("secretsmanager", config=config)

    def _read(self, name: str) -> list[str | bytes]:
        return [version for stage in self._stages for version in self._version(name, stage)]

    def _version(self, name: str, stage: str) -> tuple[str | bytes, ...]:
        client = self._connected()
        try:
            answer = client.get_secret_value(SecretId=name, VersionStage=stage)
        except client.exceptions.ResourceNotFoundException:
            return ()
        return (answer["SecretString"] if "SecretString" in answer else answer["SecretBinary"],)
