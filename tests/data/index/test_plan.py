"""How a compact index answers under a filter: by the rows it scores and the lists it searches, not by the clock."""

import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from Data.index.allowed import Allowed
from Data.index.base import PAGE_ROWS, BuildOptions
from Data.index.compact import FIRST_ROWS, CompactIndex, Plan
from Data.index.rows import Rows, RowsWriter, stretches

COUNT, DIM = 12_000, 64
BORDER = 600
"""scan_rows for these tests: what tuning sets, 2000 or more, would scan every filter of so small an index."""


class CountingRows(Rows):
    """Rows that remember how many of them were scored by scanning, and how many as candidates."""

    scanned = 0
    candidates = 0

    def search(
        self, queries: NDArray[np.float32], k: int, allowed: Allowed | None = None, threads: int = 1
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        self.scanned += len(self) if allowed is None else allowed.count
        return super().search(queries, k, allowed, threads)

    def score(
        self, query: NDArray[np.float32], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        self.candidates += len(rows)
        return super().score(query, rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the rows and a compact index of them."""
    rng = np.random.default_rng(1)
    raw = rng.standard_normal((60, DIM))[rng.integers(0, 60, COUNT)] + 0.6 * rng.standard_normal((COUNT, DIM))
    made = tmp_path_factory.mktemp("plan")
    with RowsWriter(made / "rows.faiss", DIM) as writer:
        writer.add((raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float16))
    return made


@pytest.fixture(scope="module")
def parameters(folder: Path) -> dict[str, object]:
    """Return what building and tuning gave, with the border between scan and lists moved to BORDER."""
    built = CompactIndex.build(Rows.open(folder / "rows.faiss", DIM, COUNT), folder, BuildOptions(recall_target=0.9))
    return dict(built) | {"scan_rows": BORDER}


@pytest.fixture
def rows(folder: Path) -> CountingRows:
    """Return the rows, with nothing counted yet."""
    return CountingRows.open(folder / "rows.faiss", DIM, COUNT)


@pytest.fixture
def index(folder: Path, rows: CountingRows, parameters: dict[str, object]) -> CompactIndex:
    """Return the compact index over the counting rows."""
    return CompactIndex.open(rows, folder, parameters)


def some(count: int) -> Allowed:
    """Return a filter that lets so many rows through, here and there."""
    mask = np.zeros(COUNT, np.bool_)
    mask[np.random.default_rng(2).choice(COUNT, count, replace=False)] = True
    return Allowed(mask)


@pytest.mark.parametrize("count", [1, 50, BORDER - 1, BORDER])
def test_few_allowed_rows_are_scanned_once_each(index: CompactIndex, rows: CountingRows, count: int) -> None:
    allowed = some(count)
    assert index.plan(10, allowed) == Plan(count, 0, 0)
    index.search(rows.vectors[:1].astype(np.float32), 10, allowed)
    assert (rows.scanned, rows.candidates) == (count, 0)


@pytest.mark.parametrize("count", [BORDER + 1, COUNT // 10, COUNT // 2, COUNT])
def test_more_are_searched_by_lists_and_few_are_scored(index: CompactIndex, rows: CountingRows, count: int) -> None:
    """A brand with a tenth of the catalogue is one of these."""
    allowed = some(count)
    plan = index.plan(PAGE_ROWS, allowed)
    assert (plan.scanned, plan.depth) == (0, max(index.rerank, PAGE_ROWS))
    assert index.nprobe <= plan.nprobe <= index.nlist
    for query in rows.vectors[:20].astype(np.float32):
        index.search(query[None], PAGE_ROWS, allowed)
    assert rows.scanned == 0
    assert rows.candidates <= 20 * 4 * plan.depth  # twice the depth where the query is far, and widened once at most


def test_the_tighter_the_filter_the_wider_the_search(index: CompactIndex) -> None:
    lists = [index.plan(10, some(count)).nprobe for count in range(COUNT, BORDER, -300)]
    assert lists == sorted(lists)


def test_the_first_few_need_fewer_candidates_than_pages(index: CompactIndex, rows: CountingRows) -> None:
    assert index.plan(FIRST_ROWS) == Plan(0, index.nprobe, index.rerank)
    assert index.plan(FIRST_ROWS + 1) == index.plan(PAGE_ROWS) == Plan(0, index.nprobe, max(index.rerank, PAGE_ROWS))
    assert index.plan(1000).depth == 1250
    index.search(rows.vectors[:1].astype(np.float32), 10)
    assert (rows.scanned, rows.candidates) == (0, index.rerank)


def test_what_no_row_passes_is_answered_without_looking(index: CompactIndex, rows: CountingRows) -> None:
    hits = index.search(rows.vectors[:1].astype(np.float32), 10, some(0))
    assert (hits.ids == -1).all()
    assert (rows.scanned, rows.candidates) == (0, 0)


def test_a_filtered_search_keeps_to_its_own_thread(index: CompactIndex, rows: CountingRows) -> None:
    """NumPy's matrix product hands work to BLAS threads; on busy cores each hand-over takes turns of the scheduler."""
    allowed, queries = some(COUNT // 10), rows.vectors[:300].astype(np.float32)
    index.search(queries[:5], 10, allowed)
    everywhere, here = time.process_time(), time.thread_time()
    index.search(queries, 10, allowed)
    everywhere, here = time.process_time() - everywhere, time.thread_time() - here
    assert everywhere - here <= 0.1 * here + 0.005


def test_stretches_cover_the_rows_and_leave_out_the_gaps() -> None:
    assert stretches(np.array([], np.int64), 3) == []
    assert stretches(np.array([7]), 3) == [(7, 7)]
    assert stretches(np.array([0, 1, 4, 8, 11, 20]), 3) == [(0, 4), (8, 11), (20, 20)]
    tenth = np.sort(np.random.default_rng(3).choice(100_000, 10_000, replace=False))
    assert len(stretches(tenth, 32)) < len(tenth) / 20  # so many fewer calls to the system
