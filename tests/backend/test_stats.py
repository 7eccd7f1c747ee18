"""The statistics, worked out again the slow way from the rows and the pictures themselves; on both databases."""

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from statistics import median_low

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from typer.testing import CliRunner

from Backend.cli import app
from Backend.main import create_app
from Backend.samples import prepare
from Backend.services import open_catalogue, open_embedder, open_images
from Backend.settings import Settings
from Data.product import Product
from Model.preprocess import DecodeLimits, load
from tests.backend.conftest import PER_CLASS
from tests.databases import empty_schema

TOP = 5


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def settings(
    request: pytest.FixtureRequest, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """Return the settings of 39 drawn products, indexed, on each database."""
    if request.param == "sqlite":
        yield settings
        return
    with empty_schema(request.getfixturevalue("postgresql_server")) as url:
        other = Settings(data_dir=tmp_path_factory.mktemp("stats"), database_url=url, threads=1)
        prepare(other, lambda text: None, per_class=PER_CLASS)
        yield other


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[TestClient]:
    """Return a client of the service over each."""
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def products(settings: Settings) -> list[Product]:
    """Return all products of the drawn catalogue."""
    with open_catalogue(settings) as catalogue:
        return list(catalogue.iterate())


def test_counts_are_those_of_the_rows(client: TestClient, products: list[Product]) -> None:
    answer = client.get("/api/stats").json()
    assert answer["products"] == len(products)
    assert {each["slug"]: each["count"] for each in answer["categories"]} == Counter(p.category for p in products)
    assert {each["name"]: each["count"] for each in answer["brands"]} == Counter(p.brand for p in products)
    assert answer["brand_count"] == len({product.brand for product in products})
    assert answer["coverage_rate"] == 100
    assert answer["index"]["vectors"] == answer["features"] == len({p.cover.sha256 for p in products if p.cover})


def test_prices_are_those_of_the_rows(client: TestClient, products: list[Product]) -> None:
    answer = client.get("/api/stats").json()
    prices = sorted(product.final_price for product in products if product.final_price is not None)
    assert answer["prices"]["priced"] == len(prices)
    assert Decimal(str(answer["prices"]["median"])) == median_low(prices)
    for each in answer["prices"]["bins"]:
        inside = [p for p in prices if p >= each["low"] and (each["high"] is None or p < each["high"])]
        assert each["count"] == len(inside)
    assert sum(each["count"] for each in answer["prices"]["bins"]) == len(prices)
    assert [each["final_price"] for each in answer["cheapest"]] == [float(p) for p in prices[:TOP]]
    assert [each["final_price"] for each in answer["dearest"]] == [float(p) for p in prices[: -TOP - 1 : -1]]


def test_colours_are_those_of_the_garments_pixels(
    client: TestClient, settings: Settings, products: list[Product]
) -> None:
    product = products[7]
    answer = client.get(f"/api/stats/products/{product.product_id}", params={"limit": 3}).json()
    assert answer["seen"]
    assert answer["own"]["pictures"] == 1
    assert len(answer["match_ids"]) == answer["matches"]["pictures"] == 3
    assert product.product_id not in answer["match_ids"]
    assert product.cover is not None and product.cover.sha256 is not None
    image = load(open_images(settings).get(product.cover.sha256), DecodeLimits())
    mask = open_embedder(settings).see([image])[0].mask
    garment = np.asarray(image)[mask >= 128]
    for channel, name in enumerate(("red", "green", "blue")):
        slow = [
            float(((garment[:, channel] >= 16 * n) & (garment[:, channel] < 16 * n + 16)).mean()) for n in range(16)
        ]
        assert answer["own"][name] == pytest.approx(slow, abs=2e-4)
    assert sum(each["share"] for each in answer["own"]["colours"]) == pytest.approx(1, abs=1e-3)


def test_a_red_picture_is_red() -> None:
    from Data.colour_spread import hex_of
    from Data.pixels import rgb_histogram

    red = Image.new("RGB", (40, 30), "#ff0000")
    histogram = rgb_histogram(red, np.full((30, 40), 255, np.uint8))
    assert histogram is not None
    assert [row.index(1.0) for row in histogram] == [15, 0, 0]
    assert rgb_histogram(red, np.zeros((30, 40), np.uint8)) is None
    assert hex_of(np.array([53.24, 80.09, 67.2])) == "#ff0000"  # CIELAB of sRGB red
    assert hex_of(np.array([100.0, 0.0, 0.0])) == "#ffffff"


def test_a_stranger_is_not_found(client: TestClient) -> None:
    answer = client.get("/api/stats/products/nobody")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_command_says_the_same(client: TestClient, settings: Settings) -> None:
    options = ["--data-dir", str(settings.data_dir), "--database-url", settings.database]
    run = CliRunner().invoke(app, ["stats", "--json", *options])
    assert run.exit_code == 0, run.output
    said, answer = json.loads(run.stdout), client.get("/api/stats").json()
    assert said["categories"] == answer["categories"]
    assert said["prices"] == answer["prices"]
    assert said["colours"] == answer["colours"]
    table = CliRunner().invoke(app, ["stats", *options])
    assert table.exit_code == 0
    assert f"{answer['products']} products" in table.stdout
