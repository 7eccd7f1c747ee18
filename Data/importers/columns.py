"""Which column of a shop's table is which field: said by the shop, or else guessed from the header."""

from collections.abc import Mapping, Sequence

from Data.errors import ImportFailed
from Data.text import slugify

IMAGE = "image"
"""The one name that is no field of `Product`: the column with a picture's file name or address."""

FIELDS: dict[str, tuple[str, ...]] = {
    "product_id": ("id", "product-id", "sku", "article-id", "item-id", "handle", "product-code"),
    "name": ("name", "title", "product-name", "product-title", "productdisplayname", "prod-name", "item-name"),
    "brand": ("brand", "vendor", "manufacturer", "brand-name"),
    "category": (),
    "category_name": ("category", "category-name", "product-type", "type", "articletype", "label"),
    "gender": ("gender", "sex"),
    "age_group": ("age-group", "age"),
    "colour": ("colour", "color", "basecolour", "colour-name", "color-name"),
    "sizes": ("sizes", "size"),
    "group_id": ("group-id", "item-group-id", "parent-id", "parent-sku"),
    "price": ("price", "list-price", "regular-price", "original-price", "compare-at-price"),
    "final_price": ("final-price", "sale-price", "special-price", "discounted-price"),
    "currency": ("currency", "currency-code"),
    "product_url": ("product-url", "url", "link", "item-url", "href"),
    "in_stock": ("in-stock", "availability", "available"),
    IMAGE: ("image", "images", "image-url", "image-link", "img-url", "picture", "photo", "image-file", "filename"),
}
REQUIRED = ("product_id", "name")


def map_columns(header: Sequence[str], said: Mapping[str, str], name: str) -> dict[str, int]:
    """Return each field's column, counted from 0.

    Args:
        header: the table's column names.
        said: field to column name; wins over what is guessed.
        name: of the table, for messages.
    Raises:
        ImportFailed: a field or a column that there is not, or no column for a required field.
    """
    positions = {slugify(column): place for place, column in reversed(list(enumerate(header)))}
    found: dict[str, int] = {}
    for field, column in said.items():
        if field not in FIELDS:
            raise ImportFailed(f"{field!r} is no field of a product: choose among {', '.join(FIELDS)}.")
        if slugify(column) not in positions:
            raise ImportFailed(f"{name} has no column {column!r} (it has: {', '.join(header)}): correct the mapping.")
        found[field] = positions[slugify(column)]
    for field, synonyms in FIELDS.items():
        if field in found:
            continue
        for synonym in (slugify(field), *synonyms):
            if synonym in positions and positions[synonym] not in found.values():
                found[field] = positions[synonym]
                break
    for field in REQUIRED:
        if field not in found:
            raise ImportFailed(
                f"{name} has no column that looks like {field} (it has: {', '.join(header)}): "
                f"say which one it is with --map {field}=COLUMN."
            )
    return found
