"""The wheel and the sdist: what is in them, and that the package needs no extra."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

EXTRAS = "aiohttp starlette uvicorn sqlalchemy click django flask fastapi celery redis opentelemetry".split()
# Import paths in use by merchants.
PATHS = "client sync_client models exceptions cb metrics logging_setup webhooks".split()

IMPORT_WITHOUT_EXTRAS = """
import importlib, sys
for name in {extras!r}:
    sys.modules[name] = None
molam_sdk = importlib.import_module("molam_sdk")
"""


def without_extras(statement: str) -> subprocess.CompletedProcess[str]:
    """Run one statement in a fresh interpreter in which no extra's library can be imported."""
    source = IMPORT_WITHOUT_EXTRAS.format(extras=EXTRAS) + statement
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)


def test_the_wheel_holds_the_package_and_nothing_else(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"molam_sdk", "molam_python_sdk-0.1.0.dist-info"}


def test_the_wheel_is_typed_licensed_and_for_every_platform(dist: Path) -> None:
    (wheel,) = dist.glob("*-py3-none-any.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "molam_sdk/py.typed" in names
    assert "molam_python_sdk-0.1.0.dist-info/licenses/LICENSE" in names


def test_the_wheel_holds_every_module_of_the_tree(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    shipped = set(zipfile.ZipFile(wheel).namelist())
    written = {path.relative_to(dist.parent).as_posix() for path in dist.parent.glob("molam_sdk/**/*.py")}
    assert written <= shipped


def test_the_sdist_builds_the_same_package_without_tests_or_secrets(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = [name.split("/", 1)[1] for name in archive.getnames()]
    loose = [name for name in names if not name.startswith("molam_sdk/")]
    assert sorted(loose) == ["LICENSE", "PKG-INFO", "README.md", "pyproject.toml"]


@pytest.mark.parametrize("module", PATHS)
def test_a_public_import_path_needs_no_extra(module: str) -> None:
    done = without_extras(f"import molam_sdk.{module}")
    assert done.returncode == 0, done.stderr


def test_the_async_client_needs_no_extra() -> None:
    done = without_extras("molam_sdk.MolamAsyncClient(molam_sdk.ClientConfig(api_key='sk_test_x'))")
    assert done.returncode == 0, done.stderr
