"""Rows in memory and mapped from a file: search, score and read them as NumPy does."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from Data.errors import DimensionMismatch, IndexCorrupt
from Data.index.allowed import Allowed
from Data.index.rows import Rows, RowsWriter

COUNT, DIM = 3000, 24


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float16]:
    """Return unit vectors."""
    raw = np.random.default_rng(0).standard_normal((COUNT, DIM))
    return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float16)


@pytest.fixture(params=["memory", "file", "cold file"])
def rows(request: pytest.FixtureRequest, vectors: NDArray[np.float16], tmp_path: Path) -> Rows:
    """Return the vectors as rows."""
    if request.param == "memory":
        return Rows.in_memory(vectors)
    path = tmp_path / "rows.faiss"
    with RowsWriter(path, DIM) as writer:
        writer.add(vectors[:1000])
        writer.add(vectors[1000:])
    if request.param == "cold file":
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return Rows.open(path, DIM, COUNT)


def test_rows_are_read_as_written(rows: Rows, vectors: NDArray[np.float16]) -> None:
    chosen = np.sort(np.random.default_rng(1).choice(COUNT, 200, replace=False))
    np.testing.assert_array_equal(rows.gather(chosen), vectors[chosen])
    np.testing.assert_array_equal(rows.gather(np.empty(0, np.int64)), vectors[:0])
    np.testing.assert_array_equal(rows.vectors, vectors)
    np.testing.assert_array_equal(np.concatenate([block for _, block in rows.blocks(700)]), vectors.astype(np.float32))


@pytest.mark.parametrize("allowed", [None, 2500, 400, 3, 0])
def test_search_is_the_matrix_product(rows: Rows, vectors: NDArray[np.float16], allowed: int | None) -> None:
    mask = np.ones(COUNT, bool)
    if allowed is not None:
        mask = np.isin(np.arange(COUNT), np.random.default_rng(2).choice(COUNT, allowed, replace=False))
    queries = vectors[:7].astype(np.float32)
    scores, found = rows.search(queries, 20, None if allowed is None else Allowed(mask))
    exact = np.where(mask, (queries @ vectors.astype(np.float32).T).clip(-1, 1), -2.0)
    exist = min(20, int(mask.sum()))
    np.testing.assert_allclose(scores[:, :exist], -np.sort(-exact, axis=1)[:, :exist], atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(exact, found[:, :exist], 1), scores[:, :exist], atol=1e-5)
    assert (found[:, exist:] == -1).all()
    assert scores.max(initial=-1.0) <= 1.0


def test_scores_are_cosines_best_first(rows: Rows, vectors: NDArray[np.float16]) -> None:
    query = vectors[5:6].astype(np.float32)
    chosen = np.array([2999, 5, 17, 4])
    scores, order = rows.score(query, chosen)
    assert order[0] == 5
    assert sorted(order.tolist()) == sorted(chosen.tolist())
    np.testing.assert_allclose(scores, (vectors[order].astype(np.float32) @ query[0]).clip(-1, 1), atol=1e-5)


def test_another_length_is_refused(rows: Rows) -> None:
    with pytest.raises(DimensionMismatch):
        rows.search(np.eye(1, DIM + 1, dtype=np.float32), 3)


@pytest.mark.parametrize(("dim", "count"), [(DIM, COUNT + 1), (DIM * 2, COUNT // 2), (DIM, 0)])
def test_a_file_of_other_rows_is_refused(vectors: NDArray[np.float16], tmp_path: Path, dim: int, count: int) -> None:
    path = tmp_path / "rows.faiss"
    with RowsWriter(path, DIM) as writer:
        writer.add(vectors)
    with pytest.raises(IndexCorrupt, match="rebuild"):
        Rows.open(path, dim, count)
