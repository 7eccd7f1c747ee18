"""The search benchmark's results as CSV, a plot, and a page that says where they come from."""

import csv
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from benchmarks import provenance
from benchmarks.search_aims import aims

Row = dict[str, Any]
PARTS = ("engines", "builds", "filters", "changes", "curves")


@dataclass
class Measured:
    """What was measured in one piece, at one size or on the real vectors alone, row by row.

    Args:
        what: The piece, in words.
        commit: Of the code that measured it; date in UTC.
        engines: Recall, time and memory of each contender. builds: Seconds of each stage. filters, changes, curves.
    """

    what: str
    commit: str = field(default_factory=provenance.commit)
    date: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d %H:%M}")
    engines: list[Row] = field(default_factory=list)
    builds: list[Row] = field(default_factory=list)
    filters: list[Row] = field(default_factory=list)
    changes: list[Row] = field(default_factory=list)
    curves: list[Row] = field(default_factory=list)

    def add(self, part: str, row: Row) -> None:
        """Note a row and show it."""
        getattr(self, part).append(row)
        print(part, row, flush=True)

    def save(self, path: Path) -> None:
        """Write it to a file, whole or not at all."""
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        beside.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Return what save wrote, None if it has not."""
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def write_report(folder: Path, name: str, data: str, pieces: list[Measured]) -> None:
    """Write <name>-*.csv, <name>.png and <name>.md; what is there is replaced.

    Args:
        data: Where the vectors come from, in a sentence.
        pieces: What was measured, the smallest size first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = {part: [row for piece in pieces for row in getattr(piece, part)] for part in PARTS}
    pages = [provenance.header("Search: exact, compact and HNSW", data), _when(pieces)]
    reached = aims(parts["engines"], parts["builds"], parts["filters"], parts["changes"])
    if reached:
        pages.append("## Aims, at a million vectors\n\n" + provenance.table(["aim", "measured", "reached"], reached))
    for part, rows in parts.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with (folder / f"{name}-{part}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        if rows and part != "curves":
            cells: list[list[object]] = [[_shown(row.get(column)) for column in columns] for row in rows]
            pages.append(f"## {part.capitalize()}\n\n{provenance.table(columns, cells)}")
    _plot(folder / f"{name}.png", parts["engines"], parts["curves"])
    pages.append(f"![Recall against the lists searched, and time and memory against size]({name}.png)\n")
    (folder / f"{name}.md").write_text("\n".join(pages), encoding="utf-8")


def _when(pieces: list[Measured]) -> str:
    """Return when and with which code each piece was measured, for a run may have been continued."""
    return "".join(f"- {piece.what}: {piece.commit}, {piece.date} UTC\n" for piece in pieces)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 1.5 else f"{value:.4g}"
    return str(value)


def _plot(path: Path, engines: list[Row], curves: list[Row]) -> None:
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.5))
    for name in dict.fromkeys(row["vectors"] for row in curves):
        rows = [row for row in curves if row["vectors"] == name]
        shares = [100 * row["nprobe"] / row["lists"] for row in rows]
        left.plot(shares, [row["recall"] for row in rows], marker=".", label=name)
    left.set(xscale="log", xlabel="lists searched, %", ylabel="recall@10", title="Recall, 300 re-ranked")
    left.axhline(0.99, color="grey", linewidth=0.7)
    if curves:
        left.legend()
    for axis, column, title in (
        (middle, "p50_ms", "Milliseconds, p50"),
        (right, "search_mb", "Memory for searching, MB"),
    ):
        for name in dict.fromkeys(row["engine"] for row in engines):
            rows = [row for row in engines if row["engine"] == name and row.get(column)]
            if rows:
                axis.plot([row["size"] for row in rows], [row[column] for row in rows], marker="o", label=name)
        axis.set(xscale="log", yscale="log", xlabel="vectors", title=title)
        axis.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
