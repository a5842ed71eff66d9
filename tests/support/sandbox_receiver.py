"""A webhook receiver on a free loopback port that answers by a script and keeps what came."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Arrival:
    """One delivery as it arrived."""

    path: str
    signature: str
    delivery_id: str
    payload: bytes

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.payload)
        return event


class Receiver:
    """`statuses` are answered one by one, then 200 for ever."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.statuses: list[int] = []
        receiver = self

        class Delivery(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                payload = self.rfile.read(int(self.headers["Content-Length"]))
                signature, delivery_id = self.headers["Molam-Signature"], self.headers["Idempotency-Key"]
                receiver.arrivals.append(Arrival(self.path, signature, delivery_id, payload))
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", receiver.url + "/elsewhere")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Delivery)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def types(self) -> list[str]:
        return [arrival.event["type"] for arrival in self.arrivals]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
