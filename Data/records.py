"""Small frozen records that the catalogue room hands out and takes in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from Data.product import Product

PictureState = Literal["pending", "indexed", "failed"]
ChangeOp = Literal["upsert", "meta", "delete"]


@dataclass(frozen=True)
class UpsertReport:
    """What an upsert did, in products.

    Args:
        created: New ones.
        changed: Text, price or stock differ, pictures do not.
        picture_changed: Pictures differ, and perhaps the rest as well.
        unchanged: Nothing differs, nothing was written.
        other_currency: Of all that were given, those whose price is not in the catalogue's currency.
    """

    created: int = 0
    changed: int = 0
    picture_changed: int = 0
    unchanged: int = 0
    other_currency: int = 0

    def __add__(self, other: "UpsertReport") -> "UpsertReport":
        return UpsertReport(
            self.created + other.created,
            self.changed + other.changed,
            self.picture_changed + other.picture_changed,
            self.unchanged + other.unchanged,
            self.other_currency + other.other_currency,
        )


@dataclass(frozen=True)
class Page:
    """One page of a listing; next_cursor is None on the last one."""

    products: list[Product]
    next_cursor: str | None


@dataclass(frozen=True)
class PendingPicture:
    """A stored picture that has no feature yet, and the vectors that will show it."""

    sha256: str
    vector_ids: tuple[int, ...]


@dataclass(frozen=True)
class UnfetchedPicture:
    """A picture of a product that is known by its address alone."""

    vector_id: int
    product_id: str
    source_url: str


@dataclass(frozen=True)
class PictureStatus:
    """Where one picture of a product stands; reason says why it failed."""

    vector_id: int
    position: int
    sha256: str | None
    source_url: str | None
    status: PictureState
    reason: str | None
    is_cover: bool


@dataclass(frozen=True)
class ProductState:
    """What a sync needs to know of a stored product."""

    product_id: str
    content_hash: str
    pictures_hash: str
    in_stock: bool


@dataclass(frozen=True)
class PictureFacts:
    """What is known of a stored picture.

    Args:
        width: Pixels, upright.
        bytes: Size of the stored file.
        phash: Perceptual hash as hexadecimal text.
        quality: Named measures; "score" in 0..1 (higher is cleaner) chooses the cover.
        etag: Of the address it came from; last_modified likewise.
    """

    sha256: str
    mime: str
    width: int
    height: int
    bytes: int
    phash: str | None = None
    quality: Mapping[str, Any] | None = None
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class CatalogueStats:
    """Counts over the whole catalogue.

    Args:
        products_with_images: Products with at least one stored picture.
        products_indexed: Products with at least one feature of the embedder asked for.
        pictures: Pictures of products (a file shown by two products counts twice).
        features: Files with a feature of the embedder asked for.
        vectors: Pictures of products that have such a feature: the size of a full index.
        pending: Pictures still to be fetched or embedded; failed: those given up.
        other_currency: Products whose price is not in the catalogue's currency.
    """

    products: int
    products_with_images: int
    products_indexed: int
    pictures: int
    features: int
    vectors: int
    pending: int
    failed: int
    currency: str | None
    other_currency: int

    @property
    def coverage_rate(self) -> float:
        """Percentage of the products that can be found, 0..100, two decimals."""
        return round(100.0 * self.products_indexed / self.products, 2) if self.products else 0.0


@dataclass(frozen=True)
class FeatureRow:
    """What the model saw in one picture.

    Args:
        vector: Unit length, float32 or float16. Shape: (dim,).
        attributes: {"coverage", "category", "probability", "colours": [{"name", "lab", "share"}], "box"}.
    """

    picture_sha256: str
    vector: NDArray[np.floating[Any]]
    attributes: Mapping[str, Any] = field(default_factory=dict)


class ProductColumns(NamedTuple):
    """The columns of a product that a filter looks at.

    price is the final price in ten-thousandths, None unless it is in the catalogue's currency. colour is the shop's,
    or else the name of the picture's largest garment colour.
    """

    product_id: str
    category: str | None
    gender: str | None
    age_group: str | None
    brand: str | None
    colour: str | None
    price: int | None
    in_stock: bool
    group_id: str | None


@dataclass(frozen=True)
class FeatureBatch:
    """Vectors with the columns of the products that show them.

    Shape: vector_ids (n,) int64, rising; vectors (n, dim) float16; columns n entries.
    """

    vector_ids: NDArray[np.int64]
    vectors: NDArray[np.float16]
    columns: Sequence[ProductColumns]

    def __len__(self) -> int:
        return len(self.vector_ids)


class Change(NamedTuple):
    """One line of the change log."""

    seq: int
    op: ChangeOp
    vector_id: int
    product_id: str
