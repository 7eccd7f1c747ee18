"""What every kind of vector index offers, and the list of kinds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from Data.errors import DimensionMismatch, VectorIndexError, VectorsInvalid
from Data.index.allowed import Allowed
from Data.index.rows import Rows

Parameters = Mapping[str, Any]
"""What an index needs to know to be opened again: numbers and texts, written to the manifest as JSON."""

NORM_TOLERANCE = 1e-2
"""How far from 1 the length of a vector may be: fp16 rounding stays below 1e-3."""

PAGE_ROWS = 200
"""The deepest result that pages reach: up to here, the first results do not depend on how many were asked for."""


class Hits(NamedTuple):
    """The nearest rows of each query, best first.

    Shape: ids (n, k) int64, row numbers, -1 where there are no more; scores (n, k) float32: cosine in [-1, 1].
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]


@dataclass(frozen=True)
class BuildOptions:
    """What a build may choose.

    Args:
        factory: faiss only: the text for faiss.index_factory, for example "HNSW32".
        recall_target: recall@10 against exact search to tune for, in (0, 1].
        threads: OpenMP threads to train and add with.
        seed: Of every random choice, so that a build can be repeated.
        progress: Called with (stage, done, total) now and then.
    """

    factory: str | None = None
    recall_target: float = 0.99
    threads: int = 1
    seed: int = 20
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None


class VectorIndex(Protocol):
    """A searchable, read-only set of unit vectors, numbered 0 .. len - 1."""

    kind: ClassVar[str]

    @classmethod
    def build(cls, rows: Rows, folder: Path, options: BuildOptions) -> Parameters:
        """Write what the index needs beside the rows into the folder, and return its parameters."""
        ...

    @classmethod
    def open(cls, rows: Rows, folder: Path, parameters: Parameters) -> Self:
        """Open what build wrote."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    def __len__(self) -> int: ...

    def search(self, queries: NDArray[np.float32], k: int, allowed: Allowed | None = None) -> Hits:
        """Return the k nearest stored vectors of each query, best first.

        Args:
            queries: L2-normalised. Shape: (n, dim).
            k: 1 or more.
            allowed: The rows that may be returned; None for all.
        Returns:
            Hits: min(k, number of allowed rows) of them for each query, then -1.
        Raises:
            DimensionMismatch: queries.shape[1] != self.dim.
        """
        ...

    def memory_bytes(self) -> dict[str, int]:
        """Return the bytes that searching keeps in memory, by name; the mapped rows are not among them."""
        ...


Kind = TypeVar("Kind", bound=VectorIndex)
_KINDS: dict[str, type[VectorIndex]] = {}


def register(name: str) -> Callable[[type[Kind]], type[Kind]]:
    """List a class under a name.

    Raises:
        ValueError: the name is taken.
    """

    def listed(kind: type[Kind]) -> type[Kind]:
        if name in _KINDS:
            raise ValueError(f"There is an index kind {name!r} already.")
        _KINDS[name] = kind
        kind.kind = name
        return kind

    return listed


def kind_named(name: str) -> type[VectorIndex]:
    """Return the class listed under a name.

    Raises:
        VectorIndexError: there is none; the message lists the choices.
    """
    try:
        return _KINDS[name]
    except KeyError:
        raise VectorIndexError(f"There is no index kind {name!r}: choose one of {', '.join(sorted(_KINDS))}.") from None


def checked_unit(vectors: NDArray[Any], dim: int) -> NDArray[np.float32]:
    """Return the vectors as contiguous float32, once they are known to be unit vectors.

    Args:
        vectors: Any float type. Shape: (n, dim).
    Raises:
        DimensionMismatch: another length than dim.
        VectorsInvalid: NaN, infinite, zero or not of unit length; the message names the first such row.
    """
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise DimensionMismatch(dim, int(vectors.shape[-1]) if vectors.ndim else 0)
    ready = np.ascontiguousarray(vectors, dtype=np.float32)
    wrong = first_invalid(ready)
    if wrong is not None:
        length = float(np.linalg.norm(ready[wrong]))
        raise VectorsInvalid(f"Vector {wrong} has the length {length:.3g}, not 1: embed its picture again.")
    return ready


def valid_rows(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which rows are finite unit vectors. Shape: (n,)."""
    with np.errstate(invalid="ignore", over="ignore"):
        squares = np.einsum("nd,nd->n", vectors, vectors)
        return np.asarray(np.abs(squares - 1.0) <= 2 * NORM_TOLERANCE)  # written so that NaN fails as well


def first_invalid(vectors: NDArray[np.float32]) -> int | None:
    """Return the number of the first row that is not a finite unit vector, None if all are."""
    good = valid_rows(vectors)
    return None if good.all() else int(np.argmin(good))
