"""A catalogue of any size for the search benchmark: products with a shop's columns, features as the indexer writes."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert, update

from Data.catalogue import Catalogue
from Data.database import now_ms, writing
from Data.money import MONEY_SCALE
from Data.schema import features, index_state, product_pictures, products

EMBEDDER = "benchmark"
_BRANDS, _COLOURS = 2000, ("black", "white", "blue", "red", "grey", "green", "brown", "pink")


Block = tuple[NDArray[np.float16], NDArray[np.int64]]


def fill(path: Path, blocks: Iterable[Block], kind_names: list[str], seed: int) -> Catalogue:
    """Write products, pictures and features straight into the tables, and return the catalogue.

    Each product has one picture. Brands are as uneven as in shops (the most frequent has some 8 %), prices are whole.

    Args:
        blocks: Vectors, shape (n, dim), and the number of each one's kind.
        kind_names: What the numbers stand for; they become the categories.
    """
    catalogue = Catalogue.open(f"sqlite:///{path}")
    catalogue.migrate()
    rng = np.random.default_rng(seed)
    number, now = 0, now_ms()
    for block, kinds in blocks:
        brands = np.minimum(rng.zipf(1.3, len(block)) - 1, _BRANDS - 1).tolist()
        prices = (rng.gamma(2.0, 30.0, len(block)).astype(np.int64) + 5).tolist()
        colours = rng.integers(len(_COLOURS), size=len(block)).tolist()
        in_stock = (rng.random(len(block)) < 0.9).tolist()
        genders = rng.integers(3, size=len(block)).tolist()
        rows = range(number, number + len(block))
        with writing(catalogue.engine) as connection:
            connection.execute(
                insert(products),
                [
                    {
                        "product_id": f"p{row:08d}",
                        "name": f"Product {row}",
                        "brand": f"Brand {brands[place]}",
                        "category": kind_names[kinds[place]],
                        "gender": ("men", "women", "unisex")[genders[place]],
                        "age_group": "adult",
                        "colour": _COLOURS[colours[place]],
                        "sizes": [],
                        "price": prices[place] * MONEY_SCALE,
                        "final_price": prices[place] * MONEY_SCALE,
                        "currency": "EUR",
                        "in_stock": in_stock[place],
                        "content_hash": "",
                        "pictures_hash": "",
                        "created_at": now,
                        "updated_at": now,
                    }
                    for place, row in enumerate(rows)
                ],
            )
            connection.execute(
                insert(product_pictures),
                [
                    {
                        "vector_id": row + 1,
                        "product_id": f"p{row:08d}",
                        "position": 0,
                        "picture_sha256": f"{row:064x}",
                        "status": "indexed",
                        "is_cover": True,
                    }
                    for row in rows
                ],
            )
            connection.execute(
                insert(features),
                [
                    {
                        "picture_sha256": f"{row:064x}",
                        "embedder_id": EMBEDDER,
                        "vector": block[place].astype("<f2").tobytes(),
                        "attributes": {},
                        "created_at": now,
                    }
                    for place, row in enumerate(rows)
                ],
            )
            number += len(block)
            connection.execute(update(index_state).values(next_vector_id=number + 1, catalogue_currency="EUR"))
        print(f"filled {number}", flush=True)
    return catalogue
