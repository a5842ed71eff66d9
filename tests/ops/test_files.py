"""The files for whoever is on call: Prometheus takes them, expressions find their series, links their section."""

from __future__ import annotations

import json
import logging
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from molam_sdk.ops import FOLDER
from molam_sdk.receiver.answers import ANSWERS
from tests.support.ops_shop import OpsShop
from tests.support.prometheus import Prometheus, needs_prometheus
from tests.support.sandbox_process import Process

PROMETHEUS: Final = FOLDER / "prometheus"
ROOT: Final = Path(__file__).parents[2]
RULES: Final = ("recording.rules.yml", "alerts.rules.yml")
_SELECTOR: Final = re.compile(r"\b(molam[_:][a-z0-9_:]+)(\{[^}]*\})?")
_VARIABLES: Final = {"$__rate_interval": "1m", '=~"$job"': '=~".*"'}
# Only where an API key expires, which those of a sandbox do not.
_NOT_OF_EVERY_SHOP: Final = {"molam_sdk_api_key_seconds_left"}


def rules(name: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / name).read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / "grafana" / "molam.json").read_text("utf-8"))["panels"]
    return found


def queries() -> list[str]:
    """Of every panel, its variables filled in."""
    found = [target["expr"] for panel in panels() for target in panel["targets"]]
    for variable, value in _VARIABLES.items():
        found = [query.replace(variable, value) for query in found]
    return found


def anchors(document: Path) -> set[str]:
    heads = re.findall(r"(?m)^#+ (.*)$", document.read_text("utf-8"))
    return {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}


def test_promtool_takes_the_rules_and_sees_each_alert_fire() -> None:
    promtool = needs_prometheus("promtool")
    for command in (f"check rules {' '.join(RULES)}", "check config prometheus.yml", "test rules rules_test.yml"):
        ran = subprocess.run([promtool, *command.split()], cwd=PROMETHEUS, capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_alert_is_fired_by_a_test_of_promtool() -> None:
    text = (PROMETHEUS / "rules_test.yml").read_text("utf-8")
    fired = set(re.findall(r'alertname="(\w+)",alertstate="firing",.*?value: 1', text)) | set(
        re.findall(r"alertname: (\w+)", text)
    )
    assert {rule["alert"] for rule in rules("alerts.rules.yml")} == fired


def test_the_webhooks_that_fail_by_our_fault_are_those_that_the_table_of_answers_logs_as_errors() -> None:
    (failed,) = (rule["expr"] for rule in rules("recording.rules.yml") if "webhooks_failed" in rule["record"])
    counted = re.search(r'result=~"([^"]*)"', failed)
    assert counted is not None
    assert set(counted[1].split("|")) == {result for result, rule in ANSWERS.items() if rule.level == logging.ERROR}


@pytest.mark.parametrize("rule", rules("alerts.rules.yml"), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_urgent_it_is_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "warning")
    assert {"summary", "description"} < rule["annotations"].keys()
    document, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert (document, anchor in anchors(ROOT / "RUNBOOK.md")) == ("RUNBOOK.md", True), anchor


def test_the_dashboard_shows_each_thing_once_and_nothing_lies_on_another() -> None:
    places = [panel["gridPos"] for panel in panels()]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in panels()}) == len({panel["title"] for panel in panels()}) == len(panels())


def test_the_compose_file_mounts_what_is_there() -> None:
    compose = yaml.safe_load((FOLDER / "compose.yml").read_text("utf-8"))
    volumes = [volume for service in compose["services"].values() for volume in service.get("volumes", ())]
    mounts = [volume.partition(":")[0] for volume in volumes]
    assert [mount for mount in mounts if mount.startswith("./") and not (FOLDER / mount).exists()] == []
    assert {mount for mount in mounts if not mount.startswith("./")} == compose["volumes"].keys()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It looks at a shop that sells."""
    needs_prometheus()
    folder = tmp_path_factory.mktemp("live")
    sandbox = Process()
    try:
        with OpsShop(folder, sandbox) as shop, Prometheus(folder, shop.target, limits={}) as prometheus:
            sold = "molam:webhooks:increase10m > 0 and on() molam:declined_calls:ratio_rate1d >= 0"
            prometheus.wait_until(lambda: bool(prometheus.query(sold)), "the shop sells, and the rules are recorded")
            yield prometheus
    finally:
        sandbox.kill()


@pytest.mark.slow
def test_every_series_that_a_rule_or_a_panel_names_stands_in_a_live_process(prometheus: Prometheus) -> None:
    expressions = [rule["expr"] for name in RULES for rule in rules(name)] + queries()
    named = {name + labels for each in expressions for name, labels in _SELECTOR.findall(each)}
    missing = {each for each in named if not prometheus.query(f"count({each}) > 0")}
    assert missing == _NOT_OF_EVERY_SHOP


@pytest.mark.slow
@pytest.mark.parametrize("query", queries())
def test_every_panel_shows_something_of_a_shop_that_sells(query: str, prometheus: Prometheus) -> None:
    assert prometheus.query(query), query
