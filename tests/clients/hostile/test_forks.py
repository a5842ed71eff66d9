"""A client made before a fork serves parent and children, in every way that shops fork: each run for real."""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import subprocess
import sys
import threading
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from molam_sdk import ClientConfig, MolamSyncClient
from tests.support.certificates import Certificates
from tests.support.http_server import HostileServer, Serve, created, error

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

PROGRAMS = Path(__file__).parent / "programs"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(params=["plain", "tls"])
def server(request: pytest.FixtureRequest, serve: Serve, certificates: Certificates, tls: Any) -> HostileServer:
    """A server, and the environment in which programs find it."""
    return serve(tls=tls if request.param == "tls" else None)


@pytest.fixture
def environment(server: HostileServer, certificates: Certificates, tmp_path: Path) -> dict[str, str]:
    """What the programs read."""
    ca = certificates.ca_file if server.tls is not None else ""
    path = os.pathsep.join([str(PROGRAMS), os.environ.get("PYTHONPATH", "")])
    # macOS refuses to fork after certain system calls unless told otherwise.
    return os.environ | {"HOSTILE_URL": server.url, "HOSTILE_CA": ca, "PYTHONPATH": path, "PYTHONWARNINGS": "",
                         "QUEUE_FOLDER": str(tmp_path), "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES"}  # fmt: skip


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Runs a program to its end."""

    def call(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "ignore::DeprecationWarning", str(PROGRAMS / name), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)

    return call


def pids_by_connection(server: HostileServer) -> dict[int, set[str]]:
    """Which processes sent requests over each connection."""
    found = defaultdict[int, set[str]](set)
    for seen in server.requests:
        found[seen.connection].add(seen.headers["x-pid"])
    return found


def assert_no_connection_is_shared(server: HostileServer, processes: int) -> None:
    found = pids_by_connection(server)
    assert all(len(pids) == 1 for pids in found.values()), found
    assert len(set().union(*found.values())) >= processes


def test_parent_and_children_share_a_client_but_no_socket(server: HostileServer, run: Run) -> None:
    done = run("fork_children.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(server.requests) == 1 + 4 * 25 + 100
    assert_no_connection_is_shared(server, 5)
    assert server.connections == 5


def test_a_fork_in_the_middle_of_calls_leaves_no_lock_held(server: HostileServer, run: Run) -> None:
    done = run("fork_under_threads.py", "16")
    assert (done.returncode, done.stderr) == (0, "")
    assert_no_connection_is_shared(server, 17)


@pytest.mark.parametrize("server", ["tls"], indirect=True)
def test_a_lock_that_the_parent_holds_at_the_fork_does_not_stop_the_child(server: HostileServer, run: Run) -> None:
    server.script += [created(), *[error(503, "x")] * 9]
    done = run("fork_with_locks_held.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) >= 6
    assert len(server.requests) == 1 + 9 + 3


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_multiprocessing_pool(server: HostileServer, run: Run, method: str) -> None:
    done = run("pool_of_processes.py", method)
    assert (done.returncode, done.stderr) == (0, "")
    assert_no_connection_is_shared(server, 2)


@contextlib.contextmanager
def started(command: list[str], environment: dict[str, str], ready: str) -> Iterator[re.Match[str]]:
    """A service that has said ``ready`` on stderr or stdout, until the block ends."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=PROGRAMS
    )
    assert process.stdout is not None
    said, found = "", None
    try:
        while found is None:
            line = process.stdout.readline()
            assert line, f"it ended: {said}"
            said += line
            found = re.search(ready, line)
        drain = threading.Thread(target=process.stdout.read)
        drain.start()
        yield found
    finally:
        process.terminate()
        process.wait(20)
        if found is not None:
            drain.join()
        process.stdout.close()


def test_gunicorn_with_preload_and_threads(server: HostileServer, environment: dict[str, str]) -> None:
    pytest.importorskip("gunicorn")
    command = [sys.executable, "-m", "gunicorn", "--preload", "--bind", "127.0.0.1:0", "--workers", "3", "--threads",
               "4", "--worker-class", "gthread", "--log-level", "info", "preloaded_app:app"]  # fmt: skip
    with started(command, environment, r"Listening at: (http://\S+)") as listening:

        def visit(_: int) -> str:
            with urllib.request.urlopen(listening[1], timeout=20) as page:
                return str(page.read().decode())

        with ThreadPoolExecutor(12) as pool:
            pids = set(pool.map(visit, range(120)))
    assert len(server.requests) == 121
    assert_no_connection_is_shared(server, 1 + len(pids))


@pytest.mark.slow
@pytest.mark.parametrize("server", ["tls"], indirect=True)
def test_celery_with_prefork(server: HostileServer, environment: dict[str, str], tmp_path: Path, run: Run) -> None:
    pytest.importorskip("celery")
    for name in ("messages", "results", "control"):
        (tmp_path / name).mkdir()
    command = [sys.executable, "-m", "celery", "-A", "queue_app", "worker", "--pool", "prefork", "--concurrency", "2",
               "--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"]  # fmt: skip
    with started(command, environment, r"\bready\.") as _:
        done = run("queue_producer.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert_no_connection_is_shared(server, 3)


def test_a_client_says_why_it_does_not_pickle() -> None:
    client = MolamSyncClient(ClientConfig(api_key="sk_test_x", base_url="https://api.test"))
    with pytest.raises(TypeError, match="each process"):
        pickle.dumps(client)
    client.close()


def test_a_config_pickles_so_that_each_process_can_make_its_client() -> None:
    config = ClientConfig(api_key="sk_test_x", base_url="https://api.test", bulkheads={"payouts": 2})
    assert pickle.loads(pickle.dumps(config)) == config
