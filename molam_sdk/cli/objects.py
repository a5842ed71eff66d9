"""`molam payments | refunds | payouts | endpoints | get | resolve`: the API by hand, against any environment."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import islice
from typing import Any

import click

from ..journal.showing import as_rows
from ..redaction import escape_unseen, sanitize_sensitive_data
from .calling import calling, changes, consented, json_option, live_option

_COLUMNS = ("id", "status", "amount", "currency", "created_at", "payment_id", "customer_id", "url")

_limit = click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="So many at most.")


def show(answer: Any, as_json: bool) -> None:
    """An object in lines, or as JSON; without secrets and card numbers."""
    facts = _facts(answer)
    if as_json:
        click.echo(json.dumps(facts))
        return
    for line in as_rows(facts):
        click.echo(line)


def show_list(answers: Iterable[Any], limit: int, as_json: bool) -> None:
    """Objects, each in a line."""
    for answer in islice(answers, limit):
        facts = _facts(answer)
        line = json.dumps(facts) if as_json else "  ".join(str(facts[name]) for name in _COLUMNS if facts.get(name))
        click.echo(escape_unseen(line))


def _facts(answer: Any) -> dict[str, Any]:
    dumped = answer.model_dump(mode="json") if hasattr(answer, "model_dump") else dict(answer)
    facts = sanitize_sensitive_data(dumped)
    return facts if isinstance(facts, dict) else {}


@click.group()
def payments() -> None:
    """Payments: look them up, confirm, capture or cancel them."""


@payments.command("get")
@click.argument("payment")
@json_option
def get_payment(payment: str, as_json: bool) -> None:
    """One payment."""
    with calling() as client:
        show(client.retrieve_payment_intent(payment), as_json)


@payments.command("list")
@click.option("--customer", help="Only of this customer.")
@click.option("--status", help="Only in this status.")
@_limit
@json_option
def list_payments(customer: str | None, status: Any, limit: int, as_json: bool) -> None:
    """The newest payments."""
    with calling() as client:
        show_list(client.list_payment_intents(customer_id=customer, status=status), limit, as_json)


@payments.command()
@click.argument("payment")
@changes
@json_option
def confirm(payment: str, live: bool, idempotency_key: str | None, as_json: bool) -> None:
    """Take a payment that was created."""
    with calling() as client:
        key = consented(client, payment, live=live, key=idempotency_key)
        show(client.confirm_payment_intent(payment, idempotency_key=key), as_json)


@payments.command()
@click.argument("payment")
@click.option("--amount", help="In major units; all of it if left out.")
@changes
@json_option
def capture(payment: str, amount: str | None, live: bool, idempotency_key: str | None, as_json: bool) -> None:
    """Capture what was authorised."""
    with calling() as client:
        key = consented(client, payment, live=live, key=idempotency_key)
        show(client.capture_payment_intent(payment, amount=amount, idempotency_key=key), as_json)


@payments.command()
@click.argument("payment")
@changes
@json_option
def cancel(payment: str, live: bool, idempotency_key: str | None, as_json: bool) -> None:
    """Cancel a payment that was not taken."""
    with calling() as client:
        key = consented(client, payment, live=live, key=idempotency_key)
        show(client.cancel_payment_intent(payment, idempotency_key=key), as_json)


@click.group()
def refunds() -> None:
    """Refunds: look them up, give money back."""


@refunds.command("get")
@click.argument("refund")
@json_option
def get_refund(refund: str, as_json: bool) -> None:
    """One refund."""
    with calling() as client:
        show(client.retrieve_refund(refund), as_json)


@refunds.command("list")
@click.option("--payment", help="Only of this payment.")
@_limit
@json_option
def list_refunds(payment: str | None, limit: int, as_json: bool) -> None:
    """The newest refunds."""
    with calling() as client:
        show_list(client.list_refunds(payment_id=payment), limit, as_json)


@refunds.command("create")
@click.argument("payment")
@click.option("--amount", help="In major units; all of it if left out.")
@click.option("--reason", help="Why.")
@changes
@json_option
def create_refund(
    payment: str, *, amount: str | None, reason: str | None, live: bool, idempotency_key: str | None, as_json: bool
) -> None:
    """Give money back."""
    given: Any = {"payment_id": payment, "amount": amount, "reason": reason}
    with calling() as client:
        key = consented(client, payment, live=live, key=idempotency_key)
        payload: Any = {name: value for name, value in given.items() if value is not None}
        show(client.create_refund(payload, idempotency_key=key), as_json)


@click.group()
def payouts() -> None:
    """Payouts: look them up."""


@payouts.command("get")
@click.argument("payout")
@json_option
def get_payout(payout: str, as_json: bool) -> None:
    """One payout."""
    with calling() as client:
        show(client.retrieve_payout(payout), as_json)


@payouts.command("list")
@click.option("--status", help="Only in this status.")
@_limit
@json_option
def list_payouts(status: Any, limit: int, as_json: bool) -> None:
    """The newest payouts."""
    with calling() as client:
        show_list(client.list_payouts(status=status), limit, as_json)


@click.group()
def endpoints() -> None:
    """Webhook endpoints: look them up."""


@endpoints.command("list")
@_limit
@json_option
def list_endpoints(limit: int, as_json: bool) -> None:
    """The registered URLs."""
    with calling() as client:
        show_list(client.list_webhook_endpoints(), limit, as_json)


@click.command("get")
@click.argument("path")
def get(path: str) -> None:
    """Whatever stands at a path, /v1/… , as JSON."""
    with calling() as client:
        show(client.get(path), as_json=True)


@click.command()
@click.argument("key")
@live_option
@json_option
def resolve(key: str, live: bool, as_json: bool) -> None:
    """Find out what became of a call, by the idempotency KEY that the journal (MOLAM_JOURNAL) has."""
    with calling() as client:
        show(client.resolve(consented(client, key, live=live, key=key)), as_json)
