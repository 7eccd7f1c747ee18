"""What is stored of a feed's rows, as a sync compares it: one query per batch, one statement each."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, select

from Data.database import among
from Data.schema import products


class StoredRow(NamedTuple):
    """A product as a feed's row left it.

    Args:
        row_hash: of the row that was taken; None where anything else has written the product since, or another feed
            brings it.
    """

    content_hash: str
    pictures_hash: str
    in_stock: bool
    row_hash: str | None


def stored_rows(connection: Connection, source: str, product_ids: Collection[str]) -> dict[str, StoredRow]:
    """Return product_id to what is stored; products that do not exist are left out."""
    query = select(
        products.c.product_id,
        products.c.content_hash,
        products.c.pictures_hash,
        products.c.in_stock,
        products.c.row_hash,
        products.c.source,
    ).where(among(connection, products.c.product_id, product_ids))
    return {
        product_id: StoredRow(content, pictures, in_stock, row_hash if feed == source else None)
        for product_id, content, pictures, in_stock, row_hash, feed in connection.execute(query).all()
    }
