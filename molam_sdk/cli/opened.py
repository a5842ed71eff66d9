"""The store that a command is about: `--store`, or MOLAM_STORE, which keeps a password out of the list of processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from ..store.database import SchemaError
from ..store.events import EVENTS, EventClaims
from ..store.inbox import UnknownEventError
from ..store.opening import opened_store

store_option = click.option(
    "--store",
    "where",
    envvar="MOLAM_STORE",
    show_envvar=True,
    required=True,
    help="A SQLite file, or an SQLAlchemy URL.",
)
table_option = click.option("--table", default=EVENTS.name, show_default=True, help="The table of webhook events.")


@contextmanager
def opened(where: str, table: str) -> Iterator[EventClaims]:
    """The store; whatever is wrong with it, or with what is asked of it, ends the command with one sentence."""
    with told(), opened_store(where, table) as store:
        yield store


@contextmanager
def told() -> Iterator[None]:
    """End the command with one sentence for what a database, its driver or the inbox refuses."""
    try:
        yield
    except (SchemaError, UnknownEventError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    except ModuleNotFoundError as error:
        raise click.ClickException(_driver(error)) from error
    except Exception as error:
        if not _is_of_database(error):
            raise
        raise click.ClickException(f"the database does not answer: {str(error).splitlines()[0]}") from error


def _driver(error: ModuleNotFoundError) -> str:
    if error.name == "sqlalchemy":
        return "SQLAlchemy is missing; run: pip install 'molam-python-sdk[sql]'"
    return f"{error.name} is missing, which this database wants: install it with pip"


def _is_of_database(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in {"sqlalchemy", "sqlite3"}
