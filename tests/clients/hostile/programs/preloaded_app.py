"""A WSGI shop whose client is made when gunicorn preloads it."""

import os
from collections.abc import Iterable
from typing import Any

from shop import ORDER, make_client

client = make_client()


def app(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Takes a payment and says which process did."""
    client.create_payment_intent(ORDER)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
