"""The shop's pages, and what it does when Molam says that a payment succeeded."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel
from redis import Redis
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from molam_sdk import ClientConfig, MolamAsyncClient
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
async def take_order(wanted: Wanted, request: Request) -> dict[str, object]:
    """Take an order and ask for its payment."""
    number = await run_in_threadpool(_insert, wanted)
    payload = {**wanted.model_dump(), "capture": True, "metadata": {"order": str(number)}}
    intent = await request.app.state.molam.create_payment_intent(payload, idempotency_key=f"order-{number}")
    return {"order": number, "payment": intent.id}


@app.get("/orders/{number}")
def show_order(number: int) -> dict[str, object]:
    """How an order stands."""
    with engine.begin() as connection:
        paid = connection.execute(select(orders.c.paid).where(orders.c.id == number)).scalar_one()
        shipped = select(func.count()).select_from(shipments).where(shipments.c.order_id == number)
        return {"order": number, "paid": paid, "shipments": connection.execute(shipped).scalar_one()}


def _insert(wanted: Wanted) -> int:
    with engine.begin() as connection:
        row = insert(orders).values(amount=wanted.amount, currency=wanted.currency).returning(orders.c.id)
        return int(connection.execute(row).scalar_one())
