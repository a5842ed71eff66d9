"""A WSGI shop whose client is made when gunicorn preloads it, before gevent patches in the worker."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from molam_sdk import ClientConfig, MolamError, MolamSyncClient


def api_key() -> str:
    time.sleep(0.1)
    return "sk_test_x"


client = MolamSyncClient(ClientConfig(api_key=api_key, base_url=os.environ["SHOP_MOLAM_URL"], timeout_total=10))


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """One payment per request."""
    try:
        said = client.create_payment_intent({"amount": 5, "currency": "USD"}).id
    except MolamError as error:
        said = f"{type(error).__name__} {error.outcome}"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(said)))])
    return [said.encode()]
