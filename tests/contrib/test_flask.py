"""The Flask blueprint, on the raw body and nothing else."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from molam_sdk.contrib.flask import webhook_blueprint
from molam_sdk.webhooks import MAX_PAYLOAD_BYTES
from tests.support.webhooks.deliveries import body_of, delivery_of
from tests.support.webhooks.shop import Shop

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


@pytest.fixture
def app(shop: Shop) -> Flask:
    app = Flask("shop")
    app.register_blueprint(webhook_blueprint(shop.receiver, "/hooks"))
    return app


def post(app: Flask, body: bytes, headers: dict[str, str], **options: Any) -> Any:
    client: FlaskClient = app.test_client()
    return client.post("/hooks", data=body, headers=headers, content_type="application/json", **options)


def test_a_delivery_is_handled(app: Flask, shop: Shop) -> None:
    headers, body = delivery_of(body_of())
    answer = post(app, body, headers)
    assert (answer.status_code, answer.json, answer.mimetype) == (200, {"result": "handled"}, "application/json")
    assert shop.seen == ["evt_1"]


def test_a_bad_signature_is_a_400(app: Flask) -> None:
    headers, body = delivery_of(body_of())
    assert post(app, body[:-1] + b" ", headers).status_code == 400
    assert post(app, body, {}).status_code == 400


def test_a_get_is_not_allowed(app: Flask) -> None:
    assert app.test_client().get("/hooks").status_code == 405


def test_code_that_read_the_json_before_does_no_harm(app: Flask) -> None:
    app.before_request(lambda: (request.get_json(), request.form, None)[-1])
    headers, body = delivery_of(body_of())
    assert post(app, body, headers).status_code == 200


def test_a_body_beyond_the_limit_is_refused(app: Flask) -> None:
    headers, body = delivery_of(b" " * 2_000_000)
    answer = post(app, body, headers)
    assert (answer.status_code, answer.json["result"]) == (400, "invalid")


@pytest.mark.parametrize("size", [100, 2_000_000])
def test_a_body_without_a_length_is_read_to_the_limit(app: Flask, shop: Shop, size: int) -> None:
    headers, body = delivery_of(body_of(note="x" * size))
    del headers["Content-Length"]
    environ = {"wsgi.input_terminated": True, "CONTENT_LENGTH": "", "wsgi.input": io.BytesIO(body)}
    answer = app.test_client().post("/hooks", headers=headers, environ_overrides=environ)
    assert (answer.status_code, shop.seen) == ((200, ["evt_1"]) if size == 100 else (400, []))


class Endless(io.RawIOBase):
    """A body that never ends, and how much of it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.taken += len(buffer)
        assert self.taken < 2 * MAX_PAYLOAD_BYTES, "read on and on"
        buffer[:] = b" " * len(buffer)
        return len(buffer)


@pytest.mark.parametrize("chunked", [{"HTTP_TRANSFER_ENCODING": "chunked"}, {"CONTENT_LENGTH": ""}], ids=str)
def test_a_body_without_an_end_is_read_no_further_than_the_limit(app: Flask, chunked: dict[str, str]) -> None:
    body = Endless()
    environ = {"wsgi.input_terminated": True, "wsgi.input": body, **chunked}
    answer = app.test_client().post("/hooks", environ_overrides=environ)
    assert (answer.status_code, body.taken) == (400, MAX_PAYLOAD_BYTES + 1)


def reading_before(application: Wsgi) -> Wsgi:
    """A WSGI middleware that reads the body and passes nothing on."""

    def middleware(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"].read()
        return application(environ, start_response)

    return middleware


def test_a_middleware_that_took_the_body_is_named(app: Flask) -> None:
    setattr(app, "wsgi_app", reading_before(app.wsgi_app))  # noqa: B010  # how Flask wants middleware, said past mypy
    headers, body = delivery_of(body_of())
    answer = post(app, body, headers)
    assert (answer.status_code, answer.json["result"]) == (500, "unreadable")
    assert "WSGI middleware has read wsgi.input" in answer.json["error"]


def broken_off(app: Flask, body: bytes, headers: dict[str, str]) -> Any:
    environ = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": headers["Content-Length"]}
    return app.test_client().post("/hooks", headers=headers, environ_overrides=environ)


def test_a_sender_that_hung_up_in_mid_body_pages_nobody(app: Flask, shop: Shop) -> None:
    headers, body = delivery_of(body_of())
    answer = broken_off(app, body[:-9], headers)
    assert (answer.status_code, answer.json["result"]) == (400, "hung_up")
    assert shop.seen == []


def test_a_strangers_request_without_its_body_is_no_middlewares_fault(app: Flask) -> None:
    answer = broken_off(app, b"", {"Content-Length": "9"})
    assert (answer.status_code, answer.json["result"]) == (400, "invalid")
