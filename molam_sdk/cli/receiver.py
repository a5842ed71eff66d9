"""A tiny webhook receiver on this machine, for the demo: it verifies with the SDK what the sandbox has signed."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import Self

from ..exceptions import WebhookVerificationError
from ..webhooks import construct_event


class Receiver:
    """Listens on a free loopback port; keeps the events that verify, and why others did not."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.refused: list[str] = []
        self._secrets: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._request_class())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/webhooks"

    def trust(self, kid: str, secret: str) -> None:
        """The secret that signatures of this key id are checked with."""
        self._secrets[kid] = secret

    def take(self, payload: bytes, signature: str) -> int:
        """The status to answer a delivery with."""
        try:
            self.events.append(construct_event(payload, signature, self._secrets.get))
        except WebhookVerificationError as error:
            self.refused.append(str(error))
            return 400
        return 200

    def _request_class(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Delivery(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                payload = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(receiver.take(payload, self.headers.get("Molam-Signature", "")))
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
                """Nothing: the demo prints what came itself."""

        return Delivery

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
