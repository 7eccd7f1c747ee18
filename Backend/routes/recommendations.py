"""The main job: a photo in, the most similar products out."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.concurrency import run_in_threadpool

from Backend.errors import PartsUnusable
from Backend.openapi import PHOTO, problems
from Backend.queries import parse_crop
from Backend.routes.context import Served
from Backend.routes.fields import FilterFields, Limit, Photo, RefinementFields
from Backend.routes.sources import CropText, SourceFields
from Backend.schemas import SimilarAnswer
from Backend.schemas_recommendations import OutfitAnswer
from Backend.views import similar_answer

router = APIRouter(prefix="/api/recommendations", tags=["recommendations"])

MAX_GARMENTS = 8


@router.post("/similar-images/", include_in_schema=False)
@router.post("/similar-images", responses=problems(*PHOTO, 404, 409))
async def similar_images(
    served: Served,
    sources: SourceFields,
    filter: FilterFields,
    refinement: RefinementFields,
    limit: Limit = 10,
) -> SimilarAnswer:
    """Return the products that look most like the garment in a photo, best first.

    Several pictures, addresses of pictures and products together are answered as one. Send them once: to filter or sort
    differently or ask for more, send the answer's `query_token` instead.
    """
    query = await sources.query(served)
    answer = await run_in_threadpool(served.services.recommender.search, query, limit, filter, refinement)
    return similar_answer(answer, served.base_url)


@router.post("/outfit", responses=problems(*PHOTO))
async def outfit(
    served: Served,
    file: Photo,
    filter: FilterFields,
    box: Annotated[
        list[CropText],
        Form(
            min_length=1, max_length=MAX_GARMENTS, description="x,y,w,h of a garment.", examples=[["0.1,0.1,0.5,0.4"]]
        ),
    ],
    box_unit: Annotated[
        Literal["fraction", "px"], Form(description="Fractions of the upright picture, or pixels of the original.")
    ] = "fraction",
    limit: Limit = 10,
) -> OutfitAnswer:
    """Return what looks like each garment of a photo; each answer has its own `query_token`."""
    recommender = served.services.recommender
    crops = [crop for text in box if (crop := parse_crop(text, box_unit)) is not None]
    if len(crops) < len(box):
        raise PartsUnusable("Write every box as four numbers x,y,w,h; none may be blank.")
    queries = await served.on_photo(file, lambda data: recommender.analyse_parts(data, crops))
    answers = await run_in_threadpool(lambda: [recommender.search(query, limit, filter) for query in queries])
    return OutfitAnswer(garments=[similar_answer(answer, served.base_url) for answer in answers])
