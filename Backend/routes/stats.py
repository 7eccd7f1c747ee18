"""The catalogue at a glance, and one product's colours beside those of its matches."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool

from Backend.openapi import problems
from Backend.overview import compare
from Backend.recommender import MAX_LIMIT
from Backend.routes.context import Served
from Backend.routes.products import ProductId
from Backend.schemas_stats import ProductStatsAnswer, StatsAnswer
from Backend.stats_views import product_stats_answer, stats_answer

router = APIRouter(prefix="/api/stats", tags=["products"])


@router.get("", responses=problems(503))
async def get_stats(served: Served) -> StatsAnswer:
    """Return counts by category, brand and price, the garments' colours, coverage, and what the index is."""
    overview = await run_in_threadpool(served.services.overviews.get)
    return stats_answer(overview, served.services.index.facts(), served.base_url)


@router.get("/products/{product_id:path}", responses=problems(404, 422, 503))
async def get_product_stats(
    served: Served,
    product_id: ProductId,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Matches to compare with.")] = 20,
) -> ProductStatsAnswer:
    """Return how a product's colours are spread, and those of the products that look most like it."""
    services = served.services
    found = await run_in_threadpool(
        compare, services.catalogue, services.recommender, services.embedder.embedder_id, product_id, limit
    )
    return product_stats_answer(found, served.base_url)
