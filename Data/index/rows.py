"""The vectors of a generation or of a delta: fp16, in row order, in memory or mapped from a file.

The file is one that Faiss reads: the header of an fp16 scalar quantizer, then the rows. So Faiss searches the mapped
file exactly with its vector instructions (40 ns a row where NumPy's conversion takes 1000), and the rows stand at a
known place for those who read single ones.
"""

import os
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from Data.errors import DimensionMismatch, IndexCorrupt
from Data.index.allowed import Allowed
from Data.index.native import faiss

_COUNT_AT = 8  # the header's 64-bit row count; its last 8 bytes hold the length of the rows in bytes
_GATHER_SHARE = 5e-3  # below it, reading the allowed rows one by one beats testing every row's bit
_TRIES = 8
_GAP_BYTES = 32_768  # rows that lie closer are asked for at once: a call to the system costs as much as reading this
_KEPT_ROWS = 512
_kept = threading.local()  # .index: see _filled
_CAN_ASK = hasattr(os, "RWF_NOWAIT") and hasattr(os, "posix_fadvise")  # Linux; elsewhere the mapping has to do


def _empty(dim: int) -> Any:
    return faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)


def _filled(vectors: NDArray[np.float16]) -> Any:
    """Return an index of some vectors, in order; this thread's next call may fill it anew.

    Making an index takes as long as searching a few hundred rows, so each thread keeps one for as many.

    Args:
        vectors: One or more. Shape: (m, dim).
    """
    if len(vectors) > _KEPT_ROWS:
        index = _empty(vectors.shape[1])
    else:
        index = getattr(_kept, "index", None)
        if index is None or index.d != vectors.shape[1]:
            index = _kept.index = _empty(vectors.shape[1])
        index.reset()
    index.add_sa_codes(np.ascontiguousarray(vectors).view(np.uint8))
    return index


def rows_header(dim: int, count: int) -> bytes:
    """Return what stands before the rows in a file of this many; its length depends on neither."""
    header = bytearray(faiss.serialize_index(_empty(dim)).tobytes())
    header[_COUNT_AT : _COUNT_AT + 8] = count.to_bytes(8, "little")
    header[-8:] = (count * dim * 2).to_bytes(8, "little")
    return bytes(header)


class RowsWriter:
    """Writes a file of rows batch by batch; as a context manager it is complete at the end."""

    def __init__(self, path: Path, dim: int) -> None:
        self.dim = dim
        self.count = 0
        self._file = path.open("wb")
        self._file.write(rows_header(dim, 0))

    def add(self, vectors: NDArray[np.float16]) -> None:
        """Append rows. Shape: (n, dim)."""
        self._file.write(np.ascontiguousarray(vectors).data)
        self.count += len(vectors)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if kind is None:
                self._file.seek(0)
                self._file.write(rows_header(self.dim, self.count))


class Rows:
    """fp16 vectors that can be searched exactly, scored, and read.

    Made by in_memory or by open.
    """

    def __init__(self, index: Any, file: int | None, header_bytes: int) -> None:
        self._index = index
        self._file = file
        self._header_bytes = header_bytes
        self.dim: int = index.d
        self._row_bytes = 2 * self.dim
        self._bytes = self._view()  # as bytes, for the file's header leaves its numbers unaligned

    @classmethod
    def in_memory(cls, vectors: NDArray[np.float16]) -> Self:
        """Hold a copy of the vectors. Shape: (n, dim)."""
        index = _empty(vectors.shape[1])
        if len(vectors):
            index.add_sa_codes(np.ascontiguousarray(vectors).view(np.uint8))
        return cls(index, None, 0)

    @classmethod
    def open(cls, path: Path, dim: int, count: int) -> Self:
        """Map a file of rows.

        Raises:
            IndexCorrupt: it is not a file of this many rows of this length.
        """
        header = rows_header(dim, count)
        file = os.open(path, os.O_RDONLY)
        try:
            if os.fstat(file).st_size != len(header) + count * dim * 2 or os.pread(file, len(header), 0) != header:
                raise IndexCorrupt(f"{path.name} is not a file of {count} rows: run `similook index --rebuild`.")
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except BaseException:
            os.close(file)
            raise
        rows = cls(index, file, len(header))
        weakref.finalize(rows, os.close, file)
        return rows

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def _view(self) -> NDArray[np.uint8]:
        if not len(self):
            return np.empty((0, self._row_bytes), np.uint8)
        codes: NDArray[np.uint8] = faiss.rev_swig_ptr(self._index.codes.data(), len(self) * self._row_bytes)
        return codes.reshape(len(self), self._row_bytes)

    @property
    def vectors(self) -> NDArray[np.float16]:
        """All rows, not copied; valid as long as self. Shape: (n, dim)."""
        return self._bytes.view(np.float16)

    def blocks(self, size: int = 16_384) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield (first row, rows as float32) over all rows."""
        for start in range(0, len(self), size):
            yield start, self.vectors[start : start + size].astype(np.float32)

    def search(
        self, queries: NDArray[np.float32], k: int, allowed: Allowed | None = None, threads: int = 1
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the exact k nearest rows of each query.

        Args:
            queries: Unit length. Shape: (n, dim).
            threads: OpenMP threads; a service answers many queries at once and takes one for each.
        Returns:
            Cosines and row numbers, both (n, k), best first; rows are -1 where there are no more.
        Raises:
            DimensionMismatch: queries of another length.
        """
        if queries.shape[1] != self.dim:
            raise DimensionMismatch(self.dim, queries.shape[1])
        if allowed is not None and allowed.count <= max(256, len(self) * _GATHER_SHARE):
            return self._search_few(queries, k, allowed.rows)
        faiss.omp_set_num_threads(threads)  # it holds for the calling thread alone
        found = min(k, len(self))
        scores = np.full((len(queries), k), -1.0, np.float32)
        rows = np.full((len(queries), k), -1, np.int64)
        if found:
            if allowed is None:
                parameters = None
            else:
                self.prefetch(allowed)
                parameters = faiss.SearchParameters(sel=allowed.selector)
            scores[:, :found], rows[:, :found] = self._index.search(queries, found, params=parameters)
            scores[rows < 0] = -1.0
        return np.clip(scores, -1.0, 1.0, out=scores), rows

    def _search_few(
        self, queries: NDArray[np.float32], k: int, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        scores = np.full((len(queries), k), -1.0, np.float32)
        found = np.full((len(queries), k), -1, np.int64)
        faiss.omp_set_num_threads(1)  # it holds for the calling thread alone
        parts: list[tuple[NDArray[np.float32], NDArray[np.int64]]] = []
        for start in range(0, len(rows), _KEPT_ROWS):  # a block at a time, for much memory at once comes in new pages
            block = rows[start : start + _KEPT_ROWS]
            cosines, places = _filled(self.gather(block)).search(queries, min(k, len(block)))
            parts.append((cosines, block[places]))
        if parts:
            cosines = np.concatenate([part[0] for part in parts], axis=1)
            best = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
            width = best.shape[1]
            scores[:, :width] = np.take_along_axis(cosines, best, 1).clip(-1.0, 1.0)
            found[:, :width] = np.take_along_axis(np.concatenate([part[1] for part in parts], axis=1), best, 1)
        return scores, found

    def score(
        self, query: NDArray[np.float32], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the exact cosines of the query with some rows, best first.

        Args:
            query: Unit length. Shape: (1, dim).
            rows: Row numbers in any order. Shape: (m,).
        Returns:
            Cosines and the rows they belong to, both (m,).
        """
        if not len(rows):
            return np.empty(0, np.float32), rows
        order = np.sort(rows)
        faiss.omp_set_num_threads(1)  # it holds for the calling thread alone
        scores, places = _filled(self.gather(order)).search(query, len(order))
        return np.clip(scores[0], -1.0, 1.0, out=scores[0]), order[places[0]]

    def gather(self, rows: NDArray[np.int64]) -> NDArray[np.float16]:
        """Return some rows.

        Where a few tries show that the system holds the file in memory, they are copied from the mapping: 10 µs for two
        hundred. Single rows of a cold file come several times sooner by reading: first those that are in memory after
        all, then the others, which the system has been told about meanwhile and fetches side by side.

        Args:
            rows: Rising row numbers. Shape: (m,).
        Returns:
            Shape: (m, dim).
        """
        if self._file is None or not _CAN_ASK or self._seems_cached(rows):
            return self._bytes.take(rows, axis=0).view(np.float16)
        out = np.empty((len(rows), self.dim), np.float16)
        target = out.reshape(-1).view(np.uint8).data if len(rows) else memoryview(b"")
        size = self._row_bytes
        late: list[tuple[int, int]] = []
        for place, offset in enumerate((rows * size + self._header_bytes).tolist()):
            view = target[place * size : (place + 1) * size]
            try:
                if os.preadv(self._file, (view,), offset, os.RWF_NOWAIT) == size:
                    continue
            except OSError:  # not in memory, or a file system that knows no such flag
                pass
            os.posix_fadvise(self._file, offset, size, os.POSIX_FADV_WILLNEED)
            late.append((place * size, offset))
        for place, offset in late:
            if os.preadv(self._file, (target[place : place + size],), offset) != size:
                raise IndexCorrupt("The file of vectors ends too early: run `similook index --rebuild`.")
        return out

    def prefetch(self, allowed: Allowed) -> None:
        """Tell the system which rows will be read next, if some of them are not in memory."""
        if self._file is None or not _CAN_ASK or allowed.count > len(self) // 4 or self._seems_cached(allowed.rows):
            return
        for first, last in stretches(allowed.rows, _GAP_BYTES // self._row_bytes):
            offset = first * self._row_bytes + self._header_bytes
            os.posix_fadvise(self._file, offset, (last + 1 - first) * self._row_bytes, os.POSIX_FADV_WILLNEED)

    def _seems_cached(self, rows: NDArray[np.int64]) -> bool:
        assert self._file is not None
        page = bytearray(self._row_bytes)
        try:
            for row in rows[:: max(1, len(rows) // _TRIES)].tolist():
                os.preadv(self._file, (page,), row * self._row_bytes + self._header_bytes, os.RWF_NOWAIT)
        except OSError:
            return False
        return True


def stretches(rows: NDArray[np.int64], gap: int) -> list[tuple[int, int]]:
    """Return (first, last) of each stretch of rising row numbers that lie no more than a gap apart."""
    if not len(rows):
        return []
    breaks = np.flatnonzero(np.diff(rows) > gap)
    firsts = rows[np.concatenate(([0], breaks + 1))]
    lasts = rows[np.concatenate((breaks, [len(rows) - 1]))]
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))
