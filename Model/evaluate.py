"""How good a model is on labelled pictures, with an interval, and whether another one is better.

Pure functions over vectors, labels and groups: what made the vectors does not matter, so a network, a baseline and a
competitor are measured by the same lines. Every figure is a mean over queries, so two models are compared query by
query, and the interval comes from drawing whole groups (a sender, a product): pictures of one group are not
independent.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
from PIL import Image

from Model import metrics
from Model.embedder import Embedder
from Model.errors import LabelsInvalid, SplitInvalid
from Model.metrics import Bools, Interval

Vectors = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Words = Sequence[str]

CUTS = (1, 5, 10)
UNKNOWN = ""
CHUNK = 256
"""Queries ranked at a time, so that memory stays flat."""


@dataclass(frozen=True)
class Side:
    """The pictures of one side of a search.

    Args:
        keys: what names each picture, such as its file.
        labels: category slugs, "" where unknown.
        groups: what must not be compared with itself, such as a sender.
        colours: colour words, "" where unknown; empty where no picture has one.
    """

    keys: Words
    labels: Words
    groups: Words
    colours: Words = ()

    def __post_init__(self) -> None:
        """Raise LabelsInvalid where the columns differ in length, or are empty."""
        lengths = {len(self.keys), len(self.labels), len(self.groups), len(self.colours) or len(self.keys)}
        if lengths == {0} or len(lengths) > 1:
            raise LabelsInvalid(f"The columns have {sorted(lengths)} rows: give every picture one row in each.")


@dataclass(frozen=True)
class Truth:
    """What is known about the pictures, the same for every model.

    Args:
        queries: what is asked with.
        gallery: what is searched; may be the same object, then a picture never finds its own group.
        instances: gallery numbers whose strong views are asked with, for the instance recall; empty for none.
    """

    queries: Side
    gallery: Side
    instances: Sequence[int] = ()


@dataclass(frozen=True)
class Run:
    """What one model made of the pictures.

    Args:
        name: of the model, in the report.
        queries, gallery: unit vectors. Shape: (q, dim), (g, dim).
        predicted: each query's most probable category; empty for a model without a classifier.
        confidence: its probability, 0..1; empty likewise.
        views: unit vectors of the strong views, in the order of truth.instances. Shape: (v, dim).
        ious: of masks against the truth, one for each picture that has one.
        ms_per_picture: of making the vectors; None where not measured.
    """

    name: str
    queries: Vectors
    gallery: Vectors
    predicted: Words = ()
    confidence: Sequence[float] = ()
    views: Vectors | None = None
    ious: Sequence[float] = ()
    ms_per_picture: float | None = None


@dataclass(frozen=True)
class Figure:
    """One figure of one model: a value for each query that it is defined for.

    Args:
        values: 0..1 each; their mean is the figure. Shape: (n,).
        groups: of the same queries. Shape: (n,).
        statistic: of values that are row numbers, where the figure is no mean (macro F1).
    """

    values: npt.NDArray[np.float64]
    groups: npt.NDArray[np.str_]
    statistic: Callable[[npt.NDArray[np.float64]], float] | None = None

    def interval(self, rounds: int = 1000, seed: int = 0) -> Interval:
        """Return the figure with its 95 % interval."""
        return metrics.bootstrap(
            self.values, self.groups, rounds if self.statistic is None else 200, seed, self.statistic
        )


Figures = dict[str, Figure]


def figures(truth: Truth, run: Run) -> Figures:
    """Return every figure that can be had from what is known.

    Names: accuracy, macro_f1, category_p@k, category_colour_p@k, map, instance_recall@k, mask_iou.

    Raises:
        SplitInvalid: no query has a picture of another group to find.
        LabelsInvalid: vectors and rows do not match.
    """
    if len(run.queries) != len(truth.queries.keys) or len(run.gallery) != len(truth.gallery.keys):
        raise LabelsInvalid(f"{run.name} has {len(run.queries)} and {len(run.gallery)} vectors: give one per picture.")
    found = {**_classified(truth, run), **_searched(truth, run), **_instances(truth, run)}
    if len(run.ious):
        values = np.asarray(run.ious, dtype=np.float64)
        found["mask_iou"] = Figure(values, np.arange(len(values)).astype(np.str_))
    return found


def difference(first: Figure, second: Figure, rounds: int = 1000, seed: int = 0) -> Interval | None:
    """Return how much larger the first model's figure is, with its 95 % interval; None where it is no mean.

    The two are compared query by query: an interval that holds 0 is noise.
    """
    if first.statistic is not None or second.statistic is not None or len(first.values) != len(second.values):
        return None
    return metrics.bootstrap(first.values - second.values, first.groups, rounds, seed)


def neighbours(truth: Truth, run: Run, k: int = 10) -> list[Ints]:
    """Return each query's k best gallery numbers, none of its own group: fewer where there are no more of others."""
    asking, there = np.asarray(truth.queries.groups), np.asarray(truth.gallery.groups)
    found = (row for _, order in _ranked(truth, run, k) for row in order)
    return [row[there[row] != group] for group, row in zip(asking, found, strict=True)]


def _classified(truth: Truth, run: Run) -> Figures:
    if not len(run.predicted):
        return {}
    labels, groups = np.asarray(truth.queries.labels), np.asarray(truth.queries.groups)
    known = labels != UNKNOWN
    names = sorted(set(labels[known].tolist()) | set(run.predicted))
    number = {name: index for index, name in enumerate(names)}
    answers = np.array([number[name] for name in run.predicted], dtype=np.int64)[known]
    right = np.array([number[name] for name in labels[known].tolist()], dtype=np.int64)
    if not len(right):
        return {}

    def f1(rows: npt.NDArray[np.float64]) -> float:
        picked = rows.astype(np.int64)
        return metrics.macro_f1(right[picked], answers[picked], len(names))

    return {
        "accuracy": Figure((answers == right).astype(np.float64), groups[known]),
        "macro_f1": Figure(np.arange(len(right), dtype=np.float64), groups[known], f1),
    }


def _searched(truth: Truth, run: Run) -> Figures:
    groups = np.asarray(truth.queries.groups)
    by: dict[str, tuple[Words, Words]] = {"category": (truth.queries.labels, truth.gallery.labels)}
    if len(truth.queries.colours) and len(truth.gallery.colours):
        by["category_colour"] = (
            _joined(truth.queries.labels, truth.queries.colours),
            _joined(truth.gallery.labels, truth.gallery.colours),
        )
    values: dict[str, list[npt.NDArray[np.float64]]] = {}
    for rows, order in _ranked(truth, run, len(run.gallery)):
        for name, (asked, there) in by.items():
            relevant = _relevant(np.asarray(asked)[rows], groups[rows], there, truth.gallery.groups)
            usable = relevant.any(axis=1)
            for k in CUTS:
                share = metrics.precision_at_k(relevant, order, k)
                values.setdefault(f"{name}_p@{k}", []).append(np.where(usable, share, np.nan))
            if name == "category":
                values.setdefault("map", []).append(metrics.average_precision(relevant, order))
    found = {}
    for name, parts in values.items():
        joined = np.concatenate(parts)
        known = ~np.isnan(joined)
        if known.any():
            found[name] = Figure(joined[known], groups[known])
    if not found:
        raise SplitInvalid("No query has a picture of its category in another group: add pictures, or mend the groups.")
    return found


def _instances(truth: Truth, run: Run) -> Figures:
    if run.views is None or not len(truth.instances):
        return {}
    if len(run.views) != len(truth.instances):
        raise LabelsInvalid(
            f"{run.name} has {len(run.views)} views for {len(truth.instances)} instances: give one each."
        )
    own = np.asarray(truth.instances, dtype=np.int64)
    groups = np.asarray(truth.gallery.groups)[own]
    rank = np.concatenate(
        [
            # How many others are at least as near as the own picture: ties count against the model.
            (scores >= np.take_along_axis(scores, own[start : start + CHUNK, None], axis=1)).sum(axis=1)
            for start in range(0, len(own), CHUNK)
            for scores in [metrics.cosine_scores(run.views[start : start + CHUNK], run.gallery)]
        ]
    )
    return {f"instance_recall@{k}": Figure((rank <= k).astype(np.float64), groups) for k in (1, 5)}


def _ranked(truth: Truth, run: Run, k: int) -> Iterable[tuple[slice, Ints]]:
    """Yield the rows of each chunk of queries and their rankings, pictures of the own group last."""
    groups = np.asarray(truth.queries.groups)
    for start in range(0, len(run.queries), CHUNK):
        rows = slice(start, start + CHUNK)
        scores = metrics.cosine_scores(run.queries[rows], run.gallery)
        yield rows, metrics.ranking(scores, metrics.different_groups(groups[rows], truth.gallery.groups), k)


def _relevant(asked: npt.NDArray[np.str_], groups: npt.NDArray[np.str_], there: Words, there_groups: Words) -> Bools:
    same = (asked[:, None] == np.asarray(there)[None, :]) & (asked != UNKNOWN)[:, None]
    relevant: Bools = same & metrics.different_groups(groups, there_groups)
    return relevant


def _joined(labels: Words, colours: Words) -> list[str]:
    return [f"{a}|{b}" if a and b else UNKNOWN for a, b in zip(labels, colours, strict=True)]


@dataclass(frozen=True)
class Looked:
    """What an embedder made of a stream of pictures, and what it cost."""

    vectors: Vectors
    predicted: list[str]
    confidence: list[float]
    ms_per_picture: float


def look(
    embedder: Embedder, images: Iterable[Image.Image], batch: int = 8, progress: Callable[[int], None] | None = None
) -> Looked:
    """Embed and classify a stream of pictures, as the service would.

    Args:
        images: upright RGB; read as they are needed.
        batch: pictures at a time.
        progress: called with the number of pictures done after each batch.
    """
    stream = iter(images)
    vectors: list[Vectors] = []
    predicted: list[str] = []
    confidence: list[float] = []
    seconds = 0.0
    while part := list(islice(stream, batch)):
        start = time.perf_counter()
        sights = embedder.see(part)
        seconds += time.perf_counter() - start
        vectors += [sight.vector[None] for sight in sights]
        for sight in sights:
            best = max(sight.probabilities, key=sight.probabilities.__getitem__, default=UNKNOWN)
            predicted.append(best)
            confidence.append(sight.probability)
        if progress is not None:
            progress(len(vectors))
    joined = np.concatenate(vectors) if vectors else np.zeros((0, embedder.dim), dtype=np.float32)
    return Looked(joined, predicted, confidence, 1000 * seconds / max(len(joined), 1))


def peak_memory_mb() -> float:
    """Return the largest amount of memory that this process ever held, in MB, all its models together."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
