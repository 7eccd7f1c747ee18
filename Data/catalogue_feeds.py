"""What is stored of a feed's rows and pictures, as a sync compares it: one statement per batch."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from Data.database import among, fetch_tuples
from Data.schema import pictures, product_pictures, products


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


def row_hashes(connection: Connection, source: str, product_ids: Collection[str]) -> dict[str, str | None]:
    """Return product_id to row_hash of the products that a feed brings; those of others are left out."""
    wanted = among(connection, products.c.product_id, product_ids)
    query = select(products.c.product_id, products.c.row_hash).where(wanted, products.c.source == source)
    return dict(fetch_tuples(connection, query))


def count_rows(connection: Connection, source: str) -> tuple[int, int]:
    """Return how many products a feed has brought, and how many of those are in stock."""
    query = select(func.count(), func.count().filter(products.c.in_stock)).where(products.c.source == source)
    total, stocked = connection.execute(query).one()
    return total, stocked


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


class FetchedPicture(NamedTuple):
    """A picture that came from an address, with what its server said about it.

    Args:
        etag: of the file that is stored; last_modified likewise.
    """

    vector_id: int
    source_url: str
    etag: str | None
    last_modified: str | None


def fetched_pictures(connection: Connection, after: int, limit: int) -> list[FetchedPicture]:
    """Return the first pictures above `after` that have been fetched from an address."""
    query = (
        select(product_pictures.c.vector_id, product_pictures.c.source_url, pictures.c.etag, pictures.c.last_modified)
        .outerjoin(pictures, pictures.c.sha256 == product_pictures.c.picture_sha256)
        .where(product_pictures.c.source_url.is_not(None), product_pictures.c.picture_sha256.is_not(None))
        .where(product_pictures.c.vector_id > after)
        .order_by(product_pictures.c.vector_id)
        .limit(limit)
    )
    return [FetchedPicture(*row) for row in connection.execute(query)]
