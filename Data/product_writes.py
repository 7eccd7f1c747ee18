"""Products written one by one or in a batch by a shop's own program, each with what became of it.

Validation and writing are those of an import: `Product.from_row`, and the upsert that knows what is the same already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from Data import catalogue_delete, catalogue_upsert
from Data.catalogue import Catalogue
from Data.catalogue_feeds import StoredRow, stored_rows
from Data.database import writing
from Data.errors import ProductInvalid
from Data.images import ImageStore
from Data.product import Product

MAX_ITEMS = 1_000

Outcome = Literal["created", "changed", "unchanged", "deleted", "failed"]


@dataclass(frozen=True)
class Written:
    """What became of one item.

    Args:
        product_id: as it is stored; None where the item has none that can be read.
        reason: why it failed.
    """

    product_id: str | None
    outcome: Outcome
    reason: str | None = None


def write_products(
    catalogue: Catalogue, images: ImageStore, items: Sequence[Mapping[str, Any]], delete: Sequence[str] = ()
) -> list[Written]:
    """Create, replace and delete products in one transaction; a bad item stops no other.

    Args:
        items: Fields of `Product` each; a picture is {"sha256": ...} of the store or {"source_url": ...}.
        delete: ids; nothing else in the call may name them.
    Returns:
        One entry for each item, then one for each deletion, in the order given.
    Raises:
        DatabaseError, ImageStoreError: nothing was written.
    """
    results: dict[int, Written] = {}
    good: dict[str, tuple[int, Product]] = {}
    for number, item in enumerate(items):
        try:
            product = Product.from_row(0, item)
            _check_pictures(product, images)
        except ProductInvalid as error:
            results[number] = Written(error.product_id, "failed", error.reason)
            continue
        if product.product_id in good:
            earlier = good[product.product_id][0]
            reason = f"product_id stands in item {earlier} already: send each product once."
            results[number] = Written(product.product_id, "failed", reason)
            continue
        good[product.product_id] = (number, product)
    with writing(catalogue.engine) as connection:
        stored = stored_rows(connection, "", [*good, *delete])
        catalogue_upsert.upsert(connection, [product for _, product in good.values()], None, {})
        for key, (number, product) in good.items():
            results[number] = Written(key, _outcome(product, stored.get(key)))
        doomed: set[str] = set()
        for number, key in enumerate(delete, start=len(items)):
            results[number] = _deletion(key, key in stored, key in good or key in doomed)
            if results[number].outcome == "deleted":
                doomed.add(key)
        catalogue_delete.delete(connection, sorted(doomed))
    return [results[number] for number in sorted(results)]


def write_product(catalogue: Catalogue, images: ImageStore, item: Mapping[str, Any]) -> Written:
    """Create or replace one product.

    Raises:
        ProductInvalid: with one sentence.
        DatabaseError, ImageStoreError.
    """
    written = write_products(catalogue, images, [item])[0]
    if written.outcome == "failed":
        raise ProductInvalid(0, written.reason or "", written.product_id)
    return written


def _check_pictures(product: Product, images: ImageStore) -> None:
    """Raise ProductInvalid where a picture is named that is not in the store."""
    for picture in product.pictures:
        if picture.sha256 is not None and not images.exists(picture.sha256):
            raise ProductInvalid(
                0, f"There is no picture {picture.sha256}: upload it first, or give its address.", product.product_id
            )


def _outcome(product: Product, stored: StoredRow | None) -> Outcome:
    if stored is None:
        return "created"
    said = product.content_hash(), product.pictures_hash(), product.in_stock
    return "unchanged" if said == (stored.content_hash, stored.pictures_hash, stored.in_stock) else "changed"


def _deletion(key: str, exists: bool, named: bool) -> Written:
    if named:
        return Written(key, "failed", "product_id stands in this batch already: send each product once.")
    if not exists:
        return Written(key, "failed", "There is no product with this id.")
    return Written(key, "deleted")
