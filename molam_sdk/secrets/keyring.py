"""The system's keyring (macOS Keychain, Windows Credential Locker, Secret Service), through keyring."""

from __future__ import annotations

from typing import Any

from .extra import imported
from .keeping import REMOTE, Keeping
from .names import checked_name
from .remote import RemoteSource


class KeyringSource(RemoteSource):
    """A password of the system's keyring, for a developer's machine. Needs the extra ``keyring``.

    ::

        api_key = KeyringSource("molam", "api_key")      # set by: keyring set molam api_key

    ``client``: a backend of keyring; by default the one that keyring chooses.
    """

    def __init__(self, service: str, username: str, *, client: Any = None, keeping: Keeping = REMOTE) -> None:
        self._keyring: Any = imported("keyring", "keyring")
        self._service = checked_name("service", service)
        super().__init__("keyring", username, None, self._keyring.get_keyring if client is None else client, keeping)
        self.label = f"keyring:{service}/{username}"

    def _read(self, name: str) -> list[str | None]:
        return [self._connected().get_password(self._service, name)]
