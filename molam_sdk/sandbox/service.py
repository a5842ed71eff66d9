"""The operations: load what a rule needs, ask the rule, write the effect; and the jobs that run later by the clock."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from . import magic, rules
from .bodies import minor_units, validate
from .clock import iso
from .magic import Magic
from .operations import Operation, Page
from .problems import ApiError
from .recorder import new_id, order_of, present, record
from .rules import Document, Effect
from .store import Transaction


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and checked; `now` is the sandbox's unix time."""

    operation: Operation
    account: str
    now: float
    document_id: str = ""
    idempotency_key: str | None = None
    body: dict[str, Any] = field(default_factory=dict)
    page: Page = field(default_factory=Page)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the operation answers; `executed` says that it changed something."""

    status: int
    body: dict[str, Any] | None
    object_id: str | None = None
    order_id: str | None = None
    executed: bool = False
    refusal: ApiError | None = None


def check(operation: Operation, body: Any) -> dict[str, Any]:
    """The validated body of an operation, magic names included; raises ApiError 400."""
    checked = validate(operation.request or "Empty", body)
    magic.check_metadata(checked.get("metadata", {}))
    if "amount" in checked and "currency" in checked:
        minor_units(checked["amount"], checked["currency"])
    return checked


def serve(tx: Transaction, call: Call) -> Answer:
    """Run the operation inside the caller's transaction; raises ApiError where nothing was done."""
    return _OPERATIONS[call.operation.name](tx, call)


def _load(tx: Transaction, kind: str, call: Call, document_id: str, param: str | None = None) -> Document:
    document = tx.document(kind, call.account, document_id)
    if document is None:
        raise ApiError(404, "resource_missing", f"No such {kind.replace('_', ' ')} for this key.", param)
    return document


def _new(kind: str, prefix: str, call: Call, **given: Any) -> Document:
    document = {
        "id": new_id(prefix),
        "status": "",
        "metadata": {},
        **call.body,
        **given,
        "created_at": iso(call.now),
    }
    return {**document, "_kind": kind, "_account": call.account}


def _answer(tx: Transaction, call: Call, effect: Effect, new: bool = False) -> Answer:
    document = record(tx, effect, call.now, call.idempotency_key, new)
    return Answer(call.operation.status, present(document), document["id"], order_of(document), True, effect.refusal)


def _magic_of(acts_on: str, document: Document, amount: Decimal | None = None) -> Magic | None:
    return magic.find(acts_on, document.get("metadata", {}), amount)


def _create_intent(tx: Transaction, call: Call) -> Answer:
    asked: Decimal = call.body["amount"]
    minor, capture = minor_units(asked, call.body["currency"]), call.body.get("capture", False)
    intent = _new("payment_intent", "pi", call, amount=minor, capture=capture)
    found = _magic_of("payment", intent, asked)
    if intent.get("return_url"):
        intent["redirect_url"] = f"https://pay.molam.example/{intent['id']}"
    return _answer(tx, call, rules.create_intent({**intent, "_magic": found.name if found else None}), new=True)


def _confirm(tx: Transaction, call: Call) -> Answer:
    intent = _load(tx, "payment_intent", call, call.document_id)
    return _answer(tx, call, rules.confirm(intent, _stored_magic(intent)))


def _capture(tx: Transaction, call: Call) -> Answer:
    intent = _load(tx, "payment_intent", call, call.document_id)
    asked = call.body.get("amount")
    amount = None if asked is None else minor_units(asked, intent["currency"])
    return _answer(tx, call, rules.capture(intent, amount))


def _cancel(tx: Transaction, call: Call) -> Answer:
    return _answer(tx, call, rules.cancel(_load(tx, "payment_intent", call, call.document_id)))


def _create_refund(tx: Transaction, call: Call) -> Answer:
    intent = _load(tx, "payment_intent", call, call.body["payment_id"], "payment_id")
    asked = call.body.get("amount")
    refund = _new("refund", "re", call, currency=intent["currency"], _order=order_of(intent))
    refund["amount"] = None if asked is None else minor_units(asked, intent["currency"])
    found = _magic_of("refund", refund, asked) or _magic_of("refund", intent)
    refund["_magic"] = found.name if found else None
    return _answer(tx, call, rules.create_refund(refund, intent, tx.refunded(intent["id"]), found), new=True)


def _create_payout(tx: Transaction, call: Call) -> Answer:
    asked: Decimal = call.body["amount"]
    payout = _new("payout", "po", call, amount=minor_units(asked, call.body["currency"]))
    found = _magic_of("payout", payout, asked)
    payout["_magic"] = found.name if found else None
    return _answer(tx, call, rules.create_payout(payout, found), new=True)


def _onboard(tx: Transaction, call: Call) -> Answer:
    merchant = _new("merchant", "mo", call)
    link = f"https://connect.molam.example/onboarding/{merchant['id']}"
    merchant = {**merchant, "kyc_status": "pending", "onboarding_url": link}
    return _answer(tx, call, Effect({**merchant, "status": "pending"}), new=True)


def _create_endpoint(tx: Transaction, call: Call) -> Answer:
    tenant = f"{call.body['tenant_type']}:{call.body['tenant_id']}"
    secret = f"whsec_{secrets.token_hex(24)}"
    endpoint = _new("webhook_endpoint", "we", call, kid="v1", _secrets=[["v1", secret, None]], _tenant=tenant)
    del endpoint["metadata"]
    answer = _answer(tx, call, Effect({**endpoint, "status": "active"}), new=True)
    return _with_secret(answer, secret)


def _with_secret(answer: Answer, secret: str) -> Answer:
    body = {**(answer.body or {}), "secret": secret}
    return Answer(answer.status, body, answer.object_id, answer.order_id, answer.executed)


ROTATION_SECONDS = 24 * 3600.0


def _rotate_secret(tx: Transaction, call: Call) -> Answer:
    """A new secret and kid; the one before signs too for another 24 h."""
    endpoint = _load(tx, "webhook_endpoint", call, call.document_id)
    kid, secret = f"v{int(endpoint['kid'][1:]) + 1}", f"whsec_{secrets.token_hex(24)}"
    ending = [[old, value, until or call.now + ROTATION_SECONDS] for old, value, until in endpoint["_secrets"]]
    rotated = {**endpoint, "kid": kid, "_secrets": [*ending, [kid, secret, None]]}
    return _with_secret(_answer(tx, call, Effect(rotated)), secret)


def _delete_endpoint(tx: Transaction, call: Call) -> Answer:
    endpoint = _load(tx, "webhook_endpoint", call, call.document_id)
    if endpoint["status"] == "deleted":
        raise ApiError(404, "resource_missing", "No such webhook endpoint for this key.")
    answer = _answer(tx, call, Effect({**endpoint, "status": "deleted"}))
    return Answer(call.operation.status, None, answer.object_id, None, True)


def _retrieve(kind: str) -> Callable[[Transaction, Call], Answer]:
    def serve_one(tx: Transaction, call: Call) -> Answer:
        return Answer(200, present(_load(tx, kind, call, call.document_id)))

    return serve_one


def _list(kind: str, **columns: str) -> Callable[[Transaction, Call], Answer]:
    """A list whose filters (`columns`: column by query parameter) are answered newest first."""

    def serve_page(tx: Transaction, call: Call) -> Answer:
        page, before = call.page, None
        if page.starting_after is not None:
            before = tx.sequence_of(kind, call.account, page.starting_after)
            if before is None:
                raise ApiError(400, "resource_missing", "starting_after is not an id of this list.", "starting_after")
        equal = {column: page.filters.get(parameter) for parameter, column in columns.items()}
        found = tx.documents(kind, call.account, before=before, limit=page.limit + 1, **equal)
        shown = [present(document) for document in found[: page.limit]]
        return Answer(200, {"data": shown, "has_more": len(found) > page.limit})

    return serve_page


def _list_endpoints(tx: Transaction, call: Call) -> Answer:
    wanted = call.page.filters
    found = [
        endpoint
        for endpoint in tx.documents("webhook_endpoint", call.account, status="active")
        if all(endpoint[name] == value for name, value in wanted.items())
    ]
    ids = [endpoint["id"] for endpoint in found]
    after = call.page.starting_after
    if after is not None and after not in ids:
        raise ApiError(400, "resource_missing", "starting_after is not an id of this list.", "starting_after")
    rest = found[ids.index(after) + 1 :] if after is not None else found
    shown = [present(endpoint) for endpoint in rest[: call.page.limit]]
    return Answer(200, {"data": shown, "has_more": len(rest) > call.page.limit})


_OPERATIONS: dict[str, Callable[[Transaction, Call], Answer]] = {
    "create_payment_intent": _create_intent,
    "retrieve_payment_intent": _retrieve("payment_intent"),
    "list_payment_intents": _list("payment_intent", customer_id="owner", status="status"),
    "confirm_payment_intent": _confirm,
    "capture_payment_intent": _capture,
    "cancel_payment_intent": _cancel,
    "create_refund": _create_refund,
    "retrieve_refund": _retrieve("refund"),
    "list_refunds": _list("refund", payment_id="owner"),
    "create_payout": _create_payout,
    "retrieve_payout": _retrieve("payout"),
    "list_payouts": _list("payout", status="status"),
    "create_merchant_onboarding": _onboard,
    "create_webhook_endpoint": _create_endpoint,
    "list_webhook_endpoints": _list_endpoints,
    "delete_webhook_endpoint": _delete_endpoint,
    "rotate_webhook_secret": _rotate_secret,
}


def _stored_magic(document: Document) -> Magic | None:
    return magic.named(document.get("_magic"))


_JOBS: dict[str, Callable[[Document, float], Effect]] = {
    "settle_intent": lambda document, now: rules.settle(document, _stored_magic(document)),
    "settle_refund": lambda document, now: rules.settle_refund(document, _stored_magic(document)),
    "settle_payout": lambda document, now: rules.settle_payout(document, _stored_magic(document), iso(now)),
    "open_dispute": lambda document, now: rules.open_dispute(document),
    "resolve_dispute": lambda document, now: rules.resolve_dispute(document),
}


def run_due_jobs(tx: Transaction, now: float) -> int:
    """Run every job due by `now`, in the caller's transaction; returns how many."""
    due = tx.take_due_jobs(now)
    for job in due:
        record(tx, _JOBS[job["action"]](tx.document_by_id(job["document_id"]), now), now)
    return len(due)
