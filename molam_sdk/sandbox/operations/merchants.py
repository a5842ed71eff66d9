"""Merchants: onboarding."""

from ..contract.bodies import Field, RequestBody
from ..contract.operation import CONNECT
from ..contract.schemas import METADATA, MOMENT, TEXT, AnswerSchema, closed_object, id_of, repeated, words
from ..contract.values import COUNTRY, CURRENCY, EMAIL, text
from ..contract.values import METADATA as ANY_METADATA
from ..domain.effects import Effect
from ..store.transaction import StoreTransaction
from .documents import new_document, write
from .served import OperationInput, OperationResult, ServedOperation

CREATE = RequestBody(
    "MerchantOnboardingCreate",
    (
        Field("business_name", text(255), required=True),
        Field("business_type", text(255), required=True),
        Field("country", COUNTRY, required=True),
        Field("currency", CURRENCY, required=True),
        Field("email", EMAIL, required=True),
        Field("phone", text(64)),
        Field("metadata", ANY_METADATA),
    ),
)
MERCHANT_ONBOARDING = AnswerSchema(
    "MerchantOnboarding",
    closed_object(
        {**repeated(CREATE.named("phone")), "updated_at": MOMENT},
        id=id_of("mo"),
        status=words("pending"),
        kyc_status=words("pending"),
        business_name=TEXT,
        business_type=TEXT,
        country=dict(COUNTRY.schema),
        currency=dict(CURRENCY.schema),
        email=TEXT,
        metadata=METADATA,
        onboarding_url=TEXT,
        created_at=MOMENT,
    ),
)


def _onboard(tx: StoreTransaction, given: OperationInput) -> OperationResult:
    merchant = new_document("merchant", "mo", given)
    link = f"https://connect.molam.example/onboarding/{merchant['id']}"
    merchant = {**merchant, "kyc_status": "pending", "onboarding_url": link}
    return write(tx, given, Effect({**merchant, "status": "pending"}, new=True))


OPERATIONS = (
    ServedOperation(
        name="create_merchant_onboarding",
        method="POST",
        path=f"{CONNECT}/merchants/onboard",
        scope="merchants:write",
        request=CREATE,
        response=MERCHANT_ONBOARDING,
        status=201,
        serve=_onboard,
    ),
)
