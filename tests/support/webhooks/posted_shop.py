"""A receiver behind a real HTTP server on loopback, and the events, requests and answers that it saw."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from prometheus_client import CollectorRegistry
from typing_extensions import Self

from molam_sdk.receiver import WebhookReceiver
from molam_sdk.store import Store


class PostedReceiver:
    """Hands each POST to the receiver, and closes it at the end."""

    def __init__(self, receiver: WebhookReceiver) -> None:
        self.receiver = receiver
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._request_class())
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hooks"

    def _request_class(self) -> type[BaseHTTPRequestHandler]:
        posted = self

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posted.requests.append((dict(self.headers.items()), body))
                answer = posted.receiver.receive(self.headers.items(), body)
                posted.statuses.append(answer.status)
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *args: object) -> None: ...

        return Hook

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.receiver.close()


class PostedShop(PostedReceiver):
    """Takes every event; ``failures`` is how many it answers 500 first."""

    def __init__(self, secrets: Any, store: Store) -> None:
        super().__init__(WebhookReceiver(secrets, store, registry=CollectorRegistry()))
        self.receiver.on("*")(self._take)
        self.events: list[Any] = []
        self.failures = 0

    def _take(self, event: Any) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError
        self.events.append(event)
