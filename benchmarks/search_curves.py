"""How recall grows with the lists that a compact index searches: on the real vectors, and on mixtures of them."""

import os
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.search_contenders import TOP
from benchmarks.search_features import Pictures, mixtures
from benchmarks.search_report import Measured
from Data.index.base import BuildOptions
from Data.index.compact import CompactIndex
from Data.index.generations import ROWS
from Data.index.rows import Rows, RowsWriter

_DEPTH = 300


def measure_curves(gallery: Pictures, queries: NDArray[np.float32], work: Path, seed: int, measured: Measured) -> None:
    """Note the curve of the real vectors, and that of as many mixtures of them."""
    blocks = [vectors for vectors, _ in mixtures(gallery, 2 * len(gallery), seed)]
    mixed = np.concatenate(blocks[1:])
    for name, vectors in (("real", gallery.vectors), ("mixed", mixed)):
        folder = work / f"curve-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        dim = vectors.shape[1]
        with RowsWriter(folder / ROWS, dim) as writer:
            writer.add(vectors)
        rows = Rows.open(folder / ROWS, dim, len(vectors))
        parameters = CompactIndex.build(rows, folder, BuildOptions(threads=os.cpu_count() or 1))
        index = CompactIndex.open(rows, folder, parameters)
        add_curve(f"{name}, {len(vectors)}", index, rows, queries, measured)


def add_curve(name: str, index: CompactIndex, rows: Rows, queries: NDArray[np.float32], measured: Measured) -> None:
    """Note recall@10 against the number of lists searched, 300 candidates scored exactly."""
    worst = rows.search(queries, TOP)[0][:, -1]
    tuned = index.nprobe, index.rerank
    index.rerank = _DEPTH
    for nprobe in [step for step in (1 << power for power in range(14)) if step <= index.nlist]:
        index.nprobe = nprobe
        found = np.stack([index.search(query[None], TOP).scores[0] for query in queries])
        recall = float((found >= worst[:, None] - 1e-5).mean())
        measured.add("curves", {"vectors": name, "lists": index.nlist, "nprobe": nprobe, "recall": recall})
    index.nprobe, index.rerank = tuned
