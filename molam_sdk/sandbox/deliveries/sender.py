"""DeliverySender: one signed POST to a webhook endpoint, and what came back."""

import asyncio
import contextlib
import time
from typing import NamedTuple

import aiohttp

from ..domain.effects import StoredDocument
from .forms import SignedParts, formed
from .signing import sign

_ANSWER_KEPT = 2048
_ANSWER_SECONDS = 1.0


class SendResult(NamedTuple):
    """The status of the answer; None, with the reason in `error`, where no answer came. And what was sent."""

    status: int | None
    error: str | None
    signature: str
    body: bytes
    answer: str = ""


class Outgoing(NamedTuple):
    """One delivery as it is to be sent; `form` is the kind of a fault that changes its form."""

    delivery_id: str
    body: bytes
    trace: str | None = None
    form: str | None = None


class DeliverySender:
    """Sends on the event loop it is first used on; `timeout` seconds for the whole exchange."""

    def __init__(self, timeout: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, endpoint: StoredDocument, outgoing: Outgoing, now: float) -> SendResult:
        """POST the body, signed with every secret valid at the sandbox's time `now`; a redirect is not followed.

        The signature's own time is the real one: a receiver holds it against its clock, whatever the sandbox's says.
        """
        valid = [(kid, secret) for kid, secret, until in endpoint["_secrets"] if until is None or until > now]
        parts = formed(SignedParts(outgoing.body, valid), outgoing.form)
        signature = sign(parts.body, int(time.time() * 1000), parts.secrets)
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": outgoing.delivery_id,
            "Molam-Signature": signature,
            "User-Agent": "molam-sandbox",
            **({"traceparent": outgoing.trace} if outgoing.trace else {}),
        }
        try:
            request = self._opened().post(endpoint["url"], data=parts.body, headers=headers, allow_redirects=False)
            async with request as answer:
                return SendResult(answer.status, None, signature, parts.body, await _beginning(answer))
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as error:
            return SendResult(None, f"{type(error).__name__}: {error}"[:500], signature, parts.body)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            # A fresh connection per attempt: a receiver that was restarted in between is no failure.
            connector = aiohttp.TCPConnector(force_close=True)
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


async def _beginning(answer: aiohttp.ClientResponse) -> str:
    """What the receiver said, for people; the status alone decides, so nothing that goes wrong here counts."""
    if answer.content_length in (0, None):
        return ""
    with contextlib.suppress(aiohttp.ClientError, asyncio.TimeoutError, OSError):
        said = await asyncio.wait_for(answer.content.read(_ANSWER_KEPT), _ANSWER_SECONDS)
        return said.decode("utf-8", "replace")
    return ""
