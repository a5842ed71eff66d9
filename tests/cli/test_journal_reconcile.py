"""`molam journal reconcile`: a line for each difference, its forms, its exit codes, and going on after a stop."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from molam_sdk import ClientConfig, MolamClient
from molam_sdk.cli.commands import molam
from molam_sdk.sandbox import Sandbox

ORDER: Any = {"amount": 5, "currency": "USD"}
ALL = ("--since", "24h", "--margin", "0m", "--per-second", "1000")


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox() as running:
        monkeypatch.setenv("MOLAM_JOURNAL", str(tmp_path / "molam.db"))
        monkeypatch.setenv("MOLAM_API_KEY", running.api_key)
        monkeypatch.setenv("MOLAM_BASE_URL", running.url)
        with MolamClient(ClientConfig.from_env()) as client:
            client.create_payment_intent(ORDER)
        yield running


@pytest.fixture
def beside(sandbox: Sandbox) -> Iterator[MolamClient]:
    with MolamClient(ClientConfig(api_key=sandbox.api_key, base_url=sandbox.url)) as client:
        yield client


@pytest.fixture
def run() -> Callable[..., Result]:
    return lambda *arguments: CliRunner().invoke(molam, ["journal", "reconcile", *arguments])


@pytest.mark.usefixtures("sandbox")
def test_where_nothing_differs_the_exit_code_is_0(run: Callable[..., Result]) -> None:
    result = run(*ALL)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "1 matched, 0 only_there, 0 only_here, 0 status, 0 amount; 0 in doubt" in result.stderr


def test_a_difference_is_a_line_in_each_form(run: Callable[..., Result], beside: MolamClient) -> None:
    found = beside.create_payment_intent(ORDER)
    plain, as_json, as_csv = run(*ALL), run(*ALL, "--json"), run(*ALL, "--csv")
    assert {plain.exit_code, as_json.exit_code, as_csv.exit_code} == {1}
    assert plain.stdout.split() == [
        "only_there", "payment_intent", found.id, "-", "here", "-,", "there", "requires_confirmation",
    ]  # fmt: skip
    difference, report = map(json.loads, as_json.stdout.splitlines())
    assert (difference["object_id"], report["counts"]["only_there"], report["matched"]) == (found.id, 1, 1)
    (row,) = csv.DictReader(io.StringIO(as_csv.stdout))
    assert (row["kind"], row["object_id"]) == ("only_there", found.id)


def test_it_stops_at_ctrl_c_and_goes_on(
    run: Callable[..., Result], beside: MolamClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = beside.create_payment_intent(ORDER)
    from molam_sdk._journalling.blocking.reconciling import Reconciling

    with monkeypatch.context() as patched:
        patched.setattr(Reconciling, "_look_for_unseen", _ctrl_c)
        stopped = run(*ALL)
    assert (stopped.exit_code, found.id in stopped.stdout) == (130, True)
    token = stopped.stderr.partition("--resume ")[2].split()[0]
    resumed = run(*ALL, "--resume", token)
    assert (resumed.exit_code, resumed.stdout) == (1, "")
    assert "1 only_there" in resumed.stderr


def _ctrl_c(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("wrong", [("--since", "24"), ("--since", "1d", "--margin", "x"), ()])
def test_a_time_that_is_none_is_refused(run: Callable[..., Result], wrong: tuple[str, ...]) -> None:
    assert run(*wrong).exit_code == 2


@pytest.mark.usefixtures("sandbox")
def test_what_is_no_token_is_refused(run: Callable[..., Result]) -> None:
    result = run(*ALL, "--resume", "x")
    assert result.exit_code == 1
    assert "resume must be" in result.stderr
