"""The JSON of the statistics."""

from pydantic import Field

from Backend.schemas import Answered, CatalogueCategory, ProductAnswer, Share


class BrandCount(Answered):
    """A brand with its number of products."""

    name: str = Field(examples=["Halden"])
    count: int = Field(ge=1, examples=[120])


class PriceBinAnswer(Answered):
    """Products whose final price is from `low` to below `high`."""

    low: float = Field(examples=[20.0])
    high: float | None = Field(description="null: the last bin, which has no end.", examples=[30.0])
    count: int = Field(ge=0, examples=[42])


class PricesAnswer(Answered):
    """Final prices in the catalogue's currency."""

    currency: str | None = Field(examples=["EUR"])
    priced: int = Field(ge=0, description="Products that have a price in it.", examples=[650])
    median: float | None = Field(examples=[49.0])
    bins: list[PriceBinAnswer] = Field(description="Of one width, rising.")


class NamedColour(Answered):
    """A colour of garments."""

    name: str = Field(examples=["navy"])
    hex: str = Field(pattern="^#[0-9a-f]{6}$", description="How it looks on average.", examples=["#1f2a44"])
    share: Share = Field(description="Of the garments' pixels.", examples=[0.12])


class ColoursAnswer(Answered):
    """How the garments' pixels are spread over the channels and over named colours; each picture counts the same."""

    pictures: int = Field(ge=0, description="How many were looked at.", examples=[650])
    red: list[Share] = Field(description="Shares in 16 equal steps from 0 to 255; empty before any was measured.")
    green: list[Share]
    blue: list[Share]
    colours: list[NamedColour] = Field(description="By falling share.")


class IndexAnswer(Answered):
    """What searching works on, as this worker sees it."""

    generation: str | None = Field(description="Name of the base; null before the first.")
    kind: str = Field(examples=["exact"])
    vectors: int = Field(ge=0, description="That can be found, new ones included.", examples=[650])
    new_vectors: int = Field(ge=0, description="Those outside the base.", examples=[0])
    dimension: int = Field(ge=0, examples=[512])
    recall: float | None = Field(description="recall@10 of the base against exact search.", examples=[1.0])
    embedder_id: str
    memory_bytes: int = Field(ge=0, description="What searching the base keeps in memory.", examples=[665600])


class StatsAnswer(Answered):
    """The catalogue at a glance; counted at most every half minute."""

    products: int = Field(ge=0, examples=[650])
    products_with_images: int = Field(ge=0, examples=[650])
    products_indexed: int = Field(ge=0, examples=[650])
    coverage_rate: float = Field(ge=0, le=100, description="Percent of the products that can be found.", examples=[100])
    pictures: int = Field(ge=0, examples=[650])
    features: int = Field(ge=0, description="Pictures that have been looked at.", examples=[650])
    pending: int = Field(ge=0, examples=[0])
    failed: int = Field(ge=0, examples=[0])
    other_currency: int = Field(ge=0, description="Products priced in another currency.", examples=[0])
    categories: list[CatalogueCategory] = Field(description="Most products first.")
    brands: list[BrandCount] = Field(description="The 30 with the most products, most first.")
    brand_count: int = Field(ge=0, description="All brands.", examples=[8])
    prices: PricesAnswer
    cheapest: list[ProductAnswer]
    dearest: list[ProductAnswer]
    colours: ColoursAnswer
    index: IndexAnswer


class ProductStatsAnswer(Answered):
    """A product's colours beside those of what looks like it."""

    product: ProductAnswer
    seen: bool = Field(description="False: none of its pictures has been looked at yet.")
    own: ColoursAnswer
    matches: ColoursAnswer
    match_ids: list[str] = Field(description="The products it is compared with, most similar first.")
