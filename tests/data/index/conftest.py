"""A small catalogue with features, and the slow, obvious answers to check against."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from Data.catalogue import Catalogue
from Data.features import FeatureRow, Features
from Data.filters import Filter
from Data.product import Picture, Product

EMBEDDER = "embedder-a"
DIM = 16
CATEGORIES = ("dress", "shirt", "shoes", "bag", None)
BRANDS = ("Ada", "Bo", "Çelik", None)


@dataclass
class Shop:
    """A catalogue whose products have as many pictures as wanted, and a plain record of what should be found."""

    catalogue: Catalogue
    features: Features
    directory: Path
    rng: np.random.Generator
    vectors: dict[str, NDArray[np.float32]]
    made: int = 0

    def vector(self, dim: int = DIM) -> NDArray[np.float32]:
        """Return a unit vector as the database will give it back."""
        vector = self.rng.standard_normal(dim)
        unit = (vector / np.linalg.norm(vector)).astype(np.float16)
        return unit.astype(np.float32)

    def product(self, number: int, pictures: int = 1) -> Product:
        """Return a product with pictures that no other shows, and random columns."""
        shas = []
        for _ in range(pictures):
            self.made += 1
            sha = f"{self.made:064x}"
            self.vectors[sha] = self.vector()
            shas.append(sha)
        price = Decimal(int(self.rng.integers(1, 40))) if self.rng.random() < 0.9 else None
        return Product(
            product_id=f"p{number}",
            name=f"Product {number}",
            brand=BRANDS[number % len(BRANDS)],
            category=CATEGORIES[int(self.rng.integers(len(CATEGORIES)))],
            gender=("men", "women", "unisex", None)[int(self.rng.integers(4))],
            age_group=("adult", "kids", None)[int(self.rng.integers(3))],
            colour=("red", "blue", None)[int(self.rng.integers(3))],
            group_id=f"g{number // 3}" if number % 2 else None,
            price=price,
            final_price=price,
            currency="EUR" if price is not None else None,
            in_stock=bool(self.rng.random() < 0.8),
            pictures=tuple(Picture(sha256=sha) for sha in shas),
        )

    def put(self, products: Sequence[Product], embedder_id: str = EMBEDDER) -> None:
        """Save products and the features of all their pictures."""
        self.catalogue.upsert(products)
        shas = [picture.sha256 for product in products for picture in product.pictures if picture.sha256]
        rows = [FeatureRow(sha, self.vectors[sha]) for sha in shas]
        self.features.put(embedder_id, rows)

    def fill(self, count: int, pictures: int = 1, first: int = 0) -> list[Product]:
        """Save products p<first> .. p<first + count - 1>."""
        products = [self.product(number, pictures) for number in range(first, first + count)]
        self.put(products)
        return products

    def expected(
        self,
        query: NDArray[np.float32],
        k: int,
        wanted: Filter | None = None,
        by: str = "product",
        products: Sequence[Product] | None = None,
    ) -> list[tuple[str, float]]:
        """Return (product, cosine) of the k best products that pass, from the tables alone."""
        best: dict[str, tuple[float, str]] = {}
        for product in self.catalogue.iterate() if products is None else products:
            if wanted is not None and not wanted.matches(product, "EUR"):
                continue
            for picture in product.pictures:
                if picture.sha256 in self.vectors:
                    score = float(self.vectors[picture.sha256] @ query[0])
                    key = f"group {product.group_id}" if by == "group" and product.group_id else product.product_id
                    best[key] = max(best.get(key, (-2.0, "")), (score, product.product_id))
        ranked = sorted(best.values(), key=lambda entry: -entry[0])
        return [(product_id, score) for score, product_id in ranked[:k]]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Return an empty catalogue in a new folder."""
    catalogue = Catalogue.open(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")
    catalogue.migrate()
    yield Shop(catalogue, Features(catalogue.engine), tmp_path / "index", np.random.default_rng(7), {})
    catalogue.close()


@pytest.fixture
def either_shop(catalogue: Catalogue, tmp_path: Path) -> Shop:
    """Return an empty catalogue, once on SQLite and once on PostgreSQL."""
    return Shop(catalogue, Features(catalogue.engine), tmp_path / "index", np.random.default_rng(7), {})
