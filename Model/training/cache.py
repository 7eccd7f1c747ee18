"""Decode every picture once into uint8 arrays that training steps read from memory.

One folder holds `<set>.npy` (n, size, size, 4) uint8, RGB and alpha, letterboxed on white, and `<set>.json` with one
record per row. Alpha is the garment mask where one is known (255 everywhere else): street masks are drawn by people,
a shop picture's white background gives its own away.
"""

from __future__ import annotations

import io
import json
import logging
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from Model.embedder import with_margin
from Model.encoders import Encoder
from Model.preprocess import View, load_view, pixel_box
from Model.segmenters import Segmenter
from Model.segmenters.on_white import coverage, garment_box, only_inside, with_background
from Model.segmenters.plain_border import plain_border_mask
from Model.training import manifest
from Model.training.files import written_whole
from Model.training.labels import STREET_GARMENTS, STREET_TAGS
from Model.upright import see_upright

log = logging.getLogger(__name__)

ARCHIVES = ("clothing-dataset.tar", "clothing-co-parsing.tar", "fashion-product-images-small.tar")
PHOTO_SIZE = 256
SHOP_SIZE = 80
STREET_MIN_SHARE = 0.004
NEAR_WHITE = 244
WORN_MIN_SHARE = 0.01
"""Of a street photo, below which nobody draws a crop around a garment."""
HAND = (-0.05, 0.12)
"""How much further out than its garment a hand draws the edges of a crop, as shares of the garment's box."""

Picture = NDArray[np.uint8]
Record = dict[str, Any]


def letterbox(image: Image.Image, size: int, fill: int = 255) -> Picture:
    """Scale the picture so that its long side is `size` and centre it on `fill`. Returns (size, size, c) uint8."""
    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    small = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0))
    if small.ndim == 2:
        small = small[:, :, None]
    canvas = np.full((size, size, small.shape[2]), fill, np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    canvas[top : top + height, left : left + width] = small
    return canvas


def white_background_alpha(picture: Picture) -> Picture:
    """Return 0 where near-white touches the border of the picture and 255 elsewhere; all 255 if that finds nothing.

    Shape: (h, w, 3) -> (h, w, 1).
    """
    white = (picture > NEAR_WHITE).all(axis=2)
    seed = np.zeros_like(white)
    seed[0], seed[-1], seed[:, 0], seed[:, -1] = True, True, True, True
    background = ndimage.binary_propagation(seed & white, mask=white)
    if background.mean() < 0.05:
        background[:] = False
    return np.where(background, 0, 255).astype(np.uint8)[:, :, None]


def _photos(archive: Path) -> Iterator[tuple[Record, Picture]]:
    rows = {row.image: row for row in manifest.clothing_dataset(archive)}
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name in rows:
                row = rows[member.name]
                yield _record(row, label=row.label), _whole(_open(tar, member))


def _street(archive: Path) -> Iterator[tuple[Record, Picture]]:
    with tarfile.open(archive) as tar:
        names = _street_tags(tar)
        for row in manifest.street_photos(archive):
            photo = _open(tar, tar.getmember(row.image))
            if not row.mask:
                yield _record(row, label="", tag=""), _whole(photo)
                continue
            for tag, region in _street_garments(tar, row, names):
                if tag in STREET_GARMENTS and region.mean() >= STREET_MIN_SHARE:
                    crop = _crop(photo, region.astype(np.uint8) * 255)
                    yield _record(row, label=STREET_TAGS.get(tag, ""), tag=tag), crop


def _street_tags(tar: tarfile.TarFile) -> dict[int, str]:
    """Return the tags that a mask's values stand for."""
    lines = _read(tar, tar.getmember("labels.txt")).decode().splitlines()
    return {int(line.split()[0]): line.split()[1] for line in lines if line[:1].isdigit()}


def _street_garments(
    tar: tarfile.TarFile, row: manifest.Row, names: dict[int, str]
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield every tag of a masked street photo, "" for an unknown one, with its pixels. Shape: (h, w)."""
    parts = np.asarray(_open(tar, tar.getmember(row.mask), mode="L"))
    for number in np.unique(parts):
        yield names.get(int(number), ""), parts == number


def build_garments(data: Path, folder: Path, segmenter: Segmenter, encoder: Encoder | None = None) -> None:
    """Write the photos once more as the service shows them to the encoder: the crop around the garment, with its mask.

    A photo in which no garment is found stays whole, as it does in the service.

    Args:
        encoder: turns garments that lie on their side upright, if its card can; None leaves all as they come.
    """
    if (folder / "garments.json").exists():
        return
    archive = data / ARCHIVES[0]
    rows = {row.image: row for row in manifest.clothing_dataset(archive)}
    records: list[Record] = []
    pictures: list[Picture] = []
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name not in rows:
                continue
            row = rows[member.name]
            records.append(_record(row, label=row.label))
            cut, found = _as_served(View(_open(tar, member)), segmenter)
            if found and encoder is not None:
                seen = [with_background(Image.fromarray(cut[:, :, :3]), cut[:, :, 3], encoder.card.background)]
                _, (quarters,) = see_upright(encoder, seen, encoder.embed(seen))
                cut = np.ascontiguousarray(np.rot90(cut, quarters))
            pictures.append(cut)
    _save(folder, "garments", records, pictures)
    log.info("cached garments: %d photos", len(records))


def build_worn(data: Path, folder: Path, segmenter: Segmenter, seed: int = 7) -> None:
    """Write garments of street photos as the service shows a customer's crop of them to the encoder.

    Each garment of a class of its own is cropped by its box and, on the training side, once more as by a hand: each
    edge up to `HAND` of the box's side too close or too far. What else is worn inside the crop stays in it.

    Args:
        seed: of the hand.
    """
    if (folder / "worn.json").exists():
        return
    hand = np.random.default_rng(seed)
    records: list[Record] = []
    pictures: list[Picture] = []
    archive = data / ARCHIVES[1]
    with tarfile.open(archive) as tar:
        names = _street_tags(tar)
        for row in manifest.street_photos(archive):
            if not row.mask:
                continue
            photo = _read(tar, tar.getmember(row.image))
            for tag, region in _street_garments(tar, row, names):
                if tag not in STREET_TAGS or region.mean() < WORN_MIN_SHARE:
                    continue
                box = garment_box(region.astype(np.uint8) * 255)
                assert box is not None
                left, top, right, bottom = hand.uniform(*HAND, 4)
                crops = [(box.x, box.y, box.w, box.h)]
                if row.split == "train":
                    moved = (box.x - left * box.w, box.y - top * box.h)
                    crops.append((*moved, box.w * (1 + left + right), box.h * (1 + top + bottom)))
                for crop in crops:
                    records.append(_record(row, label=STREET_TAGS[tag], tag=tag))
                    pictures.append(_as_served(load_view(photo, crop_box=crop), segmenter)[0])
    _save(folder, "worn", records, pictures)
    log.info("cached worn: %d crops", len(records))


def _as_served(view: View, segmenter: Segmenter) -> tuple[Picture, bool]:
    """Return what the service shows the encoder of a part of a photo, and whether a garment was found in it.

    Shape: (size, size, 4).
    """
    plain = plain_border_mask(view.image)
    (mask,) = [plain] if plain is not None else segmenter.masks([view.image])
    edges = pixel_box(view.part, view.image.size)
    mask = only_inside(mask, edges)
    share = coverage(mask[edges[1] : edges[3], edges[0] : edges[2]])
    found = share > 0 and share >= segmenter.min_coverage
    return (_crop(view.image, mask) if found else _whole(view.image.crop(edges))), found


def _save(folder: Path, name: str, records: list[Record], pictures: list[Picture]) -> None:
    """Write a set; the records come last and say that it is complete."""
    np.save(folder / f"{name}.npy", np.stack(pictures))
    with written_whole(folder / f"{name}.json") as part:
        part.write_text(json.dumps(records), encoding="utf-8")


def _whole(photo: Image.Image) -> Picture:
    """Return the letterboxed photo with all of it as alpha. Shape: (size, size, 4)."""
    rgb = letterbox(photo, PHOTO_SIZE)
    return np.concatenate([rgb, np.full((*rgb.shape[:2], 1), 255, np.uint8)], axis=2)


def _crop(photo: Image.Image, mask: Picture) -> Picture:
    """Return the letterboxed crop that the service would make, with the mask as alpha. Shape: (size, size, 4).

    Args:
        mask: 0 background .. 255 garment, some of it garment.
    """
    found = garment_box(mask)
    assert found is not None
    box = with_margin(found, photo.size)
    alpha = Image.fromarray(mask).crop(box)
    return np.concatenate([letterbox(photo.crop(box), PHOTO_SIZE), letterbox(alpha, PHOTO_SIZE, fill=0)], axis=2)


def _shop(archive: Path) -> Iterator[tuple[Record, Picture]]:
    rows = {row.image: row for row in manifest.shop_pictures(archive)}
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name in rows:
                row = rows[member.name]
                rgb = letterbox(_open(tar, member), SHOP_SIZE)
                yield (
                    _record(row, label=row.label, **row.words),
                    np.concatenate([rgb, white_background_alpha(rgb)], axis=2),
                )


def _open(tar: tarfile.TarFile, member: tarfile.TarInfo, mode: str = "RGB") -> Image.Image:
    return Image.open(io.BytesIO(_read(tar, member))).convert(mode)


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    handle = tar.extractfile(member)
    assert handle is not None
    return handle.read()


def _record(row: manifest.Row, **labels: str) -> Record:
    return {"image": row.image, "group": row.group, "split": row.split, **labels}


def build_cache(data: Path, folder: Path) -> None:
    """Write photos, street and shop arrays of the three published tars into `folder`; sets already there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    readers = (("photos", _photos), ("street", _street), ("shop", _shop))
    for (name, reader), archive in zip(readers, ARCHIVES, strict=True):
        if (folder / f"{name}.json").exists():
            continue
        records: list[Record] = []
        pictures: list[Picture] = []
        for record, picture in reader(data / archive):
            records.append(record)
            pictures.append(picture)
        _save(folder, name, records, pictures)
        log.info("cached %s: %d pictures", name, len(records))
