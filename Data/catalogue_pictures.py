"""The catalogue's questions about pictures, and what happens to them: fetched, embedded, given up."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, exists, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from Data import catalogue_covers, catalogue_links
from Data.changes import log_changes
from Data.database import among, now_ms
from Data.errors import ProductNotFound
from Data.product import Picture
from Data.records import PendingPicture, PictureFacts, PictureStatus, UnfetchedPicture
from Data.schema import features, pictures, product_pictures, products

_FACTS = tuple(pictures.c[name] for name in PictureFacts.__dataclass_fields__)
_STATUS = (
    product_pictures.c.vector_id,
    product_pictures.c.position,
    product_pictures.c.picture_sha256,
    product_pictures.c.source_url,
    product_pictures.c.status,
    product_pictures.c.reason,
    product_pictures.c.is_cover,
)
# Written out, not as parameters: only then may the partial index be used.
_PENDING: ColumnElement[bool] = literal_column("product_pictures.status = 'pending'")
_FAILED: ColumnElement[bool] = literal_column("product_pictures.status = 'failed'")


def put_facts(connection: Connection, facts: Sequence[PictureFacts]) -> None:
    """Insert or replace what is known of pictures; then choose the covers of the products that show them."""
    if not facts:
        return
    now = now_ms()
    rows = [{**_as_row(fact), "created_at": now} for fact in {fact.sha256: fact for fact in facts}.values()]
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    offer = insert(pictures)
    replaced = {column.name: column for column in offer.excluded if column.name not in ("sha256", "created_at")}
    connection.execute(offer.on_conflict_do_update(index_elements=["sha256"], set_=replaced), rows)
    scored = [fact.sha256 for fact in facts if fact.quality is not None]
    catalogue_covers.choose(connection, _owners(connection, product_pictures.c.picture_sha256, scored))


def get_facts(connection: Connection, sha256s: Sequence[str]) -> dict[str, PictureFacts]:
    """Return what is known of pictures."""
    query = select(*_FACTS).where(among(connection, pictures.c.sha256, sha256s))
    return {row.sha256: PictureFacts(*row) for row in connection.execute(query)}


def facts_after(connection: Connection, after: str, limit: int) -> list[PictureFacts]:
    """Return what is known of the first pictures above `after`."""
    query = select(*_FACTS).where(pictures.c.sha256 > after).order_by(pictures.c.sha256).limit(limit)
    return [PictureFacts(*row) for row in connection.execute(query)]


def unfetched(connection: Connection, after: int, limit: int) -> list[UnfetchedPicture]:
    """Return the first pictures above `after` that are known by their address alone and have not failed."""
    query = (
        select(product_pictures.c.vector_id, product_pictures.c.product_id, product_pictures.c.source_url)
        .where(_PENDING, product_pictures.c.picture_sha256.is_(None), product_pictures.c.vector_id > after)
        .order_by(product_pictures.c.vector_id)
        .limit(limit)
    )
    return [UnfetchedPicture(*row) for row in connection.execute(query)]


def attach(connection: Connection, fetched: Mapping[int, str]) -> int:
    """Say which file each row shows; a row that showed another one is replaced. Return how many changed."""
    query = select(*_STATUS, product_pictures.c.product_id)
    rows = connection.execute(query.where(among(connection, product_pictures.c.vector_id, fetched))).all()
    first = {row.vector_id: (row.product_id, fetched[row.vector_id]) for row in rows if row.picture_sha256 is None}
    replaced = [row for row in rows if row.picture_sha256 not in (None, fetched[row.vector_id])]
    entries: list[catalogue_links.Entry] = [("delete", row.vector_id, row.product_id) for row in replaced]
    catalogue_links.remove(connection, [row.vector_id for row in replaced])
    entries += catalogue_links.attach(connection, first)
    fresh = [
        (row.product_id, row.position, Picture(sha256=fetched[row.vector_id], source_url=row.source_url), row.is_cover)
        for row in replaced
    ]
    entries += catalogue_links.add(connection, fresh)
    catalogue_covers.choose(connection, {row.product_id for row in rows})
    log_changes(connection, entries)
    return len(first) + len(replaced)


def pending(connection: Connection, embedder_id: str, after: str, limit: int, newly: bool) -> list[PendingPicture]:
    """Return the first stored pictures above `after` that are shown, have not failed and lack this feature."""
    seen = exists().where(
        features.c.picture_sha256 == product_pictures.c.picture_sha256, features.c.embedder_id == embedder_id
    )
    query: Select[Any] = (
        select(product_pictures.c.picture_sha256)
        .distinct()
        .where(_PENDING if newly else ~_FAILED)
        .where(product_pictures.c.picture_sha256 > after, ~seen)
        .order_by(product_pictures.c.picture_sha256)
        .limit(limit)
    )
    files = connection.execute(query).scalars().all()
    if not files:
        return []
    shown: dict[str, list[int]] = defaultdict(list)
    links = (
        select(product_pictures.c.picture_sha256, product_pictures.c.vector_id)
        .where(among(connection, product_pictures.c.picture_sha256, files))
        .order_by(product_pictures.c.vector_id)
    )
    for sha256, vector_id in connection.execute(links):
        shown[sha256].append(vector_id)
    # A product may have gone between the two queries; its picture is then skipped.
    return [PendingPicture(sha256, tuple(shown[sha256])) for sha256 in files if sha256 in shown]


def mark_failed(connection: Connection, sha256: str, reason: str) -> None:
    """Give up a stored picture wherever it is shown."""
    here = product_pictures.c.picture_sha256 == sha256
    connection.execute(update(product_pictures).where(here).values(status="failed", reason=reason))
    catalogue_covers.choose(connection, _owners(connection, product_pictures.c.picture_sha256, [sha256]))


def mark_unfetchable(connection: Connection, reasons: Mapping[int, str]) -> None:
    """Give up pictures that have no file: vector_id to reason."""
    if not reasons:
        return
    here = (product_pictures.c.vector_id == bindparam("key")) & product_pictures.c.picture_sha256.is_(None)
    connection.execute(
        update(product_pictures).where(here).values(status="failed", reason=bindparam("why")),
        [{"key": vector_id, "why": reason} for vector_id, reason in reasons.items()],
    )
    catalogue_covers.choose(connection, _owners(connection, product_pictures.c.vector_id, list(reasons)))


def retry_failed(connection: Connection) -> int:
    """Set all failed pictures back to pending."""
    again = update(product_pictures).where(_FAILED).values(status="pending", reason=None)
    return connection.execute(again).rowcount


def status(connection: Connection, product_id: str) -> list[PictureStatus]:
    """Return where each picture of a product stands, in order.

    Raises:
        ProductNotFound.
    """
    joined = products.outerjoin(product_pictures, product_pictures.c.product_id == products.c.product_id)
    query = select(*_STATUS).select_from(joined).where(among(connection, products.c.product_id, [product_id]))
    rows = connection.execute(query.order_by(product_pictures.c.position)).all()
    if not rows:
        raise ProductNotFound(product_id)
    return [PictureStatus(*row) for row in rows if row.vector_id is not None]


def failed(connection: Connection, after: int, limit: int) -> list[tuple[str, PictureStatus]]:
    """Return the first failed pictures above `after`, with their products."""
    query = select(*_STATUS, product_pictures.c.product_id).where(_FAILED, product_pictures.c.vector_id > after)
    rows = connection.execute(query.order_by(product_pictures.c.vector_id).limit(limit)).all()
    return [(row.product_id, PictureStatus(*row[:-1])) for row in rows]


def products_showing(connection: Connection, sha256s: Sequence[str]) -> dict[str, list[str]]:
    """Return sha256 to the ids of the products that show the picture, in rising order."""
    query = select(product_pictures.c.picture_sha256, product_pictures.c.product_id).distinct()
    query = query.where(among(connection, product_pictures.c.picture_sha256, sha256s))
    shown: dict[str, list[str]] = defaultdict(list)
    for sha256, product_id in connection.execute(query):
        shown[sha256].append(product_id)
    return {sha256: sorted(ids) for sha256, ids in shown.items()}


def _owners(connection: Connection, column: Any, values: Collection[Any]) -> set[str]:
    if not values:
        return set()
    query = select(product_pictures.c.product_id).distinct().where(among(connection, column, values))
    return set(connection.execute(query).scalars())


def _as_row(fact: PictureFacts) -> dict[str, Any]:
    row = {name: getattr(fact, name) for name in PictureFacts.__dataclass_fields__}
    row["quality"] = None if fact.quality is None else dict(fact.quality)
    return row
