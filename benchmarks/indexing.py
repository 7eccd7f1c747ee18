"""Indexing against the bare networks: how much of the time is not ONNX Runtime.

    python -m benchmarks.indexing [--photos 600] [--rounds 3] [--out docs/results]

Both look at the same photos with the same two networks, batch size, threads and batches side by side. Bare: tensors
that were made before go through the networks, and what comes out is dropped. `similook index`: reads, decodes, finds
plain borders, masks, embeds, classifies, names colours, judges sharpness and writes to the database. They take turns.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from Backend.indexer import BATCH_SIZE, Selection
from Backend.indexing import Indexing
from Backend.services import open_catalogue, open_images
from Backend.settings import Settings, available_cores
from benchmarks.provenance import REPOSITORY, RESULTS, header, table
from Data.importers import open_source, run_import
from Model.card import Card
from Model.preprocess import load, shrink, to_batch
from Model.segmenters.plain_border import plain_border_mask
from Model.session import Session, open_session
from Model.weights import find_model

TAR = REPOSITORY.parent / "shared" / "data" / "clothing-dataset.tar"

Tensors = NDArray[np.float32]


@dataclass(frozen=True)
class Batch:
    """What the networks get for a batch of pictures.

    Args:
        masked: those whose border is not plain, one by one as rembg asks. Shape: each (1, 3, h, w).
        encoded: all of them. Shape: (n, 3, h, w).
    """

    masked: list[Tensors]
    encoded: Tensors


def main() -> int:
    """Measure and write indexing.md; return 1 where the photos are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tar", type=Path, default=TAR, help="clothing-dataset.tar")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    if not chosen.tar.is_file():
        print(f"{chosen.tar} is missing: say where it is with --tar.")
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        empty = folder / "imported"
        settings = Settings(data_dir=empty)
        with open_catalogue(settings) as catalogue:
            catalogue.migrate()
            run_import(open_source("clothing-dataset", chosen.tar), catalogue, open_images(settings), "benchmark")
        batches = prepare(settings, chosen.photos)
        pairs = [
            (bare(batches, settings), indexed(empty, folder / f"round-{number}", chosen.photos))
            for number in range(chosen.rounds)
        ]
    page = header("Indexing against the bare networks", _data(chosen.photos, batches)) + "\n" + report(chosen, pairs)
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "indexing.md").write_text(page, encoding="utf-8")
    print(page)
    return 0


def prepare(settings: Settings, photos: int) -> list[Batch]:
    """Return the tensors of the first photos that `similook index` would take."""
    mask_card, encoder_card = (
        Card.load(find_model(name, settings.models)) for name in ("garment-mask", settings.encoder)
    )
    with Indexing.open(settings) as work:
        names = [
            picture.sha256
            for picture in next(work.catalogue.pending_pictures(work.embedder.embedder_id, photos, False))
        ]
        store = open_images(settings)
        batches = []
        for first in range(0, len(names), BATCH_SIZE):
            images = [shrink(load(store.get(name))) for name in names[first : first + BATCH_SIZE]]
            masked = [to_batch([image], mask_card) for image in images if plain_border_mask(image) is None]
            batches.append(Batch(masked, to_batch(images, encoder_card)))
    return batches


def bare(batches: Sequence[Batch], settings: Settings) -> float:
    """Return the pictures a second of the networks alone, as many batches side by side as there are cores."""
    masks, encoder = (_session(name, settings) for name in ("garment-mask", settings.encoder))

    def run(batch: Batch) -> None:
        for tensor in batch.masked:
            masks.run(tensor)
        encoder.run(batch.encoded)

    run(batches[0])
    with ThreadPoolExecutor(available_cores()) as pool:
        begun = time.perf_counter()
        list(pool.map(run, batches))
        spent = time.perf_counter() - begun
    return sum(len(batch.encoded) for batch in batches) / spent


def indexed(imported: Path, folder: Path, photos: int) -> float:
    """Return the pictures a second of `similook index` on a copy of a catalogue."""
    shutil.copytree(imported, folder)
    with Indexing.open(Settings(data_dir=folder)) as work:
        run = work.run(Selection(limit=photos))
    shutil.rmtree(folder)
    return run.processed / run.elapsed_s


def report(chosen: argparse.Namespace, pairs: Sequence[tuple[float, float]]) -> str:
    """Return the figures as Markdown."""
    ratios = [ours / alone for alone, ours in pairs]
    rows: list[list[object]] = [
        [number, f"{alone:.1f}", f"{ours:.1f}", f"{ours / alone:.2f}"] for number, (alone, ours) in enumerate(pairs, 1)
    ]
    text = table(["round", "networks alone, pictures/s", "similook index, pictures/s", "ratio"], rows)
    return text + f"\nMedian ratio of {chosen.rounds} rounds: {statistics.median(ratios):.2f} (aim 0.9).\n"


def _session(name: str, settings: Settings) -> Session:
    folder = find_model(name, settings.models)
    return open_session(folder, Card.load(folder), 1)


def _data(photos: int, batches: Sequence[Batch]) -> str:
    masked = sum(len(batch.masked) for batch in batches)
    return (
        f"{photos} photos of clothing-dataset (CC0), {masked} of which need the mask network; batches of {BATCH_SIZE}, "
        f"{available_cores()} side by side, one thread each."
    )


if __name__ == "__main__":
    raise SystemExit(main())
