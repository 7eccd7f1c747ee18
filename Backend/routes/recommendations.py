"""The main job: a photo in, the most similar products out."""

from fastapi import APIRouter, UploadFile
from starlette.concurrency import run_in_threadpool

from Backend.errors import PhotoMissing
from Backend.openapi import PHOTO, problems
from Backend.recommender import Crop, Query
from Backend.routes.context import Context, Served
from Backend.routes.fields import CropField, FilterFields, Limit, OptionalPhoto, Token
from Backend.schemas import SimilarAnswer
from Backend.views import similar_answer

router = APIRouter(tags=["recommendations"])


@router.post("/api/recommendations/similar-images", responses=problems(*PHOTO, 409))
async def similar_images(
    served: Served,
    crop: CropField,
    filter: FilterFields,
    file: OptionalPhoto = None,
    query_token: Token = None,
    limit: Limit = 10,
) -> SimilarAnswer:
    """Return the products that look most like the garment in a photo, best first.

    Send the photo once; to filter differently or ask for more, send the answer's `query_token` instead of it.
    """
    query = await _query(served, file, query_token, crop)
    answer = await run_in_threadpool(served.services.recommender.search, query, limit, filter)
    return similar_answer(answer, served.base_url)


async def _query(served: Context, file: UploadFile | None, query_token: str | None, crop: Crop | None) -> Query:
    """Return the query of whichever was sent.

    Raises:
        PhotoMissing: neither or both.
        TokenInvalid, TokenStale, ImageError, Busy.
    """
    recommender = served.services.recommender
    if file is not None and not query_token:
        return await served.on_photo(file, lambda data: recommender.analyse(data, crop))
    if file is None and query_token:
        return recommender.query_from_token(query_token)
    raise PhotoMissing
