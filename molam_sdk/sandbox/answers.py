"""What each answer holds: the schemas of the OpenAPI document that are not request bodies."""

from typing import Any

from .bodies import AMOUNT, BODIES, COUNTRY, CURRENCY, EVENT_TYPES

Schema = dict[str, Any]

PAYMENT_STATUSES = (
    "requires_confirmation",
    "processing",
    "requires_capture",
    "succeeded",
    "failed",
    "canceled",
)
REFUND_STATUSES = ("pending", "succeeded", "failed")
PAYOUT_STATUSES = ("pending", "completed", "failed")

_TEXT: Schema = {"type": "string"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_AMOUNT = dict(AMOUNT.schema)


def _id(prefix: str) -> Schema:
    return {"type": "string", "pattern": f"^{prefix}_[0-9a-f]{{24}}$"}


def _words(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


def _object(optional: dict[str, Schema], **required: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def _asked(schema: str, *names: str) -> dict[str, Schema]:
    """The same fields as in the request, for answers that repeat them."""
    return {field.name: dict(field.kind.schema) for field in BODIES[schema] if field.name in names}


_TRANSIENT = {"updated_at": _MOMENT}
_CURRENCY = dict(CURRENCY.schema)
OBJECTS: dict[str, Schema] = {
    "PaymentIntent": _object(
        {
            **_asked("PaymentIntentCreate", "customer_id", "merchant_id", "description"),
            **_asked("PaymentIntentCreate", "return_url", "cancel_url", "payment_methods"),
            **_asked("PaymentIntentConfirm", "payment_method"),
            **_TRANSIENT,
            "redirect_url": _TEXT,
            "failure_code": _TEXT,
        },
        id=_id("pi"),
        status=_words(*PAYMENT_STATUSES),
        amount=_AMOUNT,
        currency=_CURRENCY,
        capture={"type": "boolean"},
        metadata={"type": "object"},
        created_at=_MOMENT,
        amount_captured={"type": "number", "minimum": 0},
    ),
    "Refund": _object(
        {**_asked("RefundCreate", "reason"), **_TRANSIENT},
        id=_id("re"),
        status=_words(*REFUND_STATUSES),
        payment_id=_id("pi"),
        amount=_AMOUNT,
        currency=_CURRENCY,
        metadata={"type": "object"},
        created_at=_MOMENT,
    ),
    "Payout": _object(
        {**_asked("PayoutCreate", "description"), **_TRANSIENT, "completed_at": _MOMENT},
        id=_id("po"),
        status=_words(*PAYOUT_STATUSES),
        amount=_AMOUNT,
        currency=_CURRENCY,
        beneficiary=_TEXT,
        origin_module=_TEXT,
        origin_entity=_TEXT,
        metadata={"type": "object"},
        created_at=_MOMENT,
    ),
    "MerchantOnboarding": _object(
        {**_asked("MerchantOnboardingCreate", "phone"), **_TRANSIENT},
        id=_id("mo"),
        status=_words("pending"),
        kyc_status=_words("pending"),
        business_name=_TEXT,
        business_type=_TEXT,
        country=dict(COUNTRY.schema),
        currency=_CURRENCY,
        email=_TEXT,
        metadata={"type": "object"},
        onboarding_url=_TEXT,
        created_at=_MOMENT,
    ),
    "WebhookEndpoint": _object(
        {
            **_TRANSIENT,
            "secret": {"type": "string", "pattern": "^whsec_", "description": "Only when made or rotated."},
        },
        id=_id("we"),
        status=_words("active"),
        tenant_type=_TEXT,
        tenant_id=_TEXT,
        url=_TEXT,
        events={"type": "array", "items": _words(*EVENT_TYPES, "*")},
        kid=_TEXT,
        created_at=_MOMENT,
    ),
    "Event": _object(
        {},
        id=_id("evt"),
        type=_words(*EVENT_TYPES),
        created={"type": "integer", "description": "Unix seconds."},
        data={"type": "object", "description": "The object as it stood then."},
        livemode={"type": "boolean", "const": False},
    ),
}
ERRORS: dict[str, Schema] = {
    "Error": _object({}, error=_object({"param": _TEXT}, code=_TEXT, message=_TEXT, type=_TEXT)),
    "FlatError": _object({}, error=_TEXT, message=_TEXT),
    "LegacyError": _object({"details": {"type": "object"}}, error_code=_TEXT, message=_TEXT, request_id=_TEXT),
    "Problem": _object(
        {"param": _TEXT},
        type={"type": "string", "format": "uri"},
        title=_TEXT,
        status={"type": "integer"},
        detail=_TEXT,
        code=_TEXT,
        request_id=_TEXT,
    ),
}


def list_of(name: str) -> Schema:
    """The schema of a page of these objects."""
    items = {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}
    return _object({}, data=items, has_more={"type": "boolean"})


def body_schema(name: str) -> Schema:
    """The schema of a request body; an optional field may be null, which counts as left out."""
    fields = BODIES[name]
    optional = {f.name: {"anyOf": [dict(f.kind.schema), {"type": "null"}]} for f in fields if not f.required}
    return _object(optional, **{f.name: dict(f.kind.schema) for f in fields if f.required})
