"""An offline Molam to build and test against: stateful, signed webhooks, faults on demand, a clock one can move.

Imports point down only, and rooms of one floor do not know each other; tests/sandbox/test_floors.py holds both.

```text
__main__  command                     the program: `python -m molam_sdk.sandbox`, `molam sandbox`
sandbox   application                 one running sandbox; every path it serves
----------------------------------------------------------------------------------------------------
http        control     console       the API over HTTP and its server; the paths under /_sandbox; the page at /
----------------------------------------------------------------------------------------------------
operations  access     deliveries     what each operation does; keys and rate; webhooks on their way
----------------------------------------------------------------------------------------------------
contract    store      faults         what is on the wire; what is kept; what goes wrong on demand
----------------------------------------------------------------------------------------------------
domain                                rules, currencies, clock, magic values: pure, knows nothing else
```

It judges the client, so it shares no code with it. The one exception is the program's log format.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .deliveries.webhooks import DeliveryAttempt, WebhookDelivery
    from .deliveries.webhooks import DeliveryAttempt as Attempt
    from .deliveries.webhooks import WebhookDelivery as Delivery
    from .faults.rule import InjectedFault
    from .faults.rule import InjectedFault as Fault
    from .sandbox import Sandbox
    from .store.database import DatabaseInUseError

__all__ = [
    "Attempt",
    "DatabaseInUseError",
    "Delivery",
    "DeliveryAttempt",
    "Fault",
    "InjectedFault",
    "Sandbox",
    "WebhookDelivery",
]

# Loaded on first use, so that the program can say which library is missing; Attempt, Delivery, Fault are older names.
_ON_FIRST_USE = {
    "Attempt": ("deliveries.webhooks", "DeliveryAttempt"),
    "DatabaseInUseError": ("store.database", "DatabaseInUseError"),
    "Delivery": ("deliveries.webhooks", "WebhookDelivery"),
    "DeliveryAttempt": ("deliveries.webhooks", "DeliveryAttempt"),
    "Fault": ("faults.rule", "InjectedFault"),
    "InjectedFault": ("faults.rule", "InjectedFault"),
    "Sandbox": ("sandbox", "Sandbox"),
    "WebhookDelivery": ("deliveries.webhooks", "WebhookDelivery"),
}


def __getattr__(name: str) -> object:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, defined_as = _ON_FIRST_USE[name]
    value: object = getattr(import_module(f"{__name__}.{module}"), defined_as)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
