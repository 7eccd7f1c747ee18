"""The JSON of the product API: recommendations for a product, the index's figures, and the networks that serve.

Paths and names of the first two are a published contract: fields may be added to them, none renamed.
"""

from typing import Literal

from pydantic import Field

from Backend.schemas import Answered, SimilarAnswer, SimilarProduct


class SourceProduct(Answered):
    """The product that alternatives were asked for."""

    name: str = Field(examples=["Wrap dress with dots"])
    image_url: str | None = Field(examples=["http://127.0.0.1:8000/api/images/" + "0f" * 32])
    category: str | None = Field(description="The category's display name.", examples=["Dress"])
    brand: str | None = Field(examples=["Halden"])


class SearchParams(Answered):
    """What was asked for, defaults included."""

    limit: int = Field(examples=[10])
    category: str | None = Field(description="Slug, or null for all.", examples=["dress"])
    min_similarity: float = Field(examples=[0.5])


class ProductRecommendations(Answered):
    """What looks most like a product of the catalogue, best first."""

    product_id: str = Field(examples=["sample-dress-07"])
    source_product: SourceProduct
    similar_products: list[SimilarProduct]
    total_count: int = Field(ge=0, description="Number of products in this answer.", examples=[10])
    search_params: SearchParams
    source_indexed: bool = Field(
        description="False: no picture of the product has been looked at yet, so nothing could be compared."
    )


class IndexFigures(Answered):
    """The vector index."""

    total_vectors: int = Field(ge=0, description="Pictures that can be found.", examples=[650])
    dimension: int = Field(ge=0, description="Length of a vector; 0 while there is none.", examples=[512])
    product_count: int = Field(ge=0, description="Products that can be found.", examples=[650])
    index_file_exists: bool = Field(description="The base's file of vectors; false before the first is built.")
    mapping_file_exists: bool = Field(description="The base's file that says whose vectors they are.")


class DatabaseFigures(Answered):
    """The catalogue."""

    total_embeddings: int = Field(ge=0, description="Pictures that have been looked at.", examples=[650])
    products_with_images: int = Field(ge=0, description="Products with a stored picture.", examples=[650])
    coverage_rate: float = Field(ge=0, le=100, description="Percent of all products that can be found.")


class ImageIndexStats(Answered):
    """How the index and the catalogue stand to each other."""

    faiss_index: IndexFigures
    database: DatabaseFigures
    status: Literal["healthy", "degraded", "unhealthy"] = Field(
        description="unhealthy: nothing can be found. degraded: the index does not hold what the catalogue has, or "
        "less than 95 % of the products can be found."
    )


class ModelAnswer(Answered):
    """A network's card: where it comes from and what may be done with it."""

    name: str = Field(examples=["resnet34"])
    kind: Literal["encoder", "segmenter", "classifier"]
    in_use: bool = Field(description="It answers requests now.")
    precision: str = Field(examples=["int8"])
    dim: int | None = Field(description="Length of the vectors; null for a segmenter.", examples=[512])
    labels: list[str] = Field(description="A classifier's categories.", examples=[["dress", "shoes"]])
    sha256: str = Field(description="Of the network's file.", examples=["0f" * 32])
    licence: str = Field(description="Empty: the card names none.", examples=["MIT"])
    commercial_use: bool | None = Field(
        description="Whether the licence allows it; null: it cannot be told from the card, ask whoever made it."
    )
    source: str
    trained_on: list[str]
    calibrated: bool = Field(description="An encoder whose answers carry match_probability and band.")


class ModelsAnswer(Answered):
    """Every network that the service has, by name."""

    embedder_id: str = Field(description="Changes whenever vectors do.", examples=["719af8e3cafaec67"])
    models: list[ModelAnswer]


class OutfitAnswer(Answered):
    """What looks like each garment of a photo, in the order of the boxes that were sent."""

    garments: list[SimilarAnswer]
