"""The confusion matrix of a classifier as a table and as a picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from Model.metrics import Ints


def confusion_csv(matrix: Ints, labels: Sequence[str]) -> str:
    """Return the counts as CSV; a row per true class, a column per predicted one."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["true \\ predicted", *labels])
    for label, row in zip(labels, matrix.tolist(), strict=True):
        writer.writerow([label, *row])
    return buffer.getvalue()


def confusion_png(matrix: Ints, labels: Sequence[str]) -> bytes:
    """Return a PNG of the matrix, coloured by the share of each true class, with the counts written in."""
    side = max(4.0, 0.55 * len(labels) + 2)
    figure = Figure(figsize=(side, side), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, vmin=0, vmax=1, cmap="Blues")
    places = range(len(labels))
    axes.set_xticks(places, labels, rotation=60, ha="right", fontsize=8)
    axes.set_yticks(places, labels, fontsize=8)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    for row in places:
        for column in places:
            if count := int(matrix[row, column]):
                colour = "white" if share[row, column] > 0.5 else "black"
                axes.text(column, row, str(count), ha="center", va="center", fontsize=7, color=colour)
    buffer = io.BytesIO()
    canvas.print_png(buffer)
    return buffer.getvalue()
