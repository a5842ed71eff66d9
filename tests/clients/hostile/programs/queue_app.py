"""A celery app whose client is made before the prefork pool forks."""

import os
from pathlib import Path

from celery import Celery
from shop import ORDER, make_client

folder = Path(os.environ["QUEUE_FOLDER"])
app = Celery("queue_app", broker="filesystem://", backend=f"file://{folder / 'results'}")
app.conf.broker_transport_options = {
    "data_folder_in": str(folder / "messages"),
    "data_folder_out": str(folder / "messages"),
    "control_folder": str(folder / "control"),
}
app.conf.broker_connection_retry_on_startup = True
client = make_client()


@app.task
def pay() -> int:
    """Takes a payment and says which process did."""
    client.create_payment_intent(ORDER)
    return os.getpid()


@app.task
def fail() -> None:
    """Raises what the SDK raises, through the result backend."""
    client.create_payment_intent(ORDER, timeout=1e-9)
