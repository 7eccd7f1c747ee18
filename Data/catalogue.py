"""The catalogue: products and their pictures in SQL, every change in the change log of the same transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from Data import catalogue_delete, catalogue_pictures, catalogue_queries, catalogue_stats, catalogue_upsert, migrate
from Data.database import open_engine, reading, writing
from Data.errors import ProductNotFound
from Data.filters import Filter
from Data.product import Product
from Data.records import (
    CatalogueStats,
    Page,
    PendingPicture,
    PictureFacts,
    PictureStatus,
    ProductState,
    UnfetchedPicture,
    UpsertReport,
)

_EVERYTHING = Filter()


class Catalogue:
    """Products, their pictures, and where each of those stands. Safe to share between threads.

    Any method raises DatabaseUnavailable or DatabaseOutOfDate where the database does not serve.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> Self:
        """Return the catalogue in a database; nothing is connected or created yet except a SQLite file's folder.

        Args:
            url: sqlite:///path (WAL, waits for other writers, foreign keys on) or postgresql://user:password@host/name.
        Raises:
            DatabaseError: an address that cannot be used.
        """
        return cls(open_engine(url))

    @property
    def engine(self) -> Engine:
        """The engine, for Features, ChangeLog and Lease."""
        return self._engine

    def close(self) -> None:
        """Close all connections that are not in use."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Tables

    def migrate(self) -> None:
        """Bring the tables up to date; safe when several processes start at once."""
        migrate.upgrade(self._engine)

    def check(self) -> None:
        """Raise DatabaseOutOfDate unless the tables are those of this program."""
        migrate.check(self._engine)

    # Products

    def upsert(
        self,
        products: Sequence[Product],
        source: str | None = None,
        row_hashes: Mapping[str, str] | None = None,
    ) -> UpsertReport:
        """Create or change products in one transaction; what is the same already is not written.

        A category that the classifier predicted stays where a product comes again without one. The first price ever
        stored decides the catalogue's currency.

        Args:
            products: Any number; about 1,000 at a time is fast. Of two with one id the later one counts.
            source: Name of the feed that brings them; None leaves a stored name alone.
            row_hashes: product_id to a hash of the feed's row, at most 64 characters; kept until anything else writes
                the product, so that a sync can pass over rows that say the same (Data/catalogue_feeds.py).
        """
        with writing(self._engine) as connection:
            return catalogue_upsert.upsert(connection, products, source, row_hashes or {})

    def plan(self, products: Sequence[Product]) -> UpsertReport:
        """Return what `upsert` would do, without writing."""
        with reading(self._engine) as connection:
            return catalogue_upsert.plan(connection, products)

    def get(self, product_id: str) -> Product:
        """Return one product.

        Raises:
            ProductNotFound.
        """
        product = self.get_many([product_id])[0]
        if product is None:
            raise ProductNotFound(product_id)
        return product

    def get_many(self, product_ids: Sequence[str]) -> list[Product | None]:
        """Return the products in the order of their ids by one query, None for those that do not exist."""
        if not product_ids:
            return []
        with reading(self._engine) as connection:
            return catalogue_queries.get_many(connection, product_ids)

    def iterate(self, filter: Filter = _EVERYTHING, batch_size: int = 1000) -> Iterator[Product]:
        """Yield the products that pass, by rising product_id; memory holds one batch, no transaction stays open."""
        after: str | None = None
        while True:
            with reading(self._engine) as connection:
                batch = catalogue_queries.batch(connection, filter, after, batch_size)
            yield from batch
            if len(batch) < batch_size:
                return
            after = batch[-1].product_id

    def page(self, limit: int, cursor: str | None = None, filter: Filter = _EVERYTHING) -> Page:
        """Return one page by rising product_id.

        Args:
            limit: 1..1000.
            cursor: next_cursor of the page before; None for the first one.
        Raises:
            FilterInvalid: a limit out of range, or a cursor that is not one of ours.
        """
        after = catalogue_queries.decode_cursor(cursor)
        catalogue_queries.check_limit(limit)
        with reading(self._engine) as connection:
            found = catalogue_queries.batch(connection, filter, after, limit + 1)
        more = len(found) > limit
        return Page(found[:limit], catalogue_queries.encode_cursor(found[limit - 1].product_id) if more else None)

    def by_price(self, limit: int, descending: bool = False, filter: Filter = _EVERYTHING) -> list[Product]:
        """Return the cheapest (or dearest) products by final price, of those priced in the catalogue's currency.

        Args:
            limit: 1..1000.
        """
        catalogue_queries.check_limit(limit)
        with reading(self._engine) as connection:
            return catalogue_queries.by_price(connection, filter, limit, descending)

    def count(self, filter: Filter = _EVERYTHING) -> int:
        """Return how many products pass."""
        with reading(self._engine) as connection:
            return catalogue_queries.count(connection, filter)

    def facets(self, field: str, filter: Filter = _EVERYTHING) -> list[tuple[str, int]]:
        """Return the values of a field with the number of products that pass, most frequent first.

        Args:
            field: category, category_name, gender, age_group, brand, colour, currency, group_id or source. Products
                without a value are not counted.
        Raises:
            FilterInvalid: another field.
        """
        with reading(self._engine) as connection:
            return catalogue_queries.facets(connection, field, filter)

    def category_names(self) -> dict[str, str]:
        """Return slug to display name; of several names for a slug the most frequent one."""
        with reading(self._engine) as connection:
            return catalogue_queries.category_names(connection)

    def delete(self, product_ids: Iterable[str]) -> int:
        """Delete products and return how many there were. Features stay: they belong to pictures."""
        with writing(self._engine) as connection:
            return catalogue_delete.delete(connection, list(product_ids))

    def set_in_stock(self, product_ids: Iterable[str], in_stock: bool) -> int:
        """Put products in or out of stock and return how many changed."""
        with writing(self._engine) as connection:
            return catalogue_upsert.set_in_stock(connection, list(product_ids), in_stock)

    def set_predicted_categories(self, categories: Mapping[str, tuple[str, str]]) -> int:
        """Give products without a category of the shop's a predicted one; return how many changed.

        Args:
            categories: product_id to (slug, display name). Products with a category of the shop's are left alone.
        """
        with writing(self._engine) as connection:
            return catalogue_upsert.set_predicted_categories(connection, categories)

    def states(self, source: str | None = None, batch_size: int = 5000) -> Iterator[list[ProductState]]:
        """Yield what a sync compares, by rising product_id.

        Args:
            source: Only products that this feed brought; None for all.
        """
        after = ""
        while batch := self._states(source, after, batch_size):
            yield batch
            after = batch[-1].product_id

    def _states(self, source: str | None, after: str, batch_size: int) -> list[ProductState]:
        with reading(self._engine) as connection:
            return catalogue_queries.states(connection, source, after, batch_size)

    @property
    def currency(self) -> str | None:
        """The catalogue's currency, None until a price has been stored."""
        with reading(self._engine) as connection:
            return catalogue_queries.currency(connection)

    # Pictures

    def put_pictures(self, facts: Sequence[PictureFacts]) -> None:
        """Save what is known of stored pictures, and choose the covers of the products that show them anew."""
        with writing(self._engine) as connection:
            catalogue_pictures.put_facts(connection, facts)

    def get_pictures(self, sha256s: Sequence[str]) -> dict[str, PictureFacts]:
        """Return what is known of pictures; those unknown are left out."""
        with reading(self._engine) as connection:
            return catalogue_pictures.get_facts(connection, sha256s)

    def iterate_pictures(self, batch_size: int = 1000) -> Iterator[list[PictureFacts]]:
        """Yield what is known of all pictures, by rising sha256."""
        after = ""
        while True:
            with reading(self._engine) as connection:
                batch = catalogue_pictures.facts_after(connection, after, batch_size)
            if not batch:
                return
            yield batch
            after = batch[-1].sha256

    def unfetched_pictures(self, batch_size: int = 100) -> Iterator[list[UnfetchedPicture]]:
        """Yield pictures known by their address alone that have not failed, by rising vector_id."""
        after = -1
        while True:
            with reading(self._engine) as connection:
                batch = catalogue_pictures.unfetched(connection, after, batch_size)
            if not batch:
                return
            yield batch
            after = batch[-1].vector_id

    def attach_pictures(self, fetched: Mapping[int, str]) -> int:
        """Say which stored file a product's picture is, after fetching it; return how many rows changed.

        A row that had another file gets a new vector_id: the picture has changed. Rows deleted since are passed over.

        Args:
            fetched: vector_id to sha256.
        """
        with writing(self._engine) as connection:
            return catalogue_pictures.attach(connection, fetched)

    def pending_pictures(
        self, embedder_id: str, batch_size: int = 64, newly: bool = False
    ) -> Iterator[list[PendingPicture]]:
        """Yield stored pictures of products without a feature of this embedder; failed ones are left out.

        Args:
            newly: Look only at pictures that came since the last time all had been embedded. It is cheap enough to ask
                several times a second; the full look reads every picture row.
        """
        after = ""
        while True:
            with reading(self._engine) as connection:
                batch = catalogue_pictures.pending(connection, embedder_id, after, batch_size, newly)
            if not batch:
                return
            yield batch
            after = batch[-1].sha256

    def mark_failed(self, sha256: str, reason: str) -> None:
        """Give up a stored picture wherever it is shown; `retry_failed` takes it up again."""
        with writing(self._engine) as connection:
            catalogue_pictures.mark_failed(connection, sha256, reason)

    def mark_unfetchable(self, reasons: Mapping[int, str]) -> None:
        """Give up pictures that could not be fetched: vector_id to reason."""
        with writing(self._engine) as connection:
            catalogue_pictures.mark_unfetchable(connection, reasons)

    def retry_failed(self) -> int:
        """Take up all failed pictures again; return how many there are."""
        with writing(self._engine) as connection:
            return catalogue_pictures.retry_failed(connection)

    def picture_status(self, product_id: str) -> list[PictureStatus]:
        """Return where each picture of a product stands, in order.

        Raises:
            ProductNotFound.
        """
        with reading(self._engine) as connection:
            return catalogue_pictures.status(connection, product_id)

    def failed_pictures(self, batch_size: int = 1000) -> Iterator[list[tuple[str, PictureStatus]]]:
        """Yield failed pictures as (product_id, status), by rising vector_id."""
        after = -1
        while True:
            with reading(self._engine) as connection:
                batch = catalogue_pictures.failed(connection, after, batch_size)
            if not batch:
                return
            yield batch
            after = batch[-1][1].vector_id

    def products_showing(self, sha256s: Sequence[str]) -> dict[str, list[str]]:
        """Return sha256 to the ids of the products that show the picture."""
        with reading(self._engine) as connection:
            return catalogue_pictures.products_showing(connection, sha256s)

    def stats(self, embedder_id: str) -> CatalogueStats:
        """Count products, pictures, features and failures."""
        with reading(self._engine) as connection:
            return catalogue_stats.stats(connection, embedder_id)
