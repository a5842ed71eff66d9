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
class OperationInput:
    """One request, read and checked; `now` is the sandbox's unix time, `status` that of a good answer."""

    account: str
    now: float
    status: int = 200
    document_id: str = ""
    idempotency_key: str | None = None
    body: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedOperation(ContractOperation):
    """One row of the table; `serve` runs in the caller's transaction and raises RefusalError where nothing was done."""

    serve: Serve


def checked_body(operation: ContractOperation, body: Any) -> dict[str, Any]:
    """The validated body of an operation, magic names included; raises RefusalError 400."""
    checked = validate(body, (operation.request or EMPTY).fields)
    magic.check_metadata(checked.get("metadata", {}))
    if "amount" in checked and "currency" in checked:
        minor_units(checked["amount"], checked["currency"])
    return checked
