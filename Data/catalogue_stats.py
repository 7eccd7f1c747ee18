"""Counting the catalogue."""

from sqlalchemy import Connection, func, select

from Data.records import CatalogueStats
from Data.schema import features, index_state, product_pictures, products


def stats(connection: Connection, embedder_id: str) -> CatalogueStats:
    """Count products, pictures, features and failures; each number is a scan of an index or a table."""
    links = product_pictures.c
    seen = (features.c.picture_sha256 == links.picture_sha256) & (features.c.embedder_id == embedder_id)
    currency = connection.execute(select(index_state.c.catalogue_currency)).scalar_one()
    number, other = connection.execute(
        select(
            func.count(),
            func.count().filter(products.c.final_price.is_not(None), products.c.currency != currency),
        ).select_from(products)
    ).one()
    pictures, stored, pending, failed = connection.execute(
        select(
            func.count(),
            func.count(links.product_id.distinct()).filter(links.picture_sha256.is_not(None)),
            func.count().filter(links.status == "pending"),
            func.count().filter(links.status == "failed"),
        ).select_from(product_pictures)
    ).one()
    vectors, indexed = connection.execute(
        select(func.count(), func.count(links.product_id.distinct())).select_from(product_pictures.join(features, seen))
    ).one()
    saved = connection.execute(
        select(func.count()).select_from(features).where(features.c.embedder_id == embedder_id)
    ).scalar_one()
    return CatalogueStats(
        products=number,
        products_with_images=stored,
        products_indexed=indexed,
        pictures=pictures,
        features=saved,
        vectors=vectors,
        pending=pending,
        failed=failed,
        currency=currency,
        other_currency=other,
    )
