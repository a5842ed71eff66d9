"""Alembic runs our revisions beside a project's own, and the store takes the tables they made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from molam_sdk.store import Claim
from molam_sdk.store.columns import hashed_id
from molam_sdk.store.database import SchemaError, columns_of, ensure
from molam_sdk.store.database.alchemy import AlchemyDatabase
from molam_sdk.store.entries import ENTRIES, JournalEntries
from molam_sdk.store.sql import SqlStore, events_table
from tests.support.journals import DONE, asked
from tests.support.webhooks.stores import MARIADB_URL, POSTGRES_URL, sql_engine, sql_table

alembic = pytest.importorskip("alembic", reason="alembic is not installed")

from alembic import command  # noqa: E402  # after it was found
from alembic.config import Config  # noqa: E402

OLD_ENTRY = """
INSERT INTO "@table" (key_hash, idempotency_key, state, closed, operation, method, path, body_hash, base_url,
                      first_used, attempts, token, lease_until)
VALUES ('{key_hash}', 'order-7', 'open', :no, 'create_refund', 'POST', '/v1', '-', 'https://api.test',
        @now, 1, 'old', 0)
""".replace("{key_hash}", hashed_id("order-7"))
NOW = 1_800_000_000.0
URLS = {"sqlite": "sqlite:///{folder}/shop.sqlite3", "postgresql": POSTGRES_URL, "mariadb": MARIADB_URL}
ENV = """
from alembic import context

with context.config.attributes["engine"].connect() as connection:
    context.configure(connection=connection, version_table=context.config.attributes["version_table"])
    with context.begin_transaction():
        context.run_migrations()
"""


@pytest.fixture(params=URLS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with sql_engine(URLS[request.param].format(folder=tmp_path)) as engine:
        yield engine


@pytest.fixture
def project(engine: Engine, tmp_path: Path) -> Iterator[Config]:
    """A project's alembic set-up, with a version table and a table of events of its own."""
    scripts = tmp_path / "alembic"
    (scripts / "versions").mkdir(parents=True)
    (scripts / "env.py").write_text(ENV)
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.set_main_option("path_separator", "space")
    config.set_main_option("version_locations", f"{scripts}/versions molam_sdk:store/revisions")
    with (
        sql_table(engine, "molam_test") as table,
        sql_table(engine, "molam_journal") as journal,
        sql_table(engine, "versions") as versions,
    ):
        config.set_main_option("molam_events_table", table)
        config.set_main_option("molam_journal_table", journal)
        config.attributes.update(engine=engine, version_table=versions)
        yield config


def table_of(project: Config) -> str:
    return str(project.get_main_option("molam_events_table"))


def test_the_revisions_make_the_table_that_the_store_wants(engine: Engine, project: Config) -> None:
    command.upgrade(project, "heads")
    store = SqlStore(engine, table=table_of(project), create_table=False)
    assert store.claim(Claim("evt_1", "payment.succeeded", "a"), NOW, NOW + 60).decision == "run"


def journal_of(project: Config) -> str:
    return str(project.get_main_option("molam_journal_table"))


def test_the_revisions_make_the_table_that_a_journal_wants(engine: Engine, project: Config) -> None:
    database = AlchemyDatabase(engine)
    with pytest.raises(SchemaError, match="alembic upgrade heads"):
        JournalEntries(database, table=journal_of(project), create_table=False)
    command.upgrade(project, "heads")
    store = JournalEntries(database, table=journal_of(project), create_table=False)
    call = asked()
    assert store.begin(call, 60).found is None
    assert store.end(call.key, call.token, DONE)
    command.downgrade(project, "molam_0002")
    assert columns_of(database, journal_of(project)) == set()


def test_a_journal_of_the_first_version_is_widened_in_place(engine: Engine, project: Config) -> None:
    database, first = AlchemyDatabase(engine), ENTRIES.named(journal_of(project)).at(1)
    ensure(database, first)
    database.execute(database.dialect.fill(OLD_ENTRY, table=first.name), {"no": False})
    command.upgrade(project, "heads")
    store = JournalEntries(database, table=first.name, create_table=False)
    left = store.find("order-7")
    assert left is not None
    assert (left.state, left.queued_at, store.outbox.figures().queued) == ("open", None, 0)


def test_a_table_of_0_1_0_that_the_project_made_itself_is_widened(engine: Engine, project: Config) -> None:
    command.upgrade(project, "molam_0001")
    with engine.begin() as connection:
        connection.execute(text(f"DELETE FROM molam_schema WHERE component = '{table_of(project)}'"))
    command.upgrade(project, "heads")
    SqlStore(engine, table=table_of(project), create_table=False)


def test_a_table_that_a_store_has_made_is_left_as_it_is(engine: Engine, project: Config) -> None:
    store = SqlStore(engine, table=table_of(project))
    store.claim(Claim("evt_1", "payment.succeeded", "a"), NOW, NOW + 60)
    command.upgrade(project, "heads")
    assert store.claim(Claim("evt_1", "payment.succeeded", "a"), NOW, NOW + 60).decision == "busy"


def test_the_way_back_ends_where_it_began(engine: Engine, project: Config) -> None:
    store = SqlStore(engine, table=table_of(project))
    command.upgrade(project, "heads")
    command.downgrade(project, "molam_0001")
    assert len(columns_of(store.database, table_of(project))) == 10
    command.upgrade(project, "heads")
    SqlStore(engine, table=table_of(project), create_table=False)
    command.downgrade(project, "molam@base")
    assert columns_of(store.database, table_of(project)) == set()


def test_a_table_that_a_project_migrates_by_its_own_metadata_is_taken(engine: Engine) -> None:
    from sqlalchemy import MetaData

    with sql_table(engine, "molam_test") as name:
        events_table(MetaData(), name).create(engine)
        store = SqlStore(engine, table=name, create_table=False)
        assert store.claim(Claim("evt_1", "payment.succeeded", "a"), NOW, NOW + 60).decision == "run"
