"""GitHub, Docker, pre-commit and .ci/run call only what people call, with no more rights than needed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def workflow(root: Path) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load((root / ".github/workflows/ci.yml").read_text("utf-8"))
    return loaded


@pytest.fixture(scope="module")
def targets(root: Path) -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text("utf-8"), re.MULTILINE))


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def unknown_commands(text: str, targets: set[str]) -> list[str]:
    """The commands of a script that are neither make targets nor the two scripts of ours."""
    wrong = []
    for line in filter(None, map(str.strip, text.splitlines())):
        words = line.split()
        if line in {"bash .ci/run", "bash ci/publish_internal.sh"}:
            continue
        goals = [word for word in words[1:] if "=" not in word]
        if words[0] != "make" or not goals or not targets.issuperset(goals):
            wrong.append(line)
    return wrong


def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(root: Path) -> None:
    lines = re.findall(r"uses: (.*)", (root / ".github/workflows/ci.yml").read_text("utf-8"))
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_the_workflow_may_only_read_and_no_job_asks_for_more(workflow: dict[Any, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    more = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    assert more == {"release": {"contents": "read", "id-token": "write", "attestations": "write"}}  # to attest


def test_a_checkout_leaves_no_token_behind(workflow: dict[Any, Any]) -> None:
    checkouts = [step for step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert len(checkouts) == len(workflow["jobs"])


def test_github_runs_only_what_people_run(workflow: dict[Any, Any], targets: set[str]) -> None:
    commands = [step["run"] for step in steps(workflow) if "run" in step]
    assert len(commands) >= len(workflow["jobs"])
    assert [command for command in commands if unknown_commands(command, targets)] == []


def test_no_text_from_outside_reaches_a_shell(workflow: dict[Any, Any]) -> None:
    assert [step["run"] for step in steps(workflow) if "${{" in step.get("run", "")] == []


def test_the_matrix_is_three_systems_and_every_job_has_an_end(workflow: dict[Any, Any]) -> None:
    systems = [workflow["jobs"]["test"]["runs-on"], *workflow["jobs"]["elsewhere"]["strategy"]["matrix"]["os"]]
    assert [name.split("-")[0] for name in systems] == ["ubuntu", "macos", "windows"]
    assert all(job["timeout-minutes"] <= 30 for job in workflow["jobs"].values())


def test_a_tag_is_published_only_after_everything_else_passed(workflow: dict[Any, Any]) -> None:
    publish = workflow["jobs"]["publish"]
    assert publish["if"] == "startsWith(github.ref, 'refs/tags/v')"
    assert set(publish["needs"]) == set(workflow["jobs"]) - {"publish"}
    assert publish["steps"][-1]["run"] == "bash ci/publish_internal.sh"


def test_no_store_is_missing_where_all_of_them_stand(workflow: dict[Any, Any]) -> None:
    for name in ("test", "oldest"):
        job = workflow["jobs"][name]
        assert set(job["services"]) == {"postgres", "mariadb", "redis", "rabbitmq"}
        assert job["env"]["MOLAM_TEST_REQUIRE_STORES"] == "1"


def test_what_is_published_was_built_by_the_job_that_tried_it(workflow: dict[Any, Any]) -> None:
    built, published = (workflow["jobs"][name]["steps"] for name in ("release", "publish"))
    assert any("release" in step.get("run", "").split() for step in built)
    assert built[-1]["with"] == {"name": "dist", "path": "dist", "if-no-files-found": "error"}
    assert published[-2]["with"] == {"name": "dist", "path": "dist"}
    assert published[-1]["env"]["DIST"] == "dist"
    assert workflow["jobs"]["publish"]["strategy"] == {"max-parallel": 1, "matrix": {"stage": ["staging", "release"]}}


def test_secrets_reach_only_the_step_that_needs_them(workflow: dict[Any, Any]) -> None:
    holders = [step["run"] for step in steps(workflow) if "secrets." in str(step)]
    assert holders == ["make integration PYTHON=python", "bash ci/publish_internal.sh"]
    shared = [workflow.get("env"), *(job.get("env") for job in workflow["jobs"].values())]
    assert "secrets" not in str(shared)


def test_pre_commit_hooks_are_local_and_call_the_makefile(root: Path, targets: set[str]) -> None:
    config = yaml.safe_load((root / ".pre-commit-config.yaml").read_text("utf-8"))
    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    entries = [hook["entry"] for repo in config["repos"] for hook in repo["hooks"]]
    assert entries
    assert [entry for entry in entries if unknown_commands(entry, targets)] == []


def test_ci_run_calls_only_make_targets(root: Path, targets: set[str]) -> None:
    called = re.findall(r"^ *step \w+ (make .*)", (root / ".ci/run").read_text("utf-8"), re.MULTILINE)
    assert len(called) >= 6
    assert [line for line in called if unknown_commands(line, targets)] == []


def test_the_image_runs_the_script_as_an_ordinary_user(root: Path) -> None:
    lines = (root / "Dockerfile.ci").read_text("utf-8").splitlines()
    user = next(index for index, line in enumerate(lines) if line.startswith("USER "))
    assert lines[user] != "USER root"
    assert lines[-1] == 'CMD ["bash", ".ci/run"]'
    assert user < len(lines) - 1


def test_every_make_target_is_phony_and_explained(root: Path, targets: set[str]) -> None:
    text = (root / "Makefile").read_text("utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)", text, re.MULTILINE)
    assert set(phony.split()) == targets
    assert set(re.findall(r"^([a-z-]+):.*## \S", text, re.MULTILINE)) == targets


@pytest.mark.skipif(sys.platform == "win32" or shutil.which("make") is None, reason="needs make and sh")
def test_the_demo_does_not_wait_for_the_development_tools(root: Path, tmp_path: Path) -> None:
    command = ["make", "--dry-run", "demo", f"VENV={tmp_path}/venv"]
    plan = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    assert '".[sandbox,cli]"' in plan
    assert "--group" not in plan


@pytest.mark.skipif(sys.platform == "win32" or shutil.which("make") is None, reason="needs make and sh")
@pytest.mark.parametrize(("target", "groups"), [("test", "dev"), ("quick", "test"), ("bounds", "test")])
def test_what_the_tests_need_comes_from_the_groups_after_a_pip_that_reads_them(
    root: Path, tmp_path: Path, target: str, groups: str
) -> None:
    command = ["make", "--dry-run", target, f"VENV={tmp_path}/venv"]
    plan = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    assert re.findall(r"--group (\w+)", plan) == [groups]
    assert 0 < plan.index('--upgrade "pip>=25.1"') < plan.index("--group")


@pytest.mark.skipif(sys.platform == "win32" or shutil.which("make") is None, reason="needs make and sh")
def test_a_python_without_venv_is_told_in_a_sentence_and_nothing_is_made(root: Path, tmp_path: Path) -> None:
    bare = tmp_path / "python3"
    bare.write_text("#!/bin/sh\necho \"ModuleNotFoundError: No module named 'ensurepip'\" >&2\nexit 1\n")
    bare.chmod(0o755)
    command = ["make", "--silent", "demo", f"PYTHON={bare}", f"VENV={tmp_path}/venv"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode != 0
    assert "apt install python3-venv" in done.stderr
    assert not (tmp_path / "venv").exists()


CLOSING_LINES = """
=== 5 passed, 2 skipped in 1.00s ===
SKIPPED [2] tests/webhooks/test_stores.py:30: MOLAM_TEST_POSTGRES_URL is not set
"""


@pytest.mark.skipif(sys.platform == "win32" or shutil.which("bash") is None, reason="needs bash")
def ci_run(root: Path, folder: Path, make: str) -> subprocess.CompletedProcess[str]:
    """.ci/run where `make` is this script."""
    for name in (".ci", "bin"):
        (folder / name).mkdir()
    shutil.copy2(root / ".ci/run", folder / ".ci/run")
    program = folder / "bin" / "make"
    program.write_text(f"#!/bin/sh\n{make}\n")
    program.chmod(0o755)
    environment = {"PATH": f"{folder}/bin:/usr/bin:/bin", "HOME": str(folder), "PYTHON": sys.executable}
    return subprocess.run(["bash", ".ci/run"], cwd=folder, env=environment, capture_output=True, text=True)


AT_SECOND_TRY = """
========== 1 failed, 4 passed in 4.00s ==========
========== 1 passed in 1.00s ==========
FLAKY tests/test_it.py::test_that_waits
"""


@pytest.mark.parametrize("status", [0, 1])
def test_what_passes_at_the_second_try_is_told_and_not_red(root: Path, tmp_path: Path, status: int) -> None:
    done = ci_run(root, tmp_path, f"cat <<'END'{AT_SECOND_TRY}END\ncase $1 in .venv*) exit 0 ;; esac\nexit {status}")
    steps_run = len(re.findall(r"(?m)^=== \w+: (?:ok|FAILED)", done.stdout))
    failed = status * steps_run
    assert done.stdout.splitlines()[-1] == f"ci: {5 * steps_run} passed, {failed} failed, 0 skipped"
    assert (done.returncode, f"s, {steps_run} flaky" in done.stdout) == (status, True)
    assert "  test: flaky: tests/test_it.py::test_that_waits" in done.stdout


def test_ci_run_counts_skips_and_shows_why(root: Path, tmp_path: Path) -> None:
    done = ci_run(root, tmp_path, f"cat <<'END'{CLOSING_LINES}END")
    steps_run = len(re.findall(r"(?m)^=== \w+: ok", done.stdout))
    assert done.stdout.splitlines()[-1] == f"ci: {5 * steps_run} passed, 0 failed, {2 * steps_run} skipped"
    assert "  test: [2] tests/webhooks/test_stores.py:30: MOLAM_TEST_POSTGRES_URL is not set" in done.stdout
