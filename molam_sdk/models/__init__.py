"""What goes to Molam and what comes back: requests refuse what they do not know, answers keep it.

The models are loaded, and pydantic with them, when the first of them is asked for, at the latest by the first call.
A server that forks its workers calls ``molam_sdk.models.load()`` before it does, and each of them is spared the time
and the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._params import PaymentIntentStatus as PaymentIntentStatus
from .._params import PaymentMethod as PaymentMethod
from .._params import PayoutStatus as PayoutStatus
from .._params import RefundStatus as RefundStatus
from .._params import WebhookEndpointStatus as WebhookEndpointStatus
from ..config import ClientConfig as ClientConfig
from ._loading import load as load
from ._loading import load_files
from .response import Document as Document
from .response import ResponseInfo as ResponseInfo

_AT_HAND = (
    "ClientConfig",
    "Document",
    "PaymentIntentStatus",
    "PaymentMethod",
    "PayoutStatus",
    "RefundStatus",
    "ResponseInfo",
    "WebhookEndpointStatus",
)

if TYPE_CHECKING:
    from . import answers as answers
    from . import payloads as payloads
    from .answers import *  # noqa: F403 - what stands in its __all__, and so below
    from .payloads import *  # noqa: F403
else:

    def __getattr__(name: str) -> object:
        if name == "__all__":
            return [*_AT_HAND, *(model for file in load_files() for model in file.__all__)]
        if not name.startswith("_"):
            for file in load_files():
                if name in vars(file):
                    return globals().setdefault(name, vars(file)[name])
            if name in globals():  # one of the files themselves
                return globals()[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__getattr__("__all__")})
