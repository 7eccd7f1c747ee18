"""The tables go up and down on both databases, with data in them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from Data import migrate
from Data.catalogue import Catalogue
from Data.catalogue_feeds import stored_rows
from Data.changes import ChangeLog
from Data.database import reading
from Data.errors import DatabaseOutOfDate
from Data.product import Picture, Product
from Data.schema import metadata


def test_migrations_make_the_tables_of_the_schema(catalogue: Catalogue) -> None:
    with catalogue.engine.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_up_and_down_with_data(database_url: str) -> None:
    shirt = Product(product_id="a", name="Shirt", pictures=(Picture(sha256="0" * 64),))
    with Catalogue.open(database_url) as catalogue:
        for _ in range(2):
            with pytest.raises(DatabaseOutOfDate, match="similook db upgrade"):
                catalogue.check()
            catalogue.migrate()
            catalogue.check()
            catalogue.upsert([shirt])
            catalogue.migrate()  # changes nothing
            assert catalogue.get("a") == shirt
            migrate.downgrade(catalogue.engine, "base")
            assert set(inspect(catalogue.engine).get_table_names()) <= {"alembic_version"}
            assert migrate.current(catalogue.engine) is None


def test_every_step_keeps_the_data(catalogue: Catalogue) -> None:
    """Down to the first revision and up again, one step at a time."""
    shirt = Product(product_id="a", name="Shirt", sizes=("S",), pictures=(Picture(sha256="0" * 64),))
    catalogue.upsert([shirt], "feed", {"a": "hash"})
    revisions = sorted(migrate.known())
    assert revisions[-1] == migrate.head()
    for revision in revisions[-2::-1]:
        migrate.downgrade(catalogue.engine, revision)
        assert migrate.current(catalogue.engine) == revision
        with pytest.raises(DatabaseOutOfDate, match="similook db upgrade"):
            catalogue.check()
    for revision in revisions[1:]:
        migrate.upgrade(catalogue.engine, revision)
        assert migrate.current(catalogue.engine) == revision
    catalogue.check()
    assert catalogue.get("a") == shirt
    assert [change.op for change in ChangeLog(catalogue.engine).since(0)] == []
    assert catalogue.upsert([shirt], "feed", {"a": "hash"}).unchanged == 1
    with reading(catalogue.engine) as connection:
        assert stored_rows(connection, "feed", ["a"])["a"].row_hash == "hash"


def test_asking_an_empty_database_says_what_to_do(database_url: str) -> None:
    with Catalogue.open(database_url) as catalogue, pytest.raises(DatabaseOutOfDate, match="similook db upgrade"):
        catalogue.count()


def test_a_newer_database_is_left_alone(catalogue: Catalogue) -> None:
    with catalogue.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for move in (catalogue.migrate, catalogue.check):
        with pytest.raises(DatabaseOutOfDate, match="newer version"):
            move()


def test_several_may_start_at_once(database_url: str) -> None:
    def start(_: int) -> None:
        with Catalogue.open(database_url) as catalogue:
            catalogue.migrate()
            catalogue.check()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(start, range(8)))
    with Catalogue.open(database_url) as catalogue, catalogue.engine.connect() as connection:
        assert len(connection.execute(text("SELECT version_num FROM alembic_version")).all()) == 1
