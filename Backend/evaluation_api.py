"""The main job measured as a caller meets it: a set imported, indexed and searched through the HTTP API.

The pictures of a split that no training step saw are the queries, all others the catalogue; in clothing-dataset the
split is by sender, so nobody's own photos answer. The colour histogram is asked the same in the same run.
"""

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import requests

from Backend.errors import NothingLabelled, PathUnusable
from Backend.indexing import Indexing
from Backend.services import open_catalogue, open_images
from Backend.settings import Settings
from Data.importers import ImportedRow, Importer, run_import
from Data.product import RowProblem
from Model.baselines import colour_histograms
from Model.metrics import Interval, bootstrap
from Model.preprocess import load, shrink

CUTS = (1, 5, 10)
HISTOGRAM_SIDE = 160
TIMEOUT_S = 60

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Photo:
    """A labelled photo."""

    product_id: str
    label: str
    data: bytes


@dataclass(frozen=True)
class ApiFigures:
    """What was measured.

    Args:
        catalogue, queries: numbers of photos.
        shares: figure to share with its 95 % interval, 0..1.
        latency_ms: percentile to milliseconds, of one request after the other.
    """

    catalogue: int
    queries: int
    shares: dict[str, Interval]
    latency_ms: dict[str, float]

    def to_markdown(self) -> str:
        """Return a table."""
        lines = ["| figure | value (95 % interval) |", "|---|---|"]
        for name, share in self.shares.items():
            lines.append(f"| {name} | {share.value:.1%} ({share.low:.1%} to {share.high:.1%}) |")
        lines += [f"| {name} | {value:.0f} ms |" for name, value in self.latency_ms.items()]
        return "\n".join(lines)


class Without:
    """A source without some of its products."""

    def __init__(self, source: Importer, left_out: frozenset[str]) -> None:
        self._source = source
        self._left_out = left_out

    @property
    def total(self) -> int | None:
        """The source's number of rows, None where that is not known."""
        return self._source.total

    def rows(self) -> Iterator[ImportedRow | RowProblem]:
        """Yield the rows of the products that stay."""
        for row in self._source.rows():
            if isinstance(row, RowProblem) or row.values["product_id"] not in self._left_out:
                yield row

    def read(self, file: str) -> bytes:
        """Return a picture's bytes."""
        return self._source.read(file)

    def fingerprint(self, file: str) -> str | None:
        """Return what changes when a picture does."""
        return self._source.fingerprint(file)


def read_split(path: Path) -> frozenset[str]:
    """Return the ids in the column `image` of a split's CSV.

    Raises:
        PathUnusable: it cannot be read, or has no such column.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return frozenset(row["image"] for row in csv.DictReader(file) if row["image"])
    except (OSError, UnicodeDecodeError, KeyError, csv.Error) as error:
        raise PathUnusable(f"The split {path} cannot be read ({error}): give a CSV with the column image.") from error


def fill(settings: Settings, source: Importer, held_out: frozenset[str]) -> None:
    """Import the catalogue side of a source and index it, as `similook import` and `similook index` do."""
    with open_catalogue(settings) as catalogue:
        catalogue.migrate()
        run_import(Without(source, held_out), catalogue, open_images(settings), "evaluation")
    with Indexing.open(settings) as work:
        work.run()
        if work.is_due():
            work.build()


def ask(
    base_url: str,
    settings: Settings,
    source: Importer,
    held_out: frozenset[str],
    limit: int | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> ApiFigures:
    """Send the held-out photos to a running service and measure the answers.

    Args:
        base_url: of the service over the catalogue that `fill` made.
        settings: of the same.
        source: holds the photos.
        held_out: product ids of the queries.
        limit: at most so many of them.
        progress: called with (stage, done, total).
    Raises:
        NothingLabelled: none of them has a category.
    """
    queries = list(_photos(source, held_out))[:limit]
    if not queries:
        raise NothingLabelled
    hits: dict[str, list[float]] = {f"category P@{k}": [] for k in CUTS}
    right, waits = [], []
    with requests.Session() as session:
        for number, photo in enumerate(queries, 1):
            started = time.perf_counter()
            answer = session.post(
                f"{base_url}/api/recommendations/similar-images",
                files={"file": photo.data},
                data={"limit": max(CUTS)},
                timeout=TIMEOUT_S,
            )
            waits.append(1000 * (time.perf_counter() - started))
            answer.raise_for_status()
            found = [product["category_slug"] for product in answer.json()["similar_products"]]
            seen = session.post(f"{base_url}/api/classify", files={"file": photo.data}, timeout=TIMEOUT_S)
            seen.raise_for_status()
            right.append(float(seen.json()["probabilities"][0]["slug"] == photo.label))
            for k in CUTS:
                hits[f"category P@{k}"].append(_share(found[:k], photo.label, k))
            progress("service", number, len(queries))
    for name, values in _histogram(settings, queries, progress).items():
        hits[f"colour histogram, {name}"] = values
    groups = np.arange(len(queries)).astype(np.str_)
    shares = {name: bootstrap(np.asarray(values), groups) for name, values in {"accuracy": right, **hits}.items()}
    with open_catalogue(settings) as catalogue:
        count = catalogue.count()
    latency = {f"p{percent}": float(np.percentile(waits, percent)) for percent in (50, 95)}
    return ApiFigures(count, len(queries), shares, latency)


def _photos(source: Importer, held_out: frozenset[str]) -> Iterator[Photo]:
    for row in source.rows():
        if isinstance(row, RowProblem) or row.values["product_id"] not in held_out:
            continue
        label = row.values.get("category")
        if label and row.files:
            yield Photo(str(row.values["product_id"]), str(label), source.read(row.files[0]))


def _histogram(settings: Settings, queries: Sequence[Photo], progress: Progress) -> dict[str, list[float]]:
    """Ask the colour histogram of the whole pictures the same."""
    labels, rows = [], []
    images = open_images(settings)
    with open_catalogue(settings) as catalogue:
        total = catalogue.count()
        for product in catalogue.iterate():
            if product.cover is not None and product.cover.sha256 is not None:
                labels.append(product.category or "")
                rows.append(_histogram_of(images.get(product.cover.sha256)))
                progress("histogram", len(rows), total)
    gallery, names = np.concatenate(rows), np.asarray(labels)
    values: dict[str, list[float]] = {f"category P@{k}": [] for k in CUTS}
    for photo in queries:
        order = np.argsort(-(gallery @ _histogram_of(photo.data)[0]), kind="stable")[: max(CUTS)]
        for k in CUTS:
            values[f"category P@{k}"].append(_share(names[order[:k]].tolist(), photo.label, k))
    return values


def _histogram_of(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return colour_histograms([shrink(load(data), HISTOGRAM_SIDE)])


def _share(found: Sequence[str | None], label: str, k: int) -> float:
    return sum(slug == label for slug in found) / k
