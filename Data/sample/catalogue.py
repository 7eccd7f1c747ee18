"""The sample catalogue on disk: products.csv and a folder of pictures."""

from __future__ import annotations

import csv
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from Data.sample.drawing import Drawing, draw_product
from Data.sample.naming import SAMPLE_CATEGORIES

COLUMNS = (
    "product_id",
    "group_id",
    "name",
    "brand",
    "category",
    "category_name",
    "gender",
    "age_group",
    "colour",
    "sizes",
    "price",
    "final_price",
    "currency",
    "product_url",
    "in_stock",
    "image",
)
CATEGORY_NAMES = dict(SAMPLE_CATEGORIES)
SIZE_SEPARATOR = "|"
JPEG_QUALITY = 88
STALE_AFTER_S = 3600


def _row(drawing: Drawing, image: str) -> dict[str, str]:
    offer = drawing.offer
    return {
        "product_id": drawing.product_id,
        "group_id": drawing.group_id,
        "name": offer.name,
        "brand": offer.brand,
        "category": drawing.category,
        "category_name": CATEGORY_NAMES[drawing.category],
        "gender": offer.gender,
        "age_group": offer.age_group,
        "colour": drawing.colour.name,
        "sizes": SIZE_SEPARATOR.join(offer.sizes),
        "price": str(offer.price),
        "final_price": str(offer.final_price),
        "currency": drawing.currency,
        "product_url": f"https://example.com/products/{drawing.product_id}",
        "in_stock": "true" if offer.in_stock else "false",
        "image": image,
    }


def draw_sample(
    directory: Path, *, seed: int = 7, per_class: int = 50, progress: Callable[[int, int], None] | None = None
) -> Path:
    """Draw the whole sample catalogue.

    Everything is drawn into a temporary folder beside `directory` that then takes its name, so that a killed run leaves
    no half catalogue. A catalogue that is already there is replaced. The same seed gives the same bytes on the same
    versions of Pillow and NumPy.

    Args:
        directory: gets products.csv and images/; its parent is made if need be.
        seed: of all that is drawn.
        per_class: products of each of the 13 categories, 1 or more.
        progress: called with (done, total) after each product.
    Returns:
        The path of products.csv.
    Raises:
        ValueError: per_class is less than 1.
        FileExistsError: `directory` holds something other than a sample catalogue.
        OSError: the disk is full or not writable.
    """
    if per_class < 1:
        raise ValueError(f"per_class is {per_class}; it must be 1 or more")
    directory = Path(directory)
    table = directory / "products.csv"
    if directory.exists() and any(directory.iterdir()) and not table.exists():
        raise FileExistsError(f"{directory} is not empty and holds no products.csv; choose another folder")
    directory.parent.mkdir(parents=True, exist_ok=True)
    _sweep(directory)
    scratch = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        _draw_into(scratch, seed, per_class, progress)
        if directory.exists():
            shutil.rmtree(directory)
        scratch.chmod(0o755)
        scratch.replace(directory)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return table


def _sweep(directory: Path) -> None:
    """Remove what killed runs left beside the directory; a run under way is younger than the limit."""
    for left in directory.parent.glob(f".{directory.name}-*"):
        if time.time() - left.stat().st_mtime > STALE_AFTER_S:
            shutil.rmtree(left, ignore_errors=True)


def _draw_into(folder: Path, seed: int, per_class: int, progress: Callable[[int, int], None] | None) -> None:
    images = folder / "images"
    images.mkdir()
    total = len(SAMPLE_CATEGORIES) * per_class
    done = 0
    with (folder / "products.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for category, _ in SAMPLE_CATEGORIES:
            for index in range(per_class):
                drawing = draw_product(category, index, seed)
                name = f"{drawing.product_id}.jpg"
                Image.fromarray(drawing.rgb).save(images / name, quality=JPEG_QUALITY)
                writer.writerow(_row(drawing, name))
                done += 1
                if progress is not None:
                    progress(done, total)
