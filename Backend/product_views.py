"""The product API's answers, put together from what the catalogue, the index and the networks say of themselves."""

import re
from pathlib import Path
from typing import Literal

import structlog

from Backend.recommender import Alternatives
from Backend.schemas_recommendations import (
    DatabaseFigures,
    ImageIndexStats,
    IndexFigures,
    ModelAnswer,
    ModelsAnswer,
    ProductRecommendations,
    SearchParams,
    SourceProduct,
)
from Backend.services import Services
from Backend.views import category_name, image_url, similar_product
from Data.index.generations import COLUMNS, ROWS
from Model.card import Card
from Model.errors import CardInvalid
from Model.weights import list_models

FULL_COVERAGE = 95.0
"""Percent of the products below which the service calls itself degraded."""

_FORBIDDEN = re.compile(r"non-?commercial|\bnc\b|research[ -]only|research use|academic", re.IGNORECASE)
_ALLOWED = re.compile(r"\s*(mit|apache|bsd|cc0|cc[ -]by\b(?!-nc)|isc|public domain|unlicense)\b", re.IGNORECASE)

log = structlog.stdlib.get_logger(__name__)


def product_recommendations(found: Alternatives, params: SearchParams, base_url: str) -> ProductRecommendations:
    """Return a product's alternatives as JSON."""
    product = found.product
    products = [similar_product(match, base_url) for match in found.matches]
    return ProductRecommendations(
        product_id=product.product_id,
        source_product=SourceProduct(
            name=product.name,
            image_url=image_url(product.cover, base_url),
            category=category_name(product),
            brand=product.brand,
        ),
        similar_products=products,
        total_count=len(products),
        search_params=params,
        source_indexed=found.seen,
    )


def index_stats(services: Services) -> ImageIndexStats:
    """Count what can be found, here and in the database.

    Raises:
        DatabaseError: it cannot be asked.
    """
    facts = services.index.facts()
    stats = services.catalogue.stats(services.embedder.embedder_id)
    folder = services.settings.index_dir / facts.generation if facts.generation else None
    status: Literal["healthy", "degraded", "unhealthy"] = "healthy"
    if not facts.total_vectors:
        status = "unhealthy"
    elif facts.problem or facts.total_vectors != stats.vectors or stats.coverage_rate < FULL_COVERAGE:
        status = "degraded"
    return ImageIndexStats(
        faiss_index=IndexFigures(
            total_vectors=facts.total_vectors,
            dimension=facts.dimension,
            product_count=facts.product_count,
            index_file_exists=folder is not None and (folder / ROWS).is_file(),
            mapping_file_exists=folder is not None and (folder / COLUMNS).is_file(),
        ),
        database=DatabaseFigures(
            total_embeddings=stats.features,
            products_with_images=stats.products_with_images,
            coverage_rate=stats.coverage_rate,
        ),
        status=status,
    )


def models_answer(services: Services) -> ModelsAnswer:
    """Return the cards of all networks, those that serve marked; one that cannot be read is logged and left out."""
    serving = services.embedder.files
    folders = sorted(list_models(services.settings.models).items())
    cards = [(name, _card(folder)) for name, folder in folders]
    return ModelsAnswer(
        embedder_id=services.embedder.embedder_id,
        models=[_model(name, card, serving) for name, card in cards if card is not None],
    )


def commercial_use(licence: str) -> bool | None:
    """Return whether a licence allows commercial use; None where its text does not tell."""
    if _FORBIDDEN.search(licence):
        return False
    return True if _ALLOWED.match(licence) else None


def _card(folder: Path) -> Card | None:
    try:
        return Card.load(folder)
    except CardInvalid as error:
        log.warning("a model's card cannot be read", error=str(error))
        return None


def _model(name: str, card: Card, serving: frozenset[str]) -> ModelAnswer:
    return ModelAnswer(
        name=name,
        kind=card.kind,
        in_use=card.sha256 in serving,
        precision=card.precision,
        dim=None if card.kind == "segmenter" else card.dim,
        labels=list(card.labels),
        sha256=card.sha256,
        licence=card.licence,
        commercial_use=commercial_use(card.licence),
        source=card.source,
        trained_on=list(card.trained_on),
        calibrated=card.match is not None,
    )
