"""Webhook endpoints: create, list, delete, and rotate their secret."""

import secrets
from dataclasses import replace
from typing import Any

from ..contract.bodies import EMPTY, Field, RequestBody
from ..contract.operation import DEFAULT_PAGE, filters
from ..contract.schemas import MOMENT, TEXT, AnswerSchema, closed_object, id_of, words
from ..contract.values import ANY_WEB_URL, MUST_BE_HTTPS, is_private_enough, some_of, text
from ..domain.effects import Effect, StoredDocument
from ..domain.events import ENDPOINT_STATUSES, EVENT_TYPES
from ..domain.refusal import RefusalError
from ..store.transaction import StoreTransaction
from .documents import load, new_document, not_in_list, page_of, write
from .served import OperationInput, OperationResult, SandboxPolicy, ServedOperation

PATH = "/v1/webhooks/endpoints"
WRITE = "webhooks:write"
ROTATION_SECONDS = 24 * 3600.0

CREATE = RequestBody(
    "WebhookEndpointCreate",
    (
        Field("tenant_type", text(64), required=True),
        Field("tenant_id", text(255), required=True),
        Field("url", ANY_WEB_URL, required=True),
        Field("events", some_of((*EVENT_TYPES, "*")), required=True),
    ),
)
WEBHOOK_ENDPOINT = AnswerSchema(
    "WebhookEndpoint",
    closed_object(
        {
            "updated_at": MOMENT,
            "secret": {"type": "string", "pattern": "^whsec_", "description": "Only when made or rotated."},
        },
        id=id_of("we"),
        status=words(*ENDPOINT_STATUSES),
        tenant_type=TEXT,
        tenant_id=TEXT,
        url=TEXT,
        events={"type": "array", "items": words(*EVENT_TYPES, "*")},
        kid=TEXT,
        created_at=MOMENT,
    ),
)


def _check_url(body: dict[str, Any], policy: SandboxPolicy) -> None:
    if not is_private_enough(body["url"], policy.webhook_hosts):
        raise RefusalError(400, "parameter_invalid", f"url {MUST_BE_HTTPS}, or to a --webhook-host", "url")


def _new_secret() -> str:
    return f"whsec_{secrets.token_hex(24)}"


def _create(tx: StoreTransaction, given: OperationInput) -> OperationResult:
    tenant, secret = f"{given.body['tenant_type']}:{given.body['tenant_id']}", _new_secret()
    endpoint = new_document("webhook_endpoint", "we", given, kid="v1", _secrets=[["v1", secret, None]], _tenant=tenant)
    del endpoint["metadata"]
    return _with_secret(write(tx, given, Effect({**endpoint, "status": "active"}, new=True)), secret)


def _with_secret(result: OperationResult, secret: str) -> OperationResult:
    return replace(result, body={**(result.body or {}), "secret": secret})


def _undeleted(tx: StoreTransaction, given: OperationInput) -> StoredDocument:
    endpoint = load(tx, "webhook_endpoint", given)
    if endpoint["status"] == "deleted":
        raise RefusalError(404, "resource_missing", "No such webhook endpoint for this key.")
    return endpoint


def _rotate(tx: StoreTransaction, given: OperationInput) -> OperationResult:
    """A new secret and kid; the one before signs too for another 24 h."""
    endpoint = _undeleted(tx, given)
    kid, secret = f"v{int(endpoint['kid'][1:]) + 1}", _new_secret()
    ending = [[old, value, until or given.now + ROTATION_SECONDS] for old, value, until in endpoint["_secrets"]]
    rotated = {**endpoint, "kid": kid, "_secrets": [*ending, [kid, secret, None]]}
    return _with_secret(write(tx, given, Effect(rotated)), secret)


def _delete(tx: StoreTransaction, given: OperationInput) -> OperationResult:
    endpoint = _undeleted(tx, given)
    return replace(write(tx, given, Effect({**endpoint, "status": "deleted"})), body=None)


def _list(tx: StoreTransaction, given: OperationInput) -> OperationResult:
    wanted = {name: given.query[name] for name in ("tenant_type", "tenant_id") if name in given.query}
    kept = [one for one in tx.documents("webhook_endpoint", given.account) if one["status"] != "deleted"]
    found = [one for one in kept if all(one[name] == value for name, value in wanted.items())]
    ids = [endpoint["id"] for endpoint in found]
    after = given.query.get("starting_after")
    if after is not None and after not in ids:
        raise not_in_list()
    rest = found[ids.index(after) + 1 :] if after is not None else found
    return page_of(rest, given.query.get("limit", DEFAULT_PAGE))


OPERATIONS = (
    ServedOperation(
        name="create_webhook_endpoint",
        method="POST",
        path=PATH,
        scope=WRITE,
        request=CREATE,
        response=WEBHOOK_ENDPOINT,
        status=201,
        serve=_create,
        check=_check_url,
    ),
    ServedOperation(
        name="list_webhook_endpoints",
        method="GET",
        path=PATH,
        scope="webhooks:read",
        query=filters("tenant_type", "tenant_id"),
        response=WEBHOOK_ENDPOINT,
        listed=True,
        serve=_list,
    ),
    ServedOperation(
        name="delete_webhook_endpoint",
        method="DELETE",
        path=PATH + "/{id}",
        scope=WRITE,
        response=None,
        status=204,
        serve=_delete,
    ),
    # Not part of Molam's contract: how a test of one's own secret rotation is set going.
    ServedOperation(
        name="rotate_webhook_secret",
        method="POST",
        path=PATH + "/{id}/rotate",
        scope=WRITE,
        request=EMPTY,
        response=WEBHOOK_ENDPOINT,
        serve=_rotate,
    ),
)
