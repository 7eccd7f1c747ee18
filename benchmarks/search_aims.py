"""What search must reach at a million vectors, beside what was measured."""

from typing import Any

Row = dict[str, Any]
MILLION, TENTH = 1_000_000, 100_000


def aims(engines: list[Row], builds: list[Row], filters: list[Row], changes: list[Row]) -> list[list[object]]:
    """Return a line (aim, measured, yes or no) for each aim that something was measured for; none below a million.

    Args:
        engines, builds, filters, changes: Rows of the benchmark's tables.
    """
    found: list[tuple[str, str, bool]] = []
    compact = _one(engines, size=MILLION, engine="compact")
    if compact is None:
        return []
    found.append(_at_least("recall@10 at least 0.99", compact["recall@10"], 0.99))
    if compact.get("p50_to_hnsw32"):
        found.append(
            _at_most("p50 at most 1.5 times HNSW32's at no lower recall", compact["p50_to_hnsw32"], 1.5, " times")
        )
    found.append(_at_most("memory for searching at most 64 MB", compact["search_mb"], 64, " MB"))
    found.append(_at_most("open in under a second", compact["open_s"], 1.0, " s"))
    small = _one(engines, size=TENTH, engine="compact")
    if small is not None:
        growth = compact["p50_ms"] / small["p50_ms"]
        found.append(_at_most("p50 from 100 thousand to a million grows less than 4 times", growth, 4.0, " times"))
    one_percent = _one(filters, size=MILLION, filter="random rows, 1.0%")
    if one_percent is not None:
        found.append(_at_least("recall@10 under a 1 % filter at least 0.99", one_percent["recall@10"], 0.99))
    slowest = [row["most_s"] for row in changes if row["size"] == MILLION]
    if slowest:
        found.append(_at_most("a change visible in a second", max(slowest), 1.0, " s"))
    build = _one(builds, size=MILLION, kind="compact")
    if build is not None:
        found.append(_at_most("built under 3 GB", build["peak_mb"], 3072, " MiB"))
    return [[aim, measured, "yes" if reached else "no"] for aim, measured, reached in found]


def _one(rows: list[Row], **wanted: object) -> Row | None:
    return next((row for row in rows if all(row.get(name) == value for name, value in wanted.items())), None)


def _at_least(aim: str, value: float, bound: float) -> tuple[str, str, bool]:
    return aim, f"{value:.4f}", value >= bound


def _at_most(aim: str, value: float, bound: float, unit: str) -> tuple[str, str, bool]:
    return aim, f"{value:.3g}{unit}", value <= bound
