"""Choosing the picture that stands for a product: the cleanest that can be shown."""

from collections.abc import Collection
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from Data.database import AnyRow, among
from Data.schema import pictures, product_pictures


def choose(connection: Connection, product_ids: Collection[str]) -> None:
    """Set is_cover on exactly one picture of each product that has any."""
    if not product_ids:
        return
    query = (
        select(
            product_pictures.c.product_id,
            product_pictures.c.vector_id,
            product_pictures.c.position,
            product_pictures.c.picture_sha256,
            product_pictures.c.status,
            product_pictures.c.is_cover,
            pictures.c.quality,
        )
        .outerjoin(pictures, pictures.c.sha256 == product_pictures.c.picture_sha256)
        .where(among(connection, product_pictures.c.product_id, product_ids))
        .order_by(product_pictures.c.product_id)
    )
    wrong: list[dict[str, Any]] = []
    for _, group in groupby(connection.execute(query).all(), key=lambda row: row.product_id):
        rows: list[AnyRow] = list(group)
        best = max(rows, key=_rank)
        wrong += [{"key": row.vector_id, "cover": row is best} for row in rows if row.is_cover != (row is best)]
    if wrong:
        statement = update(product_pictures).where(product_pictures.c.vector_id == bindparam("key"))
        connection.execute(statement.values(is_cover=bindparam("cover")), wrong)


def _rank(row: AnyRow) -> tuple[bool, bool, float, int]:
    """A picture that failed comes last, then one that is not stored; then the score counts, then the shop's order."""
    score = (row.quality or {}).get("score")
    return row.status != "failed", row.picture_sha256 is not None, float(score or 0.0), -row.position
