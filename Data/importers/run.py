"""From a source's rows to the catalogue: in whole batches, so that an import can be cut off and repeated."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from Data.catalogue import Catalogue
from Data.errors import ProductInvalid
from Data.images import ImageStore
from Data.importers.base import ImportedRow, Importer
from Data.product import Picture, Product, RowProblem
from Data.records import UpsertReport

BATCH = 500
MAX_PROBLEMS = 1_000
"""Problems kept with their reason; the rest are counted."""


@dataclass
class ImportReport:
    """What an import did.

    Args:
        rows: read so far, bad ones included.
        upserts: what became of the good ones.
        problem_count: bad rows, and pictures that the source names but does not hold.
        problems: the first of them.
    """

    rows: int = 0
    upserts: UpsertReport = field(default_factory=UpsertReport)
    problem_count: int = 0
    problems: list[RowProblem] = field(default_factory=list)

    def add_problem(self, problem: RowProblem) -> None:
        """Count a problem, and keep it if there is room."""
        self.problem_count += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)


def run_import(
    importer: Importer,
    catalogue: Catalogue,
    images: ImageStore,
    source: str,
    progress: Callable[[ImportReport], None] | None = None,
) -> ImportReport:
    """Put a source into the catalogue.

    A batch's pictures are stored before its products, and its products in one transaction: cut off at any instant, the
    catalogue is whole, and running it again goes on where it stopped, because what is there already is not written.

    Args:
        importer: the source.
        catalogue: migrated.
        images: the picture store.
        source: name of the feed, kept with each product.
        progress: called after each batch.
    Raises:
        ImportFailed: the source turned out to be unusable; what came before stays.
        DatabaseError, ImageStoreError.
    """
    report = ImportReport()
    for rows in _batches(importer.rows()):
        report.rows += len(rows)
        products = list(_products(rows, importer, images, report))
        report.upserts += catalogue.upsert(products, source)
        if progress is not None:
            progress(report)
    return report


def _batches(rows: Iterator[ImportedRow | RowProblem]) -> Iterator[list[ImportedRow | RowProblem]]:
    batch: list[ImportedRow | RowProblem] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _products(
    rows: list[ImportedRow | RowProblem], importer: Importer, images: ImageStore, report: ImportReport
) -> Iterator[Product]:
    """Yield the products of a batch, their pictures stored; what is bad goes into the report."""
    good: list[tuple[ImportedRow, Product, list[bytes]]] = []
    for row in rows:
        if isinstance(row, RowProblem):
            report.add_problem(row)
            continue
        try:
            product = Product.from_row(row.row, row.values)
        except ProductInvalid as problem:
            report.add_problem(RowProblem(row.row, problem.reason, problem.product_id))
            continue
        good.append((row, product, list(_read(row, product, importer, report))))
    keys = iter(images.put_many([data for _, _, pictures in good for data in pictures]))
    for row, product, pictures in good:
        stored = [Picture(sha256=next(keys)) for _ in pictures]
        # A picture listed twice counts once, as in `Product`, whose validators do not run here again.
        shown = dict.fromkeys((*stored, *_addresses(row, product, report)))
        yield product.model_copy(update={"pictures": tuple(shown)})


def _read(row: ImportedRow, product: Product, importer: Importer, report: ImportReport) -> Iterator[bytes]:
    for file in row.files:
        try:
            yield importer.read(file)
        except (FileNotFoundError, IsADirectoryError):
            report.add_problem(RowProblem(row.row, f"The picture {file} is missing.", product.product_id))


def _addresses(row: ImportedRow, product: Product, report: ImportReport) -> Iterator[Picture]:
    for url in row.urls:
        try:
            yield Picture(source_url=url)
        except ValueError:
            report.add_problem(
                RowProblem(row.row, f"{url[:80]!r} is not a whole http or https address.", product.product_id)
            )
