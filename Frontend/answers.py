"""The service's answers as the page reads them: frozen, unknown fields ignored, so the service may say more."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

OWN_PICTURES = "/api/images/"
"""Where the service keeps pictures: what tells their addresses from a shop's own."""


def _money(value: object) -> object:
    """Read a JSON number as the decimal it was written as, not as the nearest binary fraction."""
    return Decimal(repr(value)) if isinstance(value, float) else value


Money = Annotated[Decimal, BeforeValidator(_money)]


class Answer(BaseModel):
    """Base of what the service says."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Category(Answer):
    """A category of the catalogue, as predicted from the picture.

    Attributes:
        probability: Calibrated, in [0, 1].
    """

    slug: str
    name: str
    probability: float = Field(ge=0, le=1)


class SimilarProduct(Answer):
    """A product that looks like the query. What a catalogue lacks is None.

    Attributes:
        price: List price in `currency`.
        final_price: What is paid, in `currency`.
        discount_rate: Percent, 0..100.
        similarity_score: 1 / (1 + distance), in (0, 1].
        band: How like the query it is: same, similar or, of whatever is merely nearest, inspired; None: not known.
    """

    product_id: str
    name: str
    brand: str | None = None
    category: str | None = None
    category_slug: str | None = None
    image_url: str | None = None
    product_url: str | None = None
    price: Money | None = None
    currency: str | None = None
    discount_rate: float = 0.0
    final_price: Money | None = None
    similarity_score: float
    band: str | None = None
    in_stock: bool = True


class SimilarProducts(Answer):
    """The answer to a search.

    Attributes:
        query_token: Stands for the picture in later calls with other filters.
        category: None when the service is not sure.
        garment_found: False when the mask covers too little of the picture.
    """

    query_token: str
    category: Category | None = None
    garment_found: bool = True
    similar_products: tuple[SimilarProduct, ...] = ()
    total_count: int = 0

    @property
    def nothing_close(self) -> bool:
        """Whether there are products, and all of them are merely the nearest ones."""
        return bool(self.similar_products) and all(found.band == "inspired" for found in self.similar_products)


class BoxFractions(Answer):
    """A box as fractions of the upright picture, each in [0, 1]."""

    x: float
    y: float
    w: float
    h: float


class GarmentBox(Answer):
    """Where the service sees a garment.

    Attributes:
        coverage: Share of the picture that the mask covers, in [0, 1].
    """

    found: bool
    box: BoxFractions | None = None
    coverage: float = 0.0


class CatalogueProduct(Answer):
    """A product of the catalogue, as far as the page shows it before any search."""

    product_id: str
    name: str
    category: str | None = None
    category_slug: str | None = None
    image_url: str | None = None


class CatalogueCategory(Answer):
    """A category that products of the catalogue are in."""

    slug: str
    name: str
    count: int = 0


class Categories(Answer):
    """The catalogue's categories, most products first."""

    categories: tuple[CatalogueCategory, ...] = ()


class CataloguePage(Answer):
    """A page of the catalogue."""

    products: tuple[CatalogueProduct, ...] = ()
