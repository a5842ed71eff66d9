"""`molam ops export`: the files for whoever is on call, out of the package."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from molam_sdk.cli.commands import molam
from molam_sdk.ops import FOLDER, files

ALERTS = "prometheus/alerts.rules.yml"


def export(*arguments: str | Path) -> tuple[int, str]:
    ran = CliRunner().invoke(molam, ["ops", "export", *map(str, arguments)])
    return ran.exit_code, ran.output


def test_every_file_is_written_as_it_is(tmp_path: Path) -> None:
    code, told = export(tmp_path / "ops")
    assert code == 0
    assert told.split() == [str(tmp_path / "ops" / file) for file in files()]
    assert {path.suffix for path in files()} == {".yml", ".json"}
    for file in files():
        assert (tmp_path / "ops" / file).read_text("utf-8") == (FOLDER / file).read_text("utf-8")


def test_the_links_to_the_runbook_lead_where_one_says(tmp_path: Path) -> None:
    assert export(tmp_path, "--runbook", "https://wiki.test/molam")[0] == 0
    text = (tmp_path / ALERTS).read_text("utf-8")
    assert "runbook_url: https://wiki.test/molam#money-in-doubt" in text
    assert "runbook_url: RUNBOOK.md" not in text


def test_nothing_is_replaced_unless_one_says_so(tmp_path: Path) -> None:
    (tmp_path / "prometheus").mkdir()
    (tmp_path / ALERTS).write_text("mine")
    code, told = export(tmp_path)
    assert (code, "is there already" in told, (tmp_path / ALERTS).read_text()) == (1, True, "mine")
    assert list(tmp_path.rglob("*.json")) == []
    assert export(tmp_path, "--force")[0] == 0
    assert (tmp_path / ALERTS).read_text() != "mine"
