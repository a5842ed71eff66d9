"""Hostile servers, and everything that the SDK writes while a test runs."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest

from molam_sdk.logging_setup import JsonFormatter
from molam_sdk.otel import TraceObserver
from tests.clients.hostile.conftest import certificates, no_environment, serve, tls

__all__ = ["certificates", "no_environment", "serve", "tls"]


@dataclass
class Outlets:
    """The log as text and as JSON, of every logger and level, the spans, the metrics."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    spans: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    text: io.StringIO = field(default_factory=io.StringIO)
    json: io.StringIO = field(default_factory=io.StringIO)

    def observer(self) -> TraceObserver:
        """Puts each call into ``spans``."""
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.spans))
        return TraceObserver(provider)

    def written(self) -> dict[str, str]:
        """All of it, by where it was written."""
        return {
            "log": self.text.getvalue(),
            "JSON log": self.json.getvalue(),
            "spans": "".join(span.to_json() for span in self.spans.get_finished_spans()),
            "metrics": generate_latest(self.registry).decode(),
        }


@pytest.fixture
def outlets(no_environment: None) -> Iterator[Outlets]:
    made = Outlets()
    handlers = [logging.StreamHandler(made.text), logging.StreamHandler(made.json)]
    handlers[1].setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    for handler in handlers:
        root.addHandler(handler)
    yield made
    for handler in handlers:
        root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def provoke() -> Callable[[Callable[[], object]], BaseException]:
    """What a function raises. The frame that calls it holds nothing of it, as a merchant's own might."""
    waiting: list[Callable[[], object]] = []

    def merchant() -> None:
        waiting.pop()()

    def caught(call: Callable[[], object]) -> BaseException:
        waiting.append(call)
        del call
        try:
            merchant()
        except BaseException as error:
            return error
        raise AssertionError("nothing was raised")

    return caught


def sealed_vault() -> str:
    """A callable of the merchant's that gives no key."""
    raise RuntimeError("the vault is sealed")
