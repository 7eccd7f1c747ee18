"""Chooses how wide a compact index searches, on the catalogue's own vectors, and measures what it then finds.

One half of a sample of stored vectors chooses, the other half measures. The cheapest pair (lists searched, candidates
scored) that reaches the target is taken, by times measured here.
"""

import bisect
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from Data.index.allowed import Allowed
from Data.index.base import PAGE_ROWS, BuildOptions
from Data.index.compact import CompactIndex
from Data.index.measuring import TOP, Sample, draw_sample, measure_recall
from Data.index.native import faiss
from Data.index.rows import Rows

_QUERIES = 512
_STEPS_MORE = 3
_DEPTHS = (60, 80, 100, 140, 200, 300, 400, 600, 800)
_SHARES = (0.5, 0.2, 0.1, 0.03, 0.01)
_SCAN_AT_LEAST, _SCAN_AT_MOST = 2000, 6000
"""Allowed rows up to which scanning them is quicker than any search of lists, or as quick: 0.2 µs a row."""
_MARGIN = 0.004
"""The recall measured on a sample of queries strays by so much; the choice aims that much higher."""


def tune_compact(index: CompactIndex, rows: Rows, options: BuildOptions) -> dict[str, Any]:
    """Set the index's nprobe, rerank, filtered and scan_rows, and return them with the recall measured."""
    options.progress("tune", 0, 2 + len(_SHARES))
    sample = draw_sample(rows, _QUERIES, options.seed, options.threads)
    choosing, measuring = sample.part(slice(0, None, 2)), sample.part(slice(1, None, 2))
    target = min(options.recall_target + _MARGIN, 1.0)
    curve = _choose(index, rows, choosing, target)
    options.progress("tune", 1, 2 + len(_SHARES))
    shares: dict[str, float] = {}
    index.filtered = [(1.0, index.nprobe)]
    for done, share in enumerate(_SHARES):
        if share * len(rows) < 10 * PAGE_ROWS:
            break
        allowed = Allowed(np.random.default_rng(options.seed + done).random(len(rows)) < share)
        within = draw_sample(rows, 0, 0, options.threads, allowed, choosing.own[::2])
        nprobe = _least_lists(index, within, index.filtered[-1][1], target, allowed)
        index.filtered.append((share, nprobe))
        checked = draw_sample(rows, 0, 0, options.threads, allowed, measuring.own[::2])
        shares[f"{share:g}"] = round(measure_recall(index, checked, allowed), 4)
        options.progress("tune", 2 + done, 2 + len(_SHARES))
    index.scan_rows = max(_SCAN_AT_LEAST, min(len(rows) // 200, _SCAN_AT_MOST))
    recall = {"recall@10": round(measure_recall(index, measuring), 4), "queries": len(measuring.own)}
    options.progress("tune", 2 + len(_SHARES), 2 + len(_SHARES))
    return {
        "nprobe": index.nprobe,
        "rerank": index.rerank,
        "filtered": [list(entry) for entry in index.filtered],
        "scan_rows": index.scan_rows,
        "recall": recall | {"filtered": shares, "curve": curve},
    }


def _choose(index: CompactIndex, rows: Rows, sample: Sample, target: float) -> list[list[float]]:
    """Set the cheapest nprobe and rerank that reach the target; return [nprobe, depth, recall, ms] of all tried.

    The fewest lists that reach it with the greatest depth are found by halving. A few steps more may allow a smaller
    depth, so those are tried as well.
    """
    per_row = _seconds_per_scored_row(rows, sample)
    tried: dict[int, list[tuple[float, float, int, int]]] = {}

    def reaches(nprobe: int) -> bool:
        ranks, seconds = _ranks(index, sample, nprobe, None)
        tried[nprobe] = [(_found(ranks, sample, depth), seconds + per_row * depth, nprobe, depth) for depth in _DEPTHS]
        return tried[nprobe][-1][0] >= target

    steps = _steps(index.nlist)
    least = _first(steps, reaches)
    for nprobe in steps[least + 1 : least + 1 + _STEPS_MORE]:
        reaches(nprobe)
    entries = [entry for nprobe in sorted(tried) for entry in tried[nprobe]]
    good = [entry for entry in entries if entry[0] >= target]
    _, _, index.nprobe, index.rerank = min(good, key=lambda entry: entry[1]) if good else max(entries)
    return [[nprobe, depth, round(recall, 4), round(seconds * 1e3, 3)] for recall, seconds, nprobe, depth in entries]


def _least_lists(index: CompactIndex, sample: Sample, start: int, target: float, allowed: Allowed) -> int:
    """Return the fewest lists, start or more, that reach the target under a filter."""
    steps = [nprobe for nprobe in _steps(index.nlist) if nprobe > start]
    steps.insert(0, start)
    depth = index.depth_for(TOP)
    return steps[_first(steps, lambda n: _found(_ranks(index, sample, n, allowed)[0], sample, depth) >= target)]


def _first(steps: list[int], good: Callable[[int], bool]) -> int:
    """Return the place of the first good step, the last if none is; once good, later ones are good."""
    return min(bisect.bisect_left(steps, True, key=good), len(steps) - 1)


def _ranks(
    index: CompactIndex, sample: Sample, nprobe: int, allowed: Allowed | None
) -> tuple[NDArray[np.int64], float]:
    """Return the place of each true neighbour among the candidates, and the median seconds of finding those.

    Shape: as nearest; the place is past the end for a neighbour that is not among them.
    """
    faiss.omp_set_num_threads(1)  # as in a service, where each query has one; drawing the sample took more
    most = _DEPTHS[-1]
    ranks = np.full(sample.nearest.shape, most, np.int64)
    seconds = np.zeros(len(sample.own))
    for line in range(len(sample.own)):
        begun = time.perf_counter()
        candidates = index.candidates(sample.queries[line : line + 1], most, nprobe, allowed)
        seconds[line] = time.perf_counter() - begun
        order = np.argsort(candidates)
        places = np.minimum(np.searchsorted(candidates[order], sample.nearest[line]), len(order) - 1)
        ranks[line] = np.where(candidates[order[places]] == sample.nearest[line], order[places], most)
    return ranks, float(np.median(seconds))


def _found(ranks: NDArray[np.int64], sample: Sample, depth: int) -> float:
    real = sample.nearest >= 0
    return float((ranks[real] < depth).mean()) if real.any() else 1.0


def _steps(nlist: int) -> list[int]:
    steps = {min(nlist, round(4 * 2 ** (power / 2))) for power in range(2 * 14)}
    return sorted(steps | {nlist} if max(steps) >= nlist else steps)


def _seconds_per_scored_row(rows: Rows, sample: Sample) -> float:
    """Return the least time over some draws, each of other rows, for a query's candidates are seldom in the caches."""
    rng = np.random.default_rng(0)
    times = []
    for line in range(20):
        drawn = np.unique(rng.integers(0, len(rows), 300))
        begun = time.perf_counter()
        rows.score(sample.queries[line % len(sample.own)][None], drawn)
        times.append((time.perf_counter() - begun) / len(drawn))
    return min(times)
