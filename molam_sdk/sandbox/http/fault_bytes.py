"""What faults write to the connection in place of the response, and at which pace."""

from starlette.responses import Response

from ..contract.problems import phrase
from ..faults.met import MetFaults
from ..faults.rule import InjectedFault

_GARBAGE = b'<html><body><h1>502 Bad Gateway</h1>\xff\xfe{"id": "pi_'
_NOTHING = ("drop_before", "drop_after_commit", "blackhole", "reset")
_SLICE_SECONDS = 0.05


def script(met: MetFaults, response: Response | None) -> list[tuple[bytes, float]]:
    """What is written to the connection, and how long to wait after each piece."""
    answer = met.of("answer")
    if response is None or (answer is not None and answer.kind in _NOTHING):
        return []
    head, body = _written(answer, response)
    pace = met.of("pace")
    return [(head + body, 0)] if pace is None else _paced(pace, head, body)


def _written(fault: InjectedFault | None, response: Response) -> tuple[bytes, bytes]:
    """Head and body as the fault makes them."""
    body = bytes(response.body)
    if fault is not None and fault.kind == "garbage":
        return _head(200, [(b"content-type", b"text/html")], len(_GARBAGE)), _GARBAGE
    head = _head(response.status_code, response.raw_headers, len(body))
    if fault is not None and fault.kind == "truncate":
        return head, body[: len(body) // 2 if fault.size is None else min(fault.size, max(0, len(body) - 1))]
    return head, body


def _paced(pace: InjectedFault, head: bytes, body: bytes) -> list[tuple[bytes, float]]:
    if pace.kind == "bandwidth":
        whole, size = head + body, max(1, int(pace.rate * _SLICE_SECONDS))
        pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
        return [(piece, len(piece) / pace.rate) for piece in pieces]
    if pace.kind == "drip_headers":
        return [(bytes([byte]), pace.seconds) for byte in head + body]
    return [(head, 0), *((bytes([byte]), pace.seconds) for byte in body)]


def _head(status: int, headers: list[tuple[bytes, bytes]], length: int) -> bytes:
    kept = [(name, value) for name, value in headers if name != b"content-length"]
    lines = [f"HTTP/1.1 {status} {phrase(status)}".encode()]
    lines += [name + b": " + value for name, value in kept]
    return b"\r\n".join([*lines, b"content-length: %d" % length, b"connection: close", b"", b""])
