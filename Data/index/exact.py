"""Exact search: every allowed row is scored. The right kind up to about 100,000 vectors."""

from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from Data.index.allowed import Allowed
from Data.index.base import BuildOptions, Hits, Parameters, register
from Data.index.rows import Rows


@register("exact")
class ExactIndex:
    """The mapped rows and nothing else."""

    kind: ClassVar[str]

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @classmethod
    def build(cls, rows: Rows, folder: Path, options: BuildOptions) -> Parameters:
        """Return that exact search finds everything; there is nothing to write."""
        return {"recall": {"recall@10": 1.0, "queries": 0}}

    @classmethod
    def open(cls, rows: Rows, folder: Path, parameters: Parameters) -> Self:
        """Search these rows."""
        return cls(rows)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._rows.dim

    def __len__(self) -> int:
        return len(self._rows)

    def search(self, queries: NDArray[np.float32], k: int, allowed: Allowed | None = None) -> Hits:
        """Return the k nearest stored vectors of each query; see VectorIndex.search."""
        scores, rows = self._rows.search(queries, k, allowed)
        return Hits(rows, scores)

    def memory_bytes(self) -> dict[str, int]:
        """Return nothing: the rows are mapped."""
        return {}
