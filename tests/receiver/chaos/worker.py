"""A worker process: takes deliveries over HTTP, in threads, on asyncio or under gevent, and works on the inbox."""

from __future__ import annotations

import json
import sys

if '"gevent"' in "".join(sys.argv[1:]):
    from gevent import monkey

    monkey.patch_all()

import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from molam_sdk.receiver import WebhookReceiver
from tests.receiver.chaos.shop import Settings, receiver_of


def serve_in_threads(receiver: WebhookReceiver, port: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = receiver.receive(self.headers.items(), body)
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Nothing: who is killed leaves its requests."""

    Server(("127.0.0.1", port), Handler).serve_forever()


def serve_on_asyncio(receiver: WebhookReceiver, port: int) -> None:
    from aiohttp import web

    from molam_sdk.contrib.aiohttp import webhook_route

    app = web.Application()
    app.add_routes([webhook_route(receiver, "/")])
    web.run_app(app, host="127.0.0.1", port=port, print=lambda *_: None, handle_signals=False, reuse_address=True)


def serve_on_gevent(receiver: WebhookReceiver, port: int) -> None:
    from gevent.pywsgi import WSGIServer

    def application(environ: Any, start_response: Any) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        answer = receiver.receive({**headers, "Content-Length": environ["CONTENT_LENGTH"]}, body)
        start_response(f"{answer.status} x", list(answer.headers.items()))
        return [answer.body]

    WSGIServer(("127.0.0.1", port), application, log=None, error_log=None).serve_forever()


SERVE = {"threads": serve_in_threads, "asyncio": serve_on_asyncio, "gevent": serve_on_gevent}


def main(settings: Settings) -> None:
    """Until killed."""
    logging.getLogger("molam_sdk.webhooks").setLevel(logging.CRITICAL)
    receiver = receiver_of(settings)
    if settings.mode == "later":
        worker = receiver.worker(threads=3, poll_seconds=0.2)
        threading.Thread(target=worker.run, daemon=True).start()
    SERVE[settings.kind](receiver, settings.port)


if __name__ == "__main__":
    main(Settings(**json.loads(sys.argv[1])))
