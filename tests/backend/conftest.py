"""One small drawn catalogue, indexed once, and the service over it."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from Backend.main import create_app
from Backend.samples import prepare
from Backend.settings import Settings

PER_CLASS = 5


@dataclass(frozen=True)
class DrawnPhoto:
    """A picture of the drawn catalogue and the product that it shows."""

    product_id: str
    category: str
    data: bytes


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings of a data folder that holds 65 drawn products, indexed. Tests only read it."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("similook"), threads=1)
    prepare(settings, lambda text: None, per_class=PER_CLASS)
    return settings


@pytest.fixture(scope="session")
def photos(settings: Settings) -> list[DrawnPhoto]:
    """Return the pictures of the drawn catalogue, in its order."""
    folder = settings.data_dir / "sample"
    with (folder / "products.csv").open(encoding="utf-8", newline="") as file:
        return [
            DrawnPhoto(row["product_id"], row["category"], (folder / "images" / row["image"]).read_bytes())
            for row in csv.DictReader(file)
        ]


@pytest.fixture(scope="session")
def client(settings: Settings) -> Iterator[TestClient]:
    """Return a client of the service in this process."""
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Return an empty data folder of one test's own."""
    return tmp_path / "data"
