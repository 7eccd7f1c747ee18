"""Databases, pictures and a feed for the tests of the catalogue: `database_url` is on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from Data.catalogue import Catalogue
from Data.images import ImageStore
from tests.data.feed import Feed
from tests.databases import empty_schema


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Return a function that makes one more empty database and returns its address; once for each kind."""
    if request.param == "sqlite":
        yield lambda: f"sqlite:///{tmp_path / f'{uuid4().hex}.sqlite'}"
        return
    server: str = request.getfixturevalue("postgresql_server")
    with ExitStack() as schemas:
        yield lambda: schemas.enter_context(empty_schema(server))


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


@pytest.fixture
def images(tmp_path: Path) -> ImageStore:
    """Return a store without pictures."""
    return ImageStore(tmp_path / "pictures")


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    """Return a feed of ten products."""
    return Feed(tmp_path / "shop")
