"""The catalogue as labelled pictures: what training and evaluation read."""

import csv
from collections.abc import Iterator
from pathlib import Path

from Backend.errors import NothingLabelled
from Backend.folders import make_folder
from Backend.services import open_catalogue, open_images
from Backend.settings import Settings
from Data.catalogue import Catalogue
from Data.images import ImageStore

COLUMNS = ("image", "label", "group", "colour", "product_id")


def write_manifest(settings: Settings) -> Path:
    """Write a manifest CSV of every stored picture whose product has a category of the shop's own, and return its path.

    Pictures of one product, or of one group of products, are of one group: they are never split apart. Predicted
    categories are left out: nobody learns from their own guesses. Pictures of a remote store are copied beside it. The
    path is the same each time, by which a training that was interrupted is known again.

    Raises:
        NothingLabelled: no product has both.
        PathUnusable: the cache's folder cannot be made.
    """
    folder = settings.cache_dir / "labelled"
    make_folder(folder)
    manifest = folder / "manifest.csv"
    beside = folder / "manifest.csv.new"
    with open_catalogue(settings) as catalogue, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        count = 0
        for row in _rows(catalogue, open_images(settings), folder):
            writer.writerow(row)
            count += 1
    if not count:
        raise NothingLabelled
    return beside.replace(manifest)


def _rows(catalogue: Catalogue, images: ImageStore, folder: Path) -> Iterator[dict[str, str]]:
    for product in catalogue.iterate():
        if product.category is None or product.category_predicted:
            continue
        for picture in product.pictures:
            if picture.sha256 is None or not images.exists(picture.sha256):
                continue
            yield {
                "image": str(_file(images, picture.sha256, folder)),
                "label": product.category,
                "group": product.group_id or product.product_id,
                "colour": product.colour or "",
                "product_id": product.product_id,
            }


def _file(images: ImageStore, sha256: str, folder: Path) -> Path:
    """Return a file with a stored picture: the store's own, or a copy where it is not on this machine."""
    own = images.local_path(sha256)
    if own is not None:
        return own.resolve()
    copy = folder / sha256
    if not copy.exists():
        copy.write_bytes(images.get(sha256))
    return copy
