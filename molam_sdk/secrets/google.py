"""Google Secret Manager, through google-cloud-secret-manager."""

from __future__ import annotations

from typing import Any

from .extra import imported
from .keeping import REMOTE, Keeping
from .remote import ANSWER_SECONDS, RemoteSource


class GoogleSource(RemoteSource):
    """The newest version of a secret of Google Secret Manager. Needs the extra ``gcp``.

    ::

        api_key = GoogleSource("projects/shop/secrets/molam-api-key")
        secrets = GoogleSource("projects/shop/secrets/molam-webhook-{kid}/versions/latest")

    Google's names have no ``.``: in a kid it becomes ``-``. ``field``: the secret is a JSON object, and this field of
    it is meant. ``client``: a ``SecretManagerServiceClient``, or a function that makes one; by default one over HTTPS,
    since gRPC stands neither forks nor gevent.
    """

    def __init__(self, name: str, field: str | None = None, *, client: Any = None, keeping: Keeping = REMOTE) -> None:
        self._manager: Any = imported("google.cloud.secretmanager", "gcp")
        self._absent = imported("google.api_core.exceptions", "gcp").NotFound
        super().__init__("gcp", name, field, self._by_environment if client is None else client, keeping)

    def _by_environment(self) -> Any:
        return self._manager.SecretManagerServiceClient(transport="rest")

    def _spelt(self, kid: str) -> str:
        return kid.replace(".", "-")

    def _read(self, name: str) -> list[bytes]:
        full = name if "/versions/" in name else f"{name}/versions/latest"
        try:
            return [self._connected().access_secret_version(name=full, timeout=ANSWER_SECONDS, retry=None).payload.data]
        except self._absent:
            return []
