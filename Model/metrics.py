"""Measures of a classifier and of a search, in NumPy: what `similook evaluate` and the training report alike.

Labels are integers; -1 means "not known" and such rows must be left out by the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32] | npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def accuracy(truth: Ints, predicted: Ints) -> float:
    """Return the share of right answers, 0..1. Shape: (n,), (n,)."""
    return float(np.mean(truth == predicted))


def confusion_matrix(truth: Ints, predicted: Ints, classes: int) -> Ints:
    """Return counts; row: the truth, column: the prediction. Shape: (n,), (n,) -> (classes, classes)."""
    flat = np.bincount(truth * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def class_f1(matrix: Ints) -> npt.NDArray[np.float64]:
    """Return each class's F1 from a confusion matrix; NaN for a class that occurs on neither side.

    Shape: (classes, classes) -> (classes,).
    """
    hits = np.diag(matrix).astype(np.float64)
    total = matrix.sum(axis=0) + matrix.sum(axis=1)
    return np.divide(2 * hits, total, out=np.full(len(matrix), np.nan), where=total > 0)


def macro_f1(truth: Ints, predicted: Ints, classes: int) -> float:
    """Return the mean F1 of the classes that occur in the truth or the predictions, 0..1."""
    return float(np.nanmean(class_f1(confusion_matrix(truth, predicted, classes))))


def balanced_accuracy(truth: Ints, predicted: Ints) -> float:
    """Return the mean over the classes of the share of their pictures that were recognised, 0..1."""
    return float(np.mean([np.mean(predicted[truth == label] == label) for label in np.unique(truth)]))


def expected_calibration_error(probabilities: Floats, truth: Ints, bins: int = 15) -> float:
    """Return the mean gap between stated and reached accuracy of the first answer, weighted by bin size, 0..1.

    Args:
        probabilities: rows sum to 1. Shape: (n, classes).
        bins: of equal width over 0..1.
    Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    bin_of = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gaps = [abs(right[bin_of == b].mean() - confidence[bin_of == b].mean()) * np.mean(bin_of == b) for b in set(bin_of)]
    return float(np.sum(gaps))


def cosine_scores(queries: Floats, gallery: Floats) -> npt.NDArray[np.float32]:
    """Return the cosine of every pair of unit vectors. Shape: (q, dim), (g, dim) -> (q, g)."""
    scores: npt.NDArray[np.float32] = queries.astype(np.float32) @ gallery.astype(np.float32).T
    return scores


def different_groups(query_groups: npt.ArrayLike, gallery_groups: npt.ArrayLike) -> Bools:
    """Return which pairs may be compared: those of different groups. Shape: (q,), (g,) -> (q, g)."""
    allowed: Bools = np.asarray(query_groups)[:, None] != np.asarray(gallery_groups)[None, :]
    return allowed


def ranking(scores: Floats, allowed: Bools | None = None, k: int | None = None) -> Ints:
    """Return gallery indices, best first; pairs not allowed come last. Shape: (q, g) -> (q, k)."""
    kept = scores if allowed is None else np.where(allowed, scores, -np.inf)
    order: Ints = np.argsort(-kept, axis=1, kind="stable")[:, :k]
    return order


def precision_at_k(relevant: Bools, order: Ints, k: int) -> npt.NDArray[np.float64]:
    """Return each query's share of relevant results among its first k, 0..1.

    Args:
        relevant: whether a gallery item is a right answer to a query. Shape: (q, g).
        order: gallery indices, best first. Shape: (q, >= k).
    """
    share: npt.NDArray[np.float64] = np.take_along_axis(relevant, order[:, :k], axis=1).mean(axis=1)
    return share


def recall_at_k(relevant: Bools, order: Ints, k: int) -> npt.NDArray[np.float64]:
    """Return for each query 1.0 if a relevant item is among the first k, else 0.0. Shapes as in `precision_at_k`."""
    found: npt.NDArray[np.bool_] = np.any(np.take_along_axis(relevant, order[:, :k], axis=1), axis=1)
    return found.astype(np.float64)


def average_precision(relevant: Bools, order: Ints) -> npt.NDArray[np.float64]:
    """Return each query's average precision over the whole ranking, 0..1; NaN where nothing is relevant.

    Args:
        relevant: only pairs that may be compared may be True. Shape: (q, g).
        order: a full ranking. Shape: (q, g).
    """
    hits = np.take_along_axis(relevant, order, axis=1)
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    total = hits.sum(axis=1)
    return np.divide((precision * hits).sum(axis=1), total, out=np.full(len(hits), np.nan), where=total > 0)


def mean_average_precision(relevant: Bools, order: Ints) -> float:
    """Return the mean average precision of the queries that have a relevant item, 0..1."""
    return float(np.nanmean(average_precision(relevant, order)))


def neighbour_agreement(first: Ints, second: Ints) -> float:
    """Return the mean share of common neighbours of two rankings cut at the same k, 0..1. Shape: (q, k), (q, k)."""
    common = [len(np.intersect1d(one, other)) / len(one) for one, other in zip(first, second, strict=True)]
    return float(np.mean(common))


@dataclass(frozen=True)
class Interval:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


def bootstrap(
    values: Floats,
    groups: npt.ArrayLike,
    rounds: int = 1000,
    seed: int = 0,
    statistic: Callable[[npt.NDArray[np.float64]], float] | None = None,
) -> Interval:
    """Return the mean of `values` with a 95 % interval by drawing whole groups with replacement.

    Args:
        values: one per picture; may be a difference of two models on it. Shape: (n,).
        groups: what the pictures of one group share (a sender, a product), so they are not independent. Shape: (n,).
        rounds: number of draws.
        statistic: of the values drawn; None for the mean, which is much faster.
    Source: Efron and Tibshirani 1993, the percentile interval of the cluster bootstrap.
    """
    measured = np.asarray(values, dtype=np.float64)
    _, group_of = np.unique(np.asarray(groups), return_inverse=True)
    count = int(group_of.max()) + 1
    random = np.random.default_rng(seed)
    draws = random.integers(0, count, size=(rounds, count))
    if statistic is None:
        sums = np.bincount(group_of, weights=measured, minlength=count)
        sizes = np.bincount(group_of, minlength=count)
        figures = sums[draws].sum(axis=1) / sizes[draws].sum(axis=1)
        value = float(measured.mean())
    else:
        members = [np.flatnonzero(group_of == group) for group in range(count)]
        figures = np.array([statistic(measured[np.concatenate([members[g] for g in draw])]) for draw in draws])
        value = statistic(measured)
    low, high = np.percentile(figures, [2.5, 97.5])
    return Interval(value, float(low), float(high))
