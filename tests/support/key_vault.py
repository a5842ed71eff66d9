"""A double of Azure Key Vault on loopback, over TLS, as Azure's own client speaks to it."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import trustme
from azure.core.credentials import AccessToken
from azure.keyvault.secrets import SecretClient

GOOD: Final = "azure-token"


class KeyVault:
    """Answers ``GET /secrets/{name}/`` by Azure's REST reference; without a token, with the challenge for one.

    ``token``: the good one. ``broken``: answers what is no JSON. ``repeats``: quotes the request in its errors.
    """

    def __init__(self, tls: ssl.SSLContext, ca_file: str, token: str) -> None:
        self.secrets: dict[str, str] = {}
        self.status = 200
        self.token = token
        self.broken = self.repeats = False
        self._ca_file = ca_file
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = False
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server.server_address[1]}"

    def client(self, credential: Any, **options: Any) -> SecretClient:
        """Azure's own client."""
        settings = {"verify_challenge_resource": False, "retry_total": 0, "connection_verify": self._ca_file}
        return SecretClient(self.url, credential, **(settings | options))

    def answer(self, path: str, authorization: str | None) -> tuple[int, dict[str, str], Any]:
        if authorization != f"Bearer {self.token}":
            challenge = 'Bearer authorization="https://login.test/tenant", resource="https://vault.azure.net"'
            return 401, {"WWW-Authenticate": challenge}, {"error": {"code": "Unauthorized", "message": "no token"}}
        if self.status != 200:
            message = f"no, {authorization}" if self.repeats else "no"
            return self.status, {}, {"error": {"code": "Forbidden", "message": message}}
        name = path.partition("?")[0].split("/")[2]
        if name not in self.secrets:
            return 404, {}, {"error": {"code": "SecretNotFound", "message": "none"}}
        return 200, {}, {"value": self.secrets[name], "id": f"{self.url}/secrets/{name}/1", "attributes": {}}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        vault = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers, body = vault.answer(self.path, self.headers.get("Authorization"))
                data = b"{" if vault.broken else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Type": "application/json"}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class Credential:
    """As DefaultAzureCredential, without a cloud."""

    def __init__(self, token: str = GOOD) -> None:
        self._token = token

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(self._token, 9_999_999_999)


@contextmanager
def running(folder: Path, token: str = GOOD) -> Iterator[KeyVault]:
    """One over TLS, its certificate by a CA of its own."""
    authority, ca_file = trustme.CA(), folder / "key_vault_ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    double = KeyVault(tls, str(ca_file), token)
    double.thread.start()
    try:
        yield double
    finally:
        double.server.shutdown()
        double.thread.join()
        double.server.server_close()
