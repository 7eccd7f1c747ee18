"""A feed that a test changes, and one run of `Sync` over it."""

import io
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from Data.catalogue import Catalogue
from Data.images import ImageStore
from Data.importers import open_source
from Data.importers.base import ImportedRow, Importer
from Data.product import RowProblem
from Data.sync import Sync, SyncPlan, SyncReport


class Counting:
    """A feed that counts how often its pictures are read."""

    def __init__(self, inner: Importer) -> None:
        self._inner = inner
        self.total = inner.total
        self.read_files: list[str] = []

    def rows(self) -> Iterator[ImportedRow | RowProblem]:
        return self._inner.rows()

    def read(self, file: str) -> bytes:
        self.read_files.append(file)
        return self._inner.read(file)

    def fingerprint(self, file: str) -> str | None:
        return self._inner.fingerprint(file)


class Feed:
    """A table of products beside their pictures."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.path = folder / "shop.csv"
        self.rows = {f"p{number}": [f"Shirt {number}", "10", "EUR", f"p{number}.jpg"] for number in range(10)}
        for number in range(10):
            self.picture(f"p{number}.jpg", number)
        self.write()

    def picture(self, name: str, shade: int) -> None:
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8), (shade, shade, shade)).save(buffer, "PNG")
        (self.path.parent / name).write_bytes(buffer.getvalue())

    def write(self, end: str = "\n") -> None:
        lines = ["id,name,price,currency,image", *(",".join([key, *row]) for key, row in self.rows.items())]
        self.path.write_text("\n".join(lines) + end, encoding="utf-8")

    def open(self) -> Counting:
        return Counting(open_source("table", self.path))


def plan(feed: Feed, catalogue: Catalogue, images: ImageStore, source: str = "shop") -> SyncPlan:
    with Sync(feed.open(), catalogue, images, source) as work:
        return work.plan()


def sync(
    feed: Feed, catalogue: Catalogue, images: ImageStore, force: bool = False, delete: bool = False
) -> tuple[SyncReport, list[str]]:
    source = feed.open()
    with Sync(source, catalogue, images, "shop") as work:
        work.plan()
        return work.apply(force, delete), source.read_files


def counts(found: SyncPlan) -> tuple[int, int, int, int, int]:
    return found.new, found.changed, found.picture_changed, found.unchanged, found.gone
