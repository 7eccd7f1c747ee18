"""Shop pictures with the colour that their shop wrote down: what colour words are fitted to and measured on.

Of fashion-product-images-small: the pictures of things to wear, cut out as the service does it. All products of one
title are on one side: a shirt in two sizes has two pictures that differ by nothing.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from Model.segmenters import Mask, Segmenter
from Model.segmenters.plain_border import plain_border_mask
from Model.training.manifest import Row, shop_pictures

SEED = 5
"""Draws the order of the titles."""

MEASURED = 6000
"""Products at the start of that order that nothing is ever fitted to; the measured ones are drawn from them."""

BATCH = 16

# A shop's words for what the palette has one word for, set down before anything was measured: the shade's plain name
# (coffee brown is brown), or for a metal the colour that it has in a picture (silver is grey). "Multi" names no colour
# and is in nobody's palette: it counts as a disagreement.
SYNONYMS: dict[str, str] = {
    "navy blue": "navy", "silver": "grey", "charcoal": "grey", "steel": "grey", "grey melange": "grey",
    "metallic": "grey", "off white": "white", "gold": "beige", "bronze": "brown", "copper": "brown",
    "coffee brown": "brown", "mushroom brown": "brown", "taupe": "brown", "maroon": "burgundy", "skin": "beige",
    "nude": "beige", "turquoise blue": "turquoise", "sea green": "green", "lime green": "green",
    "fluorescent green": "green", "rose": "pink", "mauve": "lavender", "rust": "brown",
}  # fmt: skip

# Shades with the word that a shop with fewer words uses for them: a looser way to agree.
FAMILIES: dict[str, str] = {
    "navy": "blue", "turquoise": "blue", "teal": "green", "olive": "green", "cream": "beige", "khaki": "beige",
    "tan": "brown", "burgundy": "red", "magenta": "pink", "peach": "pink", "lavender": "purple", "mustard": "yellow",
}  # fmt: skip


@dataclass(frozen=True)
class ShopPicture:
    """A picture cut out, with its shop's colour.

    Args:
        kind: the shop's type of article; category: of the thirteen, "" for others, such as watches and kurtas.
        said: the shop's own colour word; word: the palette's for it.
        image: RGB.
        mask: of the picture's size. Shape: (H, W).
    """

    kind: str
    category: str
    said: str
    word: str
    image: Image.Image
    mask: Mask


def palette_word(said: str) -> str:
    """Return the palette's word for a shop's."""
    return SYNONYMS.get(said.lower(), said.lower())


def family(word: str) -> str:
    """Return the plainer word for a palette's word."""
    return FAMILIES.get(word, word)


def in_drawn_order(archive: Path) -> list[Row]:
    """Return the shop's pictures that have a colour, title by title in the order that `SEED` draws."""
    rows = [row for row in shop_pictures(archive) if row.words["colour"] not in ("", "NA")]
    return sorted(rows, key=lambda row: (_drawn(row.words["title"] or row.image), row.image))


def sides(archive: Path) -> tuple[list[Row], list[Row]]:
    """Return the rows that may be fitted to, and those that may be measured on; no title is on both sides."""
    rows = in_drawn_order(archive)
    border = min(MEASURED, len(rows))
    while 0 < border < len(rows) and rows[border].words["title"] == rows[border - 1].words["title"]:
        border += 1
    return rows[border:], rows[:border]


def cut_out(rows: Sequence[Row], segmenter: Segmenter) -> Iterator[ShopPicture]:
    """Yield each row's picture with its mask, found as the service finds it.

    Args:
        rows: of one archive.
        segmenter: for pictures whose border is not plain.
    """
    if not rows or rows[0].archive is None:
        return
    with tarfile.open(rows[0].archive) as tar:
        for first in range(0, len(rows), BATCH):
            batch = rows[first : first + BATCH]
            images = [_picture(tar, row.image) for row in batch]
            plain = [plain_border_mask(image) for image in images]
            hard = [image for image, mask in zip(images, plain, strict=True) if mask is None]
            searched = iter(segmenter.masks(hard) if hard else [])
            for row, image, mask in zip(batch, images, plain, strict=True):
                said = row.words["colour"]
                found = next(searched) if mask is None else mask
                yield ShopPicture(row.words["type"], row.label, said, palette_word(said), image, found)


def _picture(tar: tarfile.TarFile, name: str) -> Image.Image:
    handle = tar.extractfile(name)
    assert handle is not None
    return Image.open(io.BytesIO(handle.read())).convert("RGB")


def _drawn(title: str) -> str:
    return hashlib.sha256(f"{SEED}-{title}".encode()).hexdigest()
