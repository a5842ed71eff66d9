"""DeliverySender: one signed POST to a webhook endpoint, and what came back."""

import asyncio
from typing import NamedTuple

import aiohttp

from ..domain.effects import StoredDocument
from .signing import sign


class SendResult(NamedTuple):
    """The status of the answer; None, with the reason in `error`, where no answer came."""

    status: int | None
    error: str | None = None


class DeliverySender:
    """Sends on the event loop it is first used on; `timeout` seconds for the whole exchange."""

    def __init__(self, timeout: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, endpoint: StoredDocument, delivery_id: str, body: bytes, now: float) -> SendResult:
        """POST the body, signed with every secret valid at unix time `now`; a redirect is not followed."""
        valid = [(kid, secret) for kid, secret, until in endpoint["_secrets"] if until is None or until > now]
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": delivery_id,
            "Molam-Signature": sign(body, int(now * 1000), valid),
            "User-Agent": "molam-sandbox",
        }
        try:
            request = self._opened().post(endpoint["url"], data=body, headers=headers, allow_redirects=False)
            async with request as answer:
                return SendResult(answer.status)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as error:
            return SendResult(None, f"{type(error).__name__}: {error}"[:500])

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            # A fresh connection per attempt: a receiver that was restarted in between is no failure.
            connector = aiohttp.TCPConnector(force_close=True)
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
