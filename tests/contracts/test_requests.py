"""What our blocking transport takes for granted about requests and about those who patch it.

A red test says which promise broke and who stood on it. requests' own code runs here, with a stand-in for sockets.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import requests
import requests_mock
import responses
from requests.adapters import HTTPAdapter
from requests.models import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict
from urllib3.util import Timeout

from molam_sdk import ClientConfig, MolamClient

URL = "https://api.test/v1/connect/payment_intents"
ANSWER = {"id": "pi_1", "status": "succeeded", "amount": 5, "currency": "USD"}

ADAPTER = "molam_sdk/_transport: the adapter"
TRANSPORT = "molam_sdk/_transport: the requests transport"


class Late(Timeout):
    """A deadline in the clothes of a timeout: built without Timeout's own ``__init__``."""

    def __init__(self) -> None:
        self.at = 1.0


class BareResponse(Response):
    """A response that is never initialised, but for what it must have."""

    def __init__(self, request: PreparedRequest) -> None:
        self.status_code = 200
        self.request = request
        self.url = str(request.url)
        self.history = []
        self.raw = self.encoding = self._next = None
        self.reason = ""
        self._content = b"{}"
        self._content_consumed = True
        self.headers = CaseInsensitiveDict()
        self.cookies = requests.cookies.RequestsCookieJar()


class Route:
    """What ``get_connection_with_tls_context`` hands out: only ``urlopen`` is there."""

    def __init__(self, said: list[tuple[str, Any]]) -> None:
        self._said = said

    def urlopen(self, **arguments: Any) -> str:
        self._said.append(("urlopen", arguments))
        return "what urlopen returned"


class Recorder(HTTPAdapter):
    """Overrides what ours overrides, and writes down the order and the arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, Any]] = []

    def get_connection_with_tls_context(self, *arguments: Any, **named: Any) -> Any:
        self.said.append(("get_connection_with_tls_context", arguments))
        return Route(self.said)

    def cert_verify(self, *arguments: Any, **named: Any) -> None:
        self.said.append(("cert_verify", arguments))

    def request_url(self, request: PreparedRequest, proxies: object) -> str:
        self.said.append(("request_url", request))
        return "the target"

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        self.said.append(("build_response", resp))
        return BareResponse(req)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def session(recorder: Recorder) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", recorder)
    return session


@pytest.fixture
def prepared() -> PreparedRequest:
    """Made as our transport makes it: without requests' own preparation."""
    request = PreparedRequest()
    request.method, request.url, request.body = "POST", URL, b'{"amount":5}'
    request.headers = CaseInsensitiveDict({"Content-Type": "application/json", "Content-Length": "12"})
    request.hooks = {"response": []}
    return request


def sent(session: requests.Session, prepared: PreparedRequest, timeout: Any = None) -> Response:
    return session.send(
        prepared, timeout=timeout, stream=True, verify=True, cert=None, proxies={}, allow_redirects=False
    )


def argument(recorder: Recorder, name: str) -> Any:
    """What ``urlopen`` was given under this name."""
    (arguments,) = [found for said, found in recorder.said if said == "urlopen"]
    return arguments.get(name, "nothing")


def test_session_send_goes_to_the_adapter_that_is_mounted(
    session: requests.Session, recorder: Recorder, prepared: PreparedRequest
) -> None:
    sent(session, prepared)
    assert recorder.said, f"Session.send no longer asks the mounted adapter: {TRANSPORT} would send past our sockets"


def test_adapter_send_asks_its_own_methods_in_this_order(
    session: requests.Session, recorder: Recorder, prepared: PreparedRequest
) -> None:
    sent(session, prepared)
    asked = [name for name, _ in recorder.said]
    assert asked == [
        "get_connection_with_tls_context",
        "cert_verify",
        "request_url",
        "urlopen",
        "build_response",
    ], f"HTTPAdapter.send goes another way; {ADAPTER} overrides these and expects no other"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("method", "POST"), ("url", "the target"), ("body", b'{"amount":5}'), ("redirect", False)],
)
def test_urlopen_is_told_by_name(
    session: requests.Session, recorder: Recorder, prepared: PreparedRequest, name: str, expected: object
) -> None:
    sent(session, prepared)
    assert argument(recorder, name) == expected, f"urlopen gets another {name}; {ADAPTER} sends what it is told here"


def test_headers_reach_urlopen_as_they_were_prepared(
    session: requests.Session, recorder: Recorder, prepared: PreparedRequest
) -> None:
    sent(session, prepared)
    assert argument(recorder, "headers") is prepared.headers, f"headers are copied or changed on the way to {ADAPTER}"


def test_a_timeout_of_urllib3s_type_is_passed_on_untouched(
    session: requests.Session, recorder: Recorder, prepared: PreparedRequest
) -> None:
    late = Late()
    sent(session, prepared, late)
    assert argument(recorder, "timeout") is late, f"the deadline of a call is lost on its way to {ADAPTER}"


def test_what_urlopen_returns_is_handed_to_build_response(
    session: requests.Session, recorder: Recorder, prepared: PreparedRequest
) -> None:
    sent(session, prepared)
    assert ("build_response", "what urlopen returned") in recorder.said, f"{ADAPTER} builds its answer from that"


def test_session_send_needs_no_more_of_a_response_than_ours_has(
    session: requests.Session, prepared: PreparedRequest
) -> None:
    try:
        response = sent(session, prepared)
    except AttributeError as problem:
        pytest.fail(
            f"Session.send wants more of a Response than {ADAPTER} gives it without Response.__init__: {problem}"
        )
    assert response.content == b"{}"
    assert response.ok


@pytest.mark.parametrize(
    "name", ["get_connection_with_tls_context", "cert_verify", "request_url", "build_response", "send", "close"]
)
def test_the_methods_we_override_are_still_there(name: str) -> None:
    assert inspect.isfunction(getattr(HTTPAdapter, name, None)), f"HTTPAdapter.{name} is gone; see {ADAPTER}"


def test_responses_patches_adapter_send_of_the_class() -> None:
    before = HTTPAdapter.send
    with responses.RequestsMock(assert_all_requests_are_fired=False):
        patched = HTTPAdapter.send is not before
    assert patched, f"responses hooks elsewhere: {ADAPTER} inherits HTTPAdapter.send for its sake"
    assert HTTPAdapter.send is before


def test_requests_mock_patches_session_send_of_the_class() -> None:
    before = requests.Session.send
    with requests_mock.Mocker():
        patched = requests.Session.send is not before
    assert patched, f"requests_mock hooks elsewhere: {TRANSPORT} goes through Session.send for its sake"
    assert requests.Session.send is before


def test_session_send_asks_its_get_adapter_which_requests_mock_patches_too(
    session: requests.Session, prepared: PreparedRequest, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(session, "get_adapter", lambda url: asked.append(url) or recorder)
    sent(session, prepared)
    assert asked == [URL], f"Session.send finds its adapter another way: requests_mock would not reach {TRANSPORT}"


def test_a_double_of_either_kind_answers_our_client() -> None:
    with MolamClient(ClientConfig(api_key="sk_test_contract", base_url="https://api.test")) as client:
        with responses.RequestsMock() as double:
            double.add("GET", f"{URL}/pi_1", json=ANSWER)
            assert client.retrieve_payment_intent("pi_1").id == "pi_1", f"responses no longer reaches {ADAPTER}"
        with requests_mock.Mocker() as double:
            double.get(f"{URL}/pi_1", json=ANSWER)
            assert client.retrieve_payment_intent("pi_1").id == "pi_1", f"requests_mock no longer reaches {TRANSPORT}"
