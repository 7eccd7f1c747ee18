"""Compact search for a million vectors and more: one bit per dimension in memory, the exact rows on disk.

PCA turns the vectors so that 256 dimensions carry nearly everything, an inverted file groups them, RaBitQ keeps one bit
per dimension. A query looks into the nearest lists, and the best few hundred by the estimate are scored exactly.

Source: Gao and Long, RaBitQ (SIGMOD 2024); Faiss's IndexIVFRaBitQ.
"""

import itertools
import math
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from Data.errors import DimensionMismatch, VectorIndexError
from Data.index.allowed import Allowed
from Data.index.base import PAGE_ROWS, BuildOptions, Hits, Parameters, register
from Data.index.native import faiss
from Data.index.refining import empty_hits, refine
from Data.index.rows import Rows
from Data.index.training import add_all, training_sample
from Data.index.words import narrow

SEARCH, LISTS = "search.faiss", "lists.npy"
_QUERY_BITS = 4  # 0, the query as floats, is a hundred times slower
_DIMS = 256
_LEAST = 1000
_FAR = 1.25  # times fewer allowed rows around the query than elsewhere
_MORE, _MOST_MORE = 3.0, 16.0  # then so many times more rows are looked at, for the nearest of them lie widely spread
_NEARLY_ALL = 0.98
FIRST_ROWS = 16
"""Up to so many results are what tuning measures recall on; more of them need more candidates than those do."""

_WIDER = 4  # how many times more lists are searched where too few allowed rows were found


class Plan(NamedTuple):
    """How a query is answered.

    Args:
        scanned: Rows that are scored exactly, all that are allowed; 0 where lists are searched.
        nprobe: Lists to search at least; 0 where rows are scanned.
        depth: The best candidates from the lists that are scored exactly.
    """

    scanned: int
    nprobe: int
    depth: int


@register("compact")
class CompactIndex:
    """PCA, inverted lists and RaBitQ codes in memory; rows on disk.

    Args:
        parameters: nprobe, rerank (candidates scored for up to FIRST_ROWS results), filtered ([share, nprobe] by
            falling share) and scan_rows, as tuning wrote them.
    """

    kind: ClassVar[str]

    def __init__(self, rows: Rows, index: Any, lists: NDArray[Any], parameters: Parameters) -> None:
        self._rows, self._index, self._lists = rows, index, lists
        self._ivf = faiss.extract_index_ivf(index)
        self._transform = index.chain.at(0)
        flat = faiss.downcast_index(self._ivf.quantizer)
        self._centroids: NDArray[np.float32] = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d).reshape(
            -1, flat.d
        )
        self._unfiltered: dict[int, Any] = {}
        self.nprobe: int = parameters["nprobe"]
        self.rerank: int = parameters["rerank"]
        self.scan_rows: int = parameters["scan_rows"]
        self.filtered: list[tuple[float, int]] = [(share, nprobe) for share, nprobe in parameters["filtered"]]

    @classmethod
    def build(cls, rows: Rows, folder: Path, options: BuildOptions) -> Parameters:
        """Train on a sample, add all rows, and tune the search on the catalogue's own vectors.

        Raises:
            VectorIndexError: too few vectors to train on.
        """
        from Data.index.tuning import tune_compact  # it needs this class

        if len(rows) < max(_LEAST, 2 * rows.dim):
            raise VectorIndexError(f"{len(rows)} vectors are too few for a compact index: build it as kind exact.")
        nlist = list_count(len(rows))
        factory = f"PCAR{min(_DIMS, rows.dim // 8 * 8)},IVF{nlist},RaBitQ"
        faiss.omp_set_num_threads(options.threads)
        index = faiss.index_factory(rows.dim, factory, faiss.METRIC_L2)
        ivf = faiss.extract_index_ivf(index)
        ivf.cp.niter, ivf.cp.seed, ivf.cp.max_points_per_centroid = 10, options.seed, 64
        options.progress("train", 0, 1)
        index.train(training_sample(rows, 64 * nlist, options.seed))
        options.progress("train", 1, 1)
        add_all(index, rows, options)
        faiss.write_index(index, str(folder / SEARCH))
        with (folder / LISTS).open("wb") as file:
            np.save(file, narrow(_list_of_each_row(ivf, len(rows))))
        untuned = {"factory": factory, "nprobe": nlist, "rerank": PAGE_ROWS, "scan_rows": 0, "filtered": [[1.0, nlist]]}
        return untuned | tune_compact(cls.open(rows, folder, untuned), rows, options)

    @classmethod
    def open(cls, rows: Rows, folder: Path, parameters: Parameters) -> Self:
        """Map the codes; all processes share them."""
        index = faiss.read_index(str(folder / SEARCH), faiss.IO_FLAG_MMAP_IFC)
        return cls(rows, index, np.load(folder / LISTS, mmap_mode="r"), parameters)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._rows.dim

    @property
    def nlist(self) -> int:
        """Number of inverted lists."""
        return len(self._centroids)

    def __len__(self) -> int:
        return len(self._rows)

    def search(self, queries: NDArray[np.float32], k: int, allowed: Allowed | None = None) -> Hits:
        """Return the k nearest stored vectors of each query; see VectorIndex.search.

        A search of lists looks only into those that hold an allowed row; where it finds too few, it is widened until it
        has them.
        """
        if queries.shape[1] != self.dim:
            raise DimensionMismatch(self.dim, queries.shape[1])
        plan = self.plan(k, allowed)
        if not plan.nprobe:
            scores, rows = self._rows.search(queries, k, allowed)
            return Hits(rows, scores)
        faiss.omp_set_num_threads(1)  # it holds for the calling thread alone
        hits = empty_hits(len(queries), k)
        exist = len(self) if allowed is None else allowed.count
        for place in range(len(queries)):
            query = queries[place : place + 1]
            nprobe = plan.nprobe
            while True:
                found = refine(self._rows, query, self.candidates(query, plan.depth, nprobe, allowed), hits, place)
                if found >= min(k, exist) or nprobe >= self.nlist:
                    break
                nprobe = min(self.nlist, nprobe * _WIDER)
        return hits

    def plan(self, k: int, allowed: Allowed | None = None) -> Plan:
        """Choose by selectivity: few allowed rows are scanned; of more, the fewer, the more lists are searched."""
        if allowed is not None and allowed.count <= max(self.scan_rows, k):
            return Plan(allowed.count, 0, 0)
        if allowed is None:
            return Plan(0, self.nprobe, self.rerank if k <= FIRST_ROWS else self.depth_for(k))
        return Plan(0, self.nprobe_for(allowed.share), self.depth_for(k))

    def depth_for(self, k: int) -> int:
        """Return how many candidates are scored where pages of results, or filtered ones, are wanted."""
        return max(self.rerank, PAGE_ROWS, k + k // 4 if k > PAGE_ROWS else 0)

    def candidates(
        self, query: NDArray[np.float32], depth: int, nprobe: int, allowed: Allowed | None = None
    ) -> NDArray[np.int64]:
        """Return the rows that seem nearest, best first.

        Args:
            query: Unit length. Shape: (1, dim).
            depth: How many; under a filter that the query is far from, twice as many.
            nprobe: Lists to search at least.
        Returns:
            Shape: (depth,) or (2 * depth,), -1 for none.
        """
        if allowed is None:
            parameters = self._unfiltered.get(nprobe)
            if parameters is None:
                inner = faiss.IVFRaBitQSearchParameters(nprobe=nprobe, qb=_QUERY_BITS)
                parameters = self._unfiltered[nprobe] = faiss.SearchParametersPreTransform(index_params=inner)
            return self._index.search(query, depth, params=parameters)[1][0]
        turned = self._transform.apply(query)
        distances = self._centroid_distances(turned)
        lists, far = self._lists_to_search(distances, nprobe, allowed)
        parameters = faiss.IVFRaBitQSearchParameters(nprobe=len(lists), qb=_QUERY_BITS, sel=allowed.selector)
        return _search_lists(self._ivf, turned, 2 * depth if far else depth, lists, distances[lists], parameters)

    def _centroid_distances(self, turned: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the squared distance of a turned query, shape (1, dims), from each centroid. Shape: (nlist,).

        Not by NumPy's product: the threads of its BLAS wait for each other, and where other work has the cores, work of
        20 µs takes several turns of the scheduler: 8 to 100 ms.
        """
        distances = np.empty(self.nlist, np.float32)
        pointer = faiss.swig_ptr
        faiss.fvec_L2sqr_ny(pointer(distances), pointer(turned), pointer(self._centroids), turned.shape[1], self.nlist)
        return distances

    def _lists_to_search(
        self, distances: NDArray[np.float32], nprobe: int, allowed: Allowed
    ) -> tuple[NDArray[np.int64], bool]:
        """Return the nearest lists that hold allowed rows, and whether the query is far from what the filter allows.

        nprobe fits rows that the filter picks here and there. A dress that looks for shoes finds few of them in the
        lists around it, and the nearest shoes are spread widely; so it looks at as many times more as there were too
        few, and at three times that.
        """
        counts = self._allowed_per_list(allowed)
        order = np.argsort(distances)
        around = int(counts[order[:nprobe]].sum())
        order = order[counts[order] > 0]
        expected = allowed.count * nprobe / self.nlist
        lack = expected / max(1, around)
        if lack <= _FAR:
            return order[:nprobe], False
        enough = int(np.searchsorted(np.cumsum(counts[order]), expected * min(_MORE * lack, _MOST_MORE))) + 1
        return order[: max(nprobe, enough)], True

    def nprobe_for(self, share: float) -> int:
        """Return how many lists to search where this share of the rows is allowed: a power law between the measured."""
        table = self.filtered
        if share >= table[0][0]:
            return table[0][1]
        for (high, wide), (low, wider) in itertools.pairwise(table):
            if share >= low:
                slope = math.log(wider / wide) / math.log(high / low)
                return min(self.nlist, math.ceil(wide * (high / share) ** slope))
        return min(self.nlist, math.ceil(table[-1][1] * table[-1][0] / share))

    def _allowed_per_list(self, allowed: Allowed) -> NDArray[np.int64]:
        """Return how many allowed rows each list holds. Shape: (nlist,)."""
        if allowed.per_list is None:
            lists = self._lists if allowed.share > _NEARLY_ALL else self._lists[allowed.rows]
            allowed.per_list = np.bincount(lists, minlength=self.nlist)
        return allowed.per_list

    def memory_bytes(self) -> dict[str, int]:
        """Return the bytes of codes, row numbers, centroids, the turning matrix and the list of each row."""
        return {
            "codes": len(self) * self._ivf.code_size,
            "row numbers": len(self) * 8,
            "centroids": self._centroids.nbytes,
            "transform": 4 * self.dim * self._centroids.shape[1],
            "list of each row": self._lists.nbytes,
        }


def _search_lists(
    ivf: Any,
    query: NDArray[np.float32],
    depth: int,
    lists: NDArray[np.int64],
    distances: NDArray[np.float32],
    parameters: Any,
) -> NDArray[np.int64]:
    """Search chosen lists. Faiss's Python layer takes no parameters here, so this calls the C++ method.

    Args:
        query: Turned. Shape: (1, dims).
        distances: Squared, from the lists' centroids. Shape: both (nprobe,).
    """
    lists = np.ascontiguousarray(lists, np.int64)
    distances = np.ascontiguousarray(distances, np.float32)
    found = np.empty(depth, np.int64)
    estimates = np.empty(depth, np.float32)
    pointer = faiss.swig_ptr
    ivf.search_preassigned_c(
        1,
        pointer(query),
        depth,
        pointer(lists),
        pointer(distances),
        pointer(estimates),
        pointer(found),
        False,
        parameters,
    )
    return found


def list_count(count: int) -> int:
    """Return how many lists to make for this many rows: about twice the square root, and enough rows to train each."""
    return max(1, min(2 ** round(math.log2(2 * math.sqrt(count))), count // 40))


def _list_of_each_row(ivf: Any, count: int) -> NDArray[np.int64]:
    lists = np.zeros(count, np.int64)
    for number in range(ivf.nlist):
        size = ivf.invlists.list_size(number)
        if size:
            lists[faiss.rev_swig_ptr(ivf.invlists.get_ids(number), size)] = number
    return lists
