"""The documented product API: what looks like a product, and how the index stands.

Both addresses are published with a slash at the end and answer without it as well.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.security import HTTPAuthorizationCredentials
from starlette.concurrency import run_in_threadpool

from Backend.openapi import problems
from Backend.product_views import index_stats, models_answer, product_recommendations
from Backend.rebuilding import look_again
from Backend.recommender import MAX_LIMIT
from Backend.routes.context import Served, bearer
from Backend.routes.products import ProductId
from Backend.schemas_recommendations import ImageIndexStats, ModelsAnswer, ProductRecommendations, SearchParams
from Data.filters import Filter

router = APIRouter(prefix="/api", tags=["recommendations"])


# The lower of two decorators is asked first: an id may hold slashes, and the last one belongs to the address.
@router.get("/recommendations/similar-images/{product_id:path}", include_in_schema=False)
@router.get("/recommendations/similar-images/{product_id:path}/", responses=problems(401, 403, 404, 422, 429, 503))
async def recommend_for_product(
    served: Served,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    product_id: ProductId,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many products.")] = 10,
    category: Annotated[
        str | None, Query(max_length=200, description="Only of this category, by slug.", examples=["dress"])
    ] = None,
    min_similarity: Annotated[float, Query(ge=0, le=1, description="Least similarity_score.")] = 0.5,
    rebuild: Annotated[
        bool, Query(description="Look at the product's pictures again first; needs a key with the scope `catalogue`.")
    ] = False,
) -> ProductRecommendations:
    """Return what looks most like a product, without the product itself and its duplicates, best first."""
    services = served.services
    if rebuild:
        key = credentials.credentials if credentials else None
        await run_in_threadpool(services.keys.check, key, "catalogue")
        await served.in_turn(lambda: look_again(services, product_id))
    wanted = Filter(category=(category,)) if category else Filter()
    found = await run_in_threadpool(services.recommender.alternatives, product_id, limit, wanted, min_similarity)
    params = SearchParams(limit=limit, category=category or None, min_similarity=min_similarity)
    return product_recommendations(found, params, served.base_url)


@router.get("/recommendations/image-index-stats", include_in_schema=False)
@router.get("/recommendations/image-index-stats/", responses=problems(503))
async def image_index_stats(served: Served) -> ImageIndexStats:
    """Return how many pictures can be found, and how many there are."""
    return await run_in_threadpool(index_stats, served.services)


@router.get("/models", responses=problems(503))
async def list_networks(served: Served) -> ModelsAnswer:
    """Return the networks with their licences, and which of them serve."""
    return await run_in_threadpool(models_answer, served.services)
