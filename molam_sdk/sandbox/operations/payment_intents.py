"""Payment intents: create, retrieve, list, confirm, capture, cancel."""

from decimal import Decimal

from ..contract.bodies import EMPTY, Field, RequestBody, minor_units
from ..contract.operation import CONNECT, filters
from ..contract.schemas import METADATA, MOMENT, TEXT, AnswerSchema, closed_object, id_of, repeated, words
from ..contract.values import AMOUNT, BOOLEAN, CURRENCY, WEB_URL, some_of, text
from ..contract.values import METADATA as ANY_METADATA
from ..domain import magic
from ..domain import payment_intents as rules
from ..store.transaction import StoreTransaction
from .documents import list_newest, load, magic_of, new_document, retrieve, write
from .served import OperationInput, OperationResult, ServedOperation

PATH = f"{CONNECT}/payment_intents"
READ, WRITE = "payments:read", "payments:write"

CREATE = RequestBody(
    "PaymentIntentCreate",
    (
        Field("amount", AMOUNT, required=True),
        Field("currency", CURRENCY, required=True),
        Field("capture", BOOLEAN),
        Field("customer_id", text(255)),
        Field("merchant_id", text(255)),
        Field("description", text(1000)),
        Field("metadata", ANY_METADATA),
        Field("return_url", WEB_URL),
        Field("cancel_url", WEB_URL),
        Field("payment_methods", some_of(("wallet", "card", "mobile_money", "bank"))),
    ),
)
CONFIRM = RequestBody("PaymentIntentConfirm", (Field("payment_method", text(255)),))
CAPTURE = RequestBody("PaymentIntentCapture", (Field("amount", AMOUNT),))

PAYMENT_INTENT = AnswerSchema(
    "PaymentIntent",
    closed_object(
        {
            **repeated(CREATE.named("customer_id", "merchant_id", "description")),
            **repeated(CREATE.named("return_url", "cancel_url", "payment_methods")),
            **repeated(CONFIRM.fields),
            "updated_at": MOMENT,
            "redirect_url": TEXT,
            "failure_code": TEXT,
        },
        id=id_of("pi"),
        status=words(*rules.PAYMENT_STATUSES),
        **repeated(CREATE.named("amount", "currency", "capture")),
        metadata=METADATA,
        created_at=MOMENT,
        amount_captured={"type": "number", "minimum": 0},
    ),
)


def _create(tx: StoreTransaction, given: OperationInput) -> OperationResult:
    asked: Decimal = given.body["amount"]
    minor, capture = minor_units(asked, given.body["currency"]), given.body.get("capture", False)
    intent = new_document("payment_intent", "pi", given, amount=minor, capture=capture)
    found = magic_of("payment", intent, asked)
    if intent.get("return_url"):
        intent["redirect_url"] = f"https://pay.molam.example/{intent['id']}"
    return write(tx, given, rules.create({**intent, "_magic": found.name if found else None}))


def _confirm(tx: StoreTransaction, given: OperationInput) -> OperationResult:
    intent = load(tx, "payment_intent", given)
    return write(tx, given, rules.confirm(intent, magic.of(intent), given.body.get("payment_method")))


def _capture(tx: StoreTransaction, given: OperationInput) -> OperationResult:
    intent = load(tx, "payment_intent", given)
    asked = given.body.get("amount")
    amount = None if asked is None else minor_units(asked, intent["currency"])
    return write(tx, given, rules.capture(intent, amount))


def _cancel(tx: StoreTransaction, given: OperationInput) -> OperationResult:
    return write(tx, given, rules.cancel(load(tx, "payment_intent", given)))


OPERATIONS = (
    ServedOperation(
        name="create_payment_intent",
        method="POST",
        path=PATH,
        scope=WRITE,
        request=CREATE,
        response=PAYMENT_INTENT,
        status=201,
        magic=("payment", "refund"),
        serve=_create,
    ),
    ServedOperation(
        name="retrieve_payment_intent",
        method="GET",
        path=PATH + "/{id}",
        scope=READ,
        response=PAYMENT_INTENT,
        serve=retrieve("payment_intent"),
    ),
    ServedOperation(
        name="list_payment_intents",
        method="GET",
        path=PATH,
        scope=READ,
        query=filters("customer_id", "status"),
        response=PAYMENT_INTENT,
        listed=True,
        serve=list_newest("payment_intent", customer_id="owner", status="status"),
    ),
    ServedOperation(
        name="confirm_payment_intent",
        method="POST",
        path=PATH + "/{id}/confirm",
        scope=WRITE,
        request=CONFIRM,
        response=PAYMENT_INTENT,
        refusals=(402,),
        serve=_confirm,
    ),
    ServedOperation(
        name="capture_payment_intent",
        method="POST",
        path=PATH + "/{id}/capture",
        scope=WRITE,
        request=CAPTURE,
        response=PAYMENT_INTENT,
        serve=_capture,
    ),
    ServedOperation(
        name="cancel_payment_intent",
        method="POST",
        path=PATH + "/{id}/cancel",
        scope=WRITE,
        request=EMPTY,
        response=PAYMENT_INTENT,
        serve=_cancel,
    ),
)
