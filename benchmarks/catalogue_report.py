"""The catalogue benchmark's results as a page and a CSV, piece by piece: a run may measure one part anew."""

import csv
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Self

from benchmarks import provenance

Row = dict[str, Any]
NAME = "catalogue"
AIM = 20.0
"""So many times as fast as the import a sync of a feed with 1 % changed is to be, product for product."""


@dataclass
class Measured:
    """What one part measured, row by row.

    Args:
        part: its name.
        command: that measured it; commit of the code; date in UTC.
    """

    part: str
    command: str = field(default_factory=provenance.command)
    commit: str = field(default_factory=provenance.commit)
    date: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d %H:%M}")
    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Note a row and show it."""
        self.rows.append(row)
        print(self.part, row, flush=True)

    def save(self, folder: Path) -> None:
        """Write it to a file, whole or not at all."""
        beside = folder / f"{self.part}.new"
        beside.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        beside.replace(folder / f"{self.part}.json")

    @classmethod
    def load(cls, folder: Path, part: str) -> Self | None:
        """Return what save wrote, None if it has not."""
        path = folder / f"{part}.json"
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def write_report(folder: Path, pieces: list[Measured]) -> None:
    """Write catalogue.md and catalogue.csv; what is there is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    data = (
        "fashion-product-images-small.tar (Param Aggarwal, MIT), and generated tables with 13 columns in random order. "
        "PostgreSQL runs on the same machine, as durable as it comes."
    )
    pages = [provenance.header("The catalogue: import, sync, and the way to the first answer", data)]
    pages[0] += "".join(f"- {piece.part}: `{piece.command}`, {piece.commit}, {piece.date} UTC\n" for piece in pieces)
    pages += [_PAGES[piece.part](piece.rows) for piece in pieces]
    (folder / f"{NAME}.md").write_text("\n".join(pages), encoding="utf-8")
    rows = [{"part": piece.part, **row} for piece in pieces for row in piece.rows]
    with (folder / f"{NAME}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(column for row in rows for column in row)))
        writer.writeheader()
        writer.writerows(rows)


def ratio(rows: list[Row], database: str, column: str) -> float:
    """Return how many times as fast a sync is as an import, product for product: medians of all runs.

    Args:
        column: seconds or cpu_s.
    """
    each = {
        step: median(row[column] / row["rows"] for row in rows if (row["database"], row["step"]) == (database, step))
        for step in ("import", "sync")
    }
    return each["import"] / each["sync"]


def _feeds(rows: list[Row]) -> str:
    lines: list[list[object]] = []
    reached: list[list[object]] = []
    for database in dict.fromkeys(row["database"] for row in rows):
        for step in ("import", "sync"):
            runs = [row for row in rows if (row["database"], row["step"]) == (database, step)]
            seconds = sorted(row["seconds"] for row in runs)
            middle = median(seconds)
            count, cpu = runs[0]["rows"], median(row["cpu_s"] for row in runs)
            spread = f"{middle:.2f} ({seconds[0]:.2f} to {seconds[-1]:.2f})"
            written = f"{runs[0]['created']} new, {runs[0]['changed']} changed"
            lines.append([database, step, len(runs), count, written, spread, f"{cpu:.2f}", f"{count / middle:,.0f}"])
        fast = ratio(rows, database, "seconds")
        reached.append([database, f"{fast:.1f}", f"{ratio(rows, database, 'cpu_s'):.1f}", _yes(fast >= AIM)])
    columns = ["database", "step", "runs", "products", "written", "s, median (least to most)", "CPU s", "products/s"]
    aim = f"a sync at least {AIM:g} times as fast"
    return (
        "## A shop's feed, then with 1 % changed\n\n"
        "Pictures are stored, and not looked at. A sync reads all of the feed; half of what changed is text, half a "
        "picture. CPU is that of the program, not of PostgreSQL.\n\n"
        + provenance.table(columns, lines)
        + "\n"
        + provenance.table(["database", "import / sync, s", "import / sync, CPU s", aim], reached)
    )


def _sizes(rows: list[Row]) -> str:
    lines: list[list[object]] = [
        [
            *(row["database"], row["step"], f"{row['rows']:,}", f"{row['seconds']:.1f}"),
            *(f"{row['rows'] / row['seconds']:,.0f}", f"{row['start_mb']:.0f}", f"{row['peak_mb']:.0f}"),
            f"{row['database_mb']:.0f}",
        ]
        for row in rows
    ]
    columns = ["database", "step", "rows", "s", "rows/s", "MiB at the start", "MiB at most", "database, MiB"]
    return (
        "## Generated tables\n\n"
        "By `table`, a picture's address with each row, then with 1 % of the prices changed. Memory is the most that "
        "the process had resident; SQLite keeps up to 64 MiB of the database in it, which 10,000 rows do not fill.\n\n"
        + provenance.table(columns, lines)
        + "\n"
        + "".join(f"- {line}\n" for line in growth(rows))
    )


def growth(rows: list[Row]) -> list[str]:
    """Return how memory grows with the rows, in a sentence for each database and step."""
    said = []
    for database, step in dict.fromkeys((row["database"], row["step"]) for row in rows):
        runs = sorted(
            (row for row in rows if (row["database"], row["step"]) == (database, step)), key=lambda row: row["rows"]
        )
        *_, before, last = runs if len(runs) > 1 else [*runs, *runs]
        said.append(
            f"{database}, {step}: from {before['rows']:,} to {last['rows']:,} rows the peak goes from "
            f"{before['peak_mb']:.0f} to {last['peak_mb']:.0f} MiB, {last['peak_mb'] / before['peak_mb']:.2f} times."
        )
    return said


def _user(rows: list[Row]) -> str:
    lines: list[list[object]] = [[row["step"], f"{row['seconds']:.1f}", row["said"]] for row in rows]
    lines.append(["in all", f"{sum(row['seconds'] for row in rows):.1f}", ""])
    return (
        "## From the tar to the first answer\n\n"
        "As typed, on SQLite with the shipped weights: `similook import`, `similook index`, `similook search` with a "
        "product's own picture; the start of each command counts.\n\n"
        + provenance.table(["command", "s", "it says"], lines)
    )


def _yes(reached: bool) -> str:
    return "yes" if reached else "no"


_PAGES = {"feeds": _feeds, "sizes": _sizes, "user": _user}
