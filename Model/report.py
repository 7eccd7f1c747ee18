"""An evaluation as a table, as JSON, and as a page that shows good and bad results.

Everything that came from a catalogue is escaped; the page stands alone, with its pictures inside, and asks no other
address for anything.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image
from pydantic import JsonValue

from Model.evaluate import Figures, Ints, Run, Side, Truth, difference, neighbours
from Model.metrics import Interval

FORMAT = 1
THUMBNAIL = 112
"""Longest side of a picture on the page, in px."""

Picture = Callable[[str], Image.Image]
"""Returns the picture of a key."""


@dataclass(frozen=True)
class Measured:
    """One model's run and its figures."""

    run: Run
    figures: Figures


def to_json(models: Sequence[Measured], facts: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the evaluation as JSON values.

    Args:
        models: the first is what the others are compared with.
        facts: command, commit, machine, data: where the numbers come from.
    """
    rows: list[JsonValue] = []
    for model in models:
        intervals = {name: _interval(figure.interval()) for name, figure in model.figures.items()}
        row: dict[str, JsonValue] = {"name": model.run.name, "figures": {**intervals}}
        if model.run.ms_per_picture is not None:
            row["ms_per_picture"] = round(model.run.ms_per_picture, 2)
        if model is not models[0]:
            row["difference"] = {name: _interval(gap) for name, gap in differences(models[0], model).items()}
        rows.append(row)
    return {"format": FORMAT, "facts": {**facts}, "models": rows}


def differences(first: Measured, other: Measured) -> dict[str, Interval]:
    """Return by how much `other` is better than `first` in every figure that both have."""
    gaps = {
        name: difference(other.figures[name], figure) for name, figure in first.figures.items() if name in other.figures
    }
    return {name: gap for name, gap in gaps.items() if gap is not None}


def to_markdown(models: Sequence[Measured]) -> str:
    """Return a table with one row per figure and one column per model, in percent with 95 % intervals."""
    names = list(dict.fromkeys(name for model in models for name in model.figures))
    lines = ["| figure | " + " | ".join(model.run.name for model in models) + " |", "|---" * (len(models) + 1) + "|"]
    for name in names:
        cells = [percent(model.figures[name].interval()) if name in model.figures else "–" for model in models]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    if any(model.run.ms_per_picture is not None for model in models):
        lines.append("| ms per picture | " + " | ".join(_number(model.run.ms_per_picture) for model in models) + " |")
    for other in models[1:]:
        for name, gap in differences(models[0], other).items():
            verdict = "noise" if gap.low <= 0 <= gap.high else ("better" if gap.value > 0 else "worse")
            lines.append(f"| {name}: {other.run.name} against {models[0].run.name} | {percent(gap)}: {verdict} |")
    return "\n".join(lines) + "\n"


def to_html(
    models: Sequence[Measured], truth: Truth, picture: Picture, facts: dict[str, JsonValue], rows: int = 12
) -> str:
    """Return a page with the table, and for the first model the best and the worst queries with what they found.

    Args:
        models: as for `to_json`.
        picture: returns the picture of a key; one that raises OSError is shown as missing.
        rows: queries in each of the two grids.
    """
    first = models[0]
    found = neighbours(truth, first.run)
    share = np.array([_right(truth, number, found[number]) for number in range(len(found))])
    known = np.flatnonzero(np.array([label != "" for label in truth.queries.labels]))
    # Spread over the categories: the first of each before the second of any.
    good = _spread(known[np.argsort(-share[known], kind="stable")], truth.queries.labels, rows)
    bad = _spread(known[np.argsort(share[known], kind="stable")], truth.queries.labels, rows)
    said = "".join(f"<dt>{_text(key)}</dt><dd>{_text(value)}</dd>" for key, value in facts.items())
    return _PAGE.format(
        title="Evaluation",
        facts=said,
        table=_table(to_markdown(models)),
        good=_grid(truth, first.run, good, found, picture),
        bad=_grid(truth, first.run, bad, found, picture),
    )


def percent(interval: Interval) -> str:
    """Return "81.2 % (79.0 to 83.4)"."""
    return f"{100 * interval.value:.1f} % ({100 * interval.low:.1f} to {100 * interval.high:.1f})"


def _interval(interval: Interval) -> dict[str, JsonValue]:
    return {name: round(float(value), 5) for name, value in asdict(interval).items()}


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _right(truth: Truth, query: int, found: Ints) -> float:
    labels = [truth.gallery.labels[index] for index in found]
    return sum(label == truth.queries.labels[query] for label in labels) / max(len(labels), 1)


def _spread(order: Ints, labels: Sequence[str], count: int) -> list[int]:
    seen: dict[str, int] = {}
    turns = []
    for place, index in enumerate(order.tolist()):
        turn = seen.get(labels[index], 0)
        seen[labels[index]] = turn + 1
        turns.append((turn, place, index))
    return [index for _, _, index in sorted(turns)[:count]]


def _grid(truth: Truth, run: Run, queries: Sequence[int], found: Sequence[Ints], picture: Picture) -> str:
    lines = []
    for query in queries:
        label = truth.queries.labels[query]
        said = f"{label}: taken for {run.predicted[query]}" if len(run.predicted) else label
        cells = [_cell(truth.queries, query, picture, said, "query")]
        for index in found[query].tolist():
            there = truth.gallery.labels[index]
            cells.append(_cell(truth.gallery, index, picture, there, "right" if there == label else "wrong"))
        lines.append(f'<div class="row">{"".join(cells)}</div>')
    return "".join(lines)


def _cell(side: Side, index: int, picture: Picture, caption: str, kind: str) -> str:
    try:
        image = picture(side.keys[index]).convert("RGB")
    except OSError:
        return f'<figure class="{kind}"><figcaption>{_text(caption)} (picture missing)</figcaption></figure>'
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    source = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
    return (
        f'<figure class="{kind}"><img src="{source}" alt="{_text(caption)}" title="{_text(side.keys[index])}">'
        f"<figcaption>{_text(caption)}</figcaption></figure>"
    )


def _table(markdown: str) -> str:
    lines = [line.strip("|").split("|") for line in markdown.splitlines() if not line.startswith("|---")]
    head, *body = [[_text(cell.strip()) for cell in line] for line in lines]
    top = "".join(f"<th>{cell}</th>" for cell in head)
    rows = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in body)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table>"


def _text(value: object) -> str:
    return html.escape(str(value), quote=True)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 1240px; margin: 2rem auto; padding: 0 1rem; color: #1c1b22; }}
table {{ border-collapse: collapse; }}
th, td {{ text-align: left; padding: .3rem .8rem; border-bottom: 1px solid #ddd; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }} dd {{ margin: 0; }}
.row {{ display: flex; gap: .4rem; margin: .5rem 0; overflow-x: auto; }}
figure {{ margin: 0; width: 112px; flex: none; font-size: 12px; border-top: 4px solid #bbb; }}
figure img {{ width: 112px; height: 112px; object-fit: contain; background: #f6f6f6; }}
.query {{ border-color: #333; margin-right: .8rem; }}
.right {{ border-color: #1a8a4a; }} .wrong {{ border-color: #c8372d; }}
</style></head><body>
<h1>{title}</h1><dl>{facts}</dl>{table}
<h2>Good results</h2><p>The query, then what was found; green: of the same category.</p>{good}
<h2>Bad results</h2>{bad}
</body></html>
"""
