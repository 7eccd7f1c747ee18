"""Rows become products: told apart, compared with what is stored, validated, their pictures put into the store."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from Data.catalogue import Catalogue
from Data.catalogue_feeds import StoredRow, row_hashes, stored_rows
from Data.database import reading
from Data.errors import ProductInvalid
from Data.images import ImageStore
from Data.importers.base import ImportedRow, Importer
from Data.importers.identity import HALF, SeenIds, hash_pictures, hash_row, id_of, key_of
from Data.product import MAX_PICTURES, Picture, Product, RowProblem
from Data.records import UpsertReport

MAX_PROBLEMS = 1_000
"""Problems kept with their reason; the rest are counted."""

_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|&(?:[A-Za-z]{2,8}|#\d{1,6});")


@dataclass
class ImportReport:
    """What an import did.

    Args:
        rows: read so far, bad ones included.
        upserts: what became of the good ones.
        unnamed: bad rows whose id cannot be read: any product that seems to be missing may be one of them. A row that
            plainly has none is no such row.
        problem_count: bad rows, and what is wrong with good ones (a picture that is missing, markup in a name).
        problems: the first of them.
        currencies: rows with a price, by its currency.
    """

    rows: int = 0
    upserts: UpsertReport = field(default_factory=UpsertReport)
    unnamed: int = 0
    problem_count: int = 0
    problems: list[RowProblem] = field(default_factory=list)
    currencies: Counter[str] = field(default_factory=Counter)

    def add_problem(self, problem: RowProblem) -> None:
        """Count a problem, and keep it if there is room."""
        self.problem_count += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)


@dataclass(frozen=True)
class Candidate:
    """A row that may have to be written.

    Args:
        row: as the source tells it.
        key: its product_id.
        hash: of the row, and of its pictures alone.
        stored: the product as the last row left it; None for a new one.
    """

    row: ImportedRow
    key: str
    hash: str
    stored: StoredRow | None

    @property
    def same_pictures(self) -> bool:
        """Whether the pictures are those of the row that was taken last."""
        known = self.stored.row_hash if self.stored is not None else None
        return known is not None and known[HALF:] == self.hash[HALF:]

    @property
    def files(self) -> tuple[str, ...]:
        """The source's own pictures, each once and no more than a product shows: the others are not even read."""
        return tuple(dict.fromkeys(self.row.files))[:MAX_PICTURES]


class Intake:
    """Takes the rows of one source.

    Args:
        importer: the source.
        catalogue: migrated.
        images: the picture store.
        source: name of the feed, kept with each product.
        report: is told of rows and problems.
    """

    def __init__(
        self, importer: Importer, catalogue: Catalogue, images: ImageStore, source: str, report: ImportReport
    ) -> None:
        self._importer = importer
        self._catalogue = catalogue
        self._images = images
        self._source = source
        self._report = report
        self.met = 0
        """Products of this feed that the rows so far have named."""

    def sift(
        self, rows: Sequence[ImportedRow | RowProblem], seen: SeenIds, malformed: SeenIds | None = None
    ) -> tuple[list[Candidate], int]:
        """Return the rows of a batch that differ from what is stored, and how many do not.

        Bad rows and repeated ids go into the report. Nothing is written, and no picture is read.

        Args:
            rows: the batch.
            seen: is told the ids of rows; a later row with one of them is a repeated one.
            malformed: is told the ids of bad rows, which make no good row a repeated one. None forgets them.
        """
        self._report.rows += len(rows)
        named = self._named(rows, seen, malformed)
        differing: dict[str, tuple[str, ImportedRow]] = {}
        with reading(self._catalogue.engine) as connection:
            hashes = row_hashes(connection, self._source, named)
            self.met += len(hashes)
            for key, row in named.items():
                said = hash_row(row, self._importer)
                if not (hashes.get(key) or "").startswith(said):
                    differing[key] = said + hash_pictures(row, self._importer), row
            stored = stored_rows(connection, self._source, differing) if differing else {}
        found = [Candidate(row, key, said, stored.get(key)) for key, (said, row) in differing.items()]
        return found, len(named) - len(found)

    def validate(self, candidate: Candidate) -> Product | None:
        """Return a row's product without its pictures; None for a bad one, which goes into the report."""
        try:
            return Product.from_row(candidate.row.row, candidate.row.values)
        except ProductInvalid as problem:
            self._report.add_problem(RowProblem(candidate.row.row, problem.reason, problem.product_id))
            return None

    def write(self, candidates: Sequence[Candidate]) -> None:
        """Put rows into the catalogue: their pictures first, then all products in one transaction."""
        good = [(each, product) for each in candidates if (product := self.validate(each)) is not None]
        if not good:
            return
        kept = self._kept_files([each for each, _ in good if each.same_pictures and each.row.files])
        data = [[] if each.key in kept else list(self._read(each)) for each, _ in good]
        keys = iter(self._images.put_many([picture for pictures in data for picture in pictures]))
        products = []
        for (each, product), pictures in zip(good, data, strict=True):
            files = kept.get(each.key) or [Picture(sha256=next(keys)) for _ in pictures]
            self._note_markup(each.row, product)
            products.append(product.model_copy(update={"pictures": self.shown(each, files)}))
        hashes = {each.key: each.hash for each, _ in good}
        self._report.upserts += self._catalogue.upsert(products, self._source, hashes)

    def shown(self, candidate: Candidate, files: Sequence[Picture], tell: bool = True) -> tuple[Picture, ...]:
        """Return a product's pictures as `Product` would take them, whose validators do not run here again.

        A picture listed twice counts once, and what is more than MAX_PICTURES is left out.

        Args:
            files: those of the source's own.
            tell: report what is no address, and what is left out.
        """
        pictures = tuple(dict.fromkeys((*files, *self._addresses(candidate, tell))))
        listed = len(pictures) + len(set(candidate.row.files)) - len(candidate.files)
        if tell and listed > MAX_PICTURES:
            said = f"has {listed} pictures; the first {MAX_PICTURES} are taken."
            self._report.add_problem(RowProblem(candidate.row.row, said, candidate.key))
        return pictures[:MAX_PICTURES]

    def _addresses(self, candidate: Candidate, tell: bool) -> Iterator[Picture]:
        """Yield the pictures that are to be fetched."""
        for url in candidate.row.urls:
            try:
                yield Picture(source_url=url)
            except ValueError:
                if tell:
                    said = f"The picture {url[:80]!r} is not a whole http or https address."
                    self._report.add_problem(RowProblem(candidate.row.row, said, candidate.key))

    def _named(
        self, rows: Sequence[ImportedRow | RowProblem], seen: SeenIds, malformed: SeenIds | None
    ) -> dict[str, ImportedRow]:
        """Return the rows that have an id of their own, by it."""
        fresh: dict[str, ImportedRow] = {}
        bad: dict[str, int] = {}
        for row in rows:
            if isinstance(row, RowProblem):
                self._report.add_problem(row)
                key = None if row.product_id is None else id_of(row.product_id)
                if key:
                    bad[key] = row.row
                self._report.unnamed += key is None
                continue
            key = key_of(row)
            if not key:
                # Validating it says what is wrong.
                self.validate(Candidate(row, "", "", None))
                self._report.unnamed += key is None
                continue
            currency = row.values.get("currency")
            if currency:
                self._report.currencies[str(currency).upper()[:3]] += 1
            if key in fresh:
                self._repeated(key, row, fresh[key].row)
            else:
                fresh[key] = row
        if malformed is not None:
            malformed.add(bad)
        earlier = seen.add({key: row.row for key, row in fresh.items()})
        if earlier:
            for key in [key for key in fresh if key in earlier]:
                self._repeated(key, fresh.pop(key), earlier[key])
        return fresh

    def _repeated(self, key: str, row: ImportedRow, earlier: int) -> None:
        said = f"product_id {key!r} stands in row {earlier} already; this row is left out."
        self._report.add_problem(RowProblem(row.row, said, key))

    def _kept_files(self, candidates: Sequence[Candidate]) -> dict[str, list[Picture]]:
        """Return the stored files of products whose pictures are the same, so that they need not be read again."""
        keys = [each.key for each in candidates]
        found = zip(keys, self._catalogue.get_many(keys), strict=True)
        return {
            key: [Picture(sha256=each.sha256) for each in product.pictures if each.source_url is None]
            for key, product in found
            if product is not None
        }

    def _read(self, candidate: Candidate) -> Iterator[bytes]:
        for file in candidate.files:
            try:
                yield self._importer.read(file)
            except (FileNotFoundError, IsADirectoryError):
                said = f"The picture {file} is missing."
                self._report.add_problem(RowProblem(candidate.row.row, said, candidate.key))

    def _note_markup(self, row: ImportedRow, product: Product) -> None:
        if _MARKUP.search(product.name):
            said = f"name holds HTML ({product.name[:60]!r}), which is shown as it stands: clean it in the feed."
            self._report.add_problem(RowProblem(row.row, said, product.product_id))
