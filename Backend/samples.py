"""The drawn sample catalogue, made, taken in and indexed where that has not been done."""

import csv
import hashlib
import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from Backend.commands.progress import bar
from Backend.indexing import Indexing
from Backend.services import open_catalogue, open_images
from Backend.settings import Settings
from Data.catalogue import Catalogue
from Data.images import ImageStore
from Data.product import Picture, Product
from Data.sample import SAMPLE_CATEGORIES, draw_sample
from Data.sample.catalogue import SIZE_SEPARATOR
from Model.weights import find_model

SOURCE = "sample"
PER_CLASS = 50
BATCH = 200
NAMES = dict(SAMPLE_CATEGORIES)


def prepare(settings: Settings, say: Callable[[str], object], per_class: int = PER_CLASS) -> None:
    """Make everything searchable that is in the catalogue; an empty one gets the sample first.

    A second call finds that nothing is left to do in well under a second, without loading a network.

    Args:
        settings: of this machine.
        say: tells a person what takes a while.
        per_class: products of each category to draw.
    Raises:
        ModelError, DataError: one sentence each that says what to do.
    """
    with open_catalogue(settings) as catalogue:
        catalogue.migrate()
        empty = catalogue.count() == 0
        if empty:
            say("Drawing the sample catalogue.")
            take_in(_drawn(settings, per_class), catalogue, open_images(settings))
    state = settings.cache_dir / "demo.json"
    wanted = {"networks": _fingerprint(settings)}
    if not empty and _read(state) == wanted:
        return
    say("Looking at the pictures.")
    with Indexing.open(settings) as work:
        pending = work.catalogue.stats(work.embedder.embedder_id).pending
        with bar("Looking at pictures", pending) as advance:
            report = work.run(progress=lambda now: advance(now.processed))
        if work.is_due():
            work.build()
    say(f"{report.succeeded} pictures in {report.elapsed_s:.0f} s.")
    state.parent.mkdir(parents=True, exist_ok=True)
    state.write_text(json.dumps(wanted), encoding="utf-8")


def take_in(table: Path, catalogue: Catalogue, images: ImageStore) -> None:
    """Put the drawn products and their pictures into the catalogue."""
    rows = _rows(table)
    while batch := list(islice(rows, BATCH)):
        keys = images.put_many([(table.parent / "images" / row["image"]).read_bytes() for row in batch])
        catalogue.upsert([_product(row, key) for row, key in zip(batch, keys, strict=True)], SOURCE)


def _drawn(settings: Settings, per_class: int) -> Path:
    folder = settings.data_dir / SOURCE
    with bar("Drawing", per_class * len(SAMPLE_CATEGORIES)) as advance:
        return draw_sample(folder, per_class=per_class, progress=lambda done, total: advance(done))


def _rows(table: Path) -> Iterator[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _product(row: dict[str, str], sha256: str) -> Product:
    return Product.model_validate(
        {
            **{name: value for name, value in row.items() if name not in ("sizes", "image")},
            "category_name": NAMES[row["category"]],
            "sizes": tuple(row["sizes"].split(SIZE_SEPARATOR)) if row["sizes"] else (),
            "pictures": (Picture(sha256=sha256),),
        }
    )


def _fingerprint(settings: Settings) -> str:
    """Return what changes when other networks would look: names and cards, read without loading anything."""
    digest = hashlib.sha256(f"{settings.encoder}|{settings.segmenter}".encode())
    for folder in sorted(_folders(settings)):
        digest.update((folder / "card.json").read_bytes())
    return digest.hexdigest()


def _folders(settings: Settings) -> list[Path]:
    from Model.errors import ModelNotFound

    found = []
    for name in (settings.encoder, settings.segmenter, "garment-mask"):
        try:
            found.append(find_model(name, settings.models_dir))
        except ModelNotFound:
            continue  # a listed name that is no folder of its own
    return found


def _read(state: Path) -> object:
    try:
        return json.loads(state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
