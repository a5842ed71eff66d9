"""A double of Vault on loopback: its HTTP API for key-value engines, logins and being sealed, as hvac speaks it."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import hvac
from typing_extensions import Self

State = Literal["up", "sealed", "gone", "hanging"]


class VaultDouble:
    """``secrets``: by mount and path, ``secret/shop``. ``tokens``: the good ones. ``state``: ``sealed`` answers 503,
    ``gone`` closes each connection, ``hanging`` says nothing. ``refused``: requests that were not answered with 2xx.
    """

    def __init__(self) -> None:
        self.secrets: dict[str, dict[str, Any]] = {}
        self.deleted: set[str] = set()
        self.tokens = {"root"}
        self.state: State = "up"
        self.requests: list[tuple[str, str]] = []
        self.namespaces: list[str | None] = []
        self.refused = self.logins = 0
        self.over = threading.Event()
        self._clients: list[hvac.Client] = []
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def client(self, token: str = "root", **options: Any) -> hvac.Client:
        """The real client of hvac."""
        made = hvac.Client(url=self.url, token=token, **({"timeout": 5} | options))
        self._clients.append(made)
        return made

    def log_in(self) -> hvac.Client:
        """A client with a token of its own, by AppRole."""
        made = self.client(token="")
        made.auth.approle.login("role", "secret")
        return made

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        for client in self._clients:
            client.adapter.close()
        self._server.server_close()

    def answer(self, method: str, path: str, token: str | None) -> tuple[int, dict[str, Any]]:
        """Status and body, by Vault's documentation of ``/v1/sys/health``, ``/v1/auth/approle`` and the two engines."""
        if self.state == "sealed":
            return 503, {"errors": ["Vault is sealed"]}
        if (method, path) == ("POST", "auth/approle/login"):
            self.logins += 1
            fresh = f"hvs.{self.logins}"
            self.tokens.add(fresh)
            return 200, {"auth": {"client_token": fresh, "lease_duration": 3600, "renewable": True}}
        if token not in self.tokens:
            return 403, {"errors": ["permission denied"]}
        return self._read(path)

    def _read(self, path: str) -> tuple[int, dict[str, Any]]:
        mount, _, rest = path.partition("/")
        versioned = rest.startswith("data/")
        name = f"{mount}/{rest.removeprefix('data/')}"
        found = self.secrets.get(name)
        if found is None or versioned != (mount != "kv1"):
            return 404, {"errors": []}
        if name in self.deleted:
            metadata = {"version": 1, "deletion_time": "2026-11-21T00:00:00Z", "destroyed": False}
            return 404, {"data": {"data": None, "metadata": metadata}}
        return 200, {"data": {"data": found, "metadata": {"version": 1}} if versioned else found}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = self.path.removeprefix("/v1/").partition("?")[0]
                double.requests.append((self.command, path))
                double.namespaces.append(self.headers.get("X-Vault-Namespace"))
                if double.state in ("gone", "hanging"):
                    double.refused += 1
                    if double.state == "hanging":
                        double.over.wait(60)
                    self.close_connection = True
                    return
                status, body = double.answer(self.command, path, self.headers.get("X-Vault-Token"))
                double.refused += status >= 300
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, *_: object) -> None:
        """A client that went away is no news."""
