"""Deleting products."""

from collections.abc import Collection

from sqlalchemy import Connection, select
from sqlalchemy import delete as delete_from

from Data.changes import log_changes
from Data.database import among
from Data.schema import product_pictures, products


def delete(connection: Connection, product_ids: Collection[str]) -> int:
    """Delete products and their picture rows, and log each vector that goes; return how many products there were."""
    owned = among(connection, product_pictures.c.product_id, product_ids)
    query = select(product_pictures.c.vector_id, product_pictures.c.product_id).where(owned)
    gone = connection.execute(query.order_by(product_pictures.c.vector_id)).all()
    connection.execute(delete_from(product_pictures).where(owned))
    number = connection.execute(
        delete_from(products).where(among(connection, products.c.product_id, product_ids))
    ).rowcount
    log_changes(connection, [("delete", vector_id, product_id) for vector_id, product_id in gone])
    return number
