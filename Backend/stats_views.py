"""The statistics as the JSON that the API shows."""

from Backend.overview import Comparison, Overview
from Backend.schemas import CatalogueCategory
from Backend.schemas_stats import (
    BrandCount,
    ColoursAnswer,
    IndexAnswer,
    NamedColour,
    PriceBinAnswer,
    PricesAnswer,
    ProductStatsAnswer,
    StatsAnswer,
)
from Backend.views import product_answer
from Data.colour_spread import ColourSpread
from Data.index.live import IndexFacts
from Data.price_spread import PriceSpread

BRANDS = 30


def stats_answer(overview: Overview, facts: IndexFacts, base_url: str) -> StatsAnswer:
    """Return the catalogue at a glance as JSON."""
    counts = overview.counts
    return StatsAnswer(
        products=counts.products,
        products_with_images=counts.products_with_images,
        products_indexed=counts.products_indexed,
        coverage_rate=counts.coverage_rate,
        pictures=counts.pictures,
        features=counts.features,
        pending=counts.pending,
        failed=counts.failed,
        other_currency=counts.other_currency,
        categories=[
            CatalogueCategory(slug=each.slug, name=each.name, count=each.count) for each in overview.categories
        ],
        brands=[BrandCount(name=each.name, count=each.count) for each in overview.brands[:BRANDS]],
        brand_count=len(overview.brands),
        prices=prices_answer(overview.prices),
        cheapest=[product_answer(product, base_url) for product in overview.cheapest],
        dearest=[product_answer(product, base_url) for product in overview.dearest],
        colours=colours_answer(overview.colours),
        index=index_answer(facts),
    )


def product_stats_answer(comparison: Comparison, base_url: str) -> ProductStatsAnswer:
    """Return a product's colours beside those of its matches as JSON."""
    return ProductStatsAnswer(
        product=product_answer(comparison.product, base_url),
        seen=comparison.seen,
        own=colours_answer(comparison.own),
        matches=colours_answer(comparison.matches),
        match_ids=comparison.match_ids,
    )


def prices_answer(spread: PriceSpread) -> PricesAnswer:
    """Return prices as JSON."""
    return PricesAnswer(
        currency=spread.currency,
        priced=spread.priced,
        median=None if spread.median is None else float(spread.median),
        bins=[
            PriceBinAnswer(low=float(each.low), high=None if each.high is None else float(each.high), count=each.count)
            for each in spread.bins
        ],
    )


def colours_answer(spread: ColourSpread) -> ColoursAnswer:
    """Return colours as JSON."""
    red, green, blue = (list(row) for row in spread.rgb) if spread.rgb else ([], [], [])
    return ColoursAnswer(
        pictures=spread.pictures,
        red=red,
        green=green,
        blue=blue,
        colours=[NamedColour(name=each.name, hex=each.hex, share=min(each.share, 1.0)) for each in spread.colours],
    )


def index_answer(facts: IndexFacts) -> IndexAnswer:
    """Return what the index is as JSON."""
    return IndexAnswer(
        generation=facts.generation,
        kind=facts.kind,
        vectors=facts.total_vectors,
        new_vectors=facts.delta,
        dimension=facts.dimension,
        recall=facts.recall,
        embedder_id=facts.embedder_id,
        memory_bytes=sum(facts.memory_bytes.values()),
    )
