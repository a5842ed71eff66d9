"""What pyproject.toml promises: extras, bounds that are tested, and Pythons that CI really runs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

RUNTIME = {"requests", "pydantic", "pybreaker", "prometheus-client"}
EXTRAS = set("async sandbox cli django flask fastapi celery redis sql otel bench test dev all".split())
NOT_RUNTIME = {"bench", "test", "dev", "all"}


def split_bound(requirement: str) -> tuple[str, str]:
    """`name>=1.2; marker` as (name, lower bound)."""
    found = re.fullmatch(r"([\w-]+)(?:\[[\w,-]+\])?>=([\d.]+)(?:,<[\d.]+)?(?:;.*)?", requirement)
    assert found, f"{requirement!r} has no plain lower bound"
    return found[1].lower(), found[2]


def runtime_requirements(pyproject: dict[str, Any]) -> list[str]:
    extras = pyproject["project"]["optional-dependencies"]
    chosen = [line for name, lines in extras.items() if name not in NOT_RUNTIME for line in lines]
    return pyproject["project"]["dependencies"] + [line for line in chosen if not line.startswith("molam-")]


def test_a_plain_install_brings_four_libraries(pyproject: dict[str, Any]) -> None:
    assert {split_bound(line)[0] for line in pyproject["project"]["dependencies"]} == RUNTIME


def test_every_documented_extra_exists(pyproject: dict[str, Any]) -> None:
    assert set(pyproject["project"]["optional-dependencies"]) >= EXTRAS


def test_all_is_every_extra_that_runs_in_production(pyproject: dict[str, Any]) -> None:
    extras = pyproject["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    assert set(everything.partition("[")[2].rstrip("]").split(",")) == set(extras) - NOT_RUNTIME


def test_the_tested_lower_bounds_are_the_promised_ones(pyproject: dict[str, Any], root: Path) -> None:
    lines = (root / "ci/lower-bounds.txt").read_text("utf-8").splitlines()
    tested = dict(line.split("==") for line in lines if not line.startswith("#"))
    promised: dict[str, str] = {}
    for name, bound in map(split_bound, runtime_requirements(pyproject)):
        assert promised.setdefault(name, bound) == bound, f"two lower bounds for {name}"
    assert tested == promised


def test_the_lower_bounds_are_in_order(root: Path) -> None:
    lines = (root / "ci/lower-bounds.txt").read_text("utf-8").splitlines()
    bounds = [line for line in lines if not line.startswith("#")]
    assert bounds == sorted(bounds)


def test_ci_runs_every_python_that_the_classifiers_name(pyproject: dict[str, Any], root: Path) -> None:
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(pyproject["project"]["classifiers"]))
    workflow = yaml.safe_load((root / ".github/workflows/ci.yml").read_text("utf-8"))
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == named
    (searched,) = re.findall(r"for version in (.*); do", (root / ".ci/run").read_text("utf-8"))
    assert searched.split() == named


def test_the_package_and_its_metadata_name_one_version(pyproject: dict[str, Any]) -> None:
    import molam_sdk

    assert molam_sdk.__version__ == pyproject["project"]["version"]


@pytest.mark.parametrize("tool", "pytest mypy basedpyright ruff bandit pip-audit build twine".split())
def test_dev_brings_every_tool_that_the_makefile_calls(pyproject: dict[str, Any], tool: str) -> None:
    extras = pyproject["project"]["optional-dependencies"]
    assert any(line.startswith((f"{tool}>", f"{tool}[")) for line in extras["dev"] + extras["test"])
    assert "molam-python-sdk[all,test]" in extras["dev"]
