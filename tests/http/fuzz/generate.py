"""Answers by the grammar, and what becomes of them on the way: hostile fields, broken framing, mutations, cuts."""

from __future__ import annotations

import gzip
from random import Random

_STATUS_LINES = [
    b"HTTP/1.1 200 OK", b"HTTP/1.1 201 Created", b"HTTP/1.1 402 No", b"HTTP/1.0 200 OK", b"HTTP/1.1 204 No",
    b"HTTP/1.1 304 Same", b"HTTP/1.1 503 ", b"HTTP/1.1 200", b"HTTP/1.0 204 x", b"HTTP/1.1 200 a\tb\xe9",
]  # fmt: skip
_ODD_STATUS_LINES = [
    b"HTTP/1.1 200 a\x0bb", b"HTTP/1.1  200 OK", b"HTTP/1.1\t200 OK", b"HTTP/1.1 0200 OK", b"HTTP/1.1 600 x",
    b"HTTP/1.2 200 OK", b"HTTP/2 200", b"http/1.1 200 OK", b"HTTP/1.1 2\xb20 OK", b"HTTP/1.1 200OK",
    b" HTTP/1.1 200 OK",
    b"\r\nHTTP/1.1 200 OK", b"HTTP/1.1 101 Up", b"HTTP/11 200 OK", b"ICY 200 OK", b"HTTP/1.1 99 x",
    b"HTTP/1.1 200\x0cOK",
    b"HTTP/1.1 200 \x00", b"HTTP/1.1 200 \x7f", b"HTTP/1.01 200 OK", b"", b"SSH-2.0-x",
]  # fmt: skip
_INTERIMS = [
    b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n", b"HTTP/1.1 102 \r\n\r\n",
    b"HTTP/1.1 100 C\r\nContent-Length: 3\r\n\r\n", b"HTTP/1.1 103 C\r\nConnection: close\r\n\r\n",
    b"HTTP/1.1 100 C\r\nTransfer-Encoding: chunked\r\n\r\n", b"HTTP/1.0 100 C\r\n\r\n", b"HTTP/1.1 100 C\n\n",
    b"HTTP/1.1 101 Up\r\n\r\n",
]  # fmt: skip
_PLAIN_FIELDS = [
    b"Server: x", b"Content-Type: application/json", b"A:", b"B:  c\t", b"Set-Cookie: a=b, c", b"X: \xe9", b"x-y_z: !",
    b"Date: Sat, 21 Nov 2026 15:20:20 GMT", b"Keep-Alive: timeout=5", b"Vary:a", b"Trailer: T",
]  # fmt: skip
_ODD_FIELDS = [
    b"no colon", b": no name", b" folded: x", b"\tfolded", b"A : b", b"A\x0b: b", b"A\xe9: b", b"A: \x00",
    b"A: b\rC: d",
    b"A: b\nC: d", b"A: \x0b", b"A: \x1b[0m", b"A: \x7f", b"A\x00: b", b"A: b\r\n c", b"(A): b", b"A: \x85\xa0",
    b"\xa0A: b",
    b"A b: c", b"", b"A:\r", b"A: b\n",
]  # fmt: skip
_CONNECTIONS = [
    b"close", b"keep-alive", b"Close", b"Keep-Alive", b"close, keep-alive", b"keep-alive, close", b"keep-alive,\tclose",
    b"closed", b"x-close", b"upgrade", b"", b",", b"keep-alive, x", b"\x0bclose", b"close\xa0", b"keep-alive;x",
    b'"close"',
    b"TE, close", b"keep-alive , , close",
]  # fmt: skip
_SPACES = [b"", b" ", b"\t", b" \t ", b"\xa0", b"\x85", b"\x0b", b"\x0c", b"\x1c", b"\x1f", b"\x00", b"\r", b"\n"]
_CODINGS = [
    b"chunked", b"Chunked", b"chunked, chunked", b"gzip, chunked", b"chunked, identity", b"identity", b"", b", chunked",
    b"chunked,", b"xchunked", b"chunked;q=1", b"chunke\xeb", b"\x0bchunked", b"gzip",
]  # fmt: skip
_ENCODINGS = [b"gzip", b"GZIP", b"x-gzip", b"gzip\xa0"]
_EXTENSIONS = [
    b";a", b";a=b", b" ; a = b", b';a="b"', b';a="b;\\"c"', b"\t;a;b=c", b"; a=\"\xe9\t\"",
    b";", b";=b", b";a=", b'; a="b', b";a b", b" ", b"\t", b";a\x00", b";a\rb", b";a\nb", b";a=\x0b", b"\x0b;a",
    b";\xa0", b" x",
    b';a="\x00"', b';a="\n"', b'";a"', b";a=\xe9",
]  # fmt: skip
_TRAILERS = [
    b"T: x", b"T:", b"Content-Length: 9", b"T: \xe9",
    b"no field", b" T: x", b"T : x", b"T: \x00", b"T: \rx", b"T: \nx", b"\x0b", b": x", b"T: \x0b", b"T\n", b"\r",
]  # fmt: skip
_ODD_BREAKS = [b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n ", b"\x00\r\n", b"\x0b\r\n"]
_AFTER = [b"\r\n", b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", b"0\r\n\r\n", b"\x00"]
_BYTES = [bytes([byte]) for byte in b'\x00\t\n\x0b\x0c\r\x1c\x1f "+,-0:;=aF\x7f\x85\xa0\xff'] + [
    b"\r\n",
    b"\n\r",
    b"\r\r\n",
]


def generate(rng: Random) -> bytes:
    """One connection's bytes: mostly close to an answer, so that what is odd about it comes through."""
    odd = rng.random() < 0.6  # the others are lawful, for what is wrongly refused
    data = _answer(rng, odd)
    if odd:
        while rng.random() < 0.4:
            data = _mutate(rng, data)
    return data


def cut(rng: Random, data: bytes) -> list[bytes]:
    """The same bytes in pieces."""
    if rng.random() < 0.1:
        return [data[at : at + 1] for at in range(len(data))]
    ends = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(1, 6)))
    return [piece for a, b in zip([0, *ends], [*ends, len(data)], strict=True) if (piece := data[a:b])]


def _answer(rng: Random, odd: bool) -> bytes:
    body = bytes(rng.choices(b"ab\r\n0{}\x00", k=rng.choice([0, 1, 2, 7, 16, 40])))
    fields = rng.choices(_PLAIN_FIELDS, k=rng.randrange(4))
    if rng.random() < 0.05:
        body = gzip.compress(body, mtime=0)
        fields.append(b"Content-Encoding: " + rng.choice(_ENCODINGS if odd else _ENCODINGS[:1]))
    if rng.random() < 0.3:
        fields.append(b"Connection: " + rng.choice(_CONNECTIONS if odd else _CONNECTIONS[:7]))
    if odd and rng.random() < 0.15:
        fields.append(rng.choice(_ODD_FIELDS))
    framing, body = _framed(rng, body, odd)
    fields += framing
    rng.shuffle(fields)
    start = rng.choice(_ODD_STATUS_LINES if odd and rng.random() < 0.06 else _STATUS_LINES)
    if start[9:12] in (b"204", b"304") and rng.random() < 0.7:
        body = b""  # it may still come, when the next answer is waited for
    interims = rng.choices(_INTERIMS if odd else _INTERIMS[:3], k=rng.choice([1, 1, 2])) if rng.random() < 0.08 else []
    after = rng.choice(_AFTER) if odd and rng.random() < 0.1 else b""
    return b"".join([*interims, b"\r\n".join([start, *fields, b"", b""]), body, after])


def _framed(rng: Random, body: bytes, odd: bool) -> tuple[list[bytes], bytes]:
    kind = rng.random()
    if kind < 0.4:
        return [_length(rng, body, odd)], body
    if kind < 0.85:
        coding = rng.choice(_CODINGS) if odd and rng.random() < 0.25 else b"chunked"
        fields = [_field(rng, b"Transfer-Encoding", coding, odd)]
        if odd and rng.random() < 0.15:
            fields.append(_length(rng, body, odd))
        return fields, _chunked(rng, body, odd)
    if kind < 0.9 and odd:
        return [_length(rng, body, odd), _length(rng, body, odd)], body
    return [], rng.choice([body, b""])


def _length(rng: Random, body: bytes, odd: bool) -> bytes:
    number = b"%d" % len(body)
    value = number
    if odd and rng.random() < 0.4:
        value = rng.choice([
            number + b", " + number, number + b"," + number,
            number + rng.choice(_SPACES) + b"," + rng.choice(_SPACES) + number,
            b"+" + number, b"-" + number, b"0" + number, number + b",", b"," + number, b"", b"0x5",
            number + b"," + b"7", b"1e1",
            number + b";", b"\xb2", b"1_0", number + b" " + number, b"9" * 19, b"99999999", number + b", 0" + number,
            b"0" * 20 + number,
        ])  # fmt: skip
    return _field(rng, b"Content-Length", value, odd)


def _field(rng: Random, name: bytes, value: bytes, odd: bool) -> bytes:
    if odd and rng.random() < 0.15:
        return name + b":" + rng.choice(_SPACES) + value + rng.choice(_SPACES)
    return rng.choice([name, name.lower(), name.upper()]) + rng.choice([b": ", b": ", b":", b":\t "]) + value


def _chunked(rng: Random, body: bytes, odd: bool) -> bytes:
    parts: list[bytes] = []
    while body:
        size = rng.randrange(1, len(body) + 1)
        parts.append(_size(rng, size, odd) + body[:size] + b"\r\n")
        body = body[size:]
    parts.append(_size(rng, 0, odd))
    if rng.random() < 0.2:
        parts += [line + b"\r\n" for line in rng.choices(_TRAILERS if odd else _TRAILERS[:4], k=rng.randrange(1, 3))]
    return b"".join([*parts, b"\r\n"])


def _size(rng: Random, size: int, odd: bool) -> bytes:
    line = rng.choice([b"%x", b"%X", b"0%x"]) % size
    if rng.random() < 0.1:
        line += rng.choice(_EXTENSIONS if odd else _EXTENSIONS[:7])
    if odd and rng.random() < 0.05:
        line = rng.choice(
            [b" " + line, b"\t" + line, line + b" ", b"+" + line, b"-" + line, b"0x" + line, b"", b"0" * 20 + line]
        )
    return line + (rng.choice([b"\n", b"\r", b"\r\r\n", b"\n\r\n"]) if odd and rng.random() < 0.02 else b"\r\n")


def _mutate(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    kind = rng.randrange(6)
    if kind == 0:
        return data[:at] + rng.choice(_BYTES) + data[at:]
    if kind == 1:
        return data[:at] + rng.choice(_BYTES) + data[at + 1 :]
    if kind == 2:
        return data[:at] + data[at + rng.choice([1, 1, 2, 5]) :]
    if kind == 3:
        return data[:at]
    if kind == 4:
        end = min(len(data), at + rng.randrange(1, 20))
        return data[:end] + data[at:end] + data[end:]
    breaks = [place for place in range(len(data) - 1) if data[place : place + 2] == b"\r\n"]
    if not breaks:
        return data
    place = rng.choice(breaks)
    return data[:place] + rng.choice(_ODD_BREAKS) + data[place + 2 :]
