"""What a fault writes to the connection in place of the response."""

from starlette.responses import Response

from ..contract.problems import phrase
from ..faults.rule import InjectedFault

_GARBAGE = b'<html><body><h1>502 Bad Gateway</h1>\xff\xfe{"id": "pi_'


def script(fault: InjectedFault, response: Response | None) -> list[tuple[bytes, float]]:
    """What is written to the connection, and how long to wait after each piece."""
    if response is None or fault.kind in ("drop_before", "drop_after_commit"):
        return []
    body = bytes(response.body)
    if fault.kind == "garbage":
        return [(_head(200, [(b"content-type", b"text/html")], len(_GARBAGE)) + _GARBAGE, 0)]
    head = _head(response.status_code, response.raw_headers, len(body))
    if fault.kind == "truncate":
        kept = len(body) // 2 if fault.size is None else min(fault.size, max(0, len(body) - 1))
        return [(head + body[:kept], 0)]
    if fault.kind == "drip_headers":
        return [(bytes([byte]), fault.seconds) for byte in head + body]
    return [(head, 0), *((bytes([byte]), fault.seconds) for byte in body)]


def _head(status: int, headers: list[tuple[bytes, bytes]], length: int) -> bytes:
    kept = [(name, value) for name, value in headers if name != b"content-length"]
    lines = [f"HTTP/1.1 {status} {phrase(status)}".encode()]
    lines += [name + b": " + value for name, value in kept]
    return b"\r\n".join([*lines, b"content-length: %d" % length, b"connection: close", b"", b""])
