"""The catalogue, read."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.concurrency import run_in_threadpool

from Backend.openapi import problems
from Backend.routes.context import Served
from Backend.schemas import ProductAnswer, ProductsAnswer
from Backend.views import product_answer
from Data.filters import Filter

router = APIRouter(prefix="/api/products", tags=["products"])

ProductId = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


@router.get("", responses=problems(422, 503))
async def list_products(
    served: Served,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=2000, description="next_cursor of the page before.")] = None,
    category: Annotated[
        str | None, Query(max_length=200, description="Only of this category, by slug.", examples=["dress"])
    ] = None,
) -> ProductsAnswer:
    """Return a page of the catalogue, in the order of product_id."""
    wanted = Filter(category=(category,)) if category else Filter()
    page = await run_in_threadpool(served.services.catalogue.page, limit, cursor, wanted)
    return ProductsAnswer(
        products=[product_answer(product, served.base_url) for product in page.products],
        next_cursor=page.next_cursor,
    )


@router.get("/{product_id:path}", responses=problems(404, 422, 503))
async def get_product(served: Served, product_id: ProductId) -> ProductAnswer:
    """Return one product."""
    product = await run_in_threadpool(served.services.catalogue.get, product_id)
    return product_answer(product, served.base_url)
