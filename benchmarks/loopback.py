"""The server that contestants call: a process of its own on a loopback port, cheap enough not to matter."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

_HERE = Path(__file__).parent
_PROCESSORS = tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_setaffinity") else ()


class Loopback:
    """A running server. ``kind`` says which one it is: ``C`` or ``Python``."""

    def __init__(self, url: str, kind: str) -> None:
        self.url = url
        self.kind = kind
        self._asking = http.client.HTTPConnection(urlsplit(url).netloc)

    def connections(self) -> int:
        """How many TCP connections it has accepted, besides the one that asks."""
        self._asking.request("GET", "/_connections")
        return int(self._asking.getresponse().read()) - 1


@contextmanager
def serve(
    answers: Mapping[str, bytes], *, delay_ms: float = 0, certificate: tuple[str, str] | None = None
) -> Iterator[Loopback]:
    """A server with these whole answers by path prefix, each ``delay_ms`` after its request; TLS if a certificate
    and its key are given (then it is the Python one, whose own cost is not counted)."""
    with tempfile.TemporaryDirectory() as folder:
        compiled = None if certificate else _compile(Path(folder))
        command = [compiled] if compiled else [sys.executable, str(_HERE / "loopback_server.py")]
        if certificate:
            command.append(",".join(certificate))
        elif not compiled:
            command.append("")
        command.append(str(int(delay_ms * 1000)))
        for number, (prefix, answer) in enumerate(answers.items()):
            file = Path(folder, f"{number}.http")
            file.write_bytes(answer)
            command += [prefix, str(file)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            _pin_apart(process.pid)
            assert process.stdout is not None
            port = int(process.stdout.readline())
            scheme = "https" if certificate else "http"
            yield Loopback(f"{scheme}://127.0.0.1:{port}", "C" if compiled else "Python")
        finally:
            process.communicate()  # closes its standard input, at which it ends
            _unpin()


def http_answer(body: bytes, content_type: str = "application/json", status: str = "201 Created") -> bytes:
    """An answer as Molam's gateway gives it: the fields around the body are those of a real one."""
    head = (
        f"HTTP/1.1 {status}\r\nServer: nginx\r\nDate: Sat, 21 Nov 2026 09:00:00 GMT\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\nConnection: keep-alive\r\n"
        "X-Molam-Request-Id: req_01HV7Z8Q6J3K5M7N9P1R3T5V7X\r\n"
        "Strict-Transport-Security: max-age=31536000\r\nCache-Control: no-store\r\n\r\n"
    )
    return head.encode() + body


def _compile(folder: Path) -> str | None:
    """The C server, where there is a compiler; None where there is none, or it does not take the source."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    target = folder / "loopback"
    command = [compiler, "-O2", "-D_GNU_SOURCE", str(_HERE / "loopback.c"), "-o", str(target)]
    done = subprocess.run(command, capture_output=True)
    return str(target) if done.returncode == 0 else None


def _pin_apart(server: int) -> None:
    """The server on the last processor, this process on the others: neither waits for the other's turn."""
    if len(_PROCESSORS) > 1:
        with suppress(OSError):
            os.sched_setaffinity(server, {_PROCESSORS[-1]})
            os.sched_setaffinity(0, set(_PROCESSORS[:-1]))


def _unpin() -> None:
    if _PROCESSORS:
        with suppress(OSError):
            os.sched_setaffinity(0, set(_PROCESSORS))
