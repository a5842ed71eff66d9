"""Webhook deliveries: when to send again, the signature, the sending, the worker, and what a test sees of it."""
