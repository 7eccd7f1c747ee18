"""The catalogue at a glance: what `similook stats`, `GET /api/stats` and the page of statistics show."""

import threading
import time
from dataclasses import dataclass

from Backend.recommender import Recommender, display_name
from Data.catalogue import Catalogue
from Data.colour_spread import ColourSpread, spread_of, spread_of_catalogue
from Data.price_spread import PriceSpread, price_spread
from Data.product import Product
from Data.records import CatalogueStats

EXTREMES = 5
KEPT_S = 30.0


@dataclass(frozen=True)
class Counted:
    """A value that products have, and how many do."""

    slug: str
    name: str
    count: int


@dataclass(frozen=True)
class Overview:
    """What the catalogue holds.

    Args:
        counts: of products, pictures and features.
        categories: most products first; brands likewise.
        cheapest: by final price, the lowest first; dearest: the highest first.
        colours: of the garments, over a sample of the pictures.
    """

    counts: CatalogueStats
    categories: list[Counted]
    brands: list[Counted]
    prices: PriceSpread
    cheapest: list[Product]
    dearest: list[Product]
    colours: ColourSpread


@dataclass(frozen=True)
class Comparison:
    """A product's colours beside those of what looks like it.

    Args:
        seen: False while none of the product's pictures has been looked at.
        own: of the picture that stands for the product.
        matches: of those that stand for the most similar products.
        match_ids: the most similar products, best first.
    """

    product: Product
    seen: bool
    own: ColourSpread
    matches: ColourSpread
    match_ids: list[str]


def look_over(catalogue: Catalogue, embedder_id: str | None) -> Overview:
    """Count the catalogue; a few scans of its tables.

    Args:
        embedder_id: whose features count; None where nothing has been seen yet.
    """
    names = catalogue.category_names()
    return Overview(
        counts=catalogue.stats(embedder_id or ""),
        categories=[
            Counted(slug, display_name(slug, names.get(slug)), count) for slug, count in catalogue.facets("category")
        ],
        brands=[Counted(brand, brand, count) for brand, count in catalogue.facets("brand")],
        prices=price_spread(catalogue),
        cheapest=catalogue.by_price(EXTREMES),
        dearest=catalogue.by_price(EXTREMES, descending=True),
        colours=spread_of_catalogue(catalogue, embedder_id),
    )


def compare(
    catalogue: Catalogue, recommender: Recommender, embedder_id: str, product_id: str, limit: int
) -> Comparison:
    """Return a product's colours and those of the products that look most like it.

    Args:
        limit: matches, 1..50.
    Raises:
        ProductNotFound.
    """
    found = recommender.alternatives(product_id, limit)
    others = [match.product for match in found.matches]
    return Comparison(
        product=found.product,
        seen=found.seen,
        own=spread_of(catalogue, embedder_id, _covers([found.product])),
        matches=spread_of(catalogue, embedder_id, _covers(others)),
        match_ids=[product.product_id for product in others],
    )


def _covers(products: list[Product]) -> list[str]:
    return [product.cover.sha256 for product in products if product.cover is not None and product.cover.sha256]


class Overviews:
    """The overview, counted at most once in `kept_s` seconds, however many ask and however long it takes.

    Args:
        catalogue: what is counted.
        embedder_id: whose features count.
        kept_s: seconds that an overview is good for.
    """

    def __init__(self, catalogue: Catalogue, embedder_id: str, kept_s: float = KEPT_S) -> None:
        self._catalogue = catalogue
        self._embedder_id = embedder_id
        self._kept_s = kept_s
        self._lock = threading.Lock()
        self._made = 0.0
        self._last: Overview | None = None

    def get(self) -> Overview:
        """Return the overview. Those who ask while it is counted get the last one, and wait for it only at first.

        Raises:
            DatabaseError.
        """
        last = self._last
        if last is not None and self._lock.locked():
            return last
        with self._lock:
            if self._last is None or time.monotonic() - self._made > self._kept_s:
                self._last = look_over(self._catalogue, self._embedder_id)
                self._made = time.monotonic()
            return self._last
