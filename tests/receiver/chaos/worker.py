"""A worker process: takes deliveries over HTTP, in threads, on asyncio or under gevent, and works on the inbox."""

from __future__ import annotations

import json
import sys

if '"gevent"' in "".join(sys.argv[1:]):
    from gevent import monkey

    monkey.patch_all()

import asyncio
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from molam_sdk.receiver import WebhookReceiver
from molam_sdk.store import AsyncStore
from tests.receiver.chaos import django_shop
from tests.receiver.chaos.shop import Settings, receiver_of

_tasks: list[asyncio.Future[int]] = []


def serve_in_threads(receiver: WebhookReceiver, settings: Settings) -> None:
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

    Server(("127.0.0.1", settings.port), Handler).serve_forever()


def serve_on_asyncio(receiver: WebhookReceiver, settings: Settings) -> None:
    from aiohttp import web

    from molam_sdk.contrib.aiohttp import webhook_route

    app = web.Application()
    app.add_routes([webhook_route(receiver, "/")])
    if settings.mode == "later" and isinstance(receiver.store, AsyncStore):
        app.on_startup.append(lambda _: _begin_to_work(receiver))
    web.run_app(
        app, host="127.0.0.1", port=settings.port, print=lambda *_: None, handle_signals=False, reuse_address=True
    )


async def _begin_to_work(receiver: WebhookReceiver) -> None:
    _tasks.append(asyncio.ensure_future(receiver.async_worker(tasks=3, poll_seconds=0.2).run()))


def serve_on_gevent(receiver: WebhookReceiver, settings: Settings) -> None:
    from gevent.pywsgi import WSGIServer

    def application(environ: Any, start_response: Any) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        answer = receiver.receive({**headers, "Content-Length": environ["CONTENT_LENGTH"]}, body)
        start_response(f"{answer.status} x", list(answer.headers.items()))
        return [answer.body]

    WSGIServer(("127.0.0.1", settings.port), application, log=None, error_log=None).serve_forever()


def serve_django_in_threads(receiver: WebhookReceiver, settings: Settings) -> None:
    from socketserver import ThreadingMixIn
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

    class Server(ThreadingMixIn, WSGIServer):
        request_queue_size = 128
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Nothing: who is killed leaves its requests."""

    class Handler(WSGIRequestHandler):
        def log_message(self, *args: Any) -> None:
            """Nothing."""

    server = Server(("127.0.0.1", settings.port), Handler)
    server.set_app(django_shop.application(receiver, awaited=False))
    server.serve_forever()


def serve_django_on_asyncio(receiver: WebhookReceiver, settings: Settings) -> None:
    import uvicorn

    uvicorn.run(
        django_shop.application(receiver, awaited=True),
        host="127.0.0.1",
        port=settings.port,
        lifespan="off",
        log_level="critical",
    )


def serve_django_on_gevent(receiver: WebhookReceiver, settings: Settings) -> None:
    from gevent.pywsgi import WSGIServer

    application = django_shop.application(receiver, awaited=False)
    WSGIServer(("127.0.0.1", settings.port), application, log=None, error_log=None).serve_forever()


SERVE = {"threads": serve_in_threads, "asyncio": serve_on_asyncio, "gevent": serve_on_gevent}
SERVE_DJANGO = {
    "threads": serve_django_in_threads,
    "asyncio": serve_django_on_asyncio,
    "gevent": serve_django_on_gevent,
}


def main(settings: Settings) -> None:
    """Until killed."""
    logging.getLogger("molam_sdk.webhooks").setLevel(logging.CRITICAL)
    is_django = settings.store.startswith(django_shop.PREFIX)
    if is_django:
        django_shop.configure(settings.store)
    receiver = receiver_of(settings)
    # An AsyncEngine is one loop's: in the asyncio kind, the worker is a task of the loop that serves.
    if settings.mode == "later" and not (settings.kind == "asyncio" and isinstance(receiver.store, AsyncStore)):
        worker = receiver.worker(threads=3, poll_seconds=0.2)
        threading.Thread(target=worker.run, daemon=True).start()
    (SERVE_DJANGO if is_django else SERVE)[settings.kind](receiver, settings)


if __name__ == "__main__":
    main(Settings(**json.loads(sys.argv[1])))
