"""Every kind of index finds what a plain matrix product finds, under any filter."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from Data.errors import DimensionMismatch, VectorIndexError
from Data.index.allowed import Allowed
from Data.index.base import BuildOptions, VectorIndex, register
from Data.index.kinds import kind_named
from Data.index.rows import Rows, RowsWriter

COUNT, DIM = 4000, 64
CENTRES = np.random.default_rng(0).standard_normal((100, DIM))
KINDS = [
    ("exact", None),
    ("compact", None),
    ("faiss", "Flat"),
    ("faiss", "IVF32,Flat"),
    ("faiss", "PCA32,IVF32,Flat"),
    ("faiss", "HNSW16"),
    ("faiss", "IVF16,SQ8"),
]


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float16]:
    """Return unit vectors around a hundred centres, as products gather around kinds of product."""
    rng = np.random.default_rng(1)
    raw = CENTRES[rng.integers(0, 100, COUNT)] + 0.7 * rng.standard_normal((COUNT, DIM))
    return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float16)


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: f"{kind[0]}-{kind[1]}" if kind[1] else kind[0])
def index(request: Any, vectors: NDArray[np.float16], tmp_path_factory: pytest.TempPathFactory) -> VectorIndex:
    """Build an index of each kind and open it again."""
    name, factory = request.param
    folder = tmp_path_factory.mktemp("index")
    with RowsWriter(folder / "rows.faiss", DIM) as writer:
        for start in range(0, COUNT, 1500):
            writer.add(vectors[start : start + 1500])
    rows = Rows.open(folder / "rows.faiss", DIM, COUNT)
    parameters = kind_named(name).build(rows, folder, BuildOptions(factory=factory, recall_target=0.97))
    assert parameters["recall"]["recall@10"] > 0.9
    return kind_named(name).open(rows, folder, parameters)


def queries_like(vectors: NDArray[np.float16], count: int, seed: int) -> NDArray[np.float32]:
    """Return stored vectors with noise on them."""
    rng = np.random.default_rng(seed)
    raw = vectors[rng.integers(0, len(vectors), count)].astype(np.float32) + 0.05 * rng.standard_normal((count, DIM))
    return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("share", [None, 0.9, 0.5, 0.1, 0.02, 0.002, 0.0])
def test_finds_what_the_matrix_product_finds(
    index: VectorIndex, vectors: NDArray[np.float16], share: float | None
) -> None:
    queries = queries_like(vectors, 40, 3)
    mask = np.ones(COUNT, bool) if share is None else np.random.default_rng(2).random(COUNT) < share
    cosines = np.where(mask, queries @ vectors.astype(np.float32).T, -2.0)
    hits = index.search(queries, 10, None if share is None else Allowed(mask))
    exist = min(10, int(mask.sum()))
    assert hits.ids.shape == hits.scores.shape == (40, 10)
    assert (hits.ids[:, exist:] == -1).all()
    found = hits.ids[:, :exist]
    assert (found >= 0).all() and mask[found].all()
    np.testing.assert_allclose(hits.scores[:, :exist], np.take_along_axis(cosines, found, 1), atol=2e-5)
    assert (np.diff(hits.scores, axis=1) <= 0).all()
    assert all(len(set(line)) == exist for line in found.tolist())
    best = -np.sort(-cosines, axis=1)[:, :exist]
    recall = (hits.scores[:, :exist] >= best[:, -1:] - 2e-5).mean() if exist else 1.0
    assert recall > 0.9


def test_a_filter_far_from_the_query_still_finds(index: VectorIndex, vectors: NDArray[np.float16]) -> None:
    """Of two kinds of garment, a picture of one looks for the nearest of the other."""
    plain = vectors.astype(np.float32)
    mask = np.argmax(plain @ CENTRES.T, axis=1) < 50
    queries = queries_like(vectors[~mask], 40, 5)
    cosines = np.where(mask, queries @ plain.T, -2.0)
    hits = index.search(queries, 10, Allowed(mask))
    assert (hits.ids >= 0).all() and mask[hits.ids].all()
    best = -np.sort(-cosines, axis=1)[:, 9:10]
    assert (hits.scores >= best - 2e-5).mean() > 0.88


def test_asking_for_more_than_there_is_gives_all(index: VectorIndex, vectors: NDArray[np.float16]) -> None:
    hits = index.search(queries_like(vectors, 2, 6), COUNT + 5)
    assert [len(set(line[line >= 0].tolist())) for line in hits.ids] == [COUNT, COUNT]
    assert (hits.ids[:, COUNT:] == -1).all()


def test_another_dimension_is_refused(index: VectorIndex) -> None:
    with pytest.raises(DimensionMismatch, match="64"):
        index.search(np.eye(1, 32, dtype=np.float32), 3)


@pytest.mark.parametrize(
    ("kind", "factory", "says"),
    [("faiss", None, "HNSW32"), ("faiss", "Nonsense9", "Nonsense9"), ("compact", None, "exact")],
)
def test_what_cannot_be_built_is_said(tmp_path: Path, kind: str, factory: str | None, says: str) -> None:
    with RowsWriter(tmp_path / "rows.faiss", 8) as writer:
        writer.add(np.eye(8, dtype=np.float16))
    rows = Rows.open(tmp_path / "rows.faiss", 8, 8)
    with pytest.raises(VectorIndexError, match=says):
        kind_named(kind).build(rows, tmp_path, BuildOptions(factory=factory))


def test_the_list_of_kinds() -> None:
    with pytest.raises(VectorIndexError, match="compact, exact, faiss"):
        kind_named("magic")
    with pytest.raises(ValueError, match="already"):
        register("exact")(kind_named("exact"))


@pytest.mark.parametrize(("own", "expected"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_of_a_build_sleep_where_they_wait(own: str | None, expected: str) -> None:
    """OpenMP itself says what it goes by; its way with spinning threads made a build beside other work take minutes."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment |= {"OMP_DISPLAY_ENV": "true"} | ({} if own is None else {"OMP_WAIT_POLICY": own})
    command = [sys.executable, "-c", "import Data.index.native"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
    if "OMP_WAIT_POLICY" not in done.stderr:
        pytest.skip("this build of Faiss does not come with GNU's OpenMP")
    assert f"OMP_WAIT_POLICY = '{expected}'" in done.stderr
