"""A shop's Celery app as merchants write it: the default serializers, a client made when it is first needed.

Only ``shared=False`` is for the tests, which import this more than once: no other app of the process gets its tasks.
"""

import functools
import os
from typing import Any

from celery import Celery

from molam_sdk import ClientConfig, MolamClient
from molam_sdk.contrib.celery import MolamTask

app = Celery("shop_app", broker=os.environ["SHOP_BROKER"], backend=os.environ["SHOP_RESULTS"])
app.conf.task_default_queue = os.environ["SHOP_QUEUE"]
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_enable_remote_control = False
app.conf.worker_prefetch_multiplier = 1
app.conf.result_expires = 600
app.conf.result_backend_transport_options = {"global_keyprefix": os.environ["SHOP_QUEUE"]}
if app.conf.broker_url.startswith("redis"):
    # What a killed worker held is given to another after the visibility timeout, looked for as often as said here.
    app.conf.broker_transport_options = {
        "global_keyprefix": os.environ["SHOP_QUEUE"],
        "visibility_timeout": 5,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    }


@functools.cache
def client() -> MolamClient:
    return MolamClient(ClientConfig.from_env())


@app.task(shared=False, base=MolamTask, bind=True, molam_client=client, retry_backoff=0.2, retry_backoff_max=1.0)
def pay(task: Any, order: str, amount: int) -> str:
    """Takes a payment in two calls, each under a key of its own."""
    payload = {"amount": amount, "currency": "XOF", "capture": True, "metadata": {"order_id": order}}
    made = client().create_payment_intent(payload, idempotency_key=task.idempotency_key())
    paid = client().confirm_payment_intent(made.id, idempotency_key=task.idempotency_key("confirm"))
    return str(paid.id)


@app.task(shared=False, base=MolamTask, bind=True, molam_client=client, soft_time_limit=1, retry_backoff=0.2)
def pay_in_time(task: Any, order: str, amount: int) -> str:
    """The same under a time limit that falls into a call."""
    return str(pay.run.__func__(task, order, amount))


@app.task(shared=False)
def pay_plainly(order: str) -> None:
    """A task without our base: its error is whole all the same."""
    client().create_payment_intent({"amount": 5, "currency": "XOF"}, idempotency_key=order, timeout=0.5)
