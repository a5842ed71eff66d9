"""Holds the reader against RFC 9112, h11 and llhttp, input by input, and says what is wrong with one."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from molam_sdk._core.wire import Failure
from molam_sdk._http.error import NoReplyError
from molam_sdk._http.reader import AnswerReader
from tests.http.fuzz import rfc9112
from tests.http.fuzz.generate import cut, generate
from tests.http.fuzz.peers import read_by_h11, read_by_llhttp

LIMIT = 4096
_CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Found:
    """What the reader made of one connection's bytes, up to its close."""

    failure: Failure | None
    status: int
    fields: dict[str, str]
    body: bytes
    reusable: bool


def read(pieces: list[bytes], *, connect: bool = False) -> Found:
    """The reader's own finding; a piece that comes after the answer's end makes the connection useless."""
    reader = AnswerReader(LIMIT, method="CONNECT" if connect else "POST")
    failure, unread = None, list(reversed(pieces or [b""]))
    try:
        while not reader.feed(unread.pop()):
            if not unread:
                reader.end()
                break
    except NoReplyError as problem:
        failure = problem.failure
    fields = {name.lower(): value for name, value in reader.headers.items()}
    return Found(failure, reader.status, fields, reader.body, failure is None and not unread and reader.reusable)


# What RFC 9112 lets pass and the reader refuses on purpose: what it is, and why it may.
REFUSED_ON_PURPOSE: list[tuple[str, Callable[[Found, rfc9112.Reading], bool]]] = [
    ("a body past our bound (RFC 9110 §15.6.1 leaves bounds to each side)",
     lambda ours, _: ours.failure is Failure.TOO_LARGE),
    ("a Content-Encoding that we did not ask for, or cannot undo (RFC 9110 §8.4)",
     lambda _, rfc: rfc.fields.get("content-encoding", "").lower() not in ("", "identity")),
    ("a Transfer-Encoding with empty members: nobody sends them but to mislead (RFC 9112 §11.2)",
     lambda _, rfc: "," in rfc.fields.get("transfer-encoding", "")),
    ("a Content-Length of more than 18 digits (RFC 9110 §8.6 asks to prevent overflow)",
     lambda _, rfc: len(rfc.fields.get("content-length", "").split(",")[0].strip(" \t")) > 18),
]  # fmt: skip

# Where another reader sees another body or status in an answer that RFC 9112 and we agree on.
READ_OTHERWISE: list[tuple[str, re.Pattern[bytes]]] = [
    ("llhttp takes a tab behind a coding for part of it; it is whitespace (RFC 9110 §5.6.3)",
     re.compile(rb"transfer-encoding:[^\r]*\t[ \t]*\r\n", re.IGNORECASE)),
]  # fmt: skip

# Where nobody else who can read the answer would use its connection again.
REUSED_OTHERWISE: list[tuple[str, Callable[[rfc9112.Reading], bool]]] = [
    ("h11 keeps no connection of HTTP/1.0; keep-alive lets one (RFC 9112 §9.3), and a value with a control character, "
     "which llhttp refuses, changes nothing about that (RFC 9110 §5.5)",
     lambda rfc: rfc.minor == 0 and any(_CONTROL.search(value) for value in rfc.fields.values())),
]  # fmt: skip


def complaint(pieces: list[bytes], *, connect: bool = False) -> str | None:
    """What is wrong with the reader, shown by these bytes in these pieces."""
    data = b"".join(pieces)
    ours = read([data], connect=connect)
    if ours != read(pieces, connect=connect):
        return f"other pieces, other answer: {ours} and {read(pieces, connect=connect)}"
    try:
        rfc = rfc9112.read(data, connect=connect)
    except rfc9112.RefusedError as problem:
        return None if ours.failure else f"accepted, against RFC 9112 ({problem}): {ours}"
    if ours.failure is not None:
        known = any(applies(ours, rfc) for _, applies in REFUSED_ON_PURPOSE)
        return None if known else f"refused, though lawful: {ours.failure}; {rfc}"
    return _difference(ours, rfc) or (None if connect else _other_readers(data, ours, rfc))


def _difference(ours: Found, rfc: rfc9112.Reading) -> str | None:
    if (ours.status, ours.fields) != (rfc.status, rfc.fields):
        return f"another head: {ours}; {rfc}"
    if ours.body != _decoded(rfc.body, ours):
        return f"another body: {ours}; {rfc}"
    if ours.reusable and not rfc.reusable:
        return f"reused, though what comes next is not certain: {ours}"
    return None


def _other_readers(data: bytes, ours: Found, rfc: rfc9112.Reading) -> str | None:
    peers = [seen for seen in (read_by_h11(data), read_by_llhttp(data)) if seen is not None]
    agreeing = [seen for seen in peers if (seen.status, _decoded(seen.body, ours)) == (ours.status, ours.body)]
    if agreeing != peers and not any(known.search(data) for _, known in READ_OTHERWISE):
        return f"another answer than others read: {ours}; {peers}"
    known = any(applies(rfc) for _, applies in REUSED_OTHERWISE)
    if ours.reusable and agreeing and not known and not any(seen.reusable for seen in agreeing):
        return f"reused, as nobody else does: {ours}; {peers}"
    return None


def _decoded(body: bytes, ours: Found) -> bytes:
    coded = body and ours.fields.get("content-encoding", "").lower() in ("gzip", "x-gzip")
    try:
        return gzip.decompress(body) if coded else body
    except (OSError, EOFError):
        return b"not gzip: " + body


@dataclass(frozen=True)
class Case:
    """One input of a series, which its seed makes again."""

    pieces: list[bytes]
    connect: bool

    def complaint(self) -> str | None:
        """What is wrong with the reader, shown by this case."""
        return complaint(self.pieces, connect=self.connect)


def make(rng: Random) -> Case:
    """The next input of a series."""
    connect = rng.random() < 0.05
    return Case(cut(rng, generate(rng)), connect)


def shrink(case: Case) -> Case:
    """A smaller case that shows a fault of the same kind."""
    kind = (case.complaint() or "").partition(":")[0]
    shrunk = True
    while shrunk:
        shrunk = False
        for smaller in _smaller(case):
            if (smaller.complaint() or "").partition(":")[0] == kind:
                case, shrunk = smaller, True
                break
    return case


def _smaller(case: Case) -> list[Case]:
    pieces = case.pieces
    joined = [[*pieces[:at], pieces[at] + pieces[at + 1], *pieces[at + 2 :]] for at in range(len(pieces) - 1)]
    less = []
    for size in (64, 16, 4, 1):
        for number, piece in enumerate(pieces):
            for at in range(0, len(piece) - size + 1, size):
                rest = piece[:at] + piece[at + size :]
                less.append([*pieces[:number], *([rest] if rest else []), *pieces[number + 1 :]])
    return [Case(candidate, case.connect) for candidate in [*joined, *less] if candidate]


def first_failure(seed: int, count: int, progress: Callable[[int], None] = lambda _: None) -> str | None:
    """What is wrong with the first bad input of a series, made small; None where all are well."""
    rng = Random(seed)
    for number in range(count):
        case = make(rng)
        if case.complaint():
            small = shrink(case)
            return f"input {number} of seed {seed}: {small.complaint()}\n{small}"
        progress(number + 1)
    return None
