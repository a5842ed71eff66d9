"""Keys that are rotated, expire and are refused while many threads and tasks make calls: no call fails."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from molam_sdk import ClientConfig, MolamAsyncClient, MolamSyncClient
from molam_sdk.secrets import CallableSource, FileSource, Keeping, VaultSource, first
from tests.support.keys import ORDER, KeyServer, token
from tests.support.vault import VaultDouble

THREADS, TASKS, ENOUGH_SECONDS = 32, 100, 60.0
LIFE = 2.0
"""Seconds that a token lives: long enough for a request on a busy machine, which the last fifth must hold."""
EACH = 800
"""Requests between two rotations: no call is so slow that it meets two of them, for it renews its key once."""

pytestmark = pytest.mark.slow


@pytest.fixture(params=["threads", "tasks"])
def load(request: pytest.FixtureRequest) -> Callable[[ClientConfig, Callable[[], bool]], int]:
    """Makes payments by many at once until told that it is enough; how many there were. Raises what a call raises."""
    return _by_threads if request.param == "threads" else _by_tasks


def _by_threads(config: ClientConfig, enough: Callable[[], bool]) -> int:
    deadline, made = time.monotonic() + ENOUGH_SECONDS, []
    with MolamSyncClient(config, cb_name="rotation") as client, ThreadPoolExecutor(THREADS) as pool:

        def pay() -> None:
            while not enough() and time.monotonic() < deadline:
                client.create_payment_intent(ORDER)
                made.append(1)

        for paying in [pool.submit(pay) for _ in range(THREADS)]:
            paying.result()
    assert enough(), "it did not come to that in time"
    return len(made)


def _by_tasks(config: ClientConfig, enough: Callable[[], bool]) -> int:
    async def main() -> int:
        deadline, made = time.monotonic() + ENOUGH_SECONDS, 0
        async with MolamAsyncClient(config, cb_name="rotation") as client:

            async def pay() -> None:
                nonlocal made
                while not enough() and time.monotonic() < deadline:
                    await client.create_payment_intent(ORDER)
                    made += 1

            await asyncio.gather(*(pay() for _ in range(TASKS)))
        return made

    made = asyncio.run(main())
    assert enough(), "it did not come to that in time"
    return made


def config_of(server: KeyServer, api_key: Any) -> ClientConfig:
    return ClientConfig(api_key=api_key, base_url=server.url, max_retries=0)


def swap(link: Path, folder: str, text: str) -> None:
    """As Kubernetes does: another folder, and the link to it replaced in one step."""
    made = link.parent / folder
    made.mkdir()
    (made / "api_key").write_text(text)
    fresh = link.parent / f"{folder}_link"
    fresh.symlink_to(folder)
    fresh.replace(link)


def test_a_key_file_is_swapped_again_and_again(load: Any, tmp_path: Path) -> None:
    data = tmp_path / "..data"
    swap(data, "0", "sk_test_0")

    def rotate(number: int) -> None:
        if number and number % EACH == 0 and number <= 3 * EACH:
            key = f"sk_test_{number // EACH}"
            swap(data, str(number), key)
            server.valid = {key}  # and the old one is revoked at once

    with KeyServer("sk_test_0", before_each=rotate) as server:
        load(config_of(server, FileSource(data / "api_key")), lambda: "sk_test_3" in server.keys)
        assert server.keys == [f"sk_test_{number}" for number in range(4)]


def test_tokens_expire(load: Any) -> None:
    minted: list[str] = []

    def mint() -> str:
        minted.append(token(LIFE, jti=len(minted)))
        return minted[-1]

    with KeyServer() as server:
        began = time.monotonic()
        load(config_of(server, mint), lambda: len(server.keys) >= 3)
        assert server.keys == minted[: len(server.keys)]
        assert len(minted) <= (time.monotonic() - began) / (0.7 * LIFE) + 2  # one renewal for all, ahead of time


def test_vault_goes_down_and_comes_back(load: Any) -> None:
    def change(number: int) -> None:
        if number == 200:
            vault.state = "sealed"
        if number == 600:
            vault.state = "gone"
        if number == 1000:
            vault.secrets["secret/shop"] = {"api_key": "sk_test_new"}
            server.valid.add("sk_test_new")
            vault.state = "up"

    with VaultDouble() as vault, KeyServer("sk_test_old", before_each=change) as server:
        vault.secrets["secret/shop"] = {"api_key": "sk_test_old"}
        source = VaultSource(
            "shop", "api_key", client=vault.client(), keeping=Keeping(ttl_seconds=0.2, stale_for=ENOUGH_SECONDS)
        )
        load(config_of(server, source), lambda: "sk_test_new" in server.keys)
        assert (server.keys, server.refused()) == (["sk_test_old", "sk_test_new"], 0)
        assert vault.refused > 0


def test_a_chain_falls_back_while_vault_is_down_from_the_start(load: Any, tmp_path: Path) -> None:
    (tmp_path / "api_key").write_text("sk_test_file")

    def change(number: int) -> None:
        if number == 400:
            vault.state = "up"

    with VaultDouble() as vault, KeyServer("sk_test_file", "sk_test_vault", before_each=change) as server:
        vault.secrets["secret/shop"], vault.state = {"api_key": "sk_test_vault"}, "sealed"
        source = first(
            VaultSource("shop", "api_key", client=vault.client()),
            FileSource(tmp_path / "api_key"),
            keeping=Keeping(ttl_seconds=0.2),
        )
        load(config_of(server, source), lambda: "sk_test_vault" in server.keys)
        assert (server.keys, server.refused()) == (["sk_test_file", "sk_test_vault"], 0)


def test_a_storm_of_401_asks_the_source_once(load: Any) -> None:
    asked: list[str] = []
    current = ["sk_test_1"]

    def ask() -> str:
        asked.append(current[0])
        return current[0]

    def revoke(number: int) -> None:
        if number == 300:
            server.valid, current[0] = {"sk_test_2"}, "sk_test_2"

    with KeyServer("sk_test_1", before_each=revoke) as server:
        load(config_of(server, ask), lambda: len(server.seen) > 900)
        assert server.refused() > 1
        assert asked == ["sk_test_1", "sk_test_2"]


def test_a_source_kept_for_a_while_is_followed_without_a_single_401(load: Any) -> None:
    current = ["sk_test_1"]

    def rotate(number: int) -> None:
        if number == 300:
            server.valid.add("sk_test_2")
            current[0] = "sk_test_2"

    with KeyServer("sk_test_1", before_each=rotate) as server:
        source = CallableSource(lambda: current[0], keeping=Keeping(ttl_seconds=0.3))
        load(config_of(server, source), lambda: "sk_test_2" in server.keys)
        assert server.refused() == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_renews_its_keys_by_itself(tmp_path: Path) -> None:
    asked = threading.Event()

    def hang_in_the_parent() -> str:
        if os.getpid() == parent:
            asked.set()
            over.wait(60)
        return "sk_test_1"

    parent, over = os.getpid(), threading.Event()
    with KeyServer("sk_test_1") as server:
        client = MolamSyncClient(config_of(server, hang_in_the_parent), cb_name="rotation")
        waiting = threading.Thread(target=client.create_payment_intent, args=(ORDER,))
        waiting.start()
        assert asked.wait(30)
        child = os.fork()
        if child == 0:
            try:
                client.create_payment_intent(ORDER, timeout=20)
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        over.set()
        waiting.join()
        client.close()
