"""Payouts: create, retrieve, list."""

from decimal import Decimal

from ..contract.bodies import Field, RequestBody, minor_units
from ..contract.operation import CONNECT, filters
from ..contract.schemas import METADATA, MOMENT, TEXT, AnswerSchema, closed_object, id_of, repeated, words
from ..contract.values import AMOUNT, CURRENCY, text
from ..contract.values import METADATA as ANY_METADATA
from ..domain import payouts as rules
from ..store.transaction import StoreTransaction
from .documents import list_newest, magic_of, new_document, retrieve, write
from .served import OperationInput, OperationResult, ServedOperation

PATH = f"{CONNECT}/payouts"

CREATE = RequestBody(
    "PayoutCreate",
    (
        Field("amount", AMOUNT, required=True),
        Field("currency", CURRENCY, required=True),
        Field("beneficiary", text(255), required=True),
        Field("origin_module", text(255), required=True),
        Field("origin_entity", text(255), required=True),
        Field("description", text(1000)),
        Field("metadata", ANY_METADATA),
    ),
)
PAYOUT = AnswerSchema(
    "Payout",
    closed_object(
        {**repeated(CREATE.named("description")), "updated_at": MOMENT, "completed_at": MOMENT},
        id=id_of("po"),
        status=words(*rules.PAYOUT_STATUSES),
        **repeated(CREATE.named("amount", "currency")),
        beneficiary=TEXT,
        origin_module=TEXT,
        origin_entity=TEXT,
        metadata=METADATA,
        created_at=MOMENT,
    ),
)


def _create(tx: StoreTransaction, given: OperationInput) -> OperationResult:
    asked: Decimal = given.body["amount"]
    payout = new_document("payout", "po", given, amount=minor_units(asked, given.body["currency"]))
    found = magic_of("payout", payout, asked)
    payout["_magic"] = found.name if found else None
    return write(tx, given, rules.create(payout, found), new=True)


OPERATIONS = (
    ServedOperation(
        name="create_payout",
        method="POST",
        path=PATH,
        scope="payouts:write",
        request=CREATE,
        response=PAYOUT,
        status=201,
        serve=_create,
    ),
    ServedOperation(
        name="retrieve_payout",
        method="GET",
        path=PATH + "/{id}",
        scope="payouts:read",
        response=PAYOUT,
        serve=retrieve("payout"),
    ),
    ServedOperation(
        name="list_payouts",
        method="GET",
        path=PATH,
        scope="payouts:read",
        query=filters("status"),
        response=PAYOUT,
        listed=True,
        serve=list_newest("payout", status="status"),
    ),
)
