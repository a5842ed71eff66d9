"""HashiCorp Vault and OpenBao, through hvac."""

from __future__ import annotations

import os
from typing import Any, Final

from ..exceptions import ConfigurationError
from .extra import imported
from .keeping import REMOTE, Keeping
from .names import checked_name
from .remote import ANSWER_SECONDS, RemoteSource

_VERSIONS: Final = (1, 2)


class VaultSource(RemoteSource):
    """A field of a secret in Vault's key-value engine. Needs the extra ``vault``.

    ::

        api_key = VaultSource("shop/molam", "api_key")
        secrets = VaultSource("shop/molam", "webhook_{kid}")

    ``version``: of the engine. ``client``: an ``hvac.Client``, or a function that logs in and gives one; by default one
    by ``VAULT_ADDR``, ``VAULT_NAMESPACE``, and ``VAULT_TOKEN`` or ``~/.vault-token``. The function is called again when
    Vault refuses the client's token, so that a login that ended is renewed.
    """

    def __init__(
        self,
        path: str,
        field: str,
        *,
        mount: str = "secret",
        version: int = 2,
        client: Any = None,
        keeping: Keeping = REMOTE,
    ) -> None:
        self._hvac: Any = imported("hvac", "vault")
        if version not in _VERSIONS:
            raise ConfigurationError(f"version must be 1 or 2, of Vault's key-value engine, not {version!r}")
        self._mount, self._version = checked_name("mount", mount), version
        super().__init__("vault", path, field, self._by_environment if client is None else client, keeping)

    def _by_environment(self) -> Any:
        return self._hvac.Client(namespace=os.environ.get("VAULT_NAMESPACE"), timeout=ANSWER_SECONDS)

    def _read(self, name: str) -> list[Any]:
        client = self._connected()
        try:
            return self._ask(client, name)
        except (self._hvac.exceptions.Forbidden, self._hvac.exceptions.Unauthorized):
            anew = self._make()
            if anew is client:
                raise
            self._client = anew
            return self._ask(anew, name)

    def _ask(self, client: Any, name: str) -> list[Any]:
        try:
            if self._version == 1:
                return [client.secrets.kv.v1.read_secret(path=name, mount_point=self._mount)["data"]]
            answer = client.secrets.kv.v2.read_secret_version(
                path=name, mount_point=self._mount, raise_on_deleted_version=True
            )
            return [answer["data"]["data"]]
        except self._hvac.exceptions.InvalidPath:
            return []
