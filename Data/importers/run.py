"""From a source's rows to the catalogue: in whole batches, so that an import can be cut off and repeated."""

from collections.abc import Callable, Iterator
from itertools import islice

from Data.catalogue import Catalogue
from Data.images import ImageStore
from Data.importers.base import ImportedRow, Importer
from Data.importers.identity import SeenIds
from Data.importers.intake import ImportReport, Intake
from Data.product import RowProblem
from Data.records import UpsertReport

__all__ = ["BATCH", "ImportReport", "batches", "run_import"]

BATCH = 500


def run_import(
    importer: Importer,
    catalogue: Catalogue,
    images: ImageStore,
    source: str,
    progress: Callable[[ImportReport], None] | None = None,
) -> ImportReport:
    """Put a source into the catalogue.

    A batch's pictures are stored before its products, and its products in one transaction: cut off at any instant, the
    catalogue is whole, and running it again goes on where it stopped, because rows that are the same are passed over.

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
    intake = Intake(importer, catalogue, images, source, report)
    with SeenIds() as seen:
        for rows in batches(importer.rows()):
            candidates, unchanged = intake.sift(rows, seen)
            report.upserts += UpsertReport(unchanged=unchanged)
            intake.write(candidates)
            if progress is not None:
                progress(report)
    return report


def batches(rows: Iterator[ImportedRow | RowProblem], size: int = BATCH) -> Iterator[list[ImportedRow | RowProblem]]:
    """Yield the rows in lists; what came before an error is yielded before the error is raised."""
    failure: Exception | None = None
    while failure is None:
        batch: list[ImportedRow | RowProblem] = []
        try:
            batch.extend(islice(rows, size))
        except Exception as error:  # noqa: BLE001 - raised again below
            failure = error
        if batch:
            yield batch
        elif failure is None:
            return
    raise failure
