"""From stored pictures to saved features: what makes products findable.

    reading and decoding (threads) ─▶ the networks (threads, one batch each) ─▶ the database (one thread)

The three overlap, so that the networks are what takes the time; whole batches side by side keep more cores busy than
one batch spread over all of them, because what stands around the networks runs side by side as well. Features are keyed
by picture and embedder: a run that was killed goes on where it stopped, and a picture that two products show is looked
at once.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from PIL import Image

from Backend.picture_facts import Header, facts_of, read_header, save_facts
from Backend.recommender import display_name
from Data.catalogue import Catalogue
from Data.errors import ImageNotFound
from Data.features import FeatureRow, Features
from Data.images import ImageStore
from Data.records import PictureFacts
from Model.colours import garment_colours
from Model.embedder import Embedder, Sight
from Model.errors import ImageError
from Model.preprocess import DecodeLimits, load

BATCH_SIZE = 8


@dataclass(frozen=True)
class Selection:
    """Which pictures a run is to look at.

    Args:
        categories: only pictures of products of these slugs; empty for all.
        limit: at most so many pictures; None for all.
        newly: only those that came since all had been looked at once (cheap; for watching).
    """

    categories: frozenset[str] = frozenset()
    limit: int | None = None
    newly: bool = False


EVERYTHING = Selection()


@dataclass(frozen=True)
class Failure:
    """A picture that could not be used, and why."""

    sha256: str
    product_ids: tuple[str, ...]
    reason: str


@dataclass
class IndexReport:
    """What a run did, counted in pictures.

    Args:
        succeeded: embedded and saved.
        skipped: had been embedded before.
        failed: those given up.
        elapsed_s: seconds from start to end.
    """

    succeeded: int = 0
    skipped: int = 0
    failed: list[Failure] = field(default_factory=list)
    elapsed_s: float = 0.0

    @property
    def processed(self) -> int:
        """Pictures that were looked at."""
        return self.succeeded + len(self.failed)

    @property
    def ms_per_product(self) -> float:
        """Milliseconds per picture that was looked at; 0 without one."""
        return 1000 * self.elapsed_s / self.processed if self.processed else 0.0


Progress = Callable[[IndexReport], None]


@dataclass(frozen=True)
class _Ready:
    """A picture on its way: decoded, or the reason why it never will be."""

    sha256: str
    image: Image.Image | None
    header: Header | None = None
    reason: str = ""


@dataclass(frozen=True)
class _Seen:
    """What was seen in a batch: features and facts of its good pictures, and those that are unusable."""

    rows: list[FeatureRow]
    facts: list[PictureFacts]
    unusable: list[_Ready]


class Indexer:
    """Looks at the pictures that have no features yet.

    Args:
        catalogue: which pictures there are.
        images: their bytes.
        features: where the results go.
        embedder: sees.
        limits: of a picture's bytes and pixels.
        batch_size: pictures per run of the networks.
        workers: batches that are looked at side by side.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        images: ImageStore,
        features: Features,
        embedder: Embedder,
        limits: DecodeLimits,
        batch_size: int = BATCH_SIZE,
        workers: int = 1,
    ) -> None:
        self._catalogue = catalogue
        self._images = images
        self._features = features
        self._embedder = embedder
        self._limits = limits
        self._batch_size = batch_size
        self._workers = workers

    def run(self, selection: Selection = EVERYTHING, progress: Progress = lambda report: None) -> IndexReport:
        """Look at every picture of the selection, save what was seen, and give up those that cannot be read.

        Args:
            selection: which pictures.
            progress: called after each batch with the report so far.
        Raises:
            ImageStoreError, DatabaseError: nothing is marked as failed for that; run again later.
        """
        started = time.monotonic()
        report = IndexReport()
        saving: Future[None] | None = None
        with ThreadPoolExecutor(1, thread_name_prefix="save") as saver:
            for seen in self._seen(selection):
                if saving is not None:
                    saving.result()
                saving = saver.submit(self._save, seen)
                report.succeeded += len(seen.rows)
                report.failed += self._give_up(seen.unusable)
                report.elapsed_s = time.monotonic() - started
                progress(report)
            if saving is not None:
                saving.result()
        report.elapsed_s = time.monotonic() - started
        return report

    def look_again(self, sha256s: Sequence[str]) -> IndexReport:
        """Look at these pictures anew, whatever was saved of them, and give up those that cannot be read.

        Raises:
            ImageStoreError, DatabaseError: see `run`.
        """
        started = time.monotonic()
        report = IndexReport()
        with ThreadPoolExecutor(1, thread_name_prefix="decode") as decoder:
            for first in range(0, len(sha256s), self._batch_size):
                names = sha256s[first : first + self._batch_size]
                seen = self._look([decoder.submit(self._decode, name) for name in names])
                self._save(seen)
                report.succeeded += len(seen.rows)
                report.failed += self._give_up(seen.unusable)
        report.elapsed_s = time.monotonic() - started
        return report

    def predict_missing(self) -> int:
        """Give products without a category the one that was seen in their pictures; return how many got one.

        For products whose pictures had features before they came: `run` sees to all others.
        """
        changed = 0
        products = (product for product in self._catalogue.iterate() if product.category is None)
        while batch := list(islice(products, 500)):
            pictures = {p.product_id: p.cover.sha256 for p in batch if p.cover is not None and p.cover.sha256}
            known = self._features.get(list(pictures.values()), self._embedder.embedder_id)
            categories = {
                product_id: known[sha256].attributes.get("category")
                for product_id, sha256 in pictures.items()
                if sha256 in known
            }
            changed += self._predict({key: slug for key, slug in categories.items() if slug})
        return changed

    def _seen(self, selection: Selection) -> Iterator[_Seen]:
        """Yield what was seen batch by batch, in order; one batch more than can be looked at is on its way."""
        with (
            ThreadPoolExecutor(self._workers + 1, thread_name_prefix="decode") as decoders,
            ThreadPoolExecutor(self._workers, thread_name_prefix="look") as lookers,
        ):
            waiting: deque[Future[_Seen]] = deque()
            try:
                for names in self._selected(selection):
                    decoding = [decoders.submit(self._decode, sha256) for sha256 in names]
                    waiting.append(lookers.submit(self._look, decoding))
                    if len(waiting) > self._workers + 1:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def _look(self, decoding: Sequence[Future[_Ready]]) -> _Seen:
        """Wait for a batch to be decoded and look at it."""
        batch = [future.result() for future in decoding]
        good = [(each.sha256, each.image, each.header) for each in batch if each.image and each.header]
        sights = self._embedder.see([image for _, image, _ in good]) if good else []
        rows, facts = [], []
        for (sha256, image, header), sight in zip(good, sights, strict=True):
            rows.append(FeatureRow(sha256, sight.vector, attributes(image, sight)))
            facts.append(facts_of(sha256, header, image, sight))
        return _Seen(rows, facts, [ready for ready in batch if ready.image is None])

    def _selected(self, selection: Selection) -> Iterator[list[str]]:
        """Yield the keys of the pictures to look at, a batch at a time."""
        left = selection.limit
        pending = self._catalogue.pending_pictures(self._embedder.embedder_id, self._batch_size, selection.newly)
        for batch in pending:
            names = [picture.sha256 for picture in batch]
            if selection.categories:
                names = self._of_categories(names, selection.categories)
            names = names[:left]
            if names:
                yield names
            if left is not None:
                left -= len(names)
                if left <= 0:
                    return

    def _of_categories(self, names: list[str], categories: frozenset[str]) -> list[str]:
        """Return the pictures that a product of one of these categories shows."""
        shown = self._catalogue.products_showing(names)
        ids = sorted({product_id for products in shown.values() for product_id in products})
        inside = {p.product_id for p in self._catalogue.get_many(ids) if p is not None and p.category in categories}
        return [name for name in names if inside & set(shown.get(name, ()))]

    def _decode(self, sha256: str) -> _Ready:
        try:
            data = self._images.get(sha256)
            return _Ready(sha256, load(data, self._limits), read_header(data))
        except (ImageError, ImageNotFound) as error:
            return _Ready(sha256, None, reason=str(error))

    def _save(self, batch: _Seen) -> None:
        """Save features, which picture stands for each product, and the category of products that have none."""
        rows = batch.rows
        self._features.put(self._embedder.embedder_id, rows)
        save_facts(self._catalogue, batch.facts)
        seen = {row.picture_sha256: row.attributes["category"] for row in rows if row.attributes["category"]}
        shown = self._catalogue.products_showing(list(seen))
        wanted = sorted({product_id for products in shown.values() for product_id in products})
        categories = {}
        for product in self._catalogue.get_many(wanted):
            if product is None or (product.category is not None and not product.category_predicted):
                continue
            # The picture that is shown stands for the product; any other does until that one has been seen.
            if product.cover is not None and product.cover.sha256 in seen:
                categories[product.product_id] = seen[product.cover.sha256]
            elif product.category is None:
                own = (picture.sha256 for picture in product.pictures if picture.sha256 in seen)
                categories[product.product_id] = seen[next(sha256 for sha256 in own if sha256 is not None)]
        self._predict(categories)

    def _predict(self, categories: dict[str, str]) -> int:
        if not categories:
            return 0
        named = {product_id: (slug, display_name(slug)) for product_id, slug in categories.items()}
        return self._catalogue.set_predicted_categories(named)

    def _give_up(self, ready: Sequence[_Ready]) -> list[Failure]:
        """Mark pictures as failed with their reasons."""
        if not ready:
            return []
        shown = self._catalogue.products_showing([each.sha256 for each in ready])
        for each in ready:
            self._catalogue.mark_failed(each.sha256, each.reason)
        return [Failure(each.sha256, tuple(shown.get(each.sha256, ())), each.reason) for each in ready]


def attributes(image: Image.Image, sight: Sight) -> dict[str, object]:
    """Return what is kept of a picture beside its vector, as JSON.

    Args:
        image: what was seen; the mask in `sight` is of its size.
    """
    box = sight.box
    return {
        "coverage": round(sight.coverage, 4),
        "category": sight.category,
        "probability": round(sight.probability, 4),
        "colours": [colour.to_json() for colour in garment_colours(image, sight.mask)] if sight.found else [],
        "box": None if box is None else [round(value, 4) for value in (box.x, box.y, box.w, box.h)],
    }
