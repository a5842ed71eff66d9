"""ServedOperation: a row of the contract with what serves it, and what goes into and comes out of that."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..contract.bodies import EMPTY, minor_units, validate
from ..contract.operation import ContractOperation
from ..domain import magic
from ..domain.refusal import RefusalError
from ..store.transaction import StoreTransaction


@dataclass(frozen=True, slots=True)
class SandboxPolicy:
    """What one sandbox allows that Molam does not: payouts beyond the balance, http to these hosts of webhooks."""

    overdraft: bool = False
    webhook_hosts: frozenset[str] = frozenset()


_STRICT = SandboxPolicy()


@dataclass(frozen=True, slots=True)
class OperationInput:
    """One request, read and checked; `now` is the sandbox's unix time, `status` that of a good answer.

    `scope` (Molam-Sandbox-Scope) and `trace` (traceparent) are kept with what it makes.
    """

    account: str
    now: float
    status: int = 200
    document_id: str = ""
    idempotency_key: str | None = None
    body: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    scope: str | None = None
    trace: str | None = None
    policy: SandboxPolicy = _STRICT


@dataclass(frozen=True, slots=True)
class OperationResult:
    """What the operation answers; `executed` says that it changed something."""

    status: int
    body: dict[str, Any] | None
    object_id: str | None = None
    order_id: str | None = None
    executed: bool = False
    refusal: RefusalError | None = None


Serve: TypeAlias = Callable[[StoreTransaction, OperationInput], OperationResult]
BodyCheck: TypeAlias = Callable[[dict[str, Any], SandboxPolicy], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedOperation(ContractOperation):
    """One row of the table; `serve` runs in the caller's transaction and raises RefusalError where nothing was done.

    `check` is asked about a body whose fields are good one by one.
    """

    serve: Serve
    check: BodyCheck | None = None


def checked_body(operation: ServedOperation, body: Any, policy: SandboxPolicy = _STRICT) -> dict[str, Any]:
    """The validated body of an operation, magic names included; raises RefusalError 400."""
    checked = validate(body, (operation.request or EMPTY).fields)
    magic.check_metadata(checked.get("metadata", {}), operation.magic)
    if "amount" in checked and "currency" in checked:
        minor_units(checked["amount"], checked["currency"])
    if operation.check is not None:
        operation.check(checked, policy)
    return checked
