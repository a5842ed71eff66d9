"""Secrets in Google Secret Manager: the real client, against a double of its REST API on loopback."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from google.api_core.exceptions import Forbidden
from google.auth.credentials import AnonymousCredentials
from google.cloud.secretmanager import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceRestTransport

from molam_sdk.secrets import GoogleSource, Keeping

ROOT = "projects/shop/secrets"


class SecretManager:
    """Answers ``GET /v1/{name}:access`` by Google's REST reference."""

    def __init__(self) -> None:
        self.versions: dict[str, bytes] = {}
        self.status = 200
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = False
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    def answer(self, path: str) -> tuple[int, Any]:
        name = path.partition("?")[0].removeprefix("/v1/").removesuffix(":access")
        if self.status != 200:
            return self.status, {"error": {"code": self.status, "message": "no", "status": "PERMISSION_DENIED"}}
        if name not in self.versions:
            return 404, {"error": {"code": 404, "message": "none", "status": "NOT_FOUND"}}
        return 200, {"name": name, "payload": {"data": base64.b64encode(self.versions[name]).decode()}}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        manager = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = manager.answer(self.path)
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def manager() -> Iterator[SecretManager]:
    double = SecretManager()
    double.thread.start()
    yield double
    double.server.shutdown()
    double.thread.join()
    double.server.server_close()


@pytest.fixture
def client(manager: SecretManager) -> Iterator[SecretManagerServiceClient]:
    host = f"127.0.0.1:{manager.server.server_address[1]}"
    transport = SecretManagerServiceRestTransport(host=host, credentials=AnonymousCredentials(), url_scheme="http")
    with SecretManagerServiceClient(transport=transport) as made:
        yield made


def test_the_newest_version_is_read(manager: SecretManager, client: SecretManagerServiceClient) -> None:
    manager.versions[f"{ROOT}/molam-api-key/versions/latest"] = b"sk_live_1\n"
    manager.versions[f"{ROOT}/molam-api-key/versions/7"] = b"sk_live_7"
    assert GoogleSource(f"{ROOT}/molam-api-key", client=client)() == (b"sk_live_1",)
    assert GoogleSource(f"{ROOT}/molam-api-key/versions/7", client=client)() == (b"sk_live_7",)


def test_a_kid_is_spelt_as_google_wants_it(manager: SecretManager, client: SecretManagerServiceClient) -> None:
    manager.versions[f"{ROOT}/molam-key_2026-b/versions/latest"] = b"whsec_1"
    source = GoogleSource(f"{ROOT}/molam-{{kid}}", client=client)
    assert (source("key_2026.b"), source("v2"), source("../x")) == ((b"whsec_1",), (), ())


def test_a_field_of_a_json_object_can_be_meant(manager: SecretManager, client: SecretManagerServiceClient) -> None:
    manager.versions[f"{ROOT}/molam/versions/latest"] = b'{"api_key": "sk_live_1"}'
    assert GoogleSource(f"{ROOT}/molam", "api_key", client=client)() == (b"sk_live_1",)


def test_that_it_cannot_be_read_is_never_taken_for_none(
    manager: SecretManager, client: SecretManagerServiceClient
) -> None:
    manager.versions[f"{ROOT}/molam/versions/latest"] = b"sk_live_1"
    source = GoogleSource(f"{ROOT}/molam", client=client, keeping=Keeping(ttl_seconds=0))
    manager.status = 403
    with pytest.raises(Forbidden):
        source()
    manager.status = 200
    assert source() == (b"sk_live_1",)
    manager.status = 503
    assert source() == (b"sk_live_1",)


def test_by_default_it_speaks_https_and_not_grpc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("google.auth.default", lambda *_, **__: (AnonymousCredentials(), "shop"))
    with GoogleSource(f"{ROOT}/molam")._connected() as client:
        assert client.transport.kind == "rest"
