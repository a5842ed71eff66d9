"""What a traced call leaves behind in the context it ran in."""

from __future__ import annotations

import gc
import weakref

from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from molam_sdk import ClientConfig, MolamClient
from molam_sdk.otel import TraceObserver
from molam_sdk.testing import ScriptedTransport, reply


class Watcher(SpanProcessor):
    """Knows every span that began, and keeps none alive."""

    def __init__(self) -> None:
        self.begun: list[weakref.ref[object]] = []

    def on_start(self, span: object, parent_context: object = None) -> None:
        self.begun.append(weakref.ref(span))


def test_the_span_of_a_call_that_ended_is_kept_by_nobody() -> None:
    watcher, provider = Watcher(), TracerProvider()
    provider.add_span_processor(watcher)
    answer = reply(200, {"id": "pi_1", "status": "succeeded", "amount": 100, "currency": "XOF"})
    config = ClientConfig(api_key="sk_live_1")
    client = MolamClient(config, transport=ScriptedTransport(answer, answer), observers=[TraceObserver(provider)])
    client.retrieve_payment_intent("pi_1")
    client.retrieve_payment_intent("pi_1")
    gc.collect()
    assert [span() for span in watcher.begun] == [None, None]
