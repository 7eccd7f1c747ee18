"""Which pictures a product shows: the rows of product_pictures, each with the number of its vector.

A row keeps its vector_id as long as it shows the same picture; another picture gets a new one.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from Data.changes import read_state, take_vector_ids
from Data.database import AnyRow, among, bulk_insert
from Data.product import Picture, Product
from Data.records import ChangeOp
from Data.schema import features, product_pictures

Entry = tuple[ChangeOp, int, str]


def write(connection: Connection, created: Sequence[Product], altered: Sequence[Product]) -> list[Entry]:
    """Bring the picture rows of products in line; return the changes to be logged, deletions first.

    Args:
        created: Products without rows yet.
        altered: Products whose pictures differ from their rows.
    """
    fresh = [
        (product.product_id, position, picture, position == product.cover_position)
        for product in created
        for position, picture in enumerate(product.pictures)
    ]
    gone: list[Entry] = []
    moved: list[dict[str, Any]] = []
    attached: dict[int, tuple[str, str]] = {}
    rows = _rows_of(connection, [product.product_id for product in altered])
    for product in altered:
        old = rows.get(product.product_id, [])
        pairs, left = _match(product.pictures, old)
        gone += [("delete", row.vector_id, product.product_id) for row in left]
        for position, (picture, row) in enumerate(pairs):
            if row is None:
                fresh.append((product.product_id, position, picture, False))
                continue
            url = picture.source_url or row.source_url
            if (row.position, row.source_url) != (position, url):
                moved.append({"key": row.vector_id, "place": position, "address": url})
            if row.picture_sha256 is None and picture.sha256 is not None:
                attached[row.vector_id] = (product.product_id, picture.sha256)
    remove(connection, [vector_id for _, vector_id, _ in gone])
    if moved:
        statement = update(product_pictures).where(product_pictures.c.vector_id == bindparam("key"))
        connection.execute(statement.values(position=bindparam("place"), source_url=bindparam("address")), moved)
    return [*gone, *attach(connection, attached), *add(connection, fresh)]


def add(connection: Connection, fresh: Sequence[tuple[str, int, Picture, bool]]) -> list[Entry]:
    """Insert rows of (product_id, position, picture, is_cover) with new vector_ids; return the changes to be logged."""
    if not fresh:
        return []
    embedders = embedders_of(connection, {picture.sha256 for _, _, picture, _ in fresh if picture.sha256})
    in_use = read_state(connection).embedder_id if embedders else None
    vector_ids = take_vector_ids(connection, len(fresh))
    bulk_insert(
        connection,
        product_pictures,
        ("vector_id", "product_id", "position", "picture_sha256", "source_url", "status", "is_cover"),
        [
            (
                vector_id,
                product_id,
                position,
                picture.sha256,
                picture.source_url,
                _status(embedders, picture.sha256, in_use),
                is_cover,
            )
            for vector_id, (product_id, position, picture, is_cover) in zip(vector_ids, fresh, strict=True)
        ],
    )
    return [
        ("upsert", vector_id, product_id)
        for vector_id, (product_id, _, picture, _) in zip(vector_ids, fresh, strict=True)
        if picture.sha256 in embedders
    ]


def attach(connection: Connection, files: Mapping[int, tuple[str, str]]) -> list[Entry]:
    """Say which file a row without one shows: vector_id to (product_id, sha256); return the changes to be logged."""
    if not files:
        return []
    embedders = embedders_of(connection, {sha256 for _, sha256 in files.values()})
    in_use = read_state(connection).embedder_id if embedders else None
    statement = update(product_pictures).where(product_pictures.c.vector_id == bindparam("key"))
    connection.execute(
        statement.values(picture_sha256=bindparam("file"), status=bindparam("state"), reason=None),
        [
            {"key": vector_id, "file": sha256, "state": _status(embedders, sha256, in_use)}
            for vector_id, (_, sha256) in files.items()
        ],
    )
    return [("upsert", vector_id, owner) for vector_id, (owner, sha256) in files.items() if sha256 in embedders]


def remove(connection: Connection, vector_ids: Collection[int]) -> None:
    """Delete rows; the caller logs it."""
    if vector_ids:
        gone = among(connection, product_pictures.c.vector_id, vector_ids)
        connection.execute(delete(product_pictures).where(gone))


def embedders_of(connection: Connection, sha256s: Collection[str]) -> dict[str, set[str]]:
    """Return sha256 to the embedders that have a feature of it; pictures without features are left out."""
    found: dict[str, set[str]] = defaultdict(set)
    if sha256s:
        query = select(features.c.picture_sha256, features.c.embedder_id)
        for sha256, embedder_id in connection.execute(
            query.where(among(connection, features.c.picture_sha256, sha256s))
        ):
            found[sha256].add(embedder_id)
    return found


def _status(embedders: Mapping[str, set[str]], sha256: str | None, in_use: str | None) -> str:
    """A picture counts as indexed if the embedder in use has seen it; another one's feature does not spare the work."""
    return "indexed" if sha256 is not None and in_use in embedders.get(sha256, ()) else "pending"


def _rows_of(connection: Connection, product_ids: Collection[str]) -> dict[str, list[AnyRow]]:
    found: dict[str, list[AnyRow]] = defaultdict(list)
    if product_ids:
        query = select(product_pictures).where(among(connection, product_pictures.c.product_id, product_ids))
        for row in connection.execute(query.order_by(product_pictures.c.product_id, product_pictures.c.position)):
            found[row.product_id].append(row)
    return found


def _match(
    pictures: Sequence[Picture], rows: Iterable[AnyRow]
) -> tuple[list[tuple[Picture, AnyRow | None]], list[AnyRow]]:
    """Pair each picture with the row that shows it already; return the pairs and the rows left over.

    The same file comes first. An address alone, or a row that has no file yet, is the same picture if the addresses
    agree; one address with two different files is a changed picture.
    """
    left = list(rows)
    paired: dict[int, AnyRow] = {}

    def pair(number: int, row: AnyRow | None) -> None:
        if row is not None:
            paired[number] = row
            left.remove(row)

    for number, picture in enumerate(pictures):
        if picture.sha256 is not None:
            pair(number, next((row for row in left if row.picture_sha256 == picture.sha256), None))
    for number, picture in enumerate(pictures):
        if number in paired or picture.source_url is None:
            continue
        same = [row for row in left if row.source_url == picture.source_url]
        open_ = [row for row in same if picture.sha256 is None or row.picture_sha256 is None]
        pair(number, open_[0] if open_ else None)
    return [(picture, paired.get(number)) for number, picture in enumerate(pictures)], left
