"""Models are built when they are first used, once, by one thread, and never in the middle of a fork."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic_core import core_schema

from molam_sdk import models

THREADS = 8

STILL_TO_BUILD = """
import molam_sdk
from molam_sdk import models
molam_sdk.MolamSyncClient(molam_sdk.ClientConfig(api_key="sk_test_x"))
print([name for name in models.__all__ if getattr(getattr(models, name), "__pydantic_complete__", False)])
"""

FORK_WHILE_BUILDING = """
import os, signal, threading
from pydantic_core import core_schema
from molam_sdk.models import PaymentIntentCreate, RequestModel

begun, go_on = threading.Event(), threading.Event()

class Slow:
    @classmethod
    def __get_pydantic_core_schema__(cls, source, handler):
        begun.set()
        go_on.wait()
        return core_schema.any_schema()

class Order(RequestModel):
    slow: Slow

builder = threading.Thread(target=Order, kwargs={"slow": 1})
builder.start()
begun.wait()
threading.Timer(0.1, go_on.set).start()
child = os.fork()
if child == 0:
    signal.alarm(5)
    PaymentIntentCreate(amount=1, currency="USD")
    os._exit(7)
builder.join()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def printed(program: str) -> str:
    return subprocess.check_output([sys.executable, "-W", "ignore", "-c", program], text=True, timeout=60).strip()


def test_a_first_client_builds_no_model() -> None:
    assert printed(STILL_TO_BUILD) == "[]"


def test_threads_that_need_a_model_first_build_it_once() -> None:
    built: list[str] = []
    all_here = threading.Barrier(THREADS)

    class Field:
        @classmethod
        def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
            built.append(threading.current_thread().name)
            return core_schema.any_schema()

    class Order(models.RequestModel):
        field: Field

    def order(number: int) -> object:
        all_here.wait()
        return Order(field=number).field  # type: ignore[arg-type]  # the schema takes anything

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # so that a thread is interrupted in the middle of building
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            assert list(pool.map(order, range(THREADS))) == list(range(THREADS))
    finally:
        sys.setswitchinterval(before)
    assert len(built) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_a_fork_waits_for_a_model_that_is_being_built() -> None:
    assert printed(FORK_WHILE_BUILDING) == "7"


KEEPS_NO_CALLER = """
import gc
from molam_sdk import ClientConfig, MolamClient, NetworkError, models
from molam_sdk.testing import ScriptedTransport, reply

class Order:
    pass

def first_call():
    secret = Order()  # a local of the caller, as a call's request with the API key is
    answer = reply(201, {"id": "pi_1", "status": "s", "amount": 5, "currency": "USD"})
    config = ClientConfig(api_key="sk_test_x", base_url="https://x.test")
    with MolamClient(config, transport=ScriptedTransport(answer)) as client:
        client.create_payment_intent({"amount": 5, "currency": "USD"})

first_call()
gc.collect()
kept = {"Order", "PaymentIntent", "Call", "Request"} & {type(found).__name__ for found in gc.get_objects()}
print(sorted(kept))
"""


def test_a_first_use_keeps_nothing_of_its_caller() -> None:
    done = subprocess.run([sys.executable, "-c", KEEPS_NO_CALLER], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")
