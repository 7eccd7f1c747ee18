"""Compact search for a million vectors and more: one bit per dimension in memory, the exact rows on disk.

PCA turns the vectors so that 256 dimensions carry nearly everything, an inverted file groups them, RaBitQ keeps one bit
per dimension. A query looks into the nearest lists, and the best few hundred by the estimate are scored exactly.

Source: Gao and Long, RaBitQ (SIGMOD 2024); Faiss's IndexIVFRaBitQ.
"""

import itertools
import math
from pathlib import Path
from typing import Any, ClassVar, Self

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
_WIDER = 4  # how many times more lists are searched where too few allowed rows were found


@register("compact")
class CompactIndex:
    """PCA, inverted lists and RaBitQ codes in memory; rows on disk.

    Args:
        parameters: nprobe, rerank, filtered ([share, nprobe] by falling share) and scan_rows, as tuning wrote them.
    """

    kind: ClassVar[str]

    def __init__(self, rows: Rows, index: Any, lists: NDArray[Any], parameters: Parameters) -> None:
        self._rows, self._index, self._lists = rows, index, lists
        self._ivf = faiss.extract_index_ivf(index)
        self._transform = index.chain.at(0)
        flat = self._ivf.quantizer
        self._centroids: NDArray[np.float32] = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d).reshape(
            -1, flat.d
        )
        self._centroid_squares = np.einsum("nd,nd->n", self._centroids, self._centroids)
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

        Few allowed rows are scanned exactly. Otherwise the search is as wide as the filter is tight, and looks only
        into lists that hold an allowed row; where it finds too few, it is widened until it has them.
        """
        if queries.shape[1] != self.dim:
            raise DimensionMismatch(self.dim, queries.shape[1])
        if allowed is not None and allowed.count <= max(self.scan_rows, k):
            scores, rows = self._rows.search(queries, k, allowed)
            return Hits(rows, scores)
        faiss.omp_set_num_threads(1)  # it holds for the calling thread alone
        hits = empty_hits(len(queries), k)
        exist = len(self) if allowed is None else allowed.count
        depth = max(self.rerank, k + k // 4)
        for place in range(len(queries)):
            query = queries[place : place + 1]
            nprobe = self.nprobe if allowed is None else self.nprobe_for(allowed.share)
            while True:
                found = refine(self._rows, query, self.candidates(query, depth, nprobe, allowed)[0], hits, place)
                if found >= min(k, exist) or nprobe >= self.nlist:
                    break
                nprobe = min(self.nlist, nprobe * _WIDER)
        return hits

    def candidates(
        self, queries: NDArray[np.float32], depth: int, nprobe: int, allowed: Allowed | None = None
    ) -> NDArray[np.int64]:
        """Return the rows that seem nearest, best first. Shape: (n, depth), -1 for none."""
        if allowed is None:
            inner = faiss.IVFRaBitQSearchParameters(nprobe=nprobe, qb=_QUERY_BITS)
            parameters = faiss.SearchParametersPreTransform(index_params=inner)
            return self._index.search(queries, depth, params=parameters)[1]
        turned = self._transform.apply(queries)
        distances = self._centroid_squares - 2.0 * (turned @ self._centroids.T)
        distances += np.einsum("nd,nd->n", turned, turned)[:, None]
        distances[:, ~self._occupied(allowed)] = np.inf
        nprobe = min(nprobe, self.nlist)
        nearest = np.argpartition(distances, nprobe - 1, axis=1)[:, :nprobe]
        chosen = np.take_along_axis(distances, nearest, axis=1)
        order = np.argsort(chosen, axis=1)
        nearest, chosen = np.take_along_axis(nearest, order, axis=1), np.take_along_axis(chosen, order, axis=1)
        nearest[np.isinf(chosen)] = -1
        parameters = faiss.IVFRaBitQSearchParameters(nprobe=nprobe, qb=_QUERY_BITS, sel=allowed.selector)
        return self._ivf.search_preassigned(turned, depth, nearest, chosen, params=parameters)[1]

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

    def _occupied(self, allowed: Allowed) -> NDArray[np.bool_]:
        """Return which lists hold an allowed row. Shape: (nlist,)."""
        if allowed.lists is None:
            lists = np.zeros(self.nlist, np.bool_)
            if allowed.count > len(self) // 2:
                lists[:] = True  # nearly all of them do
            else:
                lists[self._lists[allowed.rows]] = True
            allowed.lists = lists
        return allowed.lists

    def memory_bytes(self) -> dict[str, int]:
        """Return the bytes of codes, row numbers, centroids, the turning matrix and the list of each row."""
        return {
            "codes": len(self) * self._ivf.code_size,
            "row numbers": len(self) * 8,
            "centroids": self._centroids.nbytes + self._centroid_squares.nbytes,
            "transform": 4 * self.dim * self._centroids.shape[1],
            "list of each row": self._lists.nbytes,
        }


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
