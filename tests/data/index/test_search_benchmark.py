"""What the search benchmark promises: equal recall for the graphs, aims judged by the figures, runs that go on."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.search import measured_once
from benchmarks.search_aims import aims
from benchmarks.search_contenders import EFFORTS, TOP, Contender, race
from benchmarks.search_report import Measured
from Data.index.rows import Rows


def test_a_graph_is_set_to_the_least_effort_that_loses_nothing() -> None:
    rng = np.random.default_rng(0)
    raw = rng.standard_normal((400, 16))
    vectors = (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float16)
    rows, queries = Rows.in_memory(vectors), vectors[:20].astype(np.float32)
    worst = rows.search(queries, TOP)[0][:, -1]
    efforts: list[int] = []

    def find(query: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return as many true neighbours as the square root of the effort, then others."""
        nearest = rows.search(query, len(rows))[1][0]
        good = min(TOP, int(efforts[-1] ** 0.5))
        return np.concatenate([nearest[:good], nearest[-(TOP - good) :] if good < TOP else nearest[:0]])

    graph = Contender("graph", find, 0, 0.0, efforts.append)
    graph.match(0.75, queries, rows, worst)
    assert efforts[-1] == next(effort for effort in EFFORTS if int(effort**0.5) >= 8)
    assert graph.recall(queries, rows, worst) >= 0.75
    graph.match(2.0, queries, rows, worst)
    assert efforts[-1] == EFFORTS[-1]


def test_a_race_times_every_query_of_every_contender() -> None:
    def find(query: NDArray[np.float32]) -> NDArray[np.int64]:
        return np.arange(TOP)

    queries = np.eye(60, dtype=np.float32)
    times = dict(race([Contender("a", find, 0, 0.0), Contender("b", find, 0, 0.0)], queries, rounds=2))
    assert times.keys() == {"a", "b"}
    assert all(np.isfinite(one).all() and one.shape == (60,) for one in times.values())


def test_aims_are_judged_by_what_was_measured() -> None:
    compact = {"engine": "compact", "recall@10": 0.9901, "search_mb": 60.6, "open_s": 0.07}
    engines = [
        compact | {"size": 100_000, "p50_ms": 0.2, "p50_to_hnsw32": 1.0},
        compact | {"size": 1_000_000, "p50_ms": 0.9, "p50_to_hnsw32": 1.6},
    ]
    filters = [{"size": 1_000_000, "filter": "random rows, 1.0%", "recall@10": 0.98}]
    changes = [{"size": 1_000_000, "change": what, "most_s": most} for what, most in (("new", 0.2), ("deleted", 0.4))]
    builds = [{"size": 1_000_000, "kind": "compact", "peak_mb": 1951.0}]
    reached = {str(aim): (measured, yes) for aim, measured, yes in aims(engines, builds, filters, changes)}
    assert [yes for _, yes in reached.values()] == ["yes", "no", "yes", "yes", "no", "no", "yes", "yes"]
    assert reached["p50 at most 1.5 times HNSW32's at no lower recall"] == ("1.6 times", "no")
    assert reached["a change visible in a second"] == ("0.4 s", "yes")
    assert aims(engines[:1], [], [], []) == []


def test_a_kept_run_measures_only_what_is_missing(tmp_path: Path) -> None:
    calls: list[str] = []

    def measure(measured: Measured) -> None:
        calls.append(measured.what)
        measured.add("engines", {"size": 10, "engine": "compact"})

    first = measured_once(tmp_path / "10" / "measured.json", "10 vectors", measure)
    again = measured_once(tmp_path / "10" / "measured.json", "10 vectors", measure)
    assert calls == ["10 vectors"]
    assert again == first
    assert again.engines == [{"size": 10, "engine": "compact"}]
