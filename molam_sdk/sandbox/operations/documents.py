"""What the operations on stored documents share: load one, make one, write what a rule decided, retrieve, list."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from ..contract.operation import DEFAULT_PAGE
from ..domain import magic
from ..domain.clock import iso
from ..domain.effects import Effect, StoredDocument
from ..domain.ids import new_id
from ..domain.magic import MagicValue
from ..domain.refusal import RefusalError
from ..store.recording import order_of, present, record
from ..store.transaction import StoreTransaction
from .served import OperationInput, OperationResult, Serve


def load(
    tx: StoreTransaction, kind: str, given: OperationInput, document_id: str | None = None, param: str | None = None
) -> StoredDocument:
    """A document of this account, by default the one in the path; raises RefusalError 404."""
    document = tx.document(kind, given.account, given.document_id if document_id is None else document_id)
    if document is None:
        raise RefusalError(404, "resource_missing", f"No such {kind.replace('_', ' ')} for this key.", param)
    return document


def new_document(kind: str, prefix: str, given: OperationInput, **fields: Any) -> StoredDocument:
    """A document from the body of the request and these fields, not written yet."""
    document = {
        "id": new_id(prefix),
        "status": "",
        "metadata": {},
        **given.body,
        **fields,
        "created_at": iso(given.now),
    }
    return {**document, "_kind": kind, "_account": given.account}


def write(tx: StoreTransaction, given: OperationInput, effect: Effect) -> OperationResult:
    """Record the effect; the result shows the document as it became."""
    origin = {name: value for name, value in (("_trace", given.trace), ("_scope", given.scope)) if value}
    traced = replace(effect, document={**effect.document, **origin}) if origin else effect
    document = record(tx, traced, given.now, given.idempotency_key)
    return OperationResult(given.status, present(document), document["id"], order_of(document), True, effect.refusal)


def magic_of(acts_on: str, document: StoredDocument, amount: Decimal | None = None) -> MagicValue | None:
    """The magic that a new document asks for, by its metadata or its amount."""
    return magic.find(acts_on, document.get("metadata", {}), amount)


def retrieve(kind: str) -> Serve:
    """Serve one document of this kind by its id."""

    def serve_one(tx: StoreTransaction, given: OperationInput) -> OperationResult:
        return OperationResult(200, present(load(tx, kind, given)))

    return serve_one


def list_newest(kind: str, **columns: str) -> Serve:
    """Serve a list, newest first, whose filters are answered by column (`columns`: column by query parameter)."""

    def serve_page(tx: StoreTransaction, given: OperationInput) -> OperationResult:
        after, before, limit = given.query.get("starting_after"), None, given.query.get("limit", DEFAULT_PAGE)
        if after is not None:
            before = tx.sequence_of(kind, given.account, after)
            if before is None:
                raise not_in_list()
        equal = {column: given.query.get(parameter) for parameter, column in columns.items()}
        found = tx.documents(kind, given.account, before=before, limit=limit + 1, **equal)
        return page_of(found, limit)

    return serve_page


def not_in_list() -> RefusalError:
    return RefusalError(400, "resource_missing", "starting_after is not an id of this list.", "starting_after")


def page_of(found: list[StoredDocument], limit: int) -> OperationResult:
    """The first `limit` documents; that there are more is seen by the rest."""
    shown = [present(document) for document in found[:limit]]
    return OperationResult(200, {"data": shown, "has_more": len(found) > limit})
