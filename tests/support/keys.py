"""A server on loopback that takes some API keys and refuses the others, and tokens for it."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import Self

ORDER = {"amount": 5, "currency": "USD"}
INTENT = ORDER | {"id": "pi_1", "status": "requires_confirmation", "metadata": {}}


def token(life: float = 3600.0, *, issued: float | None = None, **claims: Any) -> str:
    """A service token that expires so many seconds after its issue, which is now."""
    issued = time.time() if issued is None else issued
    body = {"iss": "molam", "sub": "shop-1", "iat": issued, "exp": issued + life} | claims
    payload = base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")
    return f"jwt_e30.{payload}.c2ln"


def expiry(authorization: str) -> float:
    """When the token of an Authorization expires; never, for another key."""
    key = authorization.removeprefix("Bearer ")
    if not key.startswith("jwt_"):
        return float("inf")
    payload = key.split(".")[1]
    return float(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"])


class KeyServer:
    """Makes payment intents for the keys in ``valid``, and for tokens as long as they have not expired.

    ``seen``: the key and the status of each request. ``before_each``: called with the number of the request.
    """

    def __init__(self, *valid: str, before_each: Callable[[int], None] = lambda number: None) -> None:
        self.valid = set(valid)
        self.seen: list[tuple[str, int]] = []
        self.before_each = before_each
        self._lock = threading.Lock()
        self._server = _Quiet(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def keys(self) -> list[str]:
        """The keys that were taken, in the order of their first use."""
        return list(dict.fromkeys(key for key, status in list(self.seen) if status == 201))

    def refused(self) -> int:
        """How many requests were answered 401."""
        return sum(status == 401 for _, status in list(self.seen))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.close_connections()
        self._server.server_close()

    def judge(self, authorization: str) -> int:
        key = authorization.removeprefix("Bearer ")
        with self._lock:
            number = len(self.seen)
            self.before_each(number)
            good = key in self.valid or (key.startswith("jwt_") and time.time() < expiry(authorization))
            self.seen.append((key, 201 if good else 401))
        return 201 if good else 401

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        judge = self.judge

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                status = judge(self.headers.get("Authorization", ""))
                body = json.dumps(INTENT if status == 201 else {"error": {"code": "invalid_api_key", "message": "no"}})
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("X-Molam-Request-Id", "req_1")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class _Quiet(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 256

    def __init__(self, *arguments: Any) -> None:
        self._open: set[Any] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *_: object) -> None:
        """A client that went away is no news."""

    def close_connections(self) -> None:
        import contextlib
        import socket

        for request in list(self._open):
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)
