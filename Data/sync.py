"""Bringing the catalogue in step with a shop's feed: first a plan, which reads all of the feed and writes nothing, then
only what the plan names.

A row that has not changed costs a hash and its share of one query; it is not read into a product, and its pictures are
not read at all. Rows that have changed wait in a temporary file between plan and deed, so a feed is read once and may
be larger than memory.
"""

import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Self

from Data.catalogue import Catalogue
from Data.catalogue_feeds import count_rows
from Data.database import reading
from Data.errors import FetchError, SourceCutOff, SyncRefused
from Data.images import ImageStore
from Data.importers.base import Importer
from Data.importers.identity import SeenIds
from Data.importers.intake import Candidate, ImportReport, Intake
from Data.importers.run import batches
from Data.product import Picture, Product

BATCH = 2_000
WRITE_BATCH = 500
MAX_SHRINK = 0.2
"""Share of a feed's products that may be missing all at once before somebody has to say that this is meant."""


@dataclass
class SyncPlan:
    """What a sync would do, in products.

    Args:
        report: rows and problems.
        new: not in the catalogue.
        changed: text, price or stock differ, pictures do not.
        picture_changed: pictures differ, and perhaps the rest as well.
        unchanged: as they are.
        stored: brought by this feed and in stock so far.
        gone: of those, missing from the feed.
        absent: all of this feed's that are missing, those out of stock included.
        cut_off: why the feed counts as cut off, None where it is whole.
        currency: the catalogue's; None where there are no prices yet.
    """

    report: ImportReport = field(default_factory=ImportReport)
    new: int = 0
    changed: int = 0
    picture_changed: int = 0
    unchanged: int = 0
    stored: int = 0
    gone: int = 0
    absent: int = 0
    cut_off: str | None = None
    currency: str | None = None

    @property
    def other_currencies(self) -> Counter[str]:
        """Rows with a price in another currency than the catalogue's, which price filters leave out."""
        others = Counter(self.report.currencies)
        if self.currency is not None:
            others.pop(self.currency, None)
        return others

    def refusal(self) -> str | None:
        """Return why this needs to be forced, None where it does not."""
        if self.cut_off is not None:
            return (
                f"The feed is cut off ({self.cut_off.rstrip('.')}), so nothing was changed: mend it, or take what "
                "there is with --force, which marks nothing as gone."
            )
        # As many of them as there are bad rows whose id cannot be read may be in the feed after all.
        if self.stored and (self.gone - self.report.unnamed) / self.stored > MAX_SHRINK:
            return (
                f"{self.gone} of {self.stored} products are missing from the feed, more than {MAX_SHRINK:.0%}, so "
                "nothing was changed: check the feed, or use --force if they are really gone."
            )
        return None

    def caution(self) -> str | None:
        """Return why what is missing stays although nothing is refused, None where it does not."""
        if not self.absent or not self.report.unnamed:
            return None
        return (
            f"Bad rows whose id cannot be read: {self.report.unnamed}. What is missing may be one of them, so nothing "
            "is taken away: mend them, or use --force if it is really gone."
        )


@dataclass(frozen=True)
class SyncReport:
    """What a sync did.

    Args:
        done: rows, problems, and what became of the products.
        out_of_stock: missing from the feed, and put out of stock.
        deleted: missing from the feed, and deleted.
    """

    done: ImportReport
    out_of_stock: int = 0
    deleted: int = 0


class Sync:
    """One sync of one feed. Use it as a context: it holds temporary files.

    Args:
        importer: the feed.
        catalogue: migrated.
        images: the picture store.
        source: name of the feed; products of other feeds are left alone.
    """

    def __init__(self, importer: Importer, catalogue: Catalogue, images: ImageStore, source: str) -> None:
        self._importer = importer
        self._catalogue = catalogue
        self._images = images
        self._source = source
        self._seen = SeenIds()
        self._malformed = SeenIds()
        self._waiting: IO[bytes] = TemporaryFile(prefix="similook-sync-")  # noqa: SIM115 - closed by __exit__
        self._plan: SyncPlan | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.close()
        self._seen.close()
        self._malformed.close()

    def plan(self, progress: Callable[[ImportReport], None] | None = None) -> SyncPlan:
        """Read all of the feed and return what is to be done; call it once.

        Args:
            progress: called after each batch.
        Raises:
            ImportFailed: the feed is unusable, in another way than being cut off.
            DatabaseError.
        """
        plan = SyncPlan()
        intake = Intake(self._importer, self._catalogue, self._images, self._source, plan.report)
        try:
            for rows in batches(self._importer.rows(), BATCH):
                candidates, unchanged = intake.sift(rows, self._seen, self._malformed)
                plan.unchanged += unchanged
                for candidate in candidates:
                    self._weigh(candidate, intake, plan)
                if progress is not None:
                    progress(plan.report)
        except (SourceCutOff, FetchError) as error:
            plan.cut_off = str(error)
        with reading(self._catalogue.engine) as connection:
            brought, plan.stored = count_rows(connection, self._source)
        # Only where some are missing need anybody ask which.
        if plan.cut_off is None and intake.met < brought:
            for absent, missing in self._missing():
                plan.absent += len(absent)
                plan.gone += missing
        plan.currency = self._catalogue.currency or next(iter(plan.report.currencies), None)
        self._plan = plan
        return plan

    def apply(
        self, force: bool = False, delete: bool = False, progress: Callable[[ImportReport], None] | None = None
    ) -> SyncReport:
        """Do what the plan says; cut off at any instant, running it again goes on where it stopped.

        Args:
            force: although the feed shrank, is cut off, or has bad rows whose id cannot be read. One that is cut off
                takes nothing away even then; without force, one with such rows does not either.
            delete: delete products that are missing from the feed instead of putting them out of stock.
            progress: called after each batch.
        Raises:
            SyncRefused: it needs to be forced.
            DatabaseError, ImageStoreError.
        """
        plan = self._plan or self.plan()
        said = plan.refusal()
        if said is not None and not force:
            raise SyncRefused(said)
        # The plan has told of bad rows already; only what comes up with the pictures is new.
        report = ImportReport(problem_count=plan.report.problem_count, problems=list(plan.report.problems))
        report.unnamed = plan.report.unnamed
        report.currencies = plan.report.currencies
        intake = Intake(self._importer, self._catalogue, self._images, self._source, report)
        for candidates in self._candidates():
            intake.write(candidates)
            report.rows += len(candidates)
            if progress is not None:
                progress(report)
        report.rows = plan.report.rows
        if not plan.absent or (plan.report.unnamed and not force):  # or cut off, when nobody knows
            return SyncReport(report)
        out_of_stock = deleted = 0
        for absent, _ in self._missing():
            if delete:
                deleted += self._catalogue.delete(absent)
            else:
                out_of_stock += self._catalogue.set_in_stock(absent, False)
        return SyncReport(report, out_of_stock, deleted)

    def _weigh(self, candidate: Candidate, intake: Intake, plan: SyncPlan) -> None:
        """Count what a row would change, and keep it for `apply`."""
        product = intake.validate(candidate)
        if product is None:
            return
        stored = candidate.stored
        if stored is None:
            plan.new += 1
        elif not candidate.same_pictures and self._pictures_hash(candidate, product, intake) != stored.pictures_hash:
            plan.picture_changed += 1
        elif product.content_hash() != stored.content_hash or product.in_stock != stored.in_stock:
            plan.changed += 1
        else:
            plan.unchanged += 1
        pickle.dump(candidate, self._waiting, pickle.HIGHEST_PROTOCOL)

    def _pictures_hash(self, candidate: Candidate, product: Product, intake: Intake) -> str:
        """Return the hash of a product's pictures as they would be stored; this alone reads them."""
        files: list[Picture] = []
        for file in candidate.files:
            try:
                files.append(Picture(sha256=sha256(self._importer.read(file)).hexdigest()))
            except (FileNotFoundError, IsADirectoryError):
                continue  # `apply` tells of it
        shown = intake.shown(candidate, files, tell=False)
        return product.model_copy(update={"pictures": shown}).pictures_hash()

    def _candidates(self) -> Iterator[list[Candidate]]:
        self._waiting.seek(0)
        batch: list[Candidate] = []
        while True:
            try:
                # Written by this object a moment ago, to a file that has no name.
                batch.append(pickle.load(self._waiting))
            except EOFError:
                break
            if len(batch) == WRITE_BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def _missing(self) -> Iterator[tuple[list[str], int]]:
        """Yield the ids of this feed's products that it does not name, and how many of those are in stock."""
        for states in self._catalogue.states(self._source):
            ids = [state.product_id for state in states]
            known = self._seen.known(ids).keys() | self._malformed.known(ids).keys()
            absent = [state for state in states if state.product_id not in known]
            yield [state.product_id for state in absent], sum(state.in_stock for state in absent)
