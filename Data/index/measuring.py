"""What exact search finds for a sample of the stored vectors, and how much of it an index finds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from Data.index.allowed import Allowed
from Data.index.base import VectorIndex
from Data.index.rows import Rows

TOP = 10
_TIED = 1e-5


@dataclass(frozen=True)
class Sample:
    """Stored vectors used as queries, each looking for its neighbours but not for itself.

    Shape: own (n,) int64, their row numbers; queries (n, dim) float32; nearest (n, TOP) int64; scores (n, TOP) float32.
    """

    own: NDArray[np.int64]
    queries: NDArray[np.float32]
    nearest: NDArray[np.int64]
    scores: NDArray[np.float32]

    def part(self, chosen: slice) -> "Sample":
        """Return some of the queries."""
        return Sample(self.own[chosen], self.queries[chosen], self.nearest[chosen], self.scores[chosen])


def draw_sample(
    rows: Rows,
    count: int,
    seed: int,
    threads: int = 1,
    allowed: Allowed | None = None,
    own: NDArray[np.int64] | None = None,
) -> Sample:
    """Draw stored vectors at random and find their neighbours exactly.

    Args:
        count: Number of queries; own, if given, are the rows to take instead.
        allowed: The rows that may be found.
    """
    if own is None:
        own = np.sort(np.random.default_rng(seed).choice(len(rows), min(count, len(rows)), replace=False))
    queries = rows.gather(own).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    scores, nearest = rows.search(queries, TOP + 1, allowed, threads)
    # Drop the query itself, or the last one where it is not among them (not allowed, or hidden by duplicates).
    drop = nearest == own[:, None]
    drop[~drop.any(axis=1), TOP] = True
    return Sample(own, queries, nearest[~drop].reshape(-1, TOP), scores[~drop].reshape(-1, TOP))


def measure_recall(index: VectorIndex, sample: Sample, allowed: Allowed | None = None) -> float:
    """Return recall@10: the part of the true ten that the index finds, ties counting as found; 1 if there are none."""
    hits = index.search(sample.queries, TOP + 1, allowed)
    others = (hits.ids != sample.own[:, None]) & (hits.ids >= 0)
    real = sample.nearest >= 0
    worst = np.where(real, sample.scores, np.inf).min(axis=1)
    good = (others & (hits.scores >= worst[:, None] - _TIED)).sum(axis=1)
    wanted = real.sum(axis=1)
    return float(np.minimum(good, wanted).sum() / wanted.sum()) if wanted.any() else 1.0
