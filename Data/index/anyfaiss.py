"""Any index that faiss.index_factory can make, for those who want IndexFlatL2, IVFFlat, IVFPQ or HNSW.

What it finds is scored exactly from the rows, so that all kinds give the same cosines.
"""

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from Data.errors import DimensionMismatch, VectorIndexError
from Data.index.allowed import Allowed
from Data.index.base import PAGE_ROWS, BuildOptions, Hits, Parameters, register
from Data.index.measuring import draw_sample, measure_recall
from Data.index.native import faiss
from Data.index.refining import empty_hits, refine
from Data.index.rows import Rows
from Data.index.training import add_all, training_sample

SEARCH = "search.faiss"
_TRAINING_ROWS = 200_000
_SCAN_SECONDS = 4e-3  # exact scans up to here: about 60,000 of a million rows
_SECONDS_PER_ROW, _SECONDS_PER_ALLOWED_ROW = 1.7e-9, 37e-9
_DEEPER = 4


@register("faiss")
class FaissIndex:
    """An index of Faiss, read-only, and the rows."""

    kind: ClassVar[str]

    def __init__(self, rows: Rows, index: Any, effort: int, file_bytes: int) -> None:
        self._rows, self._index, self._effort, self._file_bytes = rows, index, effort, file_bytes
        inner = index
        while hasattr(faiss.downcast_index(inner), "chain"):
            inner = faiss.downcast_index(faiss.downcast_index(inner).index)
        self._inner = faiss.downcast_index(inner)
        self._wrapped = inner is not index

    @classmethod
    def build(cls, rows: Rows, folder: Path, options: BuildOptions) -> Parameters:
        """Make, train and fill the index, and choose how much effort a search takes.

        Raises:
            VectorIndexError: no factory text, or one that Faiss cannot use with these vectors.
        """
        if not options.factory:
            raise VectorIndexError(
                'An index of kind faiss needs a factory text, for example "HNSW32" or "IVF1024,Flat".'
            )
        faiss.omp_set_num_threads(options.threads)
        try:
            index = faiss.index_factory(rows.dim, options.factory, faiss.METRIC_L2)
            options.progress("train", 0, 1)
            if not index.is_trained:
                index.train(training_sample(rows, _TRAINING_ROWS, options.seed))
            options.progress("train", 1, 1)
            add_all(index, rows, options)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise VectorIndexError(
                f"Faiss cannot build {options.factory!r} from {len(rows)} vectors of {rows.dim} dimensions: {reason}"
            ) from error
        faiss.write_index(index, str(folder / SEARCH))
        made = cls.open(rows, folder, {"effort": 0})
        sample = draw_sample(rows, 256, options.seed, options.threads)
        choosing, measuring = sample.part(slice(0, None, 2)), sample.part(slice(1, None, 2))
        options.progress("tune", 0, 1)
        for effort in made.efforts():
            made._effort = effort
            if measure_recall(made, choosing) >= options.recall_target:
                break
        recall = {"recall@10": round(measure_recall(made, measuring), 4), "queries": len(measuring.own)}
        options.progress("tune", 1, 1)
        return {"factory": options.factory, "effort": made._effort, "recall": recall}

    @classmethod
    def open(cls, rows: Rows, folder: Path, parameters: Parameters) -> Self:
        """Map what Faiss can map and load the rest."""
        path = folder / SEARCH
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        return cls(rows, index, parameters["effort"], path.stat().st_size)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._rows.dim

    def __len__(self) -> int:
        return len(self._rows)

    def efforts(self) -> list[int]:
        """Return what to try for nprobe or efSearch, the least first; [0] where the index has neither."""
        if hasattr(self._inner, "nprobe"):
            return [step for step in (1 << power for power in range(17)) if step < self._inner.nlist] + [
                self._inner.nlist
            ]
        if hasattr(self._inner, "hnsw"):
            return [PAGE_ROWS, 256, 384, 512, 768, 1024, 2048]
        return [0]

    def search(self, queries: NDArray[np.float32], k: int, allowed: Allowed | None = None) -> Hits:
        """Return the k nearest stored vectors of each query; see VectorIndex.search.

        Under a filter, an inverted file tests each row's bit; any other kind is searched deeper and its answers are
        sifted, for a graph that is searched by allowed rows alone falls apart. The last resort is the exact scan.
        """
        if queries.shape[1] != self.dim:
            raise DimensionMismatch(self.dim, queries.shape[1])
        if allowed is not None and (allowed.count <= k or self._scan_seconds(allowed) < _SCAN_SECONDS):
            scores, rows = self._rows.search(queries, k, allowed)
            return Hits(rows, scores)
        faiss.omp_set_num_threads(1)  # it holds for the calling thread alone
        hits = empty_hits(len(queries), k)
        exist = len(self) if allowed is None else allowed.count
        for place in range(len(queries)):
            query = queries[place : place + 1]
            found = refine(self._rows, query, self._candidates(query, k, allowed), hits, place)
            if found < min(k, exist):
                scores, rows = self._rows.search(query, k, allowed)
                hits.ids[place], hits.scores[place] = rows[0], scores[0]
        return hits

    def _scan_seconds(self, allowed: Allowed) -> float:
        return len(self) * _SECONDS_PER_ROW + allowed.count * _SECONDS_PER_ALLOWED_ROW

    def _candidates(self, query: NDArray[np.float32], k: int, allowed: Allowed | None) -> NDArray[np.int64]:
        depth = min(len(self), max(PAGE_ROWS, k) * 5 // 4)
        if allowed is None:
            return self._index.search(query, depth, params=self._parameters(depth, None, 1.0))[1][0]
        if hasattr(self._inner, "nprobe"):
            return self._index.search(query, depth, params=self._parameters(depth, allowed, allowed.share))[1][0]
        mask = allowed.mask()
        depth = min(len(self), int(depth / allowed.share) + 1)
        while True:
            found = self._index.search(query, depth, params=self._parameters(depth, None, 1.0))[1][0]
            passing = found[(found >= 0) & mask[found]]
            if len(passing) >= k or depth >= min(len(self), len(self) // _DEEPER):
                return passing
            depth *= _DEEPER

    def _parameters(self, depth: int, allowed: Allowed | None, share: float) -> Any:
        options = {} if allowed is None else {"sel": allowed.selector}
        if hasattr(self._inner, "nprobe"):
            wide = (
                min(self._inner.nlist, int(max(1, self._effort) / share**0.5) + 1)
                if share < 1
                else max(1, self._effort)
            )
            made = faiss.SearchParametersIVF(nprobe=wide, **options)
        elif hasattr(self._inner, "hnsw"):
            made = faiss.SearchParametersHNSW(efSearch=max(self._effort, depth), **options)
        else:
            return None
        return faiss.SearchParametersPreTransform(index_params=made) if self._wrapped else made

    def memory_bytes(self) -> dict[str, int]:
        """Return the size of the index's file, which is what it takes in memory."""
        return {"index": self._file_bytes}
