"""The second step of approximate search: the candidates' exact cosines, from the rows on disk."""

import numpy as np
from numpy.typing import NDArray

from Data.index.base import Hits
from Data.index.rows import Rows


def empty_hits(queries: int, k: int) -> Hits:
    """Return hits that hold nothing yet."""
    return Hits(np.full((queries, k), -1, np.int64), np.full((queries, k), -1.0, np.float32))


def refine(rows: Rows, query: NDArray[np.float32], candidates: NDArray[np.int64], hits: Hits, place: int) -> int:
    """Write the best of the candidates of one query into its line of hits, and return how many there are.

    Args:
        query: Unit length. Shape: (1, dim).
        candidates: Row numbers, -1 for none.
        place: The line.
    """
    real = candidates[candidates >= 0]
    if not len(real):
        return 0
    scores, best = rows.score(query, real)
    found = min(len(best), hits.ids.shape[1])
    hits.ids[place, :found], hits.scores[place, :found] = best[:found], scores[:found]
    return found
