"""A FastAPI shop: orders, payments through Molam, one shipment per paid order."""
