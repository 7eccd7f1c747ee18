"""What is compared: this project's kinds of index, and the well-known graph indexes with all vectors in memory."""

import bisect
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hnswlib
import numpy as np
import usearch.index
from numpy.typing import NDArray

from Data.index.base import VectorIndex
from Data.index.native import faiss
from Data.index.rows import Rows

TOP = 10
EFFORTS = sorted({round(TOP * 1.08**power) for power in range(70)})
BLOCK = 25


@dataclass
class Contender:
    """Something that finds the nearest ten.

    Args:
        find: From a query, shape (1, dim), to row numbers, best first.
        set_effort: Sets how hard it looks (efSearch and the like); None where it sets itself.
        memory_bytes: What it keeps in memory: codes, links, vectors, centroids.
    """

    name: str
    find: Callable[[NDArray[np.float32]], NDArray[np.int64]]
    memory_bytes: int
    build_s: float
    set_effort: Callable[[int], None] | None = None
    parameters: str = ""

    def recall(self, queries: NDArray[np.float32], rows: Rows, worst: NDArray[np.float32]) -> float:
        """Return recall@10: the part of what was found that is as near as the true tenth.

        Args:
            worst: Cosine of each query's true tenth. Shape: (n,).
        """
        good = 0
        for query, least in zip(queries, worst.tolist(), strict=True):
            found = np.unique(self.find(query[None]))
            scores, _ = rows.score(query[None], found[found >= 0])
            good += min(TOP, int((scores >= least - 1e-5).sum()))
        return good / (TOP * len(queries))

    def match(self, target: float, queries: NDArray[np.float32], rows: Rows, worst: NDArray[np.float32]) -> None:
        """Set the least effort whose recall on these queries is not below the target; efforts lie 8 % apart."""
        set_effort = self.set_effort
        if set_effort is None:
            return

        def reaches(effort: int) -> bool:
            set_effort(effort)
            return self.recall(queries, rows, worst) >= target

        effort = EFFORTS[min(bisect.bisect_left(EFFORTS, True, key=reaches), len(EFFORTS) - 1)]
        set_effort(effort)
        self.parameters = f"ef {effort}"


def ours(name: str, index: VectorIndex, extra_bytes: int, build_s: float, parameters: str) -> Contender:
    """Return one of this project's indexes.

    Args:
        extra_bytes: Of the filter columns.
    """
    return Contender(
        name,
        lambda query: index.search(query, TOP).ids[0],
        sum(index.memory_bytes().values()) + extra_bytes,
        build_s,
        parameters=parameters,
    )


def _timed_blocks(rows: Rows, add: Callable[[NDArray[np.float32], int], None]) -> float:
    begun = time.perf_counter()
    for start, block in rows.blocks():
        add(block, start)
        if start % 163_840 == 0:
            print(f"  added {start + len(block)} of {len(rows)} in {time.perf_counter() - begun:.0f} s", flush=True)
    return time.perf_counter() - begun


def faiss_hnsw(rows: Rows, threads: int, folder: Path) -> Contender:
    """Return Faiss's HNSW32 over float32 vectors, efConstruction 40 as it comes; the folder keeps it."""
    kept, seconds = folder / "hnsw.faiss", folder / "hnsw.seconds"
    if seconds.is_file():
        index = faiss.read_index(str(kept))
        build_s = float(seconds.read_text(encoding="utf-8"))
    else:
        faiss.omp_set_num_threads(threads)
        index = faiss.IndexHNSWFlat(rows.dim, 32, faiss.METRIC_INNER_PRODUCT)
        build_s = _timed_blocks(rows, lambda block, start: index.add(block))
        faiss.write_index(index, str(kept))
        seconds.write_text(str(build_s), encoding="utf-8")

    def set_effort(effort: int) -> None:
        index.hnsw.efSearch = effort

    def find(query: NDArray[np.float32]) -> NDArray[np.int64]:
        faiss.omp_set_num_threads(1)
        return index.search(query, TOP)[1][0]

    links = 4 * index.hnsw.neighbors.size() + 8 * index.hnsw.offsets.size()
    return Contender("faiss HNSW32", find, 4 * rows.dim * len(rows) + links, build_s, set_effort)


def hnswlib_graph(rows: Rows, threads: int, folder: Path) -> Contender:
    """Return hnswlib with as many links and as much effort in building."""
    index = hnswlib.Index("ip", rows.dim)
    index.init_index(len(rows), M=32, ef_construction=40)

    def add(block: NDArray[np.float32], start: int) -> None:
        index.add_items(block, np.arange(start, start + len(block)), num_threads=threads)

    build_s = _timed_blocks(rows, add)

    def find(query: NDArray[np.float32]) -> NDArray[np.int64]:
        return index.knn_query(query, TOP, num_threads=1)[0][0].astype(np.int64)

    size = len(rows) * (4 * rows.dim + 4 * 64 + 16)
    return Contender("hnswlib", find, size, build_s, lambda effort: index.set_ef(max(effort, TOP)))


def usearch_graph(rows: Rows, threads: int, folder: Path) -> Contender:
    """Return usearch over float16 vectors, its usual way of halving them."""
    index: Any = usearch.index.Index(
        ndim=rows.dim, metric="ip", dtype="f16", connectivity=32, expansion_add=40, expansion_search=64
    )

    def add(block: NDArray[np.float32], start: int) -> None:
        index.add(np.arange(start, start + len(block)), block, threads=threads)

    build_s = _timed_blocks(rows, add)

    def set_effort(effort: int) -> None:
        index.expansion_search = effort

    def find(query: NDArray[np.float32]) -> NDArray[np.int64]:
        return np.asarray(index.search(query[0], TOP, threads=1).keys, np.int64)

    return Contender("usearch", find, int(index.memory_usage), build_s, set_effort)


def race(
    contenders: list[Contender], queries: NDArray[np.float32], rounds: int = 3
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Time single queries. The contenders take turns of BLOCK queries, so that what else the machine does meets them
    alike, and each finds the caches as it left them, not as the exact scan of all vectors did.

    Yields:
        (name, milliseconds of each query: the least of the rounds). Shape: (n,).
    """
    times = np.full((rounds, len(contenders), len(queries)), np.inf)
    for contender in contenders:
        for query in queries[:20]:
            contender.find(query[None])
    for turn in range(rounds):
        for start in range(0, len(queries), BLOCK):
            for number, contender in enumerate(contenders):
                contender.find(queries[start - 1][None])  # untimed
                for place, query in enumerate(queries[start : start + BLOCK], start):
                    begun = time.perf_counter()
                    contender.find(query[None])
                    times[turn, number, place] = time.perf_counter() - begun
    for number, contender in enumerate(contenders):
        yield contender.name, 1e3 * times[:, number].min(axis=0)
