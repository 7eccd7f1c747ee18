"""The catalogue's categories: what a page or a widget can offer as a filter."""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from Backend.openapi import problems
from Backend.recommender import display_name
from Backend.routes.context import Served
from Backend.schemas import CatalogueCategory, CategoriesAnswer
from Data.catalogue import Catalogue

router = APIRouter(tags=["products"])


@router.get("/api/categories", responses=problems(503))
async def list_categories(served: Served) -> CategoriesAnswer:
    """Return every category of the catalogue with its number of products, most products first."""
    return CategoriesAnswer(categories=await run_in_threadpool(_categories, served.services.catalogue))


def _categories(catalogue: Catalogue) -> list[CatalogueCategory]:
    names = catalogue.category_names()
    return [
        CatalogueCategory(slug=slug, name=display_name(slug, names.get(slug)), count=count)
        for slug, count in catalogue.facets("category")
    ]
