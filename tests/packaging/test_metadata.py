"""What pyproject.toml promises: extras, bounds that are tested, and Pythons that CI really runs."""

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.slow

RUNTIME = {"requests", "pydantic", "pybreaker", "prometheus-client"}
BROUGHT_BY_THEM = {"certifi", "pydantic-core", "typing-extensions", "urllib3"}
EXTRAS = set(
    "async sandbox cli django flask fastapi aiohttp celery redis redis-async sql sql-async crypto otel".split()
    + "vault aws azure gcp keyring flags all".split()
)
# Libraries on whose inside something of ours stands: their next major version may move it.
STOOD_ON = {"requests", "urllib3", "pydantic", "pybreaker", "prometheus-client", "uvicorn"}


def split_bound(requirement: str) -> tuple[str, str]:
    """`name>=1.2,!=1.3,<2; marker` as (name, lower bound)."""
    found = re.fullmatch(r"([\w-]+)(?:\[[\w,-]+\])?>=([\d.]+)(?:,!=[\d.]+)*(?:,<[\d.]+)?(?:;.*)?", requirement)
    assert found, f"{requirement!r} has no plain lower bound"
    return found[1].lower(), found[2]


def runtime_requirements(pyproject: dict[str, Any]) -> list[str]:
    extras = pyproject["project"]["optional-dependencies"]
    chosen = [line for name, lines in extras.items() if name != "all" for line in lines]
    return [*pyproject["project"]["dependencies"], *chosen]


def group(pyproject: dict[str, Any], name: str) -> list[str]:
    """The requirements of a dependency group, with those of the groups it includes."""
    found = []
    for line in pyproject["dependency-groups"][name]:
        found += group(pyproject, line["include-group"]) if isinstance(line, dict) else [line]
    return found


def test_a_plain_install_brings_four_libraries_and_what_they_bring(pyproject: dict[str, Any]) -> None:
    declared = {split_bound(line)[0] for line in pyproject["project"]["dependencies"]}
    assert declared == RUNTIME | BROUGHT_BY_THEM
    theirs = [line for name in RUNTIME for line in importlib.metadata.requires(name) or () if "extra ==" not in line]
    assert {re.split(r"[^\w-]", line.lower().replace("_", "-"))[0] for line in theirs} >= BROUGHT_BY_THEM


def test_every_documented_extra_exists_and_none_is_for_us_only(pyproject: dict[str, Any]) -> None:
    assert set(pyproject["project"]["optional-dependencies"]) == EXTRAS
    assert set(pyproject["dependency-groups"]) == {"test", "dev", "bench", "docs"}


def test_the_asyncio_client_needs_no_library_of_its_own(pyproject: dict[str, Any]) -> None:
    assert pyproject["project"]["optional-dependencies"]["async"] == []


def test_a_library_whose_inside_we_use_has_an_upper_bound(pyproject: dict[str, Any]) -> None:
    bounded = {split_bound(line)[0] for line in runtime_requirements(pyproject) if ",<" in line}
    assert bounded >= STOOD_ON


def test_all_is_every_extra_that_runs_in_production(pyproject: dict[str, Any]) -> None:
    extras = pyproject["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    assert set(everything.partition("[")[2].rstrip("]").split(",")) == set(extras) - {"all"}


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


def test_the_version_is_written_in_one_place(pyproject: dict[str, Any], root: Path) -> None:
    version = pyproject["project"]["version"]
    sources = [root / "pyproject.toml", *root.glob("molam_sdk/**/*.py"), *root.glob("ci/*.*"), root / "Makefile"]
    assert [path.name for path in sources if f'"{version}"' in path.read_text("utf-8")] == ["pyproject.toml"]


def test_the_package_names_the_version_it_was_installed_with() -> None:
    import molam_sdk

    assert molam_sdk.__version__ == importlib.metadata.version("molam-python-sdk")


@pytest.mark.parametrize("tool", "pytest mypy basedpyright ruff bandit pip-audit build twine".split())
def test_dev_brings_every_tool_that_the_makefile_calls(pyproject: dict[str, Any], tool: str) -> None:
    assert tool in {split_name(line) for line in group(pyproject, "dev")}


def split_name(requirement: str) -> str:
    return re.split(r"[^\w-]", requirement)[0].lower()


@pytest.mark.parametrize(
    ("installed", "version"),
    [("molam_python_sdk-1.2.3.dist-info", "1.2.3"), ("molam_python_sdk_extras-9.9.9.dist-info", "0+unknown")],
)
def test_the_version_is_found_wherever_the_package_was_installed(tmp_path: Path, installed: str, version: str) -> None:
    import molam_sdk

    (tmp_path / installed).mkdir()
    package = Path(molam_sdk.__file__).parent
    program = (
        f"import sys; sys.path[:] = [{str(tmp_path)!r}, *(p for p in sys.path if 'site-packages' not in p)]\n"
        "import importlib.util as u\n"
        f"spec = u.spec_from_file_location('v', {str(package / '_version.py')!r})\n"
        "module = u.module_from_spec(spec); spec.loader.exec_module(module); print(module.version())"
    )
    assert subprocess.check_output([sys.executable, "-I", "-c", program], text=True).strip() == version
