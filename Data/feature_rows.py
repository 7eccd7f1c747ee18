"""Features as rows: checked, packed to float16 bytes, and read back beside the columns of their products."""

import json
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, case, delete, exists, func, select, update
from sqlalchemy import Text as SqlText
from sqlalchemy.dialects import postgresql, sqlite

from Data.changes import log_changes
from Data.database import AnyRow, among, now_ms
from Data.errors import DimensionMismatch, VectorsInvalid
from Data.records import FeatureBatch, FeatureRow, ProductColumns
from Data.schema import features, index_state, product_pictures, products

NORM_TOLERANCE = 1e-2
"""How far a vector's length may be from 1; float16 alone needs 1e-3."""

_BYTES = np.dtype("<f2")


def pack(rows: Sequence[FeatureRow]) -> dict[str, dict[str, Any]]:
    """Check features and return them as columns by sha256; of two for one picture the later one counts.

    Raises:
        VectorsInvalid: NaN, infinite, or not of unit length.
        DimensionMismatch: vectors of different dimensions.
    """
    dim = np.asarray(rows[0].vector).size
    for row in rows:
        if np.asarray(row.vector).shape != (dim,):
            raise DimensionMismatch(dim, int(np.asarray(row.vector).size))
    vectors = np.stack([np.asarray(row.vector, dtype=np.float32) for row in rows])  # (n, dim)
    lengths = np.linalg.norm(vectors, axis=1)
    # Written so that NaN fails as well.
    bad = np.flatnonzero(~(np.abs(lengths - 1.0) <= NORM_TOLERANCE))
    if bad.size:
        first = rows[int(bad[0])]
        raise VectorsInvalid(
            f"The vector of the picture {first.picture_sha256[:12]} has the length {lengths[bad[0]]:.4f} and must have "
            "1: divide it by its length, and leave out vectors that are zero or not finite."
        )
    packed = vectors.astype(_BYTES)
    for row in rows:
        _check_attributes(row)
    return {
        row.picture_sha256: {"vector": vector.tobytes(), "attributes": dict(row.attributes)}
        for row, vector in zip(rows, packed, strict=True)
    }


def _check_attributes(row: FeatureRow) -> None:
    """Neither database stores NaN in JSON, and NumPy's numbers are not JSON at all."""
    try:
        json.dumps(dict(row.attributes), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise VectorsInvalid(
            f"The attributes of the picture {row.picture_sha256[:12]} are not JSON ({error}): give plain numbers."
        ) from error


def stored_dim(connection: Connection, embedder_id: str) -> int | None:
    """Return the dimension of an embedder's stored vectors, None if there are none."""
    query = select(func.length(features.c.vector)).where(features.c.embedder_id == embedder_id).limit(1)
    length = connection.execute(query).scalar()
    return None if length is None else length // _BYTES.itemsize


def put(connection: Connection, embedder_id: str, packed: dict[str, dict[str, Any]]) -> None:
    """Insert or replace features, set the status of the rows that show the pictures, and log it.

    Raises:
        DimensionMismatch: another dimension than the embedder's stored vectors.
    """
    dim = len(next(iter(packed.values()))["vector"]) // _BYTES.itemsize
    expected = stored_dim(connection, embedder_id)
    if expected not in (None, dim):
        raise DimensionMismatch(expected or 0, dim)
    now = now_ms()
    key = {"embedder_id": embedder_id, "created_at": now}
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    offer = insert(features)
    replaced = {name: offer.excluded[name] for name in ("vector", "attributes", "created_at")}
    connection.execute(
        offer.on_conflict_do_update(index_elements=["picture_sha256", "embedder_id"], set_=replaced),
        [{"picture_sha256": sha256, **columns, **key} for sha256, columns in packed.items()],
    )
    connection.execute(
        update(index_state)
        .where(index_state.c.embedder_id.is_distinct_from(embedder_id))
        .values(embedder_id=embedder_id)
    )
    showing = among(connection, product_pictures.c.picture_sha256, packed)
    connection.execute(update(product_pictures).where(showing).values(status="indexed", reason=None))
    query = select(product_pictures.c.vector_id, product_pictures.c.product_id).where(showing)
    shown = connection.execute(query.order_by(product_pictures.c.vector_id)).all()
    log_changes(connection, [("upsert", vector_id, product_id) for vector_id, product_id in shown])


def get(connection: Connection, sha256s: Collection[str], embedder_id: str) -> dict[str, FeatureRow]:
    """Return the features of pictures by sha256."""
    query = select(features.c.picture_sha256, features.c.vector, features.c.attributes).where(
        among(connection, features.c.picture_sha256, sha256s), features.c.embedder_id == embedder_id
    )
    return {row[0]: FeatureRow(row[0], np.frombuffer(row[1], _BYTES), row[2]) for row in connection.execute(query)}


def batch_after(connection: Connection, embedder_id: str, after: int, limit: int) -> FeatureBatch:
    """Return the first vectors of products above `after`, by rising vector_id."""
    query = _columns(embedder_id).add_columns(features.c.vector).where(product_pictures.c.vector_id > after)
    return _batch(connection.execute(query.order_by(product_pictures.c.vector_id).limit(limit)).all())


def by_vector_ids(connection: Connection, vector_ids: Collection[int], embedder_id: str) -> FeatureBatch:
    """Return the vectors that exist of those asked for, by rising vector_id."""
    query = _columns(embedder_id).add_columns(features.c.vector)
    query = query.where(among(connection, product_pictures.c.vector_id, vector_ids))
    return _batch(connection.execute(query.order_by(product_pictures.c.vector_id)).all())


def columns(connection: Connection, vector_ids: Collection[int], embedder_id: str) -> dict[int, ProductColumns]:
    """Return the filter columns by vector_id."""
    wanted = among(connection, product_pictures.c.vector_id, vector_ids)
    return {row[0]: _product_columns(row) for row in connection.execute(_columns(embedder_id).where(wanted))}


def count(connection: Connection, embedder_id: str) -> int:
    """Return the number of vectors of products."""
    joined = product_pictures.join(features, features.c.picture_sha256 == product_pictures.c.picture_sha256)
    query = select(func.count()).select_from(joined).where(features.c.embedder_id == embedder_id)
    return connection.execute(query).scalar_one()


def current_embedder(connection: Connection) -> str | None:
    """Return the embedder of the last features written."""
    return connection.execute(select(index_state.c.embedder_id)).scalar()


def embedders(connection: Connection) -> list[str]:
    """Return the embedders that have features."""
    return sorted(connection.execute(select(features.c.embedder_id).distinct()).scalars())


def delete_embedder(connection: Connection, embedder_id: str) -> int:
    """Delete all features of an embedder."""
    return connection.execute(delete(features).where(features.c.embedder_id == embedder_id)).rowcount


def delete_unused(connection: Connection) -> int:
    """Delete the features of pictures that no product shows."""
    shown = exists().where(product_pictures.c.picture_sha256 == features.c.picture_sha256)
    return connection.execute(delete(features).where(~shown)).rowcount


def _columns(embedder_id: str) -> Select[Any]:
    """Return the query of _product_columns' fields, without an order."""
    currency = select(index_state.c.catalogue_currency).scalar_subquery()
    # Nothing is appended, which keeps SQLite from its index by embedder: for every batch it would walk all features.
    same_embedder = features.c.embedder_id.concat("") == embedder_id
    joined = product_pictures.join(products, products.c.product_id == product_pictures.c.product_id).join(
        features, (features.c.picture_sha256 == product_pictures.c.picture_sha256) & same_embedder
    )
    return select(
        product_pictures.c.vector_id,
        products.c.product_id,
        products.c.category,
        products.c.gender,
        products.c.age_group,
        products.c.brand,
        products.c.colour,
        case((products.c.currency == currency, products.c.final_price)),
        products.c.in_stock,
        products.c.group_id,
        # As text, and only where it is needed: reading JSON is the slowest part of a row.
        case((products.c.colour.is_(None), features.c.attributes.cast(SqlText))).label("attributes"),
    ).select_from(joined)


def _product_columns(row: AnyRow) -> ProductColumns:
    values = row[1:10]
    if row.attributes is None:
        return ProductColumns(*values)
    return ProductColumns(*values)._replace(colour=largest_colour(json.loads(row.attributes)))


def largest_colour(attributes: dict[str, Any]) -> str | None:
    """Return the name of the garment colour with the largest share, None where none was found."""
    colours = attributes.get("colours") or []
    return max(colours, key=lambda colour: colour.get("share", 0.0)).get("name") if colours else None


def _batch(rows: Sequence[AnyRow]) -> FeatureBatch:
    ids: NDArray[np.int64] = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    lengths = {len(row.vector) // _BYTES.itemsize for row in rows}
    if len(lengths) > 1:
        raise DimensionMismatch(max(lengths), min(lengths))
    joined = b"".join([row.vector for row in rows])
    vectors = np.frombuffer(joined, _BYTES).reshape(len(rows), -1) if rows else np.empty((0, 0), _BYTES)
    return FeatureBatch(ids, vectors.astype(np.float16, copy=False), [_product_columns(row) for row in rows])
