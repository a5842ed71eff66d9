"""A shop under load: takes payments, hears webhooks, shows its metrics. To look at the dashboard with, and to break.

``python -m molam_sdk.ops.shop``, set up by the ``MOLAM_…`` variables of any service.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Any, Final

from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from .. import ClientConfig, MolamError, MolamSyncClient
from ..receiver import WebhookReceiver
from ..secrets import FileSource
from ..store import SqliteStore
from ..types import PaymentIntentParams

_PATH: Final = "/webhooks/molam"
_REFUNDED_SHARE: Final = 0.2


class Shop:
    """Sells at a rate, until it is told to stop."""

    def __init__(self, client: MolamSyncClient, *, declined_share: float) -> None:
        self._client, self._declined_share = client, declined_share
        self._over = threading.Event()
        self._chance = random.Random()  # noqa: S311 - which order is declined is no secret

    def sell(self) -> None:
        """One order: paid, or declined, or not known; now and then given back."""
        order: PaymentIntentParams = {"amount": 5000, "currency": "XOF", "capture": True, "metadata": {}}
        if self._chance.random() < self._declined_share:
            order["metadata"] = {"sandbox": "card_declined"}
        try:
            paid = self._client.confirm_payment_intent(self._client.create_payment_intent(order).id)
            if self._chance.random() < _REFUNDED_SHARE:
                self._client.create_refund({"payment_id": paid.id, "amount": 1500})
        except MolamError:  # it is counted, logged and in the journal: that is what this shop is for
            return

    def keep_selling(self, every: float) -> None:
        """An order each ``every`` seconds."""
        while not self._over.wait(every * self._chance.uniform(0.5, 1.5)):
            self.sell()

    def close(self) -> None:
        """Begin no more orders."""
        self._over.set()


def pages_of(receiver: WebhookReceiver) -> type[BaseHTTPRequestHandler]:
    """What the shop answers with: its metrics, and to webhooks."""

    class Pages(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: in two, the second waits for the first one's acknowledgement

        def do_GET(self) -> None:
            encode, kind = choose_encoder(self.headers.get("Accept", ""))
            if self.path == "/metrics":
                self._answer(200, encode(REGISTRY), {"Content-Type": kind})
            else:
                self._answer(404, b"", {})

        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), receiver.max_bytes + 1))
            answer = receiver.receive(list(self.headers.items()), body)
            self._answer(answer.status, answer.body, answer.headers)

        def _answer(self, status: int, body: bytes, headers: Any) -> None:
            self.send_response(status)
            for name, value in {**dict(headers), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
            """Nothing: the SDK's own lines say what was done."""

    return Pages


def main(arguments: Sequence[str] | None = None) -> int:
    """Sell until SIGTERM or Ctrl-C."""
    given = _parsed(arguments)
    folder = Path(given.folder)
    folder.mkdir(parents=True, exist_ok=True)
    secret_file = folder / "webhook_secret"
    config = ClientConfig.from_env(**({} if given.journal is None else {"journal": given.journal}))
    over = threading.Event()

    def leave(_number: int, _frame: FrameType | None) -> None:
        over.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    with MolamSyncClient(config, cb_reset_timeout=given.breaker_seconds) as client:
        receiver = WebhookReceiver(FileSource(secret_file), SqliteStore(folder / "webhooks.db"), process="later")
        receiver.on("*")(_hear)
        with ThreadingHTTPServer((given.host, given.port), pages_of(receiver)) as server:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            if not secret_file.exists():
                url = given.webhook_url or f"http://{given.host}:{server.server_port}{_PATH}"
                _subscribe(client, url, secret_file)
            _open_doors(client, receiver, given, over, f"http://{given.host}:{server.server_port}")
            server.shutdown()
    return 0


def _hear(_event: object) -> None:
    """A handler with nothing to do: the receiver counts what came."""


def _subscribe(client: MolamSyncClient, url: str, secret_file: Path) -> None:
    endpoint = client.create_webhook_endpoint(
        {"tenant_type": "merchant", "tenant_id": "shop", "url": url, "events": ["*"]}
    )
    secret_file.touch(mode=0o600)
    secret_file.write_text(endpoint.secret or "", encoding="utf-8")


def _open_doors(
    client: MolamSyncClient, receiver: WebhookReceiver, given: argparse.Namespace, over: threading.Event, url: str
) -> None:
    shop, worker = Shop(client, declined_share=given.declined_share), receiver.worker(threads=2, poll_seconds=0.2)
    tills = [
        threading.Thread(target=shop.keep_selling, args=(given.tills / given.rate,), daemon=True)
        for _ in range(given.tills)
    ]
    working = threading.Thread(target=worker.run, daemon=True)
    for thread in (*tills, working):
        thread.start()
    sys.stdout.write(f"shop: {url}\n")
    sys.stdout.flush()
    over.wait()
    shop.close()
    worker.stop()
    for thread in (*tills, working):
        thread.join()
    receiver.close()


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m molam_sdk.ops.shop", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000, help="0 takes a free one")
    parser.add_argument("--folder", default="shop", help="where its databases and the webhooks' secret stand")
    parser.add_argument("--journal", help="a file or URL (else MOLAM_JOURNAL)")
    parser.add_argument("--webhook-url", help="where Molam reaches this shop")
    parser.add_argument("--rate", type=float, default=5.0, help="orders a second")
    parser.add_argument("--tills", type=int, default=8, help="orders at a time")
    parser.add_argument("--declined-share", type=float, default=0.05)
    parser.add_argument("--breaker-seconds", type=float, default=60.0)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
