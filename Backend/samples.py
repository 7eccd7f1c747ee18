"""The drawn sample catalogue, made, taken in and indexed where that has not been done."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from Backend.commands.progress import bar
from Backend.indexing import Indexing
from Backend.services import open_catalogue, open_images
from Backend.settings import Settings
from Data.catalogue import Catalogue
from Data.features import Features
from Data.importers import open_source, run_import
from Data.sample import SAMPLE_CATEGORIES, draw_sample
from Model.errors import ModelNotFound
from Model.preprocess import PREPROCESSING_VERSION
from Model.weights import find_model

SOURCE = "sample"
PER_CLASS = 50


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
            draw_into(catalogue, settings, per_class)
        state = settings.cache_dir / "demo.json"
        wanted = {"networks": _fingerprint(settings)}
        if not empty and _read(state) == wanted and not _has_pending(catalogue):
            return
    say("Looking at the pictures.")
    with Indexing.open(settings) as work:
        pending = work.catalogue.stats(work.embedder.embedder_id).pending
        with bar("Looking at pictures", pending) as advance:
            report = work.run(progress=lambda now: advance(now.processed))
        if work.is_due():
            work.build()
    unusable = f"; {len(report.failed)} cannot be used" if report.failed else ""
    say(f"Pictures looked at: {report.succeeded}, in {report.elapsed_s:.0f} s{unusable}.")
    state.parent.mkdir(parents=True, exist_ok=True)
    state.write_text(json.dumps(wanted), encoding="utf-8")


def draw_into(catalogue: Catalogue, settings: Settings, per_class: int = PER_CLASS) -> None:
    """Draw the sample catalogue into the data folder and take it in as any shop's table would be.

    Args:
        catalogue: migrated.
        per_class: products of each category.
    """
    folder = settings.data_dir / SOURCE
    with bar("Drawing", per_class * len(SAMPLE_CATEGORIES)) as advance:
        table = draw_sample(folder, per_class=per_class, progress=lambda done, total: advance(done))
    run_import(open_source("table", table), catalogue, open_images(settings), SOURCE)


def _has_pending(catalogue: Catalogue) -> bool:
    """Return whether pictures came that the networks of the last time have not looked at."""
    embedder_id = Features(catalogue.engine).current_embedder()
    return embedder_id is None or any(catalogue.pending_pictures(embedder_id, batch_size=1))


def _fingerprint(settings: Settings) -> str:
    """Return what changes when other networks would look: names and cards, read without loading anything."""
    digest = hashlib.sha256(f"{settings.encoder}|{settings.segmenter}|{PREPROCESSING_VERSION}".encode())
    for folder in sorted(_folders(settings)):
        digest.update((folder / "card.json").read_bytes())
    return digest.hexdigest()


def _folders(settings: Settings) -> list[Path]:
    found = []
    for name in (settings.encoder, settings.segmenter, "garment-mask"):
        try:
            found.append(find_model(name, settings.models))
        except ModelNotFound:
            continue  # a listed name that is no folder of its own
    return found


def _read(state: Path) -> object:
    try:
        return json.loads(state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
