"""From what a merchant names as the journal to the store that keeps it."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, cast

from ..config import JournalKey
from ..exceptions import ConfigurationError
from ..journal.seam import FullJournalStore, JournalStore
from ..store.database import Database
from ..store.database.addresses import check_path, engine_at
from ..store.database.sqlite import SqliteDatabase

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

    from ..store.entries import JournalEntries
    from ..store.outbox import OutboxEntries

_SQLITE: Final = "sqlite:///"
_IN_MEMORY: Final = ":memory:"
_FORGETS: Final = "journal must name a file or a database: one in memory would forget (in tests, give MemoryJournal())"
_LOCKED_SECONDS: Final = 10.0
_METHODS: Final = ("begin", "end", "find", "page", "prune")
_MORE_METHODS: Final = ("hear", "heard_at", "about", "mark_seen", "take", "keep", "time")


class HasDatabase(Protocol):
    """A store of the package, made for the receiver: the journal stands in the same database."""

    @property
    def database(self) -> Database: ...


JournalSource: TypeAlias = "str | os.PathLike[str] | Engine | AsyncEngine | HasDatabase | JournalStore"
"""A path, ``sqlite:///path``, a URL of SQLAlchemy's, an engine, a store, or a journal's store of the merchant's own."""


def journal_store_of(source: object, key: JournalKey | None = None) -> JournalStore:
    """The store of a journal, sealed by the ``key``. ``ConfigurationError`` where it cannot be opened, or the key is
    none."""
    store = _store_of(source)
    if key is not None:
        from ..store.entries import JournalEntries
        from ..store.sealing import seal_of

        if not isinstance(store, JournalEntries):
            raise ConfigurationError(f"{type(store).__name__} is not encrypted by journal_key: encrypt in the store")
        store.seal = seal_of(key)
    return store


def _store_of(source: object) -> JournalStore:
    if isinstance(source, str | os.PathLike):
        return _opened(os.fspath(source))
    if all(callable(getattr(source, method, None)) for method in _METHODS):
        return cast("JournalStore", source)
    if callable(own := getattr(source, "journal", None)):
        return _entries("this store", cast("Callable[[], Database | JournalStore]", own))
    if hasattr(source, "database"):
        return _entries("this store", lambda: cast("HasDatabase", source).database)
    if type(source).__module__.partition(".")[0] == "sqlalchemy":
        return _entries("this engine", lambda: _of_engine(source))
    raise ConfigurationError(
        "journal must be a path, a URL (sqlite:///molam.db, postgresql+psycopg://…), an SQLAlchemy engine or a store, "
        f"not {type(source).__name__}"
    )


def outbox_of(store: JournalStore) -> OutboxEntries:
    """The outbox in a journal's store. ``ConfigurationError`` where it has none."""
    found: OutboxEntries | None = getattr(store, "outbox", None)
    if found is None:
        raise ConfigurationError(
            f"{type(store).__name__} has no outbox: keep the journal in a database (a path, a URL, an engine, a store)"
        )
    return found


def full_store(store: JournalStore, wanted_by: str) -> FullJournalStore:
    """The store, which has all methods; ``ConfigurationError`` for a merchant's own that lacks some."""
    lacking = [method for method in _MORE_METHODS if not callable(getattr(store, method, None))]
    if lacking:
        raise ConfigurationError(f"{wanted_by}: {type(store).__name__} lacks {', '.join(lacking)} (FullJournalStore)")
    return cast("FullJournalStore", store)


def opened_here(source: object, store: JournalStore) -> JournalEntries | None:
    """The store, where it was opened by its name, and so is to be closed with the client."""
    from ..store.entries import JournalEntries

    return store if isinstance(source, str | os.PathLike) and isinstance(store, JournalEntries) else None


def _opened(text: str) -> JournalStore:
    path = text.removeprefix(_SQLITE)
    if path == text and "://" in text:
        return _entries(f"{text.partition(':')[0]}://…", lambda: _of_url(text))
    if not path.strip() or path == _IN_MEMORY:
        raise ConfigurationError(_FORGETS)
    if path != text and "?" in path:
        raise ConfigurationError("journal: a sqlite:/// URL takes no options; give create_engine(…) of SQLAlchemy's")
    try:
        check_path(path)
    except ValueError as problem:
        raise ConfigurationError(f"journal is {problem}") from None
    return _entries(path, lambda: SqliteDatabase(path, timeout_seconds=_LOCKED_SECONDS))


def _entries(name: str, made: Callable[[], Database | JournalStore]) -> JournalStore:
    from ..store.entries import JournalEntries

    try:
        found = made()
        return found if isinstance(found, JournalEntries) else JournalEntries(cast("Database", found))
    except ConfigurationError:
        raise
    except Exception as problem:
        raise ConfigurationError(f"the journal in {name} cannot be opened: {first_line(problem)}") from problem


def _of_engine(engine: object) -> Database:
    is_async = type(engine).__name__ == "AsyncEngine"
    from ..store.database.alchemy import AlchemyDatabase

    url = cast("Engine", engine).url
    if url.get_backend_name() == "sqlite" and (url.database or _IN_MEMORY) == _IN_MEMORY:
        raise ConfigurationError(_FORGETS)
    if is_async:
        from ..store.database.async_alchemy import AsyncAlchemyDatabase

        return AsyncAlchemyDatabase(cast("AsyncEngine", engine))
    return AlchemyDatabase(cast("Engine", engine))


def _of_url(url: str) -> Database:
    if find_spec("sqlalchemy") is None:
        raise ConfigurationError("a journal in this database needs SQLAlchemy: pip install 'molam-python-sdk[sql]'")
    return _of_engine(engine_at(url, asks_first=False))


def first_line(problem: BaseException) -> str:
    """What a database said, in one line: the rest of it may hold the values of a row."""
    return f"{type(problem).__name__}: {str(problem).partition(chr(10))[0]}"
