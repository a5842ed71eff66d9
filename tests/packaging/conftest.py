"""The repository as the packaging tests see it: its root, its metadata, and a built copy of it."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
RELEASED = ("pyproject.toml", "README.md", "LICENSE", "molam_sdk", "ci")


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's top folder."""
    return ROOT


@pytest.fixture(scope="session")
def pyproject(root: Path) -> dict[str, Any]:
    """The metadata as written, which an editable installation may lag behind."""
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


def copy_of(root: Path, target: Path) -> Path:
    """What a release is made from, copied so that no test touches the real dist/."""
    target.mkdir()
    for name in RELEASED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target / name)
    return target


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Path:
    """A copy of the repository, free to be built, broken and published."""
    return copy_of(root, tmp_path / "checkout")


@pytest.fixture(scope="session")
def dist(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist of this tree; nothing is fetched to build them."""
    tree = copy_of(root, tmp_path_factory.mktemp("build") / "checkout")
    build = [sys.executable, "-m", "build", "--no-isolation", "."]
    subprocess.run(build, cwd=tree, check=True, capture_output=True)
    return tree / "dist"
