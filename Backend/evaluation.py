"""How good the eye is on labelled pictures, for us and for every shop: what `similook evaluate` runs.

Model/evaluate.py has the measures; here the pictures come from a catalogue, a manifest or a folder per class, one or
two encoders look at them, and the table, the JSON and the page with good and bad results are written.
"""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import JsonValue

from Backend.errors import NothingLabelled, PathUnusable
from Backend.folders import make_output_folder
from Backend.settings import Settings
from Model.baselines import colour_histograms
from Model.embedder import Embedder
from Model.errors import ImageError
from Model.evaluate import Run, Side, Truth, Vectors, figures, look, peak_memory_mb
from Model.preprocess import load, shrink
from Model.report import Measured, to_html, to_json, to_markdown
from Model.transforms import strong_view

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif", ".gif"})
HISTOGRAM_SIDE = 160
SEED = 7

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Labelled:
    """A labelled picture.

    Args:
        image: its file.
        label: category slug.
        group: pictures of one group (a product, a sender) are never each other's right answers.
        colour: colour word, "" where unknown.
    """

    image: Path
    label: str
    group: str
    colour: str = ""


def read_labelled(source: Path) -> list[Labelled]:
    """Return the pictures of a manifest CSV (image, label, and where known group, colour, split) or a folder per class.

    Of a manifest with splits only the rows of `val` are returned. A row without image or label is left out.

    Raises:
        PathUnusable: it cannot be read, or is not of this form.
        NothingLabelled: it holds no labelled picture.
    """
    try:
        if source.is_dir():
            rows = [
                Labelled(path, path.parent.name, path.name)
                for path in sorted(source.glob("*/*"))
                if path.suffix.lower() in PICTURES
            ]
        else:
            rows = list(_manifest(source))
    except (OSError, UnicodeDecodeError, KeyError, csv.Error) as error:
        raise PathUnusable(
            f"{source} cannot be read as labelled pictures ({error}): give a CSV with the columns image and label, "
            "or a folder with one folder per class."
        ) from error
    if not rows:
        raise NothingLabelled
    return rows


def evaluate(
    pictures: list[Labelled],
    embedders: dict[str, Embedder],
    instances: int,
    facts: dict[str, JsonValue],
    out: Path,
    progress: Progress = lambda name, done, total: None,
) -> str:
    """Measure one or two models and the colour histogram, write the reports, and return the table in Markdown.

    Each picture asks, and all pictures of other groups are searched; strong views of the first `instances` ask for
    their own picture among all.

    Args:
        pictures: those that cannot be read are left out and counted.
        embedders: by name; the first is what the others are compared with.
        instances: strong views to make; 0 for none.
        facts: command, commit, machine, data.
        out: folder for evaluation.md, .json and .html.
        progress: called with (model, pictures done, pictures in all).
    Raises:
        PathUnusable: not one of the pictures can be read, or `out` cannot be written to.
    """
    make_output_folder(out)
    good = _readable(pictures)
    if not good:
        raise PathUnusable(
            f"None of the {len(pictures)} labelled pictures can be read, {pictures[0].image} for one: check the paths, "
            "which start from the manifest's folder."
        )
    side = Side(
        [str(row.image) for row in good],
        [row.label for row in good],
        [row.group for row in good],
        [row.colour for row in good] if any(row.colour for row in good) else (),
    )
    truth = Truth(side, side, range(min(instances, len(good))))
    measured = []
    for name, embedder in embedders.items():
        seen = look(embedder, _images(good), progress=partial(_tell, progress, name, len(good)))
        asked = look(embedder, _views(good, truth.instances))
        run = Run(
            name,
            seen.vectors,
            seen.vectors,
            seen.predicted if embedder.labels else (),
            seen.confidence if embedder.labels else (),
            asked.vectors,
            (),
            seen.ms_per_picture,
        )
        measured.append(Measured(run, figures(truth, run)))
    vectors = _histograms(_images(good))
    histogram = Run("colour histogram", vectors, vectors, views=_histograms(_views(good, truth.instances)))
    measured.append(Measured(histogram, figures(truth, histogram)))
    facts = {
        **facts,
        "pictures": len(good),
        "unreadable": len(pictures) - len(good),
        "peak memory of the process, MB": round(peak_memory_mb(), 1),
    }
    table = to_markdown(measured)
    said = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    (out / "evaluation.md").write_text(f"# Evaluation\n\n{said}\n\n{table}\n", encoding="utf-8")
    (out / "evaluation.json").write_text(json.dumps(to_json(measured, facts), indent=2) + "\n", encoding="utf-8")
    page = to_html(measured, truth, lambda key: Image.open(key), facts)
    (out / "evaluation.html").write_text(page, encoding="utf-8")
    return table


def encoder_settings(settings: Settings, encoder: str) -> Settings:
    """Return the settings with another encoder; the classifier belongs to the first one and is left out."""
    return settings.model_copy(update={"encoder": encoder, "classifier": ""})


def _tell(progress: Progress, name: str, total: int, done: int) -> None:
    progress(name, done, total)


def _manifest(path: Path) -> Iterator[Labelled]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            # A cell is None where its row ends before it.
            if row["image"] and (row["label"] or "").strip() and (row.get("split") or "val") == "val":
                yield Labelled(
                    path.parent / row["image"],
                    row["label"].strip(),
                    (row.get("group") or row["image"]).strip(),
                    (row.get("colour") or "").strip(),
                )


def _readable(pictures: list[Labelled]) -> list[Labelled]:
    """Return the pictures that can be decoded: every model is to be asked the same."""
    good = []
    for row in pictures:
        try:
            load(row.image.read_bytes())
        except (ImageError, OSError):
            continue
        good.append(row)
    return good


def _images(pictures: list[Labelled]) -> Iterator[Image.Image]:
    for row in pictures:
        yield load(row.image.read_bytes())


def _views(pictures: list[Labelled], numbers: Sequence[int]) -> Iterator[Image.Image]:
    for number in numbers:
        row = pictures[number]
        yield strong_view(load(row.image.read_bytes()), row.image.name, SEED)


def _histograms(images: Iterator[Image.Image]) -> Vectors:
    rows = [colour_histograms([shrink(image, HISTOGRAM_SIDE)]) for image in images]
    return np.concatenate(rows) if rows else np.zeros((0, 512), dtype=np.float32)
