"""The JSON of the API: what comes in beside the photo, and exactly what goes out.

Prices are JSON numbers, or null where the catalogue has none. `distance` is the squared Euclidean distance of unit
vectors (2 - 2 cos), `similarity_score` is 1 / (1 + distance).
"""

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from Backend.finder import Band

Share = Annotated[float, Field(ge=0, le=1)]


class Answered(BaseModel):
    """Base of every answer: no field that is not declared."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Box(Answered):
    """A box as fractions of the upright picture, from its upper left corner."""

    x: Share
    y: Share
    w: Share
    h: Share


class Category(Answered):
    """What the classifier takes the garment for. It hides no results; it reorders them only where it is set to."""

    slug: str = Field(examples=["dress"])
    name: str = Field(examples=["Dress"])
    probability: Share = Field(examples=[0.93])


class SimilarProduct(Answered):
    """A product of the catalogue with how much it looks like the query."""

    product_id: str = Field(examples=["sample-dress-07"])
    name: str = Field(examples=["Wrap dress with dots"])
    brand: str | None = Field(examples=["Halden"])
    category: str | None = Field(description="The category's display name.", examples=["Dress"])
    category_slug: str | None = Field(examples=["dress"])
    image_url: str | None = Field(examples=["http://127.0.0.1:8000/api/images/" + "0f" * 32])
    product_url: str | None = Field(examples=["https://example.com/products/sample-dress-07"])
    price: float | None = Field(description="List price.", examples=[79.0])
    currency: str | None = Field(examples=["EUR"])
    discount_rate: float = Field(ge=0, le=100, description="Percent off the list price.", examples=[25.0])
    final_price: float | None = Field(description="What is paid.", examples=[59.25])
    similarity_score: float = Field(ge=0, le=1, examples=[0.81])
    distance: float = Field(ge=0, le=4.01, examples=[0.2346])
    match_probability: Share | None = Field(
        description="Probability that it is the very garment; null when the encoder is not calibrated.", examples=[0.72]
    )
    band: Band | None = Field(description="same item, similar, or inspired by.", examples=["similar"])
    colour: str | None = Field(examples=["navy"])
    in_stock: bool = Field(examples=[True])


class FacetCount(Answered):
    """A value that a search could be narrowed to."""

    value: str = Field(description="As the filter takes it.", examples=["dress"])
    name: str = Field(description="As people read it.", examples=["Dress"])
    count: int = Field(ge=1, examples=[12])


class PriceBandCount(Answered):
    """Products that cost at least `min_price` and less than `below`."""

    min_price: float = Field(ge=0, examples=[50.0])
    below: float = Field(gt=0, examples=[100.0])
    count: int = Field(ge=1, examples=[7])


class SearchFacets(Answered):
    """Counts over the 200 nearest products; a field's own filter is left aside while that field is counted."""

    category: list[FacetCount]
    brand: list[FacetCount]
    colour: list[FacetCount]
    price: list[PriceBandCount] = Field(description="By rising price, in the catalogue's currency.")


class SimilarAnswer(Answered):
    """The products that look most like the photo, best first unless sorted otherwise."""

    query_token: str = Field(description="Send it instead of the photo to filter or page.", examples=["AQAQZ2Fybm..."])
    garment_found: bool = Field(description="False: the mask covers too little; the whole crop was compared.")
    category: Category | None = Field(description="Null: not sure, or the service has no classifier.")
    similar_products: list[SimilarProduct]
    total_count: int = Field(ge=0, description="Number of products in this answer.", examples=[10])
    hidden_count: int = Field(
        ge=0, description="Products among the 200 nearest that min_match_probability hides.", examples=[0]
    )
    next_cursor: str | None = Field(
        description="Send it as `cursor`, with query_token and the same filters, for the next page; null: the last.",
        examples=["10"],
    )
    facets: SearchFacets | None = Field(description="Null unless asked for.")


class CategoryProbability(Answered):
    """One of the classifier's categories."""

    slug: str = Field(examples=["dress"])
    name: str = Field(examples=["Dress"])
    probability: Share = Field(examples=[0.93])


class ClassifyAnswer(Answered):
    """What the garment is, with every category's probability, likeliest first."""

    category: Category | None = Field(description="Null: not sure, or the service has no classifier.")
    garment_found: bool = Field(description="False: the mask covers too little; the whole crop was looked at.")
    probabilities: list[CategoryProbability]


class GarmentBoxAnswer(Answered):
    """Where the garment is: the crop to start from."""

    found: bool
    box: Box = Field(description="The garment's box, or the whole picture when none was found.")
    coverage: Share = Field(description="Share of the picture that the garment covers.", examples=[0.31])


class ProductAnswer(Answered):
    """A product as the catalogue has it."""

    product_id: str = Field(examples=["sample-dress-07"])
    name: str = Field(examples=["Wrap dress with dots"])
    brand: str | None = Field(examples=["Halden"])
    category: str | None = Field(examples=["Dress"])
    category_slug: str | None = Field(examples=["dress"])
    category_predicted: bool = Field(description="True: the shop named no category; this one was predicted.")
    gender: Literal["men", "women", "unisex"] | None
    age_group: Literal["adult", "kids"] | None
    colour: str | None = Field(examples=["navy"])
    sizes: list[str] = Field(examples=[["S", "M", "L"]])
    group_id: str | None
    image_url: str | None
    image_urls: list[str] = Field(description="Every picture, the one that is shown first.")
    product_url: str | None = Field(examples=["https://example.com/products/sample-dress-07"])
    price: float | None = Field(examples=[79.0])
    currency: str | None = Field(examples=["EUR"])
    discount_rate: float = Field(ge=0, le=100, examples=[25.0])
    final_price: float | None = Field(examples=[59.25])
    in_stock: bool


class ProductsAnswer(Answered):
    """A page of the catalogue, in the order of product_id."""

    products: list[ProductAnswer]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null on the last.")


class PictureInput(BaseModel):
    """One picture of a product: uploaded before, or to be fetched."""

    model_config = ConfigDict(extra="forbid")

    sha256: str | None = Field(None, description="Of POST /api/images.", pattern="^[0-9a-f]{64}$", examples=["0f" * 32])
    url: str | None = Field(None, max_length=2000, examples=["https://example.com/pictures/dress-07.jpg"])


class ProductInput(BaseModel):
    """A product as a shop sends it; the names are those that it is answered with."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=500, examples=["Wrap dress with dots"])
    brand: str | None = Field(None, max_length=200, examples=["Halden"])
    category: str | None = Field(
        None, max_length=200, description="The shop's own; missing: predicted.", examples=["Dress"]
    )
    gender: Literal["men", "women", "unisex"] | None = None
    age_group: Literal["adult", "kids"] | None = None
    colour: str | None = Field(None, max_length=200, examples=["navy"])
    sizes: list[Annotated[str, Field(max_length=200)]] = Field([], max_length=200, examples=[["S", "M", "L"]])
    group_id: str | None = Field(None, max_length=200)
    price: Decimal | None = Field(None, ge=0, lt=10**12, description="List price.", examples=[79.0])
    final_price: Decimal | None = Field(None, ge=0, lt=10**12, description="What is paid.", examples=[59.25])
    currency: str | None = Field(None, description="ISO 4217; needed with a price.", max_length=3, examples=["EUR"])
    product_url: str | None = Field(None, max_length=2000, examples=["https://example.com/products/dress-07"])
    in_stock: bool = True
    pictures: list[PictureInput] = Field([], max_length=50, description="The shop's order.")


class BatchInput(BaseModel):
    """Products to be created or replaced, and ids to be deleted: 1 to 1,000 together."""

    model_config = ConfigDict(extra="forbid")

    products: list[dict[str, Any]] = Field(
        [],
        max_length=1000,
        description="Each as the body of PUT /api/products/{product_id}, with its product_id.",
        examples=[[{"product_id": "dress-07", "name": "Wrap dress with dots"}]],
    )
    delete: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field([], max_length=1000, examples=[["hat-3"]])

    @model_validator(mode="after")
    def _not_too_many(self) -> Self:
        if not 1 <= len(self.products) + len(self.delete) <= 1000:
            raise ValueError("Send 1 to 1000 products and deletions together")
        return self


class WrittenAnswer(Answered):
    """What became of a product that was sent."""

    product_id: str | None = Field(examples=["dress-07"])
    result: Literal["created", "changed", "unchanged", "deleted", "failed"] = Field(examples=["created"])
    reason: str | None = Field(description="Why it failed.", examples=["a price needs a currency."])


class BatchAnswer(Answered):
    """What became of each product, then of each deletion, in the order in which they were sent."""

    results: list[WrittenAnswer]
    failed: int = Field(ge=0, examples=[0])


class PictureStatusAnswer(Answered):
    """Where one picture stands."""

    status: Literal["pending", "indexed", "failed"] = Field(
        description="Pending: to be fetched or looked at.", examples=["indexed"]
    )
    reason: str | None = Field(description="Why it failed.", examples=["The server answered 404."])
    sha256: str | None = Field(description="Null until it is fetched.", examples=["0f" * 32])
    url: str | None = Field(examples=["https://example.com/pictures/dress-07.jpg"])
    is_cover: bool = Field(description="It is the one that is shown.", examples=[True])


class ProductStatusAnswer(Answered):
    """Whether a product can be found by its looks."""

    product_id: str = Field(examples=["dress-07"])
    status: Literal["pending", "indexed", "failed", "no_pictures"] = Field(
        description="Pending while any picture is; failed when all have.", examples=["indexed"]
    )
    pictures: list[PictureStatusAnswer]


class UploadedAnswer(Answered):
    """A picture that is stored now, to be named in a product's `pictures`."""

    sha256: str = Field(examples=["0f" * 32])
    media_type: str = Field(examples=["image/jpeg"])
    width: int = Field(ge=0, description="Pixels, upright.", examples=[600])
    height: int = Field(ge=0, examples=[800])


ClassicRow = Annotated[list[str], Field(min_length=4, max_length=4, description="title, price, item_url, img_url")]


class ClassicAnswer(Answered):
    """The answer of the first system of this kind."""

    category: str = Field(examples=["Dress"])
    image0: ClassicRow
    image1: ClassicRow
    image2: ClassicRow
    image3: ClassicRow
    image4: ClassicRow


class ClassicCategory(Answered):
    """The category's answer of the first system of this kind."""

    category: str = Field(examples=["Dress"])


class CatalogueCategory(Answered):
    """A category that products of the catalogue are in."""

    slug: str = Field(examples=["dress"])
    name: str = Field(examples=["Dress"])
    count: int = Field(ge=1, description="Number of products.", examples=[50])


class CategoriesAnswer(Answered):
    """The catalogue's categories, most products first."""

    categories: list[CatalogueCategory]


class HealthAnswer(Answered):
    """The process is alive."""

    status: Literal["ok"]


class PartHealth(Answered):
    """One thing that the service needs."""

    ready: bool
    detail: str


class ReadyAnswer(Answered):
    """Whether the service can answer, and what it waits for if not."""

    status: Literal["ready", "not ready"]
    database: PartHealth
    model: PartHealth
    index: PartHealth


class FieldFault(Answered):
    """A field of the request that cannot be used."""

    field: str = Field(examples=["limit"])
    message: str = Field(examples=["Input should be less than or equal to 50"])


class ProblemAnswer(BaseModel):
    """An error as application/problem+json. Source: RFC 9457."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(examples=["urn:similook:problem:not-an-image"])
    title: str = Field(examples=["This is not a picture"])
    status: int = Field(ge=400, le=599, examples=[415])
    detail: str = Field(examples=["The file is not a picture; send a JPEG, PNG, WebP or HEIC."])
    request_id: str = Field(examples=["5f0c2b7e9a3d4c61"])
    errors: list[FieldFault] | None = Field(None, description="The fields at fault, when fields are.")
