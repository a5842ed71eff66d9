"""Connections that pass from call to call while others wait for theirs, on real sockets."""

from __future__ import annotations

import asyncio
import json

from molam_sdk import ClientConfig, DeclinedError, MolamAsyncClient

CALLS = 600
STRAY = {"id": "pi_stray", "status": "requires_confirmation", "amount": 1, "currency": "USD"}


def _answer(status: int, body: object) -> bytes:
    text = json.dumps(body).encode()
    return f"HTTP/1.1 {status} X\r\nX-Molam-Request-Id: req\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Declines every bad card, but only behind a stray answer."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            asked = json.loads(await reader.readexactly(length))
            if asked["metadata"]["bad"]:
                writer.write(_answer(201, STRAY))
                await asyncio.sleep(0.002)
                writer.write(_answer(402, {"error": {"code": "card_declined", "message": "no"}}))
            else:
                await asyncio.sleep(0.001)
                writer.write(_answer(201, STRAY | {"id": "pi_1", "amount": asked["amount"]}))
    except (EOFError, OSError):
        pass
    finally:
        writer.transport.abort()


async def test_the_answer_behind_a_stray_is_read_by_nobody_who_waited_for_a_connection() -> None:
    serving: list[asyncio.Task[None]] = []

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.get_running_loop().create_task(_serve(reader, writer)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=512)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    config = ClientConfig(api_key="sk_test_1", base_url=url, max_retries=1, retry_backoff_factor=0.01)
    async with MolamAsyncClient(config) as client:

        async def pay(number: int) -> None:
            await client.create_payment_intent(
                {"amount": 10 + number, "currency": "USD", "metadata": {"bad": number % 4 == 0}}
            )

        await asyncio.gather(*map(pay, range(CALLS)), return_exceptions=True)
        ends = await asyncio.gather(*map(pay, range(CALLS)), return_exceptions=True)
    server.close()
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)
    await asyncio.sleep(0)  # the event loop lets go of what was aborted in its next turn
    good = [end for number, end in enumerate(ends) if number % 4]
    assert [end for end in good if isinstance(end, DeclinedError)] == []
    assert good == [None] * len(good)
