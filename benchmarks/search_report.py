"""The search benchmark's results as CSV, a plot, and a page that says where they come from."""

import csv
from dataclasses import dataclass, field
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from benchmarks.provenance import RESULTS, header, table

Row = dict[str, Any]


@dataclass
class Findings:
    """Everything that was measured, row by row.

    Args:
        name: Of the files.
        encoder: What made the features.
        pictures: How many real pictures they come from.
    """

    name: str
    encoder: str
    pictures: int
    engines: list[Row] = field(default_factory=list)
    filters: list[Row] = field(default_factory=list)
    changes: list[Row] = field(default_factory=list)
    curves: list[Row] = field(default_factory=list)

    def add_filter(self, size: int, name: str, share: float, recall: float, new_ms: float, again_ms: float) -> None:
        """Note what a filter did: new_ms with the mask made for the query, again_ms with the mask at hand."""
        row = {"size": size, "filter": name, "share": share, "recall@10": recall, "p50_new_ms": new_ms}
        self.filters.append(row | {"p50_again_ms": again_ms})
        print(self.filters[-1], flush=True)


def write_report(findings: Findings) -> None:
    """Write <name>-*.csv, <name>.png and <name>.md in docs/results; what is there is replaced."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    parts = {
        "engines": findings.engines,
        "filters": findings.filters,
        "changes": findings.changes,
        "curves": findings.curves,
    }
    data = (
        f"{findings.pictures} real pictures through the encoder {findings.encoder}, and mixtures of them in feature "
        "space up to the sizes below; queries are real pictures that are not in the gallery. Times are of one query on "
        "one thread, the contenders taking turns, the least of three rounds for each query."
    )
    pages = [header("Search: exact, compact and HNSW", data)]
    for name, rows in parts.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with (RESULTS / f"{findings.name}-{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        if name != "curves":
            cells: list[list[object]] = [[_shown(row.get(column)) for column in columns] for row in rows]
            pages.append(f"## {name.capitalize()}\n\n{table(columns, cells)}")
    _plot(findings)
    pages.append(f"![Recall against the lists searched, and time and memory against size]({findings.name}.png)\n")
    (RESULTS / f"{findings.name}.md").write_text("\n".join(pages), encoding="utf-8")


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 1.5 else f"{value:.4g}"
    return str(value)


def _plot(findings: Findings) -> None:
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.5))
    for name in dict.fromkeys(row["vectors"] for row in findings.curves):
        rows = [row for row in findings.curves if row["vectors"] == name]
        shares = [100 * row["nprobe"] / row["lists"] for row in rows]
        left.plot(shares, [row["recall"] for row in rows], marker=".", label=name)
    left.set(xscale="log", xlabel="lists searched, %", ylabel="recall@10", title="Recall, 300 re-ranked")
    left.axhline(0.99, color="grey", linewidth=0.7)
    left.legend()
    for axis, column, title in (
        (middle, "p50_ms", "Milliseconds, p50"),
        (right, "search_mb", "Memory for searching, MB"),
    ):
        for name in dict.fromkeys(row["engine"] for row in findings.engines):
            rows = [row for row in findings.engines if row["engine"] == name and row.get(column)]
            if rows:
                axis.plot([row["size"] for row in rows], [row[column] for row in rows], marker="o", label=name)
        axis.set(xscale="log", yscale="log", xlabel="vectors", title=title)
        axis.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(RESULTS / f"{findings.name}.png", dpi=110)
    plt.close(figure)
