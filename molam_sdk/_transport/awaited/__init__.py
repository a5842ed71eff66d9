"""Waiting by asyncio: the transport of the asyncio client; the standard library's event loop, or uvloop."""
