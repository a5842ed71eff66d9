"""The shop's pages, and what it does when Molam says that a payment succeeded."""

import os
from typing import Any

import click
from flask import Flask, Response, abort, jsonify, request
from sqlalchemy import func, insert, select, update

from molam_sdk import ClientConfig, DeclinedError, MolamError, MolamSyncClient, PaymentIntent, RequestValidationError
from molam_sdk.contrib.flask import webhook_blueprint
from molam_sdk.receiver import WebhookReceiver
from molam_sdk.store.sql import SqlStore
from molam_sdk.webhooks import EnvironmentSecrets, PaymentEvent

from .tables import engine, orders, shipments

app = Flask(__name__)
molam = MolamSyncClient(ClientConfig.from_env())
store = SqlStore(engine)
receiver = WebhookReceiver(EnvironmentSecrets(), store, lease_seconds=float(os.environ.get("LEASE_SECONDS", "45")))
app.register_blueprint(webhook_blueprint(receiver))


@receiver.on("payment.succeeded")
def ship(event: PaymentEvent) -> None:
    """Writes through ``store.connection``: the shipment and the event's mark are committed together."""
    payment = event.data
    number = int(payment.metadata["order"])
    price = store.connection.execute(select(orders.c.amount, orders.c.currency).where(orders.c.id == number)).one()
    if (payment.amount, payment.currency) != tuple(price):
        raise ValueError(f"{payment.id} pays {payment.amount} {payment.currency}, not what order {number} costs")
    store.connection.execute(insert(shipments).values(order_id=number, payment_id=payment.id))
    store.connection.execute(update(orders).where(orders.c.id == number).values(paid=True))


@app.post("/orders")
def take_order() -> tuple[Response, int]:
    """Take an order and ask for its payment."""
    wanted = request.get_json()
    if not isinstance(wanted, dict) or not {"amount", "currency"} <= wanted.keys():
        return jsonify(error="an order has an amount and a currency"), 400
    with engine.begin() as connection:
        row = insert(orders).values(amount=wanted["amount"], currency=wanted["currency"]).returning(orders.c.id)
        number = connection.execute(row).scalar_one()
    answer, status = pay(number, wanted)
    return jsonify(order=number, **answer), status


def pay(number: int, wanted: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Ask for the payment of an order, and say how that went to whoever ordered."""
    try:
        return {"payment": ask_for_payment(number, wanted).id}, 201
    except DeclinedError as declined:
        return {"declined": declined.code}, 402
    except RequestValidationError as wrong:
        return {"error": str(wrong)}, 400
    except MolamError as error:
        app.logger.exception("order %s: %s", number, error.advice)
        # Unknown: the webhook, or ``molam.in_doubt()``, will tell. Never ask anew under another key.
        return {"payment": error.outcome}, 202 if error.outcome in {"unknown", "accepted"} else 502


def ask_for_payment(number: int, wanted: dict[str, Any]) -> PaymentIntent:
    """Under the order's own key: whatever is asked again, one payment comes of it."""
    try:
        return molam.create_payment_intent(
            {**wanted, "capture": True, "metadata": {"order": str(number)}}, idempotency_key=f"order-{number}"
        )
    except MolamError as error:
        if error.outcome not in {"unknown", "accepted"}:
            raise
        found: PaymentIntent = molam.resolve(error, timeout=5)
        return found


@app.cli.command("make-endpoint")
@click.argument("url")
def make_endpoint(url: str) -> None:
    """Have Molam send this shop's events to URL; prints the secret, which is told only now."""
    endpoint = molam.create_webhook_endpoint(
        {"tenant_type": "merchant", "tenant_id": "shop", "url": url, "events": ["payment.succeeded"]}
    )
    click.echo(f"export MOLAM_WEBHOOK_SECRET_{(endpoint.kid or 'v1').upper()}={endpoint.secret}")


@app.get("/orders/<int:number>")
def show_order(number: int) -> Response:
    """How an order stands."""
    with engine.begin() as connection:
        paid = connection.execute(select(orders.c.paid).where(orders.c.id == number)).scalar_one_or_none()
        if paid is None:
            abort(404)
        shipped = select(func.count()).select_from(shipments).where(shipments.c.order_id == number)
        return jsonify(order=number, paid=paid, shipments=connection.execute(shipped).scalar_one())
