"""A photo's way, written once: bytes in, similar products out. The API, the command line and the tests call this.

    analyse   photo ─▶ decode, crop ─▶ mask, vector, category          (Model)
    search    vector, category ─▶ the nearest products                  (Backend/finder.py)

Blocking and thread-safe: callers put `analyse`, `classify` and `locate` behind the inference queue.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np

from Backend.combining import combine
from Backend.errors import NotCalibrated, ProductNotSeen
from Backend.finder import MAX_DEPTH, Finder, Match, Stage
from Backend.queries import Crop, Guess, Query, display_name, parse_crop
from Backend.refining import NO_REFINEMENT, Facets, Refinement, facets_of, sorted_by
from Backend.tokens import QueryTokens, TokenFacts
from Data.catalogue import Catalogue
from Data.features import Features
from Data.filters import Filter
from Data.index.live import LiveIndex
from Data.product import Product
from Model.embedder import Embedder, Sight
from Model.preprocess import WHOLE, Box, DecodeLimits, View, load, load_view

MAX_LIMIT = 50
PROBABILITY_DIGITS = 3
"""What of a category's probability counts: a token holds no more, and is to rank as the photo did."""
DUPLICATE_DISTANCE = 6.5e-3
"""Up to this distance two vectors count as those of one picture. With the shipped networks, a picture saved again as
JPEG stays within it in 67 % (60 shop pictures of 60 x 80 px, quality 90) to 95 % (60 phone photos, quality 90; 88 % at
75); of all pairs of different files among 3,500 shop pictures, one does; of 650 drawn products none."""


@dataclass(frozen=True)
class Answer:
    """What a search found, and the token that repeats it.

    Args:
        query: what was searched for.
        query_token: stands for it.
        matches: one page, in the order asked for.
        hidden: how many of the `MAX_DEPTH` nearest products were less probable than asked for.
        next_offset: where the next page begins; None on the last.
        facets: None unless asked for.
    """

    query: Query
    query_token: str
    matches: list[Match]
    hidden: int = 0
    next_offset: int | None = None
    facets: Facets | None = None


@dataclass(frozen=True)
class Alternatives:
    """What looks like a product of the catalogue, best first.

    Args:
        product: the one that was asked for.
        seen: False while none of its pictures has been looked at; then nothing could be compared.
        matches: other products, without the duplicates of this one.
    """

    product: Product
    seen: bool
    matches: list[Match]


@dataclass(frozen=True)
class Classification:
    """What the garment is, with every category's probability, likeliest first."""

    category: Guess | None
    garment_found: bool
    probabilities: list[Guess]


@dataclass(frozen=True)
class Location:
    """Where the garment is in the whole picture."""

    found: bool
    box: Box
    coverage: float


class Recommender:
    """The networks, the index and the catalogue put together.

    Args:
        embedder: sees pictures.
        index: searches vectors.
        catalogue: knows products.
        tokens: signs queries.
        limits: of a photo's bytes and pixels.
        stage: wraps each stage, to time it.
        category_weight: what a product's category counts beside its looks; see Model/ranking.py. 0: looks alone.
    """

    def __init__(
        self,
        embedder: Embedder,
        index: LiveIndex,
        catalogue: Catalogue,
        tokens: QueryTokens,
        limits: DecodeLimits,
        stage: Stage = lambda name: nullcontext(),
        category_weight: float = 0.0,
    ) -> None:
        self._embedder = embedder
        self._finder = Finder(embedder, index, catalogue, stage, category_weight)
        self._catalogue = catalogue
        self._features = Features(catalogue.engine)
        self._tokens = tokens
        self._limits = limits
        self._stage = stage

    def analyse(self, data: bytes, crop: Crop | None = None) -> Query:
        """Return what the photo, or the part of it inside the crop, is seen as.

        Args:
            data: the file's bytes.
            crop: None looks at all of it. A little around it is looked at as well, see `Model.preprocess.load_view`.
        Raises:
            ImageError: not a picture, truncated, too large, or a crop outside it.
        """
        sight = self._see(data, crop)
        return _query(sight)

    def analyse_parts(self, data: bytes, crops: Sequence[Crop]) -> list[Query]:
        """Return what each part of a photo is seen as, in the order of the crops.

        Raises:
            ImageError: see `analyse`.
        """
        with self._stage("decode"):
            views = [self._open(data, crop) for crop in crops]
        with self._stage("see"):
            sights = self._embedder.see(views)
        return [_query(sight) for sight in sights]

    def query_from_token(self, token: str) -> Query:
        """Return the query that a token of an earlier answer stands for.

        Raises:
            TokenInvalid, TokenStale: see Backend/tokens.py.
        """
        vector, facts = self._tokens.read(token)
        category = None if facts.category is None else Guess(facts.category, facts.probability)
        return Query(vector, category, facts.coverage, facts.found, facts.probabilities)

    def token_of(self, query: Query) -> str:
        """Return the token that stands for a query."""
        guess = query.category
        facts = TokenFacts(
            category=guess.slug if guess else None,
            probability=guess.probability if guess else 0.0,
            coverage=query.coverage,
            found=query.garment_found,
            probabilities=query.probabilities,
        )
        return self._tokens.sign(query.vector, facts)

    def search(
        self,
        query: Query,
        limit: int = 10,
        filter: Filter | None = None,
        refinement: Refinement = NO_REFINEMENT,
    ) -> Answer:
        """Return the products that look most like the query.

        Where categories count, those of a category that the query hardly shows are further down.

        A product whose row is gone by now is left out; as many are fetched as it takes to fill `limit` all the same.
        Pages, hiding, sorting and counting look at the `MAX_DEPTH` nearest products.

        Args:
            query: of `analyse`, `query_from_token`, `query_of_product` or `combine`.
            limit: 1..50.
            filter: what the products must be; None lets all through.
            refinement: what to do with those found.
        Raises:
            NotCalibrated: a least probability was asked for, and nobody has fitted one.
        """
        wanted = filter or Filter()
        least = refinement.min_match_probability
        if least is not None and self._embedder.match_probability(1.0) is None:
            raise NotCalibrated
        first, last = refinement.offset, refinement.offset + limit
        found = self._finder.nearest(query, MAX_DEPTH if refinement.needs_all else min(last + 1, MAX_DEPTH), wanted)
        shown = _probable(found, least)
        currency = self._catalogue.currency if refinement.sort != "similarity" or refinement.facets else None
        facets = None
        if refinement.facets:

            def pool(narrowed: Filter) -> list[Product]:
                near = found if narrowed == wanted else self._finder.nearest(query, MAX_DEPTH, narrowed)
                return [match.product for match in _probable(near, least)]

            facets = facets_of(pool, wanted, currency, display_name)
        return Answer(
            query=query,
            query_token=self.token_of(query),
            matches=sorted_by(shown, lambda match: match.product, refinement.sort, currency)[first:last],
            hidden=len(found) - len(shown),
            next_offset=last if len(shown) > last else None,
            facets=facets,
        )

    def mix(self, queries: Sequence[Query], product_ids: Sequence[str], weights: Sequence[float]) -> Query:
        """Return one query for several pictures and products together.

        Args:
            queries: of pictures.
            product_ids: of the catalogue; each stands for its shown picture.
            weights: above 0, of the queries and then of the products; an empty sequence weighs all the same.
        Raises:
            ProductNotFound: there is no such product.
            ProductNotSeen: none of a product's pictures has been looked at.
            PartsUnusable: the weights do not fit.
        """
        return combine([*queries, *(self._product_query(product_id) for product_id in product_ids)], weights)

    def _product_query(self, product_id: str) -> Query:
        query = self.query_of_product(self._catalogue.get(product_id))
        if query is None:
            raise ProductNotSeen(product_id)
        return query

    def alternatives(
        self, product_id: str, limit: int = 10, filter: Filter | None = None, min_similarity: float = 0.0
    ) -> Alternatives:
        """Return what looks most like a product, without the product itself and its duplicates.

        A duplicate shows one of the product's own picture files, or a picture that the networks cannot tell from it.
        They come in the order of their looks alone.

        Args:
            product_id: of the catalogue.
            limit: 1..50.
            filter: what the alternatives must be; None lets all through.
            min_similarity: least similarity_score, 0..1.
        Raises:
            ProductNotFound: there is no such product.
        """
        product = self._catalogue.get(product_id)
        query = self.query_of_product(product)
        if query is None:
            return Alternatives(product, False, [])
        pictures = [picture.sha256 for picture in product.pictures if picture.sha256]
        showing = self._catalogue.products_showing(pictures)
        same = frozenset(shop_id for ids in showing.values() for shop_id in ids) | {product_id}
        wanted = filter or Filter()
        wanted = replace(wanted, exclude_product_ids=wanted.exclude_product_ids | same)
        matches = self._finder.nearest(query, limit, wanted, apart=DUPLICATE_DISTANCE)
        return Alternatives(product, True, [match for match in matches if match.similarity_score >= min_similarity])

    def query_of_product(self, product: Product) -> Query | None:
        """Return the query that a product's shown picture stands for, or its first other one that has been looked at.

        Returns:
            None while none has.
        """
        shown = [product.cover, *product.pictures]
        names = [picture.sha256 for picture in shown if picture is not None and picture.sha256]
        known = self._features.get(names, self._embedder.embedder_id)
        row = next((known[name] for name in names if name in known), None)
        if row is None:
            return None
        vector = row.vector.astype(np.float32)
        facts = row.attributes
        slug = facts.get("category")
        return Query(
            vector=vector / np.linalg.norm(vector),
            category=Guess(slug, float(facts.get("probability", 0.0))) if slug else None,
            coverage=float(facts.get("coverage", 0.0)),
            garment_found=facts.get("box") is not None,
        )

    def classify(self, data: bytes, crop: Crop | None = None) -> Classification:
        """Return what the garment is.

        Raises:
            ImageError: see `analyse`.
        """
        sight = self._see(data, crop)
        guesses = [Guess(slug, probability) for slug, probability in sight.probabilities.items()]
        guesses.sort(key=lambda guess: guess.probability, reverse=True)
        return Classification(_guess(sight), sight.found, guesses)

    def locate(self, data: bytes) -> Location:
        """Return the garment's box in the whole picture: the crop to start from.

        Raises:
            ImageError: see `analyse`.
        """
        with self._stage("decode"):
            image = load(data, self._limits)
        with self._stage("mask"):
            box, coverage = self._embedder.locate(image)
        return Location(box is not None, box or WHOLE, coverage)

    def _see(self, data: bytes, crop: Crop | None) -> Sight:
        with self._stage("decode"):
            view = self._open(data, crop)
        with self._stage("see"):
            return self._embedder.see([view])[0]

    def _open(self, data: bytes, crop: Crop | None) -> View:
        return load_view(data, self._limits, crop.box if crop else None, crop.unit if crop else "fraction")


def _query(sight: Sight) -> Query:
    shares = {slug: round(share, PROBABILITY_DIGITS) for slug, share in sight.probabilities.items()}
    return Query(sight.vector, _guess(sight), sight.coverage, sight.found, shares)


def _guess(sight: Sight) -> Guess | None:
    return None if sight.category is None else Guess(sight.category, sight.probability)


def _probable(matches: Sequence[Match], least: float | None) -> list[Match]:
    """Return the matches that are at least so probable; None is no bound."""
    return [match for match in matches if least is None or (match.match_probability or 0.0) >= least]


__all__ = ["Crop", "Guess", "Query", "Recommender", "display_name", "parse_crop"]
