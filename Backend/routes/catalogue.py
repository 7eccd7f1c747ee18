"""The catalogue, written: by a shop's own program, with an API key that has the scope `catalogue`."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Response
from starlette.concurrency import run_in_threadpool

from Backend.openapi import PHOTO, problems
from Backend.routes.context import Served, require
from Backend.routes.fields import Photo
from Backend.routes.products import ProductId
from Backend.schemas import (
    BatchAnswer,
    BatchInput,
    ProductInput,
    ProductStatusAnswer,
    UploadedAnswer,
    WrittenAnswer,
)
from Backend.uploads import store_upload
from Backend.views import status_answer, written_answer
from Data.errors import ProductNotFound
from Data.product_writes import write_product, write_products

router = APIRouter(tags=["catalogue"], dependencies=[Depends(require("catalogue"))])
readers = APIRouter(tags=["catalogue"])

REFUSALS = (401, 403, 408, 413, 422, 429, 503)


@router.put(
    "/api/products/{product_id:path}",
    responses={201: {"model": WrittenAnswer, "description": "It is new."}, **problems(*REFUSALS)},
)
async def put_product(
    served: Served, response: Response, product_id: ProductId, product: Annotated[ProductInput, Body()]
) -> WrittenAnswer:
    """Create a product, or replace all of it.

    Its pictures are fetched and looked at by the indexer; ask for its status to know when it can be found.
    """
    services = served.services
    item = _fields({"product_id": product_id, **product.model_dump(exclude_unset=True)})
    written = await run_in_threadpool(write_product, services.catalogue, services.images, item)
    response.status_code = 201 if written.outcome == "created" else 200
    return written_answer(written)


@router.delete("/api/products/{product_id:path}", status_code=204, responses=problems(404, *REFUSALS))
async def delete_product(served: Served, product_id: ProductId) -> None:
    """Delete a product; within a second it is found no more."""
    if not await run_in_threadpool(served.services.catalogue.delete, [product_id]):
        raise ProductNotFound(product_id)


@router.post("/api/products:batch", responses=problems(*REFUSALS))
async def write_batch(served: Served, batch: Annotated[BatchInput, Body()]) -> BatchAnswer:
    """Create, replace and delete up to 1,000 products at once; a bad one stops no other."""
    services = served.services
    items = [_fields(item) for item in batch.products]
    written = await run_in_threadpool(write_products, services.catalogue, services.images, items, batch.delete)
    results = [written_answer(each) for each in written]
    return BatchAnswer(results=results, failed=sum(result.result == "failed" for result in results))


@router.post("/api/images", responses=problems(*PHOTO, *REFUSALS))
async def upload_image(served: Served, file: Photo) -> UploadedAnswer:
    """Store a picture, so that products can name it by its sha256."""
    services = served.services
    return await served.on_photo(file, lambda data: store_upload(data, services))


@readers.get("/api/products/{product_id:path}/status", responses=problems(404, 422, 503))
async def get_status(served: Served, product_id: ProductId) -> ProductStatusAnswer:
    """Return whether a product can be found by its looks yet, and why not."""
    return status_answer(product_id, await run_in_threadpool(served.services.catalogue.picture_status, product_id))


def _fields(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was sent under the names that `Product` has."""
    fields = dict(item)
    if "category" in fields:
        fields["category_name"] = fields.pop("category")
    pictures = fields.get("pictures")
    if isinstance(pictures, list):
        fields["pictures"] = [
            {"source_url" if key == "url" else key: value for key, value in picture.items()}
            if isinstance(picture, dict)
            else picture
            for picture in pictures
        ]
    return fields
