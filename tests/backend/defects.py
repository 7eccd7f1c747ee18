"""Pictures with known faults, made from drawn products: what the audit is measured on.

python -m tests.backend.defects [--per-class 8]
"""

import argparse
import io
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from Backend.indexing import Indexing
from Backend.picture_facts import measure_missing
from Backend.services import open_catalogue, open_images
from Backend.settings import Settings
from benchmarks.provenance import RESULTS, header, table
from Data.audit import AuditReport, audit
from Data.features import Features
from Data.product import Picture, Product
from Data.sample import draw_sample
from Model.preprocess import DecodeLimits

SEED = 5
SHARE = 8
"""One product in so many gets each defect; the last ones stay as they are."""

EXPECTED = {
    "blurred": {"blurred"},
    "shrunk": {"tiny"},
    "noise": {"not-a-garment"},
    "landscape": {"not-a-garment", "cluttered"},
    "missing": {"missing"},
    "duplicated": {"duplicate"},
}
"""What the audit should say of each defect; any of the words will do."""

Measured = dict[str, tuple[int, int, int]]
"""Defect to (injected, found, said of others wrongly)."""


def blurred(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return a picture that was out of focus."""
    return image.filter(ImageFilter.GaussianBlur(float(rng.uniform(3, 6)) * max(image.size) / 640))


def shrunk(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return a picture of a thumbnail's size."""
    side = int(rng.integers(60, 160))
    return image.resize((side, side * image.height // image.width))


def noise(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return nothing but noise."""
    return Image.fromarray(rng.integers(0, 256, (image.height, image.width, 3), dtype=np.uint8))


def landscape(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return hills under a sky."""
    x, y = np.linspace(0, 1, image.width), np.linspace(0, 1, image.height)[:, None]
    pixels = np.array([120, 170, 230]) * (1 - y[..., None]) + np.array([225, 228, 235]) * y[..., None]
    pixels = np.broadcast_to(pixels, (image.height, image.width, 3)).copy()
    for depth, colour in enumerate(((95, 115, 125), (75, 105, 65), (50, 80, 40))):
        phase = rng.uniform(0, 6, 2)
        ridge = 0.45 + 0.15 * depth + 0.06 * np.sin(6 * x + phase[0]) + 0.04 * np.sin(17 * x + phase[1])
        below = y > ridge
        pixels[below] = np.array(colour) + rng.normal(0, 12, (int(below.sum()), 1))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


SPOILERS: dict[str, Callable[[Image.Image, np.random.Generator], Image.Image]] = {
    "blurred": blurred,
    "shrunk": shrunk,
    "noise": noise,
    "landscape": landscape,
}


def inject(settings: Settings, per_class: int) -> dict[str, str]:
    """Fill a catalogue with drawn products, one in eight with each defect, and look at them.

    Args:
        per_class: products of each of the 13 categories.
    Returns:
        product_id to its defect, for those that have one. Both products of a duplicated picture have it.
    """
    rng = np.random.default_rng(SEED)
    folder = settings.data_dir / "drawn"
    draw_sample(folder, per_class=per_class)
    files = sorted((folder / "images").iterdir())
    order = [files[int(position)] for position in rng.permutation(len(files))]
    labels: dict[str, str] = {}
    products: list[Product] = []
    images = open_images(settings)
    previous: tuple[str, bytes] | None = None
    for number, file in enumerate(order):
        defect = [*EXPECTED][number % SHARE] if number % SHARE < len(EXPECTED) else None
        data = file.read_bytes()
        if defect in SPOILERS:
            data = _saved(SPOILERS[defect](Image.open(file).convert("RGB"), rng), 92)
        elif defect == "duplicated" and previous is not None:
            labels[previous[0]] = defect
            image = Image.open(io.BytesIO(previous[1])).convert("RGB")
            smaller = image.resize((image.width * 7 // 10, image.height * 7 // 10))
            # Every other one is the file itself.
            data = previous[1] if number // SHARE % 2 else _saved(smaller, 60)
        if defect is not None and (defect != "duplicated" or previous is not None):
            labels[file.stem] = defect
        if number % SHARE == SHARE - 1:
            previous = (file.stem, data)
        pictures = () if defect == "missing" else (Picture(sha256=images.put(data)),)
        products.append(Product(product_id=file.stem, name=file.stem, pictures=pictures))
    with open_catalogue(settings) as catalogue:
        catalogue.migrate()
        catalogue.upsert(products)
    with Indexing.open(settings) as work:
        work.run()
    return labels


def look(settings: Settings) -> AuditReport:
    """Audit a catalogue as the command does."""
    with open_catalogue(settings) as catalogue:
        measure_missing(catalogue, open_images(settings), DecodeLimits())
        return audit(catalogue, Features(catalogue.engine).current_embedder(), keep=100_000)


def measure(report: AuditReport, labels: dict[str, str]) -> Measured:
    """Return for each defect how many were injected, found, and said of products that do not have it."""
    said: dict[str, set[str]] = defaultdict(set)
    for finding in report.findings:
        for fault in finding.faults:
            said[fault.kind].add(finding.product.product_id)
    return {
        defect: _counted(
            {product_id for product_id, label in labels.items() if label == defect},
            set().union(*(said[kind] for kind in kinds)),
            {product_id for product_id, label in labels.items() if EXPECTED[label] & kinds},
        )
        for defect, kinds in EXPECTED.items()
    }


def _counted(injected: set[str], said: set[str], may: set[str]) -> tuple[int, int, int]:
    return len(injected), len(injected & said), len(said - may)


def _saved(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _rows(measured: Measured) -> Iterator[list[object]]:
    for defect, (injected, found, wrong) in measured.items():
        precision = found / (found + wrong) if found + wrong else 0.0
        words = " or ".join(sorted(EXPECTED[defect]))
        yield [defect, words, injected, found, wrong, f"{precision:.3f}", f"{found / injected:.3f}"]


def main() -> None:
    """Measure the audit and write docs/results/audit.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-class", type=int, default=8, help="drawn products of each of the 13 categories")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        labels = inject(settings, chosen.per_class)
        report = look(settings)
    data = (
        f"{report.products} drawn products, one in eight with each defect. A landscape is found when it is called no "
        "garment or cluttered; a product of another defect that the same words fit is not counted as wrong."
    )
    columns = ["Defect", "Said", "Injected", "Found", "Wrong", "Precision", "Recall"]
    clean = report.products - len(labels)
    faulty = {finding.product.product_id for finding in report.findings}
    wrongly = len(faulty - set(labels))
    note = f"\n{wrongly} of the {clean} products without a defect were called faulty.\n"
    RESULTS.mkdir(parents=True, exist_ok=True)
    page = header("The audit, on injected defects", data) + "\n" + table(columns, list(_rows(measure(report, labels))))
    (RESULTS / "audit.md").write_text(page + note, encoding="utf-8")


if __name__ == "__main__":
    main()
