"""Refunds: create, retrieve, list."""

from ..contract.bodies import Field, RequestBody, minor_units
from ..contract.operation import CONNECT, filters
from ..contract.schemas import METADATA, MOMENT, AnswerSchema, closed_object, id_of, repeated, words
from ..contract.values import AMOUNT, CURRENCY, text
from ..contract.values import METADATA as ANY_METADATA
from ..domain import refunds as rules
from ..store.recording import order_of
from ..store.transaction import StoreTransaction
from .documents import list_newest, load, magic_of, new_document, retrieve, write
from .served import OperationInput, OperationResult, ServedOperation

PATH = f"{CONNECT}/refunds"

CREATE = RequestBody(
    "RefundCreate",
    (
        Field("payment_id", text(255), required=True),
        Field("amount", AMOUNT),
        Field("reason", text(500)),
        Field("metadata", ANY_METADATA),
    ),
)
REFUND = AnswerSchema(
    "Refund",
    closed_object(
        {**repeated(CREATE.named("reason")), "updated_at": MOMENT},
        id=id_of("re"),
        status=words(*rules.REFUND_STATUSES),
        payment_id=id_of("pi"),
        amount=dict(AMOUNT.schema),
        currency=dict(CURRENCY.schema),
        metadata=METADATA,
        created_at=MOMENT,
    ),
)


def _create(tx: StoreTransaction, given: OperationInput) -> OperationResult:
    intent = load(tx, "payment_intent", given, given.body["payment_id"], "payment_id")
    asked = given.body.get("amount")
    refund = new_document("refund", "re", given, currency=intent["currency"], _order=order_of(intent))
    refund["amount"] = None if asked is None else minor_units(asked, intent["currency"])
    found = magic_of("refund", refund, asked) or magic_of("refund", intent)
    refund["_magic"] = found.name if found else None
    refunded, disputed = tx.refunded(intent["id"]), tx.disputed(intent["id"])
    return write(tx, given, rules.create(refund, intent, refunded, disputed, found))


OPERATIONS = (
    ServedOperation(
        name="create_refund",
        method="POST",
        path=PATH,
        scope="refunds:write",
        request=CREATE,
        response=REFUND,
        status=201,
        refusals=(404,),
        magic=("refund",),
        serve=_create,
    ),
    ServedOperation(
        name="retrieve_refund",
        method="GET",
        path=PATH + "/{id}",
        scope="refunds:read",
        response=REFUND,
        serve=retrieve("refund"),
    ),
    ServedOperation(
        name="list_refunds",
        method="GET",
        path=PATH,
        scope="refunds:read",
        query=filters("payment_id"),
        response=REFUND,
        listed=True,
        serve=list_newest("refund", payment_id="owner"),
    ),
)
