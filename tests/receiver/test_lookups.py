"""Secrets looked up off the loop, and once for all who want them at the same time."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk.receiver import WebhookAnswer, WebhookReceiver
from molam_sdk.receiver.lookups import SecretLookups
from molam_sdk.store import MemoryStore
from molam_sdk.webhooks import sign
from tests.support.webhooks.deliveries import NOW, SECRET, body_of
from tests.support.webhooks.shop import told

Delivery = tuple[dict[str, str], bytes]


def receiver_of(source: Any) -> WebhookReceiver:
    receiver = WebhookReceiver(source, MemoryStore(), registry=CollectorRegistry(), clock=lambda: NOW)
    receiver.on("payment.succeeded")(lambda event: None)
    return receiver


def signed(kid: str = "v1", secret: str = SECRET, event_id: str = "evt_1") -> Delivery:
    body = body_of(id=event_id)
    return {"Molam-Signature": sign(body, secret, kid, now=NOW), "Content-Length": str(len(body))}, body


async def test_secrets_are_looked_up_off_the_loop_and_once_for_all_who_wait() -> None:
    begun, go, asked = asyncio.Event(), threading.Event(), []
    loop = asyncio.get_running_loop()

    def slow(kid: str) -> str:
        asked.append((kid, threading.get_ident()))
        loop.call_soon_threadsafe(begun.set)
        assert go.wait(20)
        return SECRET

    receiver = receiver_of(slow)
    waiting = [asyncio.ensure_future(receiver.receive_async(*signed(event_id=f"evt_{n}"))) for n in range(20)]
    await begun.wait()  # the loop goes on meanwhile
    for _ in range(20):
        await asyncio.sleep(0)
    waiting[0].cancel()  # whoever began the look-up may be cancelled: the others get it all the same
    go.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [isinstance(answer, asyncio.CancelledError) for answer in answers].count(True) == 1
    assert {told(answer) for answer in answers if isinstance(answer, WebhookAnswer)} == {(200, "handled")}
    assert [kid for kid, _ in asked] == ["v1"]
    assert asked[0][1] != threading.get_ident()


async def test_a_slow_look_up_of_a_strangers_kid_keeps_nobody_else_waiting() -> None:
    go = threading.Event()

    def slow_for_strangers(kid: str) -> str | None:
        return SECRET if kid == "v1" or not go.wait(20) else None

    receiver = receiver_of(slow_for_strangers)
    stranger = asyncio.ensure_future(receiver.receive_async(*signed("made-up")))
    await asyncio.sleep(0)
    assert told(await receiver.receive_async(*signed())) == (200, "handled")
    assert not stranger.done()
    go.set()
    assert told(await stranger) == (503, "unknown_kid")


def test_threads_that_want_one_kid_at_once_ask_once() -> None:
    asked: list[str] = []
    begun, go = threading.Event(), threading.Event()

    def slow(kid: str) -> str:
        asked.append(kid)
        begun.set()
        assert go.wait(20)
        return SECRET

    lookups = SecretLookups(slow)
    found: list[tuple[bytes, ...]] = []
    first = threading.Thread(target=lambda: found.append(lookups.one("v1")))
    first.start()
    assert begun.wait(20)
    others = [threading.Thread(target=lambda: found.append(lookups.one("v1"))) for _ in range(7)]
    for thread in others:
        thread.start()
    while not lookups._under_way or len(lookups._under_way["v1"]._condition._waiters) < 7:  # type: ignore[attr-defined]
        go.wait(0.001)
    go.set()
    for thread in (first, *others):
        thread.join()
    assert found == [(SECRET.encode(),)] * 8
    assert asked == ["v1"]


def test_an_answer_is_not_kept_for_the_next_one_who_asks() -> None:
    answers = [SECRET, "another", OSError("down"), SECRET]

    def source(kid: str) -> str:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return str(answer)

    lookups = SecretLookups(source)
    assert [lookups.one("v1"), lookups.one("v1")] == [(SECRET.encode(),), (b"another",)]
    with pytest.raises(OSError, match="down"):
        lookups.one("v1")
    assert lookups.one("v1") == (SECRET.encode(),)


def test_what_a_parent_is_looking_up_keeps_no_child_waiting() -> None:
    lookups = SecretLookups(lambda kid: SECRET)
    _, mine = lookups._joined("v1")
    assert mine
    lookups.after_fork()
    assert lookups.one("v1") == (SECRET.encode(),)


def test_a_look_up_whose_loop_ended_before_it_began_is_told_to_those_who_wait() -> None:
    receiver = receiver_of(lambda kid: SECRET)

    async def never(function: Any, /, *args: Any) -> Any:
        await asyncio.sleep(3600)

    async def cut_short() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(receiver.receive_async(*signed(), in_thread=never), 0.01)

    asyncio.run(cut_short())
    assert told(receiver.receive(*signed())) == (200, "handled")
