"""From a query to the products of the catalogue that look most like it, in their order."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

import numpy as np

from Backend.queries import Query
from Data.catalogue import Catalogue
from Data.filters import Filter
from Data.index.live import LiveIndex
from Data.index.snapshot import ProductHit
from Data.product import Product
from Model.embedder import Embedder
from Model.ranking import category_losses, rank_score

Band = Literal["same", "similar", "inspired"]
Stage = Callable[[str], AbstractContextManager[None]]

MAX_DEPTH = 200
"""Products that a search looks at, at most."""
OVERFETCH = 8
"""Products looked for beyond those asked for: a row may be gone by now."""
RANKED = 100
"""The nearest products among which the category counts; those behind them stay in the order of their looks."""
BANDS: dict[str, Band] = {"same": "same", "similar": "similar", "different": "inspired"}
"""Model's words for how alike two pictures are, as a shop would say them."""


@dataclass(frozen=True)
class Match:
    """A product that was found.

    Args:
        product: as the catalogue has it now.
        cosine: of its best picture with the query, -1..1.
        distance: squared Euclidean distance of the unit vectors, 2 - 2 cos.
        similarity_score: 1 / (1 + distance).
        match_probability: calibrated probability of being the very garment; None for an uncalibrated encoder.
        band: the word for it; None likewise.
    """

    product: Product
    cosine: float
    distance: float
    similarity_score: float
    match_probability: float | None
    band: Band | None


class Finder:
    """The index and the catalogue, asked together. Safe to call from several threads at once.

    Args:
        embedder: says how probable a match is.
        index: searches vectors.
        catalogue: knows products.
        stage: wraps each stage, to time it.
        category_weight: what a product's category counts beside its looks; see Model/ranking.py. 0: looks alone.
    """

    def __init__(
        self, embedder: Embedder, index: LiveIndex, catalogue: Catalogue, stage: Stage, category_weight: float
    ) -> None:
        self._embedder = embedder
        self._index = index
        self._catalogue = catalogue
        self._stage = stage
        self._category_weight = category_weight

    def nearest(self, query: Query, limit: int, filter: Filter, apart: float = 0.0) -> list[Match]:
        """Return the nearest products that exist, looking deeper while rows that are gone leave places empty.

        Args:
            apart: products nearer than this distance are left out; 0 for none.
        """
        depth = min(limit + OVERFETCH, MAX_DEPTH)
        while True:
            with self._stage("search"):
                hits = self._ranked_hits(query, depth, filter)
            with self._stage("products"):
                matches = [match for match in self._matches(hits) if not match.distance < apart]
            if len(matches) >= limit or len(hits) < depth or depth >= MAX_DEPTH:
                return matches[:limit]
            depth = min(2 * depth, MAX_DEPTH)

    def _ranked_hits(self, query: Query, depth: int, filter: Filter) -> list[ProductHit]:
        """Return the nearest products, the first `RANKED` of them by looks and category, whatever the depth is."""
        vector = query.vector[np.newaxis]
        losses = category_losses(query.probabilities, self._category_weight)
        if not any(losses.values()):
            return self._index.search(vector, depth, filter)[0]
        hits = self._index.search(vector, max(depth, RANKED), filter)[0]

        def score(hit: ProductHit) -> float:
            loss = losses.get(hit.category or "", 0.0)
            return rank_score(hit.cosine, loss, self._embedder.match_probability(hit.cosine))

        return [*sorted(hits[:RANKED], key=score, reverse=True), *hits[RANKED:]][:depth]

    def _matches(self, hits: Sequence[ProductHit]) -> list[Match]:
        """Return the hits whose product still exists, in their order. One query for all of them."""
        products = self._catalogue.get_many([hit.product_id for hit in hits])
        return [self._match(hit, product) for hit, product in zip(hits, products, strict=True) if product is not None]

    def _match(self, hit: ProductHit, product: Product) -> Match:
        cosine = min(1.0, max(-1.0, hit.cosine))
        distance = 2.0 - 2.0 * cosine
        probability = self._embedder.match_probability(cosine)
        band = self._embedder.band(probability)
        return Match(product, cosine, distance, 1.0 / (1.0 + distance), probability, band and BANDS[band])
