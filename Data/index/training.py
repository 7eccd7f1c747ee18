"""Training and filling a Faiss index from rows on disk, with memory for a sample and a block."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from Data.index.base import BuildOptions
from Data.index.rows import Rows


def training_sample(rows: Rows, most: int, seed: int) -> NDArray[np.float32]:
    """Return at most so many rows, drawn at random, as float32. Shape: (n, dim)."""
    if len(rows) <= most:
        return rows.vectors.astype(np.float32)
    chosen = np.sort(np.random.default_rng(seed).choice(len(rows), most, replace=False))
    return rows.gather(chosen).astype(np.float32)


def add_all(index: Any, rows: Rows, options: BuildOptions) -> None:
    """Add all rows in order, block by block."""
    for start, block in rows.blocks():
        index.add(block)
        options.progress("add", start + len(block), len(rows))
