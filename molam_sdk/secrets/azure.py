"""Azure Key Vault, through azure-keyvault-secrets and azure-identity."""

from __future__ import annotations

import re
from typing import Any

from ..exceptions import ConfigurationError
from .extra import imported
from .keeping import REMOTE, Keeping
from .remote import ANSWER_SECONDS, CONNECT_SECONDS, RemoteSource


class AzureSource(RemoteSource):
    """A secret of Azure Key Vault. Needs the extra ``azure``.

    ::

        api_key = AzureSource("https://shop.vault.azure.net", "molam-api-key")
        secrets = AzureSource("https://shop.vault.azure.net", "molam-webhook-{kid}")

    Azure's names have no ``_`` and no ``.``: in a kid both become ``-``. ``field``: the secret is a JSON object, and
    this field of it is meant. ``client``: an ``azure.keyvault.secrets.SecretClient`` instead of the URL, or a function
    that makes one; by default one with ``DefaultAzureCredential``.
    """

    def __init__(
        self,
        vault_url: str | None,
        name: str,
        field: str | None = None,
        *,
        client: Any = None,
        keeping: Keeping = REMOTE,
    ) -> None:
        self._absent = imported("azure.core.exceptions", "azure").ResourceNotFoundError
        self._secrets = imported("azure.keyvault.secrets", "azure")
        if (vault_url is None) == (client is None):
            raise ConfigurationError("give either vault_url or client")
        if vault_url is not None and not vault_url.startswith("https://"):
            raise ConfigurationError("vault_url must be an https URL, https://NAME.vault.azure.net")
        self._url = vault_url
        super().__init__("azure", name, field, self._by_environment if client is None else client, keeping)

    def _by_environment(self) -> Any:
        credential = imported("azure.identity", "azure").DefaultAzureCredential()
        return self._secrets.SecretClient(
            self._url,
            credential,
            connection_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            retry_total=1,
        )

    def _spelt(self, kid: str) -> str:
        return re.sub(r"[_.]", "-", kid)

    def _read(self, name: str) -> list[str]:
        try:
            return [self._connected().get_secret(name).value]
        except self._absent:
            return []
