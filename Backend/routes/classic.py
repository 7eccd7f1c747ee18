"""The two addresses of the first system of this kind, kept for callers that still use them.

Thin: the same Recommender answers, in the old form. A category that the service is not sure of is an empty text.
"""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from Backend.finder import Match
from Backend.openapi import PHOTO, problems
from Backend.recommender import Guess
from Backend.routes.context import Served
from Backend.routes.fields import Photo
from Backend.schemas import ClassicAnswer, ClassicCategory
from Backend.views import image_url

router = APIRouter(tags=["classic"])

COUNT = 5


@router.post("/getSimilarFashion", responses=problems(*PHOTO))
async def get_similar_fashion(served: Served, file: Photo) -> ClassicAnswer:
    """Return the category and the five most similar products, each as [title, price, item_url, img_url]."""
    recommender = served.services.recommender
    query = await served.on_photo(file, recommender.analyse)
    answer = await run_in_threadpool(recommender.search, query, COUNT)
    rows = [_row(match, served.base_url) for match in answer.matches]
    rows += [["", "", "", ""]] * (COUNT - len(rows))
    images = {f"image{position}": row for position, row in enumerate(rows)}
    return ClassicAnswer(category=_text(query.category), **images)


@router.post("/getCategory", responses=problems(*PHOTO))
async def get_category(served: Served, file: Photo) -> ClassicCategory:
    """Return the garment's category."""
    classification = await served.on_photo(file, served.services.recommender.classify)
    return ClassicCategory(category=_text(classification.category))


def _row(match: Match, base_url: str) -> list[str]:
    """Return a product in the old order. What the catalogue lacks is an empty text."""
    product = match.product
    price = "" if product.final_price is None else f"{product.final_price:f} {product.currency}"
    return [product.name, price, product.product_url or "", image_url(product.cover, base_url) or ""]


def _text(guess: Guess | None) -> str:
    return guess.name if guess else ""
