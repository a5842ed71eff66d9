"""Where a database is, from what a merchant wrote: a password in it, or a key in the wrong place, is never repeated."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

_NO_URL = "this is no URL of a database: it must look like postgresql+psycopg://user:password@host/name"


def engine_at(url: str, *, asks_first: bool = True) -> Engine:
    """The engine for an SQLAlchemy URL; ``ValueError`` where that is none. SQLAlchemy's own error may quote it.

    ``asks_first``: whether a connection lives is asked whenever it is used, which a journal finds out by itself."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        return create_engine(url, pool_pre_ping=asks_first)
    except NoSuchModuleError as error:
        why = f"{_NO_URL} ({error})"  # names the dialect alone
    except (ArgumentError, ValueError):
        why = _NO_URL
    raise ValueError(why)


def check_path(path: str) -> str:
    """The path of a file; ``ValueError`` where it is a URL that lacks a sign, or a key: no file is to be named so."""
    if _broken_url().match(path) or path.startswith(("sk_", "jwt_", "whsec_")):
        raise ValueError(f"neither the path of a file nor a URL of a database: {_NO_URL.partition(': ')[2]}")
    return path


@cache
def _broken_url() -> re.Pattern[str]:
    return re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*(?::/?|//?|://)[^/:@]*:[^@]*@")
