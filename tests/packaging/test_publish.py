"""ci/publish_internal.sh against a real package index on this machine, and everything it refuses to do."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="bash; releases are made on Linux")]

PASSWORD = "an-index-password"
# pypiserver behind a plain WSGI server, in a process of its own because its imports warn.
INDEX = """
import pathlib, sys, wsgiref.simple_server, pypiserver
app = pypiserver.app(
    roots=[pathlib.Path(sys.argv[1])], authenticate=["update"], disable_fallback=True,
    auther=lambda user, password: (user, password) == ("__token__", sys.argv[2]),
)
server = wsgiref.simple_server.make_server("127.0.0.1", 0, app)
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """The URL of an empty package index that takes uploads from `__token__` with PASSWORD."""
    (tmp_path / "packages").mkdir()
    command = [sys.executable, "-c", INDEX, str(tmp_path / "packages"), PASSWORD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/"
        process.terminate()


def publish(checkout: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script from a folder that is not the repository, with nothing but these variables and PATH."""
    basics = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return subprocess.run(
        ["bash", str(checkout / "ci/publish_internal.sh")],
        cwd=checkout.parent,
        env=basics | {"PYTHON": sys.executable, "BUILD_FLAGS": "--no-isolation"} | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_release_is_uploaded_and_pip_installs_it(checkout: Path, index: str, tmp_path: Path) -> None:
    (checkout / "dist").mkdir()
    (checkout / "dist/molam_python_sdk-0.0.1.tar.gz").write_text("an old build that must not be uploaded")

    done = publish(checkout, TWINE_REPO_URL=index, TWINE_PASSWORD=PASSWORD)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"pip install --index-url {index}simple/ molam-python-sdk==0.1.0" in done.stdout
    assert PASSWORD not in done.stdout + done.stderr
    assert sorted(path.suffix for path in (tmp_path / "packages").iterdir()) == [".gz", ".whl"]
    install(index, tmp_path / "site")
    published, written = (folder / "molam_sdk/__init__.py" for folder in (tmp_path / "site", checkout))
    assert published.read_bytes() == written.read_bytes()


def install(index: str, target: Path) -> None:
    """pip itself, from this index alone; dependencies are another index's affair."""
    pip = [sys.executable, "-m", "pip", "--isolated", "install", "--quiet", "--no-deps"]
    pip += ["--target", str(target)]
    source = ["--index-url", f"{index}simple/", "molam-python-sdk==0.1.0"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    subprocess.run(pip + source, env=clean | {"PIP_CONFIG_FILE": os.devnull}, check=True, capture_output=True)


def release(checkout: Path) -> Path:
    """What `make release` leaves: the files, and what they were when they were tested."""
    build = [sys.executable, "-m", "build", "--no-isolation", "."]
    subprocess.run(build, cwd=checkout, check=True, capture_output=True)
    subprocess.run("sha256sum *.whl *.tar.gz > SHA256SUMS", shell=True, cwd=checkout / "dist", check=True)
    return checkout / "dist"


def test_what_was_tested_is_what_is_uploaded_to_one_index_after_the_other(
    checkout: Path, index: str, tmp_path: Path
) -> None:
    dist = release(checkout)
    tested = {path.name: path.read_bytes() for path in dist.iterdir() if path.name != "SHA256SUMS"}
    (checkout / "molam_sdk/__init__.py").write_text("raise SystemExit('a later change')")
    for _ in ("a staging index", "and the same files to the real one, here the same"):
        done = publish(checkout, TWINE_REPO_URL=index, TWINE_PASSWORD=PASSWORD, DIST="dist")
        assert done.returncode == 0, done.stdout + done.stderr
        assert {path.name: path.read_bytes() for path in (tmp_path / "packages").iterdir()} == tested
        for path in (tmp_path / "packages").iterdir():
            path.unlink()


@pytest.mark.parametrize("change", ["another byte", "another wheel", "no sums"])
def test_files_that_are_not_those_that_were_tested_are_refused(
    checkout: Path, index: str, tmp_path: Path, change: str
) -> None:
    dist = release(checkout)
    (wheel,) = dist.glob("*.whl")
    if change == "another byte":
        wheel.write_bytes(wheel.read_bytes() + b"x")
    elif change == "another wheel":
        (dist / "molam_python_sdk-9-py3-none-any.whl").write_bytes(wheel.read_bytes())
    else:
        (dist / "SHA256SUMS").unlink()

    done = publish(checkout, TWINE_REPO_URL=index, TWINE_PASSWORD=PASSWORD, DIST="dist")

    assert done.returncode == (2 if change == "no sums" else 4), done.stderr
    assert not list((tmp_path / "packages").iterdir())


def test_a_tree_with_changes_is_not_published(checkout: Path, index: str, tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.test"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], cwd=checkout, check=True, capture_output=True)
    (checkout / "molam_sdk/left_over.py").write_text("")

    done = publish(checkout, TWINE_REPO_URL=index, TWINE_PASSWORD=PASSWORD)

    assert (done.returncode, list((tmp_path / "packages").iterdir())) == (2, [])
    assert "left_over.py" in done.stderr


def test_the_build_is_not_told_the_password(checkout: Path, index: str) -> None:
    backend = "import os\nfrom poetry.core.masonry.api import *\nassert 'TWINE_PASSWORD' not in os.environ\n"
    (checkout / "watching_backend.py").write_text(backend)
    project = checkout / "pyproject.toml"
    text = project.read_text().replace('"poetry.core.masonry.api"', '"watching_backend"\nbackend-path = ["."]')
    text = text.replace('{ include = "molam_sdk" }', '{ include = "molam_sdk" }, { include = "watching_backend.py" }')
    project.write_text(text)

    done = publish(checkout, TWINE_REPO_URL=index, TWINE_PASSWORD=PASSWORD)

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_password_uploads_nothing_and_says_so(checkout: Path, index: str, tmp_path: Path) -> None:
    done = publish(checkout, TWINE_REPO_URL=index, TWINE_PASSWORD="wrong")

    assert done.returncode == 5
    assert "the upload failed" in done.stderr
    assert not list((tmp_path / "packages").iterdir())


REFUSALS = [
    ({}, "missing: TWINE_REPO_URL TWINE_PASSWORD"),
    ({"TWINE_PASSWORD": "x"}, "missing: TWINE_REPO_URL."),
    ({"TWINE_REPO_URL": "https://x.example"}, "missing: TWINE_PASSWORD."),
    ({"TWINE_REPO_URL": "https://x.example", "TWINE_PASSWORD": ""}, "missing: TWINE_PASSWORD."),
    ({"TWINE_REPO_URL": "http://x.example", "TWINE_PASSWORD": "x"}, "must be https"),
    ({"TWINE_REPO_URL": "https://me:pw@x.example", "TWINE_PASSWORD": "x"}, "put them into TWINE_USERNAME"),
    ({"TWINE_REPO_URL": "https://x.example", "TWINE_PASSWORD": "x", "PYTHON": "/no/python"}, "has no build"),
]


@pytest.mark.parametrize(("variables", "sentence"), REFUSALS)
def test_what_is_missing_is_named_before_anything_is_built(
    checkout: Path, variables: dict[str, str], sentence: str
) -> None:
    done = publish(checkout, **variables)

    assert done.returncode == 2
    assert sentence in done.stderr
    assert not (checkout / "dist").exists()


def test_a_tree_that_does_not_build_is_not_published(checkout: Path, index: str, tmp_path: Path) -> None:
    (checkout / "pyproject.toml").write_text("this is no TOML")

    done = publish(checkout, TWINE_REPO_URL=index, TWINE_PASSWORD=PASSWORD)

    assert (done.returncode, list((tmp_path / "packages").iterdir())) == (3, [])


def test_a_tag_that_is_not_the_version_is_not_published(checkout: Path, index: str, tmp_path: Path) -> None:
    tag = {"GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "v9.9.9"}

    done = publish(checkout, TWINE_REPO_URL=index, TWINE_PASSWORD=PASSWORD, **tag)

    assert (done.returncode, list((tmp_path / "packages").iterdir())) == (2, [])
    assert "pyproject.toml says 0.1.0" in done.stderr
