"""The journal of the asyncio clients: the store blocks, so it works in threads of the journal's own."""
