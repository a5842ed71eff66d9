"""What the shop knows: orders and shipments. ``python -m fastapi_shop.tables`` makes the tables."""

import os

from sqlalchemy import Boolean, Column, ForeignKey, Integer, MetaData, Numeric, String, Table, create_engine

engine = create_engine(os.environ["DATABASE_URL"])
metadata = MetaData()
orders = Table(
    "orders",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("amount", Numeric(15, 4), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("paid", Boolean, nullable=False, default=False),
)
# Redis cannot share a transaction with this database, so the payment is the key: a second shipment is refused.
shipments = Table(
    "shipments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("order_id", ForeignKey("orders.id"), nullable=False),
    Column("payment_id", String(64), nullable=False, unique=True),
)

if __name__ == "__main__":
    metadata.create_all(engine)
