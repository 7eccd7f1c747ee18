"""Products and matches as the JSON that the API shows: one place where money becomes numbers and pictures addresses."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from Backend.finder import Match
from Backend.recommender import Answer, Classification, Guess, Location, display_name
from Backend.refining import Count, Facets
from Backend.schemas import (
    Box,
    Category,
    CategoryProbability,
    ClassifyAnswer,
    FacetCount,
    GarmentBoxAnswer,
    PictureStatusAnswer,
    PriceBandCount,
    ProductAnswer,
    ProductStatusAnswer,
    SearchFacets,
    SimilarAnswer,
    SimilarProduct,
    WrittenAnswer,
)
from Data.product import Picture, Product
from Data.product_writes import Written
from Data.records import PictureStatus


def image_url(picture: Picture | None, base_url: str) -> str | None:
    """Return where a browser finds a picture: with us, or at the shop's own address until it is fetched.

    Args:
        base_url: of this service as the browser reaches it, without a slash at the end.
    """
    if picture is None:
        return None
    return f"{base_url}/api/images/{picture.sha256}" if picture.sha256 else picture.source_url


def category_name(product: Product) -> str | None:
    """Return the category for people."""
    return None if product.category is None else display_name(product.category, product.category_name)


def similar_product(match: Match, base_url: str) -> SimilarProduct:
    """Return a match as JSON."""
    product = match.product
    return SimilarProduct(
        product_id=product.product_id,
        name=product.name,
        brand=product.brand,
        category=category_name(product),
        category_slug=product.category,
        image_url=image_url(product.cover, base_url),
        product_url=product.product_url,
        price=_number(product.price),
        currency=product.currency,
        discount_rate=product.discount_rate,
        final_price=_number(product.final_price),
        similarity_score=round(match.similarity_score, 6),
        distance=round(match.distance, 6),
        match_probability=None if match.match_probability is None else round(match.match_probability, 6),
        band=match.band,
        colour=product.colour,
        in_stock=product.in_stock,
    )


def similar_answer(answer: Answer, base_url: str) -> SimilarAnswer:
    """Return a search's answer as JSON."""
    products = [similar_product(match, base_url) for match in answer.matches]
    return SimilarAnswer(
        query_token=answer.query_token,
        garment_found=answer.query.garment_found,
        category=category(answer.query.category),
        similar_products=products,
        total_count=len(products),
        hidden_count=answer.hidden,
        next_cursor=None if answer.next_offset is None else str(answer.next_offset),
        facets=None if answer.facets is None else _facets(answer.facets),
    )


def _facets(facets: Facets) -> SearchFacets:
    return SearchFacets(
        category=_counts(facets.category),
        brand=_counts(facets.brand),
        colour=_counts(facets.colour),
        price=[
            PriceBandCount(min_price=float(band.lowest), below=float(band.below), count=band.count)
            for band in facets.price
        ],
    )


def _counts(counts: Sequence[Count]) -> list[FacetCount]:
    return [FacetCount(value=each.value, name=each.name, count=each.count) for each in counts]


def product_answer(product: Product, base_url: str) -> ProductAnswer:
    """Return a product as JSON, its shown picture first."""
    shown = [product.cover, *(picture for picture in product.pictures if picture != product.cover)]
    urls = [url for picture in shown if (url := image_url(picture, base_url)) is not None]
    return ProductAnswer(
        product_id=product.product_id,
        name=product.name,
        brand=product.brand,
        category=category_name(product),
        category_slug=product.category,
        category_predicted=product.category_predicted,
        gender=product.gender,
        age_group=product.age_group,
        colour=product.colour,
        sizes=list(product.sizes),
        group_id=product.group_id,
        image_url=urls[0] if urls else None,
        image_urls=urls,
        product_url=product.product_url,
        price=_number(product.price),
        currency=product.currency,
        discount_rate=product.discount_rate,
        final_price=_number(product.final_price),
        in_stock=product.in_stock,
    )


def written_answer(written: Written) -> WrittenAnswer:
    """Return what became of a product as JSON."""
    return WrittenAnswer(product_id=_whole(written.product_id), result=written.outcome, reason=_whole(written.reason))


def status_answer(product_id: str, pictures: Sequence[PictureStatus]) -> ProductStatusAnswer:
    """Return where a product's pictures stand as JSON.

    Args:
        pictures: in the shop's order.
    """
    states = {picture.status for picture in pictures}
    status: Literal["pending", "indexed", "failed", "no_pictures"] = "no_pictures"
    if states:
        status = "pending" if "pending" in states else "indexed" if "indexed" in states else "failed"
    return ProductStatusAnswer(
        product_id=product_id,
        status=status,
        pictures=[
            PictureStatusAnswer(
                status=picture.status,
                reason=picture.reason,
                sha256=picture.sha256,
                url=picture.source_url,
                is_cover=picture.is_cover,
            )
            for picture in pictures
        ],
    )


def category(guess: Guess | None) -> Category | None:
    """Return a predicted category as JSON."""
    if guess is None:
        return None
    return Category(slug=guess.slug, name=guess.name, probability=round(guess.probability, 6))


def classify_answer(classification: Classification) -> ClassifyAnswer:
    """Return a classification as JSON."""
    return ClassifyAnswer(
        category=category(classification.category),
        garment_found=classification.garment_found,
        probabilities=[
            CategoryProbability(slug=guess.slug, name=guess.name, probability=round(guess.probability, 6))
            for guess in classification.probabilities
        ],
    )


def garment_box_answer(location: Location) -> GarmentBoxAnswer:
    """Return a garment's place as JSON."""
    box = location.box
    return GarmentBoxAnswer(
        found=location.found,
        box=Box(x=box.x, y=box.y, w=box.w, h=box.h),
        coverage=location.coverage,
    )


def _whole(text: str | None) -> str | None:
    """Return a text without halves of characters, which a bad item may hold and no answer can carry."""
    return None if text is None else text.encode(errors="replace").decode()


def _number(amount: Decimal | None) -> float | None:
    """Return money as the JSON number that the contract asks for; it has at most four decimals."""
    return None if amount is None else float(amount)
