"""The catalogue's questions about products, as SQL. Each takes an open connection and sends one statement."""

import base64
import binascii
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Select, func, select
from sqlalchemy.sql.elements import ColumnElement

from Data.database import AnyRow, among
from Data.errors import FilterInvalid
from Data.filters import Filter
from Data.money import from_units
from Data.product import Picture, Product
from Data.records import ProductState
from Data.schema import index_state, product_pictures, products

MAX_PAGE = 1000
FACETS = ("category", "category_name", "gender", "age_group", "brand", "colour", "currency", "group_id", "source")

_PRODUCT = (
    products.c.product_id,
    products.c.name,
    products.c.brand,
    products.c.category,
    products.c.category_name,
    products.c.category_predicted,
    products.c.gender,
    products.c.age_group,
    products.c.colour,
    products.c.sizes,
    products.c.group_id,
    products.c.price,
    products.c.final_price,
    products.c.currency,
    products.c.product_url,
    products.c.in_stock,
)
_PICTURE = (
    product_pictures.c.vector_id,
    product_pictures.c.picture_sha256,
    product_pictures.c.source_url,
    product_pictures.c.is_cover,
)
_CURRENCY = select(index_state.c.catalogue_currency).scalar_subquery()


def get_many(connection: Connection, product_ids: Sequence[str]) -> list[Product | None]:
    """Return the products in the order of their ids, None for those that do not exist."""
    wanted = among(connection, products.c.product_id, product_ids)
    found = {product.product_id: product for product in _read(connection, _with_pictures().where(wanted))}
    return [found.get(product_id) for product_id in product_ids]


def batch(connection: Connection, filter: Filter, after: str | None, limit: int) -> list[Product]:
    """Return the first products that pass whose id is above `after`, by rising id."""
    page = select(products.c.product_id).where(*conditions(connection, filter))
    if after is not None:
        page = page.where(products.c.product_id > after)
    page = page.order_by(products.c.product_id).limit(limit)
    return list(_read(connection, _with_pictures().where(products.c.product_id.in_(page))))


def by_price(connection: Connection, filter: Filter, limit: int, descending: bool) -> list[Product]:
    """Return the cheapest or dearest products in the catalogue's currency; of equal prices the lower id first."""
    order = products.c.final_price.desc() if descending else products.c.final_price
    page = (
        select(products.c.product_id)
        .where(*conditions(connection, filter), products.c.final_price.is_not(None), products.c.currency == _CURRENCY)
        .order_by(order, products.c.product_id)
        .limit(limit)
    )
    ids = connection.execute(page).scalars().all()
    return [product for product in get_many(connection, ids) if product is not None]


def count(connection: Connection, filter: Filter) -> int:
    """Return how many products pass."""
    query = select(func.count()).select_from(products).where(*conditions(connection, filter))
    return connection.execute(query).scalar_one()


def facets(connection: Connection, field: str, filter: Filter) -> list[tuple[str, int]]:
    """Return the values of a field with their numbers of products, most frequent first, then by value."""
    if field not in FACETS:
        raise FilterInvalid(f"{field[:40]!r} is not a facet: choose one of {', '.join(FACETS)}.")
    column = products.c[field]
    query = select(column, func.count()).where(column.is_not(None), *conditions(connection, filter)).group_by(column)
    # Sorted here, because the two databases order texts differently.
    return sorted(
        ((value, number) for value, number in connection.execute(query)), key=lambda pair: (-pair[1], pair[0])
    )


def category_names(connection: Connection) -> dict[str, str]:
    """Return slug to its most frequent display name."""
    query = (
        select(products.c.category, products.c.category_name, func.count())
        .where(products.c.category.is_not(None), products.c.category_name.is_not(None))
        .group_by(products.c.category, products.c.category_name)
    )
    ranked = sorted(connection.execute(query).all(), key=lambda row: (row[2], row[1]))
    return {slug: name for slug, name, _ in ranked}


def states(connection: Connection, source: str | None, after: str, limit: int) -> list[ProductState]:
    """Return what a sync compares of the products whose id is above `after`."""
    query = select(products.c.product_id, products.c.content_hash, products.c.pictures_hash, products.c.in_stock)
    query = query.where(products.c.product_id > after).order_by(products.c.product_id).limit(limit)
    if source is not None:
        query = query.where(products.c.source == source)
    return [ProductState(*row) for row in connection.execute(query)]


def currency(connection: Connection) -> str | None:
    """Return the catalogue's currency."""
    return connection.execute(select(index_state.c.catalogue_currency)).scalar_one()


def conditions(connection: Connection, filter: Filter) -> list[ColumnElement[bool]]:
    """Return the filter as conditions on the products table."""
    wanted: list[ColumnElement[bool]] = []
    fields = (
        (products.c.category, filter.category),
        (products.c.gender, filter.genders),
        (products.c.brand, filter.brand),
        (products.c.colour, filter.colour),
        (products.c.age_group, filter.age_group),
    )
    wanted += [among(connection, column, sorted(values)) for column, values in fields if values]
    if filter.bounds_price:
        wanted.append(products.c.currency == _CURRENCY)
        wanted.append(products.c.final_price.is_not(None))
    if filter.min_price is not None:
        wanted.append(products.c.final_price >= filter.min_units)
    if filter.max_price is not None:
        wanted.append(products.c.final_price <= filter.max_units)
    if filter.in_stock is not None:
        wanted.append(products.c.in_stock.is_(filter.in_stock))
    if filter.product_ids is not None:
        wanted.append(among(connection, products.c.product_id, sorted(filter.product_ids)))
    if filter.exclude_product_ids:
        wanted.append(~among(connection, products.c.product_id, sorted(filter.exclude_product_ids)))
    return wanted


def check_limit(limit: int) -> None:
    """Raise FilterInvalid unless 1 <= limit <= MAX_PAGE."""
    if not 1 <= limit <= MAX_PAGE:
        raise FilterInvalid(f"limit is {limit} and must be 1 to {MAX_PAGE}.")


def encode_cursor(product_id: str) -> str:
    """Return the last id of a page as text that is safe in an address."""
    return base64.urlsafe_b64encode(f"1:{product_id}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> str | None:
    """Return the id in a cursor.

    Raises:
        FilterInvalid: not one of ours.
    """
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        version, _, product_id = base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(":")
    except (UnicodeError, binascii.Error):
        version, product_id = "", ""
    if version != "1" or "\x00" in product_id:
        raise FilterInvalid("The cursor is not one that a page gave: start again without it.")
    return product_id


def _with_pictures() -> Select[Any]:
    joined = products.outerjoin(product_pictures, product_pictures.c.product_id == products.c.product_id)
    ordered = (products.c.product_id, product_pictures.c.position)
    return select(*_PRODUCT, *_PICTURE).select_from(joined).order_by(*ordered)


def _read(connection: Connection, query: Select[Any]) -> Iterable[Product]:
    rows = connection.execute(query).all()
    for _, group in groupby(rows, key=lambda row: row[0]):
        yield _product(list(group))


def _product(rows: list[AnyRow]) -> Product:
    """Make a product of its rows, one per picture. Its fields were validated when they were stored."""
    first = rows[0]
    values = dict(zip(_FIELDS, first, strict=False))
    values["sizes"] = tuple(values["sizes"])
    for field in ("price", "final_price"):
        if values[field] is not None:
            values[field] = from_units(values[field])
    stored = [row for row in rows if row.vector_id is not None]
    values["pictures"] = tuple(
        Picture.model_construct(sha256=row.picture_sha256, source_url=row.source_url) for row in stored
    )
    covers = [number for number, row in enumerate(stored) if row.is_cover]
    values["cover_position"] = covers[0] if covers else 0
    return Product.model_construct(**values)


_FIELDS = tuple(column.name for column in _PRODUCT)
