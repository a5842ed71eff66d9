"""Payouts, and the balance they are paid from: create, retrieve, list; retrieve the balance."""

from collections import Counter
from decimal import Decimal

from sqlalchemy import func, select

from ..contract.bodies import Field, RequestBody, minor_units
from ..contract.operation import CONNECT, filters
from ..contract.schemas import METADATA, MOMENT, TEXT, AnswerSchema, closed_object, id_of, repeated, words
from ..contract.values import AMOUNT, CURRENCY, text
from ..contract.values import METADATA as ANY_METADATA
from ..domain import payouts as rules
from ..domain.currencies import to_number
from ..store import tables as t
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
    available = None if given.policy.overdraft else _credit(tx, given.account, "merchant_balance")[payout["currency"]]
    return write(tx, given, rules.create(payout, found, available))


BALANCE = AnswerSchema(
    "CurrencyBalance",
    closed_object(
        {},
        currency=dict(CURRENCY.schema),
        available={"type": "number", "description": "Captured, less refunds, payouts and what a dispute holds."},
        pending={"type": "number", "description": "Authorized but not captured, or processing."},
    ),
)


def _retrieve_balance(tx: StoreTransaction, given: OperationInput) -> OperationResult:
    """Per currency that the account has dealt in, or for the one asked for alone, zero if it never has."""
    available = _credit(tx, given.account, "merchant_balance")
    held, processing = _credit(tx, given.account, "authorizations"), _processing(tx, given.account)
    asked = given.query.get("currency")
    shown = [asked] if asked else sorted({*available, *held, *processing})
    data = [
        {
            "currency": currency,
            "available": to_number(available[currency], currency),
            "pending": to_number(held[currency] + processing[currency], currency),
        }
        for currency in shown
    ]
    return OperationResult(200, {"data": data})


def _credit(tx: StoreTransaction, account: str, ledger_account: str) -> Counter[str]:
    """Minor units by currency that stand to the account's credit in the ledger; a posting belongs to its object's."""
    posted, of = t.ledger.c, t.documents.c
    query = (
        select(posted.currency, -func.sum(posted.amount))
        .join(t.documents, of.id == posted.object_id)
        .where(posted.ledger_account == ledger_account, of.account == account)
        .group_by(posted.currency)
    )
    return Counter({currency: int(total) for currency, total in tx.connection.execute(query)})


def _processing(tx: StoreTransaction, account: str) -> Counter[str]:
    """Minor units by currency of payments that are under way, of which the ledger does not know yet."""
    amounts = Counter[str]()
    for intent in tx.documents("payment_intent", account, status="processing"):
        amounts[intent["currency"]] += intent["amount"]
    return amounts


OPERATIONS = (
    ServedOperation(
        name="create_payout",
        method="POST",
        path=PATH,
        scope="payouts:write",
        request=CREATE,
        response=PAYOUT,
        status=201,
        refusals=(402,),
        magic=("payout",),
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
    ServedOperation(
        name="retrieve_balance",
        method="GET",
        path=f"{CONNECT}/balance",
        scope="balance:read",
        query=(Field("currency", CURRENCY),),
        response=BALANCE,
        listed=True,
        serve=_retrieve_balance,
    ),
)
