"""ApiServer: uvicorn, made to start and stop at once, and to tell of its connections."""

import asyncio
import contextlib
import socket

import uvicorn
from starlette.types import ASGIApp

from .connections import Connections
from .running import RunningServer

_LEAVING_TICK = 0.005
# A connection that is being accepted stands, and one that was aborted is closed, so many turns of the loop later.
_TURNS_TO_ACCEPT = 4
_TURNS_TO_CLOSE = 2


def _config(app: ASGIApp, connections: Connections) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=connections.protocol(),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
    )


class ApiServer(uvicorn.Server):
    """uvicorn's server, which here starts and leaves at once instead of looking ten times a second.

    What of uvicorn's insides this rests on is held by tests/contracts/test_uvicorn.py.
    """

    def __init__(self, app: ASGIApp, running: RunningServer, connections: Connections, grace: float) -> None:
        super().__init__(_config(app, connections))
        self._running, self._connections, self._grace = running, connections, grace

    async def main_loop(self) -> None:
        self._running.ready()
        # on_tick renews the Date header; it also looks at should_exit.
        while not self._running.leaving.is_set() and not await self.on_tick(0):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._running.leaving.wait(), 1.0)
        self._connections.stopping.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing more, let running requests finish within the grace, cut off the rest."""
        await self._accept_no_more()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._grace
        # uvicorn has no event for the last task or connection being over.
        while (self.server_state.tasks or self._connections.any_open) and clock() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_LEAVING_TICK)
        for task in self.server_state.tasks:
            task.cancel()
        self._connections.abort_all()
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)
        await _turns(_TURNS_TO_CLOSE)

    async def _accept_no_more(self) -> None:
        """Close the servers once what they are accepting stands: asyncio would never close it, and its client waits."""
        loop = asyncio.get_running_loop()
        for server in self.servers:
            for listening in server.sockets:
                with contextlib.suppress(NotImplementedError):  # the loop of Windows
                    loop.remove_reader(listening.fileno())
        await _turns(_TURNS_TO_ACCEPT)
        for server in self.servers:
            server.close()


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)
