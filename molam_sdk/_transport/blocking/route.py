# Generated from _transport/awaited/route.py by ci/generate_blocking.py: edit that file, not this one.
"""The way to one origin: its connections, and one exchange on one of them."""

from __future__ import annotations

import time
from collections.abc import Collection

from ..._core.wire import Reply
from ..._http.error import NoReplyError
from ..._http.reader import AnswerReader
from ...config import ClientConfig
from ...exceptions import MolamError
from ..failures import unforeseen
from ..held import HeldConnection
from ..origin import Origin
from ..recording import RecorderCheck
from ..tls import TlsSettings, refuse_live_key
from .connect import Connector
from .connection import Connection
from .pool import Pool


class Route:
    """Sends to one origin; an exchange ends with a reply or a ``NoReplyError``, whatever a library raises."""

    def __init__(self, config: ClientConfig, tls: TlsSettings, origin: Origin, recorder: RecorderCheck) -> None:
        self._config = config
        self._origin = origin
        self._tls = tls
        self._connector = Connector(origin, tls, config.timeout_connect, recorder)
        self.pool = Pool(int(config.pool_size), config.pool_idle_seconds)

    def send(
        self, method: str, url: str, headers: Collection[tuple[str, str]], body: bytes | None, deadline: float
    ) -> Reply:
        """One exchange. ``NoReplyError`` if there is no complete answer."""
        if not self._tls.verifies:
            refuse_live_key(headers)
        connection: Connection | None = None
        try:
            wire = self._origin.request_bytes(method, url, headers, body)
            reader = AnswerReader(self._config.max_body_bytes)
            connection = self.pool.acquire(self._connector.open, deadline)
            held = self._exchange(connection, wire, reader, deadline)
        except (NoReplyError, MolamError):
            raise
        except Exception as problem:
            raise unforeseen(problem, sent=connection is not None and connection.sent) from problem
        return Reply(reader.status, reader.headers, reader.body, time.time(), held)

    def close(self) -> None:
        """Close idle connections now, and those in use when their answers have come."""
        self.pool.close()

    def _exchange(
        self, connection: Connection, wire: bytes, reader: AnswerReader, deadline: float
    ) -> HeldConnection[Connection] | None:
        try:
            connection.exchange(wire, reader, deadline, self._config.timeout_read)
        except NoReplyError as error:
            self._give_up(connection, reader, error)
            raise
        except BaseException:
            self.pool.discard(connection)
            raise
        if reader.reusable and (connection.tls is None or self._tls.still_uses(connection.tls)):
            return HeldConnection(self.pool, connection)
        self.pool.discard(connection)
        return None

    def _give_up(self, connection: Connection, reader: AnswerReader, error: NoReplyError) -> None:
        self.pool.discard(connection)
        if connection.uses:
            self.pool.clear()  # what ended this kept-alive connection has probably ended the others
        if reader.head_seen:
            error.status, error.headers = reader.status, reader.headers
