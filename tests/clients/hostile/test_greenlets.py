"""gevent, patched before the SDK is imported or after a client was made (``gunicorn --preload -k gevent``)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.http_server import Serve

PROGRAM = Path(__file__).parent / "programs" / "greenlets.py"


@pytest.mark.parametrize("patched", ["before", "after"])
def test_two_hundred_greenlets_share_a_client_a_lookup_and_a_key(serve: Serve, patched: str) -> None:
    pytest.importorskip("gevent")
    server = serve()
    url = f"http://localhost:{server.port}"
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", str(PROGRAM), patched, url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, "200 ['pi_1'] True\n"), ran.stderr
    assert len({request.key for request in server.requests}) == len(server.requests) == 200


@pytest.mark.parametrize("patched", ["before", "after"])
def test_two_hundred_greenlets_share_a_source_of_secrets(patched: str) -> None:
    pytest.importorskip("gevent")
    program = PROGRAM.with_name("greenlet_secrets.py")
    command = [sys.executable, "-W", "ignore", str(program), patched]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    # Asked at first, once more ahead of its end, for which those wait who come at its end, and once after that.
    assert (ran.returncode, ran.stdout) == (0, "[1, 1, 1, 1] 3 True True\n"), ran.stderr


def test_a_preloaded_shop_answers_everybody_and_obeys_sigterm(serve: Serve) -> None:
    pytest.importorskip("gevent")
    pytest.importorskip("gunicorn")
    server = serve()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--preload", "-k", "gevent", "-w", "1", "-b", f"127.0.0.1:{port}", "--graceful-timeout", "5"]
    command = [sys.executable, "-W", "ignore", "-m", "gunicorn", *options, "preloaded_shop:application"]
    environment = os.environ | {"SHOP_MOLAM_URL": f"http://localhost:{server.port}"}
    shop = subprocess.Popen(command, cwd=PROGRAM.parent, env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        with ThreadPoolExecutor(50) as pool:
            found = list(pool.map(lambda _: _buy(port), range(100)))
        assert found == ["pi_1"] * 100
        shop.send_signal(signal.SIGTERM)
        assert shop.wait(10) == 0
    finally:
        shop.kill()
        shop.wait()


def _buy(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as answer:
        return str(answer.read().decode())


def _wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the shop does not begin to listen")
