"""The fields of a Google Merchant product feed, whichever way they are written down, as those of a product.

Source: the product data specification, https://support.google.com/merchants/answer/7052112
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from Data.importers.base import ImportedRow
from Data.importers.prices import parse_price

Fields = Mapping[str, Sequence[str]]
"""Field name (lower case, underscores, no prefix) to its values: a feed may say a field several times."""

KNOWN = frozenset(
    (
        *("id", "title", "link", "image_link", "additional_image_link", "price", "sale_price"),
        *("sale_price_effective_date", "availability", "brand", "item_group_id", "google_product_category"),
        *("product_type", "color", "gender", "age_group", "size"),
    )
)

IN_STOCK = {
    **dict.fromkeys(("instock", "available", "limitedavailability", "preorder", "backorder"), True),
    **dict.fromkeys(("outofstock", "soldout", "unavailable", "discontinued"), False),
}
GENDERS = {"male": "men", "men": "men", "female": "women", "women": "women", "unisex": "unisex"}
AGE_GROUPS = {"adult": "adult", **dict.fromkeys(("newborn", "infant", "toddler", "kids"), "kids")}

# Numbers of Google's product taxonomy that clothing shops use; of any other the category is left to be predicted.
TAXONOMY = {
    "2271": "Dresses",
    "212": "Shirts & Tops",
    "204": "Pants",
    "207": "Shorts",
    "1581": "Skirts",
    "203": "Outerwear",
    "5598": "Coats & Jackets",
    "208": "Sleepwear & Loungewear",
    "211": "Swimwear",
    "1594": "Suits",
    "213": "Underwear & Socks",
    "187": "Shoes",
    "173": "Hats",
    "3032": "Handbags",
}
# Too wide to say what a garment is.
_WIDE = {"apparel & accessories", "clothing", "apparel", "accessories", "clothing accessories", "all", "home", "new"}
_PATH = re.compile(r"\s*(?:>|&gt;|»)\s*")
_SIZES = re.compile(r"\s*[,|;]\s*")
_ADDRESSES = re.compile(r"[\s,]+(?=https?://)")


def to_row(number: int, fields: Fields, currency: str | None, now: datetime) -> ImportedRow:
    """Return a feed's item as a row.

    Args:
        number: of the row, counted from 1.
        fields: of the item.
        currency: of prices that come without one.
        now: decides whether a sale is on.
    Raises:
        ValueError: a field cannot be read; the message is a sentence.
    """
    price, code = parse_price(_first(fields, "price"), currency)
    sale, sale_code = parse_price(_first(fields, "sale_price"), code or currency)
    if sale is not None and _is_on(_first(fields, "sale_price_effective_date"), now):
        if price is not None and sale_code != code:
            raise ValueError(f"sale_price is in {sale_code} and price in {code}; they must be in one currency.")
        code = sale_code
    else:
        sale = None
    category = _category(fields)
    values: dict[str, Any] = {
        "product_id": _first(fields, "id"),
        "name": _first(fields, "title"),
        "brand": _first(fields, "brand"),
        "category_name": category,
        "gender": _one_of(fields, "gender", GENDERS),
        "age_group": _one_of(fields, "age_group", AGE_GROUPS),
        "colour": _first(fields, "color"),
        "sizes": [size for said in fields.get("size", ()) for size in _SIZES.split(said.strip()) if size],
        "group_id": _first(fields, "item_group_id"),
        "price": price,
        "final_price": sale,
        "currency": code if price is not None or sale is not None else None,
        "product_url": _first(fields, "link"),
        "in_stock": _in_stock(_first(fields, "availability")),
    }
    said = [*fields.get("image_link", ()), *fields.get("additional_image_link", ())]
    urls = dict.fromkeys(url.strip() for each in said for url in _ADDRESSES.split(each.strip()) if url.strip())
    return ImportedRow(number, values, (), tuple(urls))


def _first(fields: Fields, name: str) -> str:
    return next((said.strip() for said in fields.get(name, ()) if said.strip()), "")


def _one_of(fields: Fields, name: str, words: Mapping[str, str]) -> str | None:
    said = _first(fields, name)
    if not said:
        return None
    if said.lower() not in words:
        raise ValueError(f"{name} is {said[:40]!r} and must be one of {', '.join(words)}.")
    return words[said.lower()]


def _in_stock(said: str) -> bool:
    if not said:
        return True
    # schema.org's words come as addresses: https://schema.org/InStock
    word = re.sub(r"[\s_-]", "", said.rsplit("/", 1)[-1]).lower()
    if word not in IN_STOCK:
        raise ValueError(f"availability is {said[:40]!r} and must be in_stock, out_of_stock, preorder or backorder.")
    return IN_STOCK[word]


def _category(fields: Fields) -> str | None:
    """Return the narrowest name: of the shop's own product_type first, then of Google's."""
    for name in ("product_type", "google_product_category"):
        for said in fields.get(name, ()):
            parts = [part for part in _PATH.split(said.strip()) if part]
            last = parts[-1] if parts else ""
            last = TAXONOMY.get(last, "") if last.isdigit() else last
            if last and last.lower() not in _WIDE:
                return last
    return None


def _is_on(interval: str, now: datetime) -> bool:
    """Return whether a sale is on: without an interval it is.

    Raises:
        ValueError: no ISO 8601 interval.
    """
    if not interval:
        return True
    try:
        start, _, end = (part.strip() for part in interval.partition("/"))
        first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
    except ValueError:
        raise ValueError(
            f"sale_price_effective_date is {interval[:60]!r} and must be two times such as "
            "2026-02-24T11:07+0100/2026-02-29T23:07+0100."
        ) from None
    return _aware(first) <= now <= _aware(last)


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
