"""Writing products: find out in one query what differs, write only that, log it in the same transaction."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from Data import catalogue_covers, catalogue_links
from Data.changes import log_changes, read_state
from Data.database import AnyRow, among, bulk_insert, now_ms
from Data.money import to_units
from Data.product import Product
from Data.records import ChangeOp, UpsertReport
from Data.schema import index_state, product_pictures, products

CHUNK = 2000
"""Products looked at by one query; it bounds the memory of a large call."""

_STORED = (
    products.c.product_id,
    products.c.content_hash,
    products.c.pictures_hash,
    products.c.in_stock,
    products.c.source,
    products.c.category,
    products.c.category_name,
    products.c.category_predicted,
    products.c.row_hash,
)
_COLUMNS = tuple(column.name for column in products.columns)


@dataclass
class _Differences:
    """Which of the products given differ from the stored ones, and how."""

    created: list[Product] = field(default_factory=list)
    changed: list[Product] = field(default_factory=list)
    picture_changed: list[Product] = field(default_factory=list)
    text_changed: set[str] = field(default_factory=set)
    unchanged: int = 0
    renamed: list[dict[str, Any]] = field(default_factory=list)  # unchanged but for the feed or its row's hash
    stored: dict[str, AnyRow] = field(default_factory=dict)

    def report(self, other_currency: int) -> UpsertReport:
        counts = len(self.created), len(self.changed), len(self.picture_changed)
        return UpsertReport(*counts, self.unchanged, other_currency)


def plan(connection: Connection, given: Sequence[Product]) -> UpsertReport:
    """Return what `upsert` would do."""
    currency = read_state(connection).catalogue_currency or _first_currency(given)
    total = UpsertReport()
    for chunk in _chunks(given):
        total += _compare(connection, chunk, None, {}).report(_in_other_currency(chunk, currency))
    return total


def upsert(
    connection: Connection, given: Sequence[Product], source: str | None, row_hashes: Mapping[str, str]
) -> UpsertReport:
    """Create and change products; the caller's transaction takes turns with other writers."""
    stored_currency = read_state(connection).catalogue_currency
    currency = stored_currency or _first_currency(given)
    if currency != stored_currency:
        connection.execute(update(index_state).values(catalogue_currency=currency))
    total = UpsertReport()
    for chunk in _chunks(given):
        differences = _compare(connection, chunk, source, row_hashes)
        _write(connection, differences, source, row_hashes)
        total += differences.report(_in_other_currency(chunk, currency))
    return total


def set_in_stock(connection: Connection, product_ids: Collection[str], in_stock: bool) -> int:
    """Put products in or out of stock, and log it; return how many changed."""
    changed = (
        connection.execute(
            update(products)
            .where(among(connection, products.c.product_id, product_ids), products.c.in_stock.is_(not in_stock))
            .values(in_stock=in_stock, updated_at=now_ms(), row_hash=None)
            .returning(products.c.product_id)
        )
        .scalars()
        .all()
    )
    log_changes(connection, meta_changes(connection, changed))
    return len(changed)


def set_predicted_categories(connection: Connection, categories: Mapping[str, tuple[str, str]]) -> int:
    """Set the category of products that have none of the shop's, and log it; return how many changed."""
    query = select(products.c.product_id, products.c.category, products.c.category_predicted)
    query = query.where(among(connection, products.c.product_id, list(categories)))
    changed = [
        row.product_id
        for row in connection.execute(query)
        if (row.category is None or row.category_predicted) and row.category != categories[row.product_id][0]
    ]
    if changed:
        now = now_ms()
        connection.execute(
            update(products)
            .where(products.c.product_id == bindparam("key"))
            .values(
                category=bindparam("slug"), category_name=bindparam("label"), category_predicted=True, updated_at=now
            ),
            [{"key": key, "slug": categories[key][0], "label": categories[key][1]} for key in changed],
        )
        log_changes(connection, meta_changes(connection, changed))
    return len(changed)


def meta_changes(connection: Connection, product_ids: Collection[str]) -> list[tuple[ChangeOp, int, str]]:
    """Return one 'meta' entry for each stored picture of the products, by rising vector_id."""
    if not product_ids:
        return []
    query = (
        select(product_pictures.c.vector_id, product_pictures.c.product_id)
        .where(among(connection, product_pictures.c.product_id, product_ids))
        .where(product_pictures.c.picture_sha256.is_not(None))
        .order_by(product_pictures.c.vector_id)
    )
    return [("meta", vector_id, product_id) for vector_id, product_id in connection.execute(query)]


def _compare(
    connection: Connection, given: Mapping[str, Product], source: str | None, row_hashes: Mapping[str, str]
) -> _Differences:
    query = select(*_STORED).where(among(connection, products.c.product_id, given))
    rows: Sequence[AnyRow] = connection.execute(query).all()
    found = _Differences(stored={row[0]: row for row in rows})
    for product_id, product in given.items():
        stored = found.stored.get(product_id)
        if stored is None:
            found.created.append(product)
            continue
        _, content_hash, pictures_hash, in_stock, stored_source = stored[:5]
        text = content_hash != product.content_hash() or in_stock != product.in_stock
        if text:
            found.text_changed.add(product_id)
        if pictures_hash != product.pictures_hash():
            found.picture_changed.append(product)
        elif text:
            found.changed.append(product)
        else:
            found.unchanged += 1
            feed, row_hash = source or stored_source, row_hashes.get(product_id, stored[-1])
            if (feed, row_hash) != (stored_source, stored[-1]):
                found.renamed.append({"key": product_id, "source": feed, "row_hash": row_hash})
    return found


def _write(
    connection: Connection, differences: _Differences, source: str | None, row_hashes: Mapping[str, str]
) -> None:
    now = now_ms()
    if differences.created:
        rows = [_row(product, None, source, row_hashes, now) for product in differences.created]
        bulk_insert(connection, products, _COLUMNS, rows)
    altered = differences.changed + differences.picture_changed
    if altered:
        statement = update(products).where(products.c.product_id == bindparam("key"))
        connection.execute(
            statement, [_new_values(product, differences, source, row_hashes, now) for product in altered]
        )
    if differences.renamed:
        connection.execute(update(products).where(products.c.product_id == bindparam("key")), differences.renamed)
    links = catalogue_links.write(connection, differences.created, differences.picture_changed)
    several = [product.product_id for product in differences.created if len(product.pictures) > 1]
    several += [product.product_id for product in differences.picture_changed]
    catalogue_covers.choose(connection, several)
    created_vectors = {vector_id for op, vector_id, _ in links if op == "upsert"}
    metas = meta_changes(connection, differences.text_changed)
    log_changes(connection, [*links, *(entry for entry in metas if entry[1] not in created_vectors)])


def _row(
    product: Product, stored: AnyRow | None, source: str | None, row_hashes: Mapping[str, str], now: int
) -> tuple[Any, ...]:
    """Return the values of _COLUMNS, sizes as JSON text."""
    category, category_name, predicted = product.category, product.category_name, product.category_predicted
    if stored is not None:
        source = stored.source if source is None else source
        if category is None and stored.category_predicted:
            category, category_name, predicted = stored.category, stored.category_name, True
    return (
        product.product_id,
        product.name,
        product.brand,
        category,
        category_name,
        predicted,
        product.gender,
        product.age_group,
        product.colour,
        json.dumps(product.sizes) if product.sizes else "[]",
        product.group_id,
        None if product.price is None else to_units(product.price),
        None if product.final_price is None else to_units(product.final_price),
        product.currency,
        product.product_url,
        product.in_stock,
        product.content_hash(),
        product.pictures_hash(),
        source,
        now,
        now,
        row_hashes.get(product.product_id),
    )


def _new_values(
    product: Product, differences: _Differences, source: str | None, row_hashes: Mapping[str, str], now: int
) -> dict[str, Any]:
    row = _row(product, differences.stored[product.product_id], source, row_hashes, now)
    values = {**dict(zip(_COLUMNS, row, strict=True)), "sizes": list(product.sizes), "key": product.product_id}
    del values["product_id"], values["created_at"]
    return values


def _first_currency(given: Sequence[Product]) -> str | None:
    return next((product.currency for product in given if product.final_price is not None), None)


def _in_other_currency(given: Mapping[str, Product], currency: str | None) -> int:
    return sum(product.final_price is not None and product.currency != currency for product in given.values())


def _chunks(given: Sequence[Product]) -> Iterator[dict[str, Product]]:
    """Yield products by id, CHUNK at a time; of two with one id the later one counts."""
    last = {product.product_id: product for product in given}
    items = iter(last.items())
    while chunk := dict(islice(items, CHUNK)):
        yield chunk
