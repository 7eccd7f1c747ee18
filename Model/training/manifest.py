"""The manifest that training and evaluation read: one row per picture, made from the published tars or from any CSV.

A manifest row names a picture by an archive member or a file path, so the sets are read straight from their tars and
never unpacked. Splits are files of picture ids (`splits/*_val.csv`) where a set has one, and a hash of the group
elsewhere, so the same picture is on the same side on every machine.
"""

from __future__ import annotations

import csv
import hashlib
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from Model.training.labels import CLOTHING_DATASET, shop_class

SPLITS = Path(__file__).parent / "splits"
VALIDATION_SHARE = 0.2


@dataclass(frozen=True)
class Row:
    """One picture.

    Args:
        image: path of the file, or of the member inside `archive`.
        archive: the tar that holds it, None for a plain file.
        label: class name, "" where unknown.
        group: what must not be split apart: sender, product or photo.
        split: "train" or "val".
        mask: path of the mask (member or file), "" where there is none.
        words: further labels of a shop picture: type, colour, gender, title.
    """

    image: str
    archive: Path | None
    label: str
    group: str
    split: str
    mask: str = ""
    words: dict[str, str] = field(default_factory=dict)


def hashed_share(key: str) -> float:
    """Return a number in [0, 1) that depends on the key alone."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 2**32


def split_of(key: str, share: float = VALIDATION_SHARE) -> str:
    """Return "val" for about `share` of all keys, "train" for the rest; the same answer on every machine."""
    return "val" if hashed_share(key) < share else "train"


def read_split(name: str) -> frozenset[str]:
    """Return the picture ids of a committed validation split.

    Args:
        name: file name without ".csv", in Model/training/splits.
    Raises:
        FileNotFoundError: there is no such split.
    """
    with (SPLITS / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return frozenset(row["image"] for row in csv.DictReader(file))


def _member_rows(archive: Path, member: str) -> list[list[str]]:
    with tarfile.open(archive) as tar:
        handle = tar.extractfile(member)
        assert handle is not None
        return list(csv.reader(io.TextIOWrapper(handle, encoding="utf-8")))


def clothing_dataset(archive: Path) -> Iterator[Row]:
    """Yield the rows of clothing-dataset.tar: phone photos, grouped by sender."""
    validation = read_split("clothing_dataset_val")
    header, *lines = _member_rows(archive, "images.csv")
    image, sender, label, kids = (header.index(name) for name in ("image", "sender_id", "label", "kids"))
    for line in lines:
        yield Row(
            image=f"images/{line[image]}.jpg",
            archive=archive,
            label=CLOTHING_DATASET.get(line[label], ""),
            group=line[sender],
            split="val" if line[image] in validation else "train",
            words={"label": line[label], "kids": line[kids]},
        )


def street_photos(archive: Path) -> Iterator[Row]:
    """Yield the rows of clothing-co-parsing.tar: street photos; 804 of them have a mask of 59 tags."""
    validation = read_split("clothing_co_parsing_val")
    with tarfile.open(archive) as tar:
        names = tar.getnames()
    masks = {Path(name).stem for name in names if name.startswith("masks/")}
    for name in names:
        if name.startswith("photos/"):
            stem = Path(name).stem
            yield Row(
                image=name,
                archive=archive,
                label="",
                group=stem,
                split="val" if stem in validation else "train",
                mask=f"masks/{stem}.png" if stem in masks else "",
            )


def shop_pictures(archive: Path) -> Iterator[Row]:
    """Yield the rows of fashion-product-images-small.tar; in its styles.csv the title may hold bare commas."""
    header, *lines = _member_rows(archive, "styles.csv")
    with tarfile.open(archive) as tar:
        present = {Path(name).stem for name in tar.getnames() if name.startswith("images/")}
    last = len(header) - 1
    for line in lines:
        row = dict(zip(header, [*line[:last], ",".join(line[last:])], strict=True))
        if row["id"] in present and row["masterCategory"] in {"Apparel", "Accessories", "Footwear"}:
            title = row["productDisplayName"]
            yield Row(
                image=f"images/{row['id']}.jpg",
                archive=archive,
                label=shop_class(row["articleType"], title),
                group=row["id"],
                split=split_of(f"shop-{row['id']}", 0.05),
                words={
                    "type": row["articleType"],
                    "colour": row["baseColour"],
                    "gender": row["gender"],
                    "title": title,
                },
            )
