"""Writes the blocking text from the awaited one, so that the two cannot differ.

``python ci/generate_blocking.py`` writes every pair below; ``--check`` writes nothing and exits with 1 where a file is
not what it would write. Edit the awaited file, never the generated one.

What it does to the awaited text, token by token:

- ``async`` and ``await`` go; ``Awaitable[X]`` becomes ``X``;
- names of asyncio become their blocking counterparts (``NAMES``, and each pair's own);
- a line that ends in ``# blocking: code`` becomes that code, also where the comment is the whole line; with no code
  after it the line is left out;
- in comments and strings the pair's phrases are replaced, and names as everywhere;
- ruff then sorts imports, removes those that nothing uses any more, and formats.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = ROOT / "molam_sdk"

NAMES: Final[Mapping[str, str]] = {
    "AbstractAsyncContextManager": "AbstractContextManager",
    "AsyncExitStack": "ExitStack",
    "AsyncIterable": "Iterable",
    "AsyncIterator": "Iterator",
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "aclosing": "closing",
    "anext": "next",
    "asynccontextmanager": "contextmanager",
}
_BLOCKING_LINE: Final = re.compile(r"^(?P<indent>\s*).*#\s*blocking:(?P<code>.*)$")
_TEXT_TOKENS: Final = frozenset(
    getattr(tokenize, name) for name in ("STRING", "COMMENT", "FSTRING_MIDDLE") if hasattr(tokenize, name)
)


@dataclass(frozen=True, slots=True)
class Pair:
    """An awaited file and the blocking one made of it, both below molam_sdk.

    ``names`` are replaced wherever they stand as a whole word, ``phrases`` in comments and strings.
    """

    awaited: str
    blocking: str
    names: Mapping[str, str] = field(default_factory=dict)
    phrases: Mapping[str, str] = field(default_factory=dict)


_CLIENTS: Final[Mapping[str, str]] = {
    "AsyncPages": "Pages",
    "AsyncTransport": "Transport",
    "AsyncioTransport": "RequestsTransport",
    "MolamAsyncClient": "MolamSyncClient",
    "PlainAsyncClient": "MolamClient",
    "awaited": "blocking",
    "plain_async_client": "client",
}
_JOURNAL: Final[Mapping[str, str]] = {"AsyncJournal": "Journal", "AsyncOutbox": "Outbox", "AsyncUndo": "Undo"}
PAIRS: Final[tuple[Pair, ...]] = (
    Pair(
        "plain_async_client.py",
        "client.py",
        {**_CLIENTS, **_JOURNAL},
        {
            "The Molam API for asyncio, without": "The Molam API, blocking, without",
            "tasks of one event loop": "threads, and processes forked from its own",
            "``async with``, or ``await client.close()``. A cancelled call drops its connection.": (
                "``with``, or ``client.close()``."
            ),
            "``await pages.page``": "``pages.page``",
        },
    ),
    Pair(
        "async_client.py",
        "sync_client.py",
        _CLIENTS,
        {"; a cancelled call never does.": "."},
    ),
    *(
        Pair(f"_journalling/awaited/{name}.py", f"_journalling/blocking/{name}.py", {**_CLIENTS, **_JOURNAL})
        for name in ("calls", "finality", "journal", "outbox", "reconciling", "recovery", "undo", "undoing", "walk")
    ),
    Pair("_transport/awaited/route.py", "_transport/blocking/route.py"),
    Pair(
        "receiver/awaited/backfilling.py",
        "receiver/blocking/backfilling.py",
        phrases={"a backfill, awaited": "a backfill, blocking"},
    ),
    Pair(
        "receiver/awaited/serving.py",
        "receiver/blocking/serving.py",
        phrases={"awaited: its event": "blocking: its event"},
    ),
)


@dataclass(frozen=True, slots=True)
class _Edit:
    start: tuple[int, int]
    end: tuple[int, int]
    text: str


def blocking_text(awaited: str, pair: Pair) -> str:
    """The blocking text, before ruff has sorted its imports and formatted it."""
    lines = _without_marked_lines(awaited).splitlines(keepends=True)
    tokens = list(tokenize.generate_tokens(io.StringIO("".join(lines)).readline))
    for edit in sorted(_edits(tokens, pair), key=lambda edit: edit.start, reverse=True):
        _apply(lines, edit)
    header = f"# Generated from {pair.awaited} by ci/generate_blocking.py: edit that file, not this one.\n"
    return header + "".join(lines)


def _without_marked_lines(text: str) -> str:
    kept = []
    for line in text.splitlines(keepends=True):
        marked = _BLOCKING_LINE.match(line)
        if marked is None:
            kept.append(line)
        elif code := marked["code"].strip():
            kept.append(f"{marked['indent']}{code}\n")
    return "".join(kept)


def _edits(tokens: list[tokenize.TokenInfo], pair: Pair) -> Iterator[_Edit]:
    names = NAMES | dict(pair.names)
    for token, following in pairwise(tokens):
        if token.type == tokenize.NAME and token.string in ("async", "await"):
            yield _Edit(token.start, following.start, "")
        elif token.type == tokenize.NAME and token.string == "Awaitable" and following.string == "[":
            yield _Edit(token.start, following.end, "")
            closing = _closing_bracket(tokens, tokens.index(following))
            yield _Edit(closing.start, closing.end, "")
        elif token.type == tokenize.NAME and token.string in names:
            yield _Edit(token.start, token.end, names[token.string])
        elif token.type in _TEXT_TOKENS:
            text = _replace_words(token.string, names, pair.phrases)
            if text != token.string:
                yield _Edit(token.start, token.end, text)


def _closing_bracket(tokens: list[tokenize.TokenInfo], opening: int) -> tokenize.TokenInfo:
    depth = 0
    for token in tokens[opening:]:
        depth += (token.string == "[") - (token.string == "]")
        if depth == 0:
            return token
    raise ValueError("Awaitable[ is never closed")


def _replace_words(text: str, names: Mapping[str, str], phrases: Mapping[str, str]) -> str:
    for phrase, replacement in phrases.items():
        text = text.replace(phrase, replacement)
    return re.sub(r"\w+", lambda word: names.get(word[0], word[0]), text)


def _apply(lines: list[str], edit: _Edit) -> None:
    first, last = edit.start[0] - 1, edit.end[0] - 1
    replaced = lines[first][: edit.start[1]] + edit.text + lines[last][edit.end[1] :]
    lines[first : last + 1] = [replaced] + [""] * (last - first)


def _finished(text: str, path: Path) -> str:
    """The text as ruff would leave it."""
    for command in (["check", "--select", "F401,I", "--fix-only", "--quiet"], ["format", "--quiet"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(path), "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout  # noqa: S603 - our own words only
    return text


def main() -> int:
    """Write or check every pair; the exit code."""
    parser = argparse.ArgumentParser(description="write the blocking text from the awaited one")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a file differs")
    check = parser.parse_args().check
    stale = []
    for pair in PAIRS:
        target = PACKAGE / pair.blocking
        text = _finished(blocking_text((PACKAGE / pair.awaited).read_text(encoding="utf-8"), pair), target)
        if target.exists() and target.read_text(encoding="utf-8") == text:
            continue
        stale.append(pair)
        if not check:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    for pair in stale:
        verb = "is not what" if check else "written from"
        sys.stdout.write(f"molam_sdk/{pair.blocking} {verb} molam_sdk/{pair.awaited}{' makes' if check else ''}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
