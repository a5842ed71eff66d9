"""Models are loaded and built when they are first used, once, by one thread, and never in the middle of a fork."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_type_hints

import pytest
from pydantic_core import core_schema

from molam_sdk import MolamClient, models

pytestmark = pytest.mark.slow

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
    signal.alarm(30)
    PaymentIntentCreate(amount=1, currency="USD")
    os._exit(7)
builder.join()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


FORK_WHILE_LOADING = """
import os, signal, sys, threading
import molam_sdk

begun, go_on = threading.Event(), threading.Event()

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "pydantic":
            begun.set()
            go_on.wait()

sys.meta_path.insert(0, Slow())
threading.Thread(target=molam_sdk.models.load).start()
begun.wait()
threading.Timer(0.1, go_on.set).start()
child = os.fork()
if child == 0:
    signal.alarm(30)
    molam_sdk.PaymentIntentCreate(amount=1, currency="USD")
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

CLIENT = "import sys, molam_sdk; config = molam_sdk.ClientConfig(api_key='sk_test_x'); "
LOADED = "; print('pydantic' in sys.modules)"

LOADS_FIRST = """
import sys
import molam_sdk

class Unfit:
    def find_spec(self, name, path=None, target=None):
        if name == "pydantic":
            raise ImportError("an unfit pydantic")

class Sent:
    def send(self, request):
        print("sent")

    def clock(self):
        return 0.0

sys.meta_path.insert(0, Unfit())
client = molam_sdk.MolamClient(molam_sdk.ClientConfig(api_key="sk_test_x"), transport=Sent())
try:
    client.retrieve_balance()
except ImportError as problem:
    print(problem)
"""


def printed(program: str) -> str:
    return subprocess.check_output([sys.executable, "-W", "ignore", "-c", program], text=True, timeout=60).strip()


@pytest.mark.parametrize("first", ["molam_sdk", "molam_sdk.MolamClient(config)", "molam_sdk.MolamSyncClient(config)"])
def test_a_first_blocking_client_loads_no_pydantic(first: str) -> None:
    assert printed(CLIENT + first + LOADED) == "False"


def test_an_asyncio_client_loads_its_models_before_its_event_loop_runs() -> None:
    assert printed(CLIENT + "molam_sdk.MolamAsyncClient" + LOADED) == "True"


@pytest.mark.parametrize("look", ["from molam_sdk import exceptions, models", "hasattr(molam_sdk, 'journal')"])
def test_looking_for_a_submodule_loads_no_model(look: str) -> None:
    assert printed(CLIENT + look + LOADED) == "False"


@pytest.mark.parametrize("use", ["molam_sdk.Refund", "molam_sdk.models.load()", "from molam_sdk.models import Amount"])
def test_a_first_use_loads_the_models(use: str) -> None:
    assert printed(CLIENT + use + LOADED) == "True"


def test_a_call_loads_the_models_before_anything_is_sent() -> None:
    assert printed(LOADS_FIRST) == "an unfit pydantic"


def test_every_name_is_found_before_the_models_are_loaded() -> None:
    assert printed("import molam_sdk; print({*molam_sdk.__all__} - {*dir(molam_sdk)})") == "set()"
    assert printed("from molam_sdk import *; print(Refund.__name__, MolamClient.__name__)") == "Refund MolamClient"
    assert printed("from molam_sdk import models; print({*models.__all__} - {*dir(models)})") == "set()"
    assert printed("from molam_sdk.models import *; print(Refund.__name__)") == "Refund"


def test_a_name_that_is_no_model_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'molam_sdk\.models' has no attribute 'Stripe'"):
        models.Stripe  # type: ignore[attr-defined]  # noqa: B018 - the access is the test


def test_a_model_that_a_test_replaces_stays_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "Refund", "a double")
    assert not hasattr(models, "Stripe")
    assert models.Refund == "a double"  # type: ignore[comparison-overlap]


def test_the_annotations_of_a_client_are_found_by_who_reads_them_at_run_time() -> None:
    hints = get_type_hints(MolamClient.retrieve_refund)
    assert hints["return"] is models.Refund


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
def test_a_fork_waits_for_models_that_are_being_loaded() -> None:
    assert printed(FORK_WHILE_LOADING) == "7"


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
