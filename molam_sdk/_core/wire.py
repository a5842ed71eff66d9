"""What passes between the core and whatever waits: a request out, a reply or the lack of one back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeVar, overload

T = TypeVar("T")


class Hidden(str):
    """A text that goes over the wire and is never shown: its repr, which is what shows local variables, tells nothing.

    A type of its own for the value, since error trackers walk through the dict that it stands in.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class Headers(Mapping[str, str]):
    """Header fields by name, whatever their case; a field that stood several times is joined (RFC 9110 §5.3)."""

    __slots__ = ("_fields", "_names")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._fields: dict[str, str] = {}
        self._names: list[str] = []
        fields = self._fields
        for name, value in pairs:
            low = name.lower()
            if low in fields:
                fields[low] = f"{fields[low]}, {value}"
            else:
                fields[low] = value
                self._names.append(name)

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    @overload
    def get(self, key: str, /) -> str | None: ...
    @overload
    def get(self, key: str, default: str, /) -> str: ...
    @overload
    def get(self, key: str, default: T, /) -> str | T: ...
    def get(self, key: str, default: object = None, /) -> object:
        """Mapping's own raises and catches a KeyError for every field that is not there, and most are not."""
        return self._fields.get(key.lower(), default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({dict(self)!r})"


@dataclass(slots=True)
class Request:
    """One request, the same on every attempt. ``deadline`` is a time of the transport's clock, in seconds."""

    method: str
    url: str
    headers: dict[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    deadline: float


class Held(Protocol):
    """The connection that an answer came on. It carries nothing else until one of these is called, or it is dropped."""

    def release(self) -> None: ...  # the answer was of the request that was sent

    def discard(self) -> None: ...  # it was another request's


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer. ``received_at`` is a Unix time: a ``Retry-After`` date is counted from it. ``held``: the
    connection, where it waits to hear whose answer this is."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: float
    held: Held | None = field(default=None, repr=False, compare=False)


class Failure(Enum):
    """Why there is no complete answer."""

    CIRCUIT_OPEN = "circuit_open"
    BULKHEAD_FULL = "bulkhead_full"
    SWITCHED_OFF = "switched_off"
    NOT_SENDABLE = "not_sendable"
    NO_TIME = "no_time"
    DNS = "dns"
    CONNECT = "connect"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls"
    CERTIFICATE = "certificate"
    PROXY = "proxy"
    LOCAL = "local"
    STALE = "stale"
    TIMEOUT = "timeout"
    RESET = "reset"
    INCOMPLETE = "incomplete"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class NoReply:
    """No complete answer, and why. ``status`` and ``headers`` stand where the head of one had come."""

    failure: Failure
    detail: str
    cause: BaseException | None = field(default=None, repr=False)
    status: int | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    retry_after: float | None = None


class Transport(Protocol):
    """Everything that waits, for the blocking client. One that keeps connections also has ``discard_connections()``,
    called when an answer was another call's, which closes those that no call is using."""

    def send(self, request: Request) -> Reply | NoReply: ...

    def sleep(self, seconds: float) -> None: ...

    def clock(self) -> float: ...

    def close(self) -> None: ...


class AsyncTransport(Protocol):
    """Everything that waits, for the asyncio client. ``discard_connections()``, not awaited, as in ``Transport``."""

    async def send(self, request: Request) -> Reply | NoReply: ...

    async def sleep(self, seconds: float) -> None: ...

    def clock(self) -> float: ...

    async def close(self) -> None: ...
