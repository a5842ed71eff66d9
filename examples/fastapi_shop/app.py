"""The shop's pages, and what it does when Molam says that a payment succeeded."""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel
from redis import Redis
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from molam_sdk import ClientConfig, DeclinedError, MolamAsyncClient, MolamError, PaymentIntent, RequestValidationError
from molam_sdk.contrib.fastapi import webhook_router
from molam_sdk.receiver import WebhookReceiver
from molam_sdk.store.redis import RedisStore
from molam_sdk.webhooks import EnvironmentSecrets, PaymentEvent

from .tables import engine, orders, shipments

store = RedisStore(Redis.from_url(os.environ["REDIS_URL"]), prefix=os.environ.get("REDIS_PREFIX", "fastapi_shop"))
receiver = WebhookReceiver(EnvironmentSecrets(), store, lease_seconds=float(os.environ.get("LEASE_SECONDS", "45")))


class Wanted(BaseModel):
    """What a customer orders; ``amount`` is in major currency units."""

    amount: Decimal
    currency: str


@receiver.on("payment.succeeded")
def ship(event: PaymentEvent) -> None:
    """A plain function: the receiver runs it in a thread, so the loop stays free for other requests."""
    payment = event.data
    number = int(payment.metadata["order"])
    with engine.begin() as connection:
        price = connection.execute(select(orders.c.amount, orders.c.currency).where(orders.c.id == number)).one()
    if (payment.amount, payment.currency) != tuple(price):
        raise ValueError(f"{payment.id} pays {payment.amount} {payment.currency}, not what order {number} costs")
    try:
        with engine.begin() as connection:
            connection.execute(insert(shipments).values(order_id=number, payment_id=payment.id))
            connection.execute(update(orders).where(orders.c.id == number).values(paid=True))
    except IntegrityError:
        # A worker died between its commit and its mark in Redis: the shipment is there already.
        return


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """One client per worker, on the worker's own loop."""
    async with MolamAsyncClient(ClientConfig.from_env()) as app.state.molam:
        yield


app = FastAPI(lifespan=lifespan)
app.include_router(webhook_router(receiver))


@app.post("/orders", status_code=201)
async def take_order(wanted: Wanted, request: Request, response: Response) -> dict[str, object]:
    """Take an order, ask for its payment, and say how that went."""
    number = await run_in_threadpool(_insert, wanted)
    try:
        intent = await ask_for_payment(request.app.state.molam, number, wanted)
    except DeclinedError as declined:
        response.status_code = 402
        return {"order": number, "declined": declined.code}
    except RequestValidationError as wrong:
        raise HTTPException(400, str(wrong)) from None
    except MolamError as error:
        logging.getLogger("shop").exception("order %s: %s", number, error.advice)
        # Unknown: the webhook, or ``molam.in_doubt()``, will tell. Never ask anew under another key.
        response.status_code = 202 if error.outcome in {"unknown", "accepted"} else 502
        return {"order": number, "payment": error.outcome}
    return {"order": number, "payment": intent.id}


async def ask_for_payment(molam: MolamAsyncClient, number: int, wanted: Wanted) -> PaymentIntent:
    """Under the order's own key: whatever is asked again, one payment comes of it."""
    payload = {**wanted.model_dump(), "capture": True, "metadata": {"order": str(number)}}
    try:
        return await molam.create_payment_intent(payload, idempotency_key=f"order-{number}")
    except MolamError as error:
        if error.outcome not in {"unknown", "accepted"}:
            raise
        found: PaymentIntent = await molam.resolve(error, timeout=5)
        return found


@app.get("/orders/{number}")
def show_order(number: int) -> dict[str, object]:
    """How an order stands."""
    with engine.begin() as connection:
        paid = connection.execute(select(orders.c.paid).where(orders.c.id == number)).scalar_one_or_none()
        if paid is None:
            raise HTTPException(404)
        shipped = select(func.count()).select_from(shipments).where(shipments.c.order_id == number)
        return {"order": number, "paid": paid, "shipments": connection.execute(shipped).scalar_one()}


def _insert(wanted: Wanted) -> int:
    with engine.begin() as connection:
        row = insert(orders).values(amount=wanted.amount, currency=wanted.currency).returning(orders.c.id)
        return int(connection.execute(row).scalar_one())
