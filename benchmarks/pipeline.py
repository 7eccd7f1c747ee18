"""One request's stages, against the straightforward way with the same networks, in the same run.

    python -m benchmarks.pipeline [--photos 40] [--products 10] [--out docs/results]

Baselines: torch eager, rembg and pandas kept loaded; and the same, loading all of it for each request. Then the ladder
from the one to the other, a change at a time. The real photos of ../shared/data where they are there, else drawings.
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import torch
from PIL import Image, ImageOps

from Backend.metrics import Metrics
from Backend.samples import prepare
from Backend.services import Services
from Backend.settings import Settings
from benchmarks.provenance import REPOSITORY, RESULTS, header, table
from benchmarks.straightforward import FEATURES, Straightforward
from Data.sample import draw_product
from Model.card import Card
from Model.classifier import Classifier
from Model.embedder import with_margin
from Model.encoders.onnx import OnnxEncoder
from Model.preprocess import load, shrink
from Model.segmenters.base import Mask
from Model.segmenters.on_white import garment_box, with_background
from Model.segmenters.plain_border import plain_border_mask
from Model.segmenters.rembg import RembgSegmenter
from Model.weights import find_model

CLIENTS = (1, 4, 16)
TAR = REPOSITORY.parent / "shared" / "data" / "clothing-dataset.tar"


def main() -> None:
    """Measure, and write pipeline.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--products", type=int, default=10, help="Drawn products of each category.")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    photos, words = _photos(chosen.photos)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), threads=1, log_level="error")
        prepare(settings, print, per_class=chosen.products)
        services = Services.open(settings, Metrics())
        try:
            gallery = Path(folder) / "features.csv"
            _write_csv(services, gallery)
            pages = [_stages(services, photos), *_ladder(services, photos, gallery)]
        finally:
            services.close()
    chosen.out.mkdir(parents=True, exist_ok=True)
    data = f"{len(photos)} {words}; {13 * chosen.products} drawn products in the index. One thread per network."
    text = "\n".join([header("One request, stage by stage", data), *pages])
    (chosen.out / "pipeline.md").write_text(text, encoding="utf-8")
    print(text)


def _stages(services: Services, photos: list[bytes]) -> str:
    """Return the stages of Similook's own way: cold (the first request) and warm."""
    recommender = services.recommender
    times: dict[str, list[float]] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        times.setdefault(name, []).append(1000 * (time.perf_counter() - started))

    models = services.settings.models
    embedder = services.embedder
    encoder = OnnxEncoder(find_model(services.settings.encoder, models), threads=1)
    classifier = Classifier.load(find_model("classifier", models))
    for data in photos:
        with timed("decode, turn, shrink"):
            image = load(data)
        with timed("mask"):
            (mask,) = embedder.find_garments([image])
        with timed("cut"):
            picture = _cut(image, mask, encoder.card)
        with timed("encode"):
            vectors = encoder.embed([picture])
        with timed("classify"):
            classifier.probabilities(vectors)
        with timed("search"):
            (hits,) = services.index.search(vectors, 10)
        with timed("products"):
            services.catalogue.get_many([hit.product_id for hit in hits])
        with timed("all, by the Recommender"):
            recommender.search(recommender.analyse(data), 10)
    rows: list[list[object]] = [
        [name, _ms(spent[:1], 50), _ms(spent[1:], 50), _ms(spent[1:], 95)] for name, spent in times.items()
    ]
    return "## Stages, ms\n\n" + table(["stage", "first", "p50 warm", "p95 warm"], rows)


def _cut(image: Image.Image, mask: Mask, card: Card) -> Image.Image:
    """Return what the encoder is shown."""
    box = garment_box(mask)
    return image if box is None else with_background(image, mask, card.background).crop(with_margin(box, image.size))


def _ladder(services: Services, photos: list[bytes], gallery: Path) -> list[str]:
    """Return the ladder from the straightforward way to Similook's, and what each does under many clients."""
    models = services.settings.models
    encoder, mask_network, head = (
        find_model(name, models) for name in (services.settings.encoder, "garment-mask", "classifier")
    )
    plain = Straightforward.load(encoder, mask_network, head, gallery)
    recommender = services.recommender

    def everything_per_request(data: bytes) -> object:
        return Straightforward.load(encoder, mask_network, head, gallery).answer(data)

    def ours(data: bytes) -> object:
        return recommender.search(recommender.analyse(data), 10)

    segmenter = RembgSegmenter(mask_network, threads=1)
    classifier = Classifier.load(head)
    int8 = OnnxEncoder(encoder, threads=1)

    def step(shrunk: bool, draft: bool, rule: bool, quick: bool) -> Callable[[bytes], object]:
        def run(data: bytes) -> object:
            if draft:
                image = load(data)
            else:
                image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
                image = shrink(image) if shrunk else image
            mask = plain_border_mask(image) if rule else None
            mask = segmenter.masks([image])[0] if mask is None else mask
            vectors = int8.embed([_cut(image, mask, int8.card)])
            classifier.probabilities(vectors)
            if quick:
                (hits,) = services.index.search(vectors, 10)
                return services.catalogue.get_many([hit.product_id for hit in hits])
            held = plain.table[FEATURES].to_numpy(dtype=np.float32)
            return np.argsort(-(held @ vectors[0]) / np.linalg.norm(held, axis=1))[:10]

        return run

    ways: list[tuple[str, Callable[[bytes], object], int]] = [
        ("everything loaded per request", everything_per_request, 3),
        ("kept loaded: torch eager, rembg, pandas", plain.answer, len(photos)),
        ("+ int8 encoder in ONNX Runtime", step(False, False, False, False), len(photos)),
        ("+ one resize to 640 px before the mask", step(True, False, False, False), len(photos)),
        ("+ decode at the scale that is needed", step(True, True, False, False), len(photos)),
        ("+ plain borders skip the mask network", step(True, True, True, False), len(photos)),
        ("+ index and one SQL query instead of the table", step(True, True, True, True), len(photos)),
        ("Similook as it serves", ours, len(photos)),
    ]
    taken: dict[str, list[float]] = {name: [] for name, _, _ in ways}
    for place, data in enumerate(photos):  # in turns, so that a noisy minute hits all of them
        for name, way, most in ways:
            if place < most:
                started = time.perf_counter()
                way(data)
                taken[name].append(1000 * (time.perf_counter() - started))
    base = float(np.median(taken[ways[1][0]]))
    rows: list[list[object]] = [
        [name, _ms(taken[name], 50), _ms(taken[name], 95), f"{base / np.median(taken[name]):.2f}"]
        for name, _, _ in ways
    ]
    ladder = "## A change at a time, ms\n\n" + table(["way", "p50", "p95", "times as fast as kept loaded"], rows)
    clients: list[list[object]] = [
        [name, *(f"{_throughput(way, photos, count):.2f}" for count in CLIENTS)]
        for name, way in (("kept loaded", plain.answer), ("Similook", ours))
    ]
    throughput = "## Requests a second\n\n" + table(["way", *(f"{count} clients" for count in CLIENTS)], clients)
    memory = psutil.Process().memory_info().rss / 2**20
    return [ladder, throughput, f"Memory with both ways loaded in one process: {memory:.0f} MiB; {_own_memory()}"]


def _own_memory() -> str:
    """Return the memory of a process that has loaded Similook's networks and nothing else."""
    import subprocess
    import sys

    code = (
        "import psutil; from Model.embedder import Embedder;"
        "Embedder.load(); print(psutil.Process().memory_info().rss // 2**20)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    return f"a process with Similook's three networks alone: {said.stdout.strip()} MiB.\n"


def _throughput(way: Callable[[bytes], object], photos: list[bytes], clients: int) -> float:
    """Return requests a second with so many clients that each wait for their answer."""
    wanted = list(itertools.islice(itertools.cycle(photos), max(2 * clients, 12)))
    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(way, wanted))
    return len(wanted) / (time.perf_counter() - started)


def _write_csv(services: Services, path: Path) -> None:
    """Write the saved features as the straightforward way keeps them."""
    from Data.features import Features

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["product_id", *FEATURES])
        for batch in Features(services.catalogue.engine).iterate(services.embedder.embedder_id, 500):
            for column, vector in zip(batch.columns, batch.vectors.astype(np.float32), strict=True):
                writer.writerow([column.product_id, *vector.tolist()])


def _photos(count: int) -> tuple[list[bytes], str]:
    """Return photos and a word for them: real ones where they are there."""
    if TAR.is_file():
        with tarfile.open(TAR) as tar:
            members = [member for member in tar.getmembers() if member.name.endswith(".jpg")]
            chosen = members[:: max(1, len(members) // count)][:count]
            return [file.read() for file in map(tar.extractfile, chosen) if file is not None], "phone photos"
    drawn = []
    for index in range(count):
        buffer = io.BytesIO()
        Image.fromarray(draw_product("shirt", index, seed=11).rgb).save(buffer, "JPEG")
        drawn.append(buffer.getvalue())
    return drawn, "drawn pictures"


def _ms(values: list[float], percentile: int) -> str:
    return f"{np.percentile(values, percentile):.1f}" if values else ""


if __name__ == "__main__":
    main()
