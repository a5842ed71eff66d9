"""Whatever RUNBOOK, SECURITY, README and CHANGELOG name exists in the code."""

import dataclasses
import io
import json
import logging
import re
from pathlib import Path

import click
import prometheus_client
import pytest

import molam_sdk
from molam_sdk import exceptions
from molam_sdk._core.record import CallRecord
from molam_sdk.cli.commands import molam
from molam_sdk.journal import MemoryJournal
from molam_sdk.logging_setup import LogObserver, setup_structured_logger
from molam_sdk.metrics import watch_journal
from molam_sdk.receiver import WebhookReceiver
from molam_sdk.receiver.answers import ANSWERS
from molam_sdk.receiver.inbox import inbox_metrics_for
from molam_sdk.store import MemoryStore
from molam_sdk.webhooks import RotatingSecrets, sign

DOCUMENTS = ("RUNBOOK.md", "SECURITY.md", "README.md", "CHANGELOG.md")
CODE = ("molam_sdk/**/*.py", "tests/integration/**/*.py", "ci/*.sh", ".github/workflows/*.yml")
# Variables that other programs define; ours are looked up in the code.
FOREIGN_VARIABLES = {"PROMETHEUS_MULTIPROC_DIR"}


@pytest.fixture(scope="module", params=DOCUMENTS)
def text(request: pytest.FixtureRequest, root: Path) -> str:
    return (root / request.param).read_text("utf-8")


@pytest.fixture(scope="module")
def code(root: Path) -> str:
    return "\n".join(path.read_text("utf-8") for pattern in CODE for path in root.glob(pattern))


@pytest.fixture(scope="module")
def families() -> dict[str, set[str]]:
    """Every metric of a fresh client by each name that a query can use, with its labels."""
    registry = prometheus_client.CollectorRegistry()
    config = molam_sdk.ClientConfig(api_key="sk_test_docs", base_url="http://127.0.0.1:9")
    molam_sdk.MolamSyncClient(config, registry=registry).close()
    secrets = RotatingSecrets("whsec_docs")
    secrets("v1")
    WebhookReceiver(secrets, MemoryStore(), registry=registry)
    inbox_metrics_for(registry)
    journal = MemoryJournal()
    watch_journal(journal, registry)
    found: dict[str, set[str]] = {}
    for family in registry.collect():
        found[family.name] = set()
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def commands_of(group: click.Command, prefix: str) -> set[str]:
    """Every command line of the tree: `molam`, `molam sandbox`, `molam webhooks tail`."""
    found = {prefix}
    if isinstance(group, click.Group):
        for name, command in group.commands.items():
            found |= commands_of(command, f"{prefix} {name}")
    return found


def test_every_metric_named_exists(text: str, families: dict[str, set[str]]) -> None:
    named = set(re.findall(r"\bmolam_sdk_[a-z_]+", text))
    assert named - families.keys() == set()


def test_every_label_of_a_query_exists(text: str, families: dict[str, set[str]]) -> None:
    for name, selector in re.findall(r"\b(molam_sdk_[a-z_]+)\{([^}]*)\}", text):
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
        assert labels <= families[name], f"{name} has {families[name]}"


def test_every_molam_command_exists(text: str) -> None:
    known = commands_of(molam, "molam")
    for line in re.findall(r"(?m)(?:`|^\s*(?:\$ )?)(molam(?: [a-z][a-z-]+)+)", text):
        words = line.split()
        assert " ".join(words[:2]) in known, line


def test_every_make_target_exists(text: str, root: Path) -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", (root / "Makefile").read_text("utf-8")))
    named = re.findall(r"(?m)(?:`|^\s*(?:\$ )?)make ([a-z][a-z -]*[a-z])", text)
    assert {word for words in named for word in words.split()} <= targets


def test_every_variable_is_read_somewhere(text: str, code: str) -> None:
    settings = {f"MOLAM_{field.name.upper()}" for field in dataclasses.fields(molam_sdk.ClientConfig)}
    named = set(re.findall(r"\b(?:MOLAM|TWINE|PROMETHEUS)_[A-Z][A-Z_]*[A-Z]\b", text)) - settings
    assert {name for name in named - FOREIGN_VARIABLES if not re.search(rf"\b{name}\b", code)} == set()


def test_every_error_named_exists(text: str) -> None:
    named = set(re.findall(r"`(?:molam_sdk\.)?([A-Z]\w+Error)`", text))
    assert {name for name in named if not hasattr(exceptions, name)} == set()


def test_every_setting_named_in_backticks_exists(text: str) -> None:
    settings = {field.name for field in dataclasses.fields(molam_sdk.ClientConfig)}
    named = set(re.findall(r"`((?:timeout|retry|pool|mtls|ca|max)_[a-z_]+)(?:=[^`]*)?`", text))
    assert {name for name in named - settings if not hasattr(exceptions.MolamError, name)} == set()


def test_every_file_named_exists(text: str, root: Path) -> None:
    linked = re.findall(r"\]\((?!https?://|#)([^)#]+)", text)
    quoted = re.findall(r"`((?:docs|ci|examples|tests|benchmarks|molam_sdk|\.ci)/[\w./-]+)`", text)
    assert [name for name in linked + quoted if not (root / name).exists()] == []


def subclasses(kind: type[BaseException]) -> set[str]:
    below = kind.__subclasses__()
    ours = {each.__name__ for each in below if each.__module__.startswith("molam_sdk.")}  # no test's own
    return ours.union(*map(subclasses, below))


def test_the_runbook_has_a_row_for_every_error(root: Path) -> None:
    rows = set(re.findall(r"(?m)^\| `(\w+Error)` \|", (root / "RUNBOOK.md").read_text("utf-8")))
    # PayloadError is how a RequestValidationError is pydantic's as well; its row says what to do.
    assert rows == subclasses(exceptions.MolamError) - {"PayloadError"}


def test_the_runbook_has_a_row_for_every_metric(root: Path, families: dict[str, set[str]]) -> None:
    rows = re.findall(r"(?m)^\| `(molam_sdk_\w+)` \|", (root / "RUNBOOK.md").read_text("utf-8"))
    shown = {re.sub(r"_(?:total|bucket|sum|count|created)$", "", name) for name in families}
    assert {name.removesuffix("_total") for name in rows} == shown


def test_the_runbook_says_what_to_do_about_every_result_of_a_webhook(root: Path) -> None:
    section = (root / "RUNBOOK.md").read_text("utf-8").partition("### Webhooks are refused")[2].partition("\n## ")[0]
    assert re.findall(r"(?m)^\| `(\w+)` \|", section) == ["result", *ANSWERS]


def test_the_runbook_has_a_row_for_every_field_of_a_log_line(root: Path) -> None:
    section = (root / "RUNBOOK.md").read_text("utf-8").partition("## Log lines")[2].partition("\n## ")[0]
    rows = {name for row in re.findall(r"(?m)^\| (`.*?) \|", section) for name in re.findall(r"`(\w+)`", row)}
    assert rows == call_fields() | webhook_fields()


def call_fields() -> set[str]:
    """The line of a call that raised after a replay: every field at once."""
    stream = io.StringIO()
    logger = setup_structured_logger(logging.INFO, name="docs", stream=stream)
    record = CallRecord(
        operation="create_refund",
        group="refunds",
        method="POST",
        code="500",
        outcome="unknown",
        attempts=2,
        retries=("500",),
        elapsed=0.1,
        idempotency_key="refund-7",
        request_id="req_1",
        replayed=True,
        error="ServerError",
        decline_reason="other",
    )
    LogObserver(logger).call_ended(record)
    return set(json.loads(stream.getvalue()))


def webhook_fields() -> set[str]:
    """The lines of a delivery that is handled, and of one that is refused."""
    stream = io.StringIO()
    logger = setup_structured_logger(logging.INFO, name="molam_sdk.webhooks", stream=stream)
    receiver = WebhookReceiver("whsec_docs", MemoryStore(), registry=prometheus_client.CollectorRegistry())
    receiver.on("*")(str)
    body = b'{"id": "evt_1", "type": "future.event", "created": 1, "data": {}}'
    headers = {"Idempotency-Key": "del_1", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    receiver.receive(headers | {"Molam-Signature": sign(body, "whsec_docs")}, body)
    receiver.receive(headers, body)
    logger.handlers.clear()
    logger.propagate = True
    return {name for line in stream.getvalue().splitlines() for name in json.loads(line)}
