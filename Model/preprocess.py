"""From uploaded bytes to a network's input: the one way, for catalogue and query alike.

A picture is refused by its header, before a single pixel is decoded; a JPEG is decoded at the smallest scale that
still has all the pixels that are needed; EXIF is applied once; crop and shrink are one resampling.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from Model.card import Card
from Model.errors import CropInvalid, ImageTooLarge, ImageTruncated, NotAnImage

PREPROCESSING_VERSION = 3
"""Part of the embedder_id: raise it with every change here or in the segmenters that changes a vector."""

WORKING_SIDE = 640
"""Longest side in px of the picture that masks are made for."""

ROOM = 0.1
"""Room that is looked at around a part of a photo, as a share of the part's longer side.

Chosen on validation photos (docs/experiments.md, 58).
"""

ORIENTATION_TAG = 0x0112
_TURNED_SIDEWAYS = {5, 6, 7, 8}
_KINDS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF")  # Pillow opens MPO as JPEG, under no name of its own
# What Pillow's plugins raise for bytes that they cannot make sense of; those for AVIF and HEIC raise RuntimeError.
_BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError),
    *(AssertionError, RuntimeError, struct.error, zlib.error),
)

Unit = Literal["fraction", "px"]


@dataclass(frozen=True)
class DecodeLimits:
    """What is refused by its header.

    Args:
        max_bytes: of the file.
        max_pixels: width times height.
    """

    max_bytes: int = 15_000_000
    max_pixels: int = 64_000_000


@dataclass(frozen=True)
class Box:
    """A rectangle as fractions of a picture: left, top, width, height, each 0..1."""

    x: float
    y: float
    w: float
    h: float


WHOLE = Box(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class View:
    """A part of a photo, with what is around it: what is garment shows against what is not.

    Args:
        image: upright RGB.
        part: what was asked for, as fractions of the image.
    """

    image: Image.Image
    part: Box = WHOLE


def decode(data: bytes, limits: DecodeLimits | None = None) -> Image.Image:
    """Return the whole picture upright, as RGB, transparency on white, at full size.

    Args:
        data: a JPEG, PNG, WebP, HEIC, AVIF or GIF (first frame) file.
        limits: defaults to DecodeLimits().
    Raises:
        NotAnImage, ImageTruncated, ImageTooLarge.
    """
    return _to_upright_rgb(_open(data, limits or DecodeLimits()))


def load(data: bytes, limits: DecodeLimits | None = None, side: int = WORKING_SIDE) -> Image.Image:
    """Return the picture upright, as RGB, with at most `side` px: what every stage after this one works on.

    The same picture as `shrink(decode(data), side)`, but a JPEG is decoded at a half, a quarter or an eighth of its
    size where that is enough.

    Args:
        data, limits: as for `decode`.
        side: longest side of the result in px.
    Raises:
        NotAnImage, ImageTruncated, ImageTooLarge.
    """
    return _load_part(_open(data, limits or DecodeLimits()), WHOLE, side)


def load_view(
    data: bytes,
    limits: DecodeLimits | None = None,
    crop_box: Sequence[float] | None = None,
    unit: Unit = "fraction",
) -> View:
    """Return the part of a picture inside the crop with `ROOM` around it, as `load` returns a whole one.

    Args:
        data, limits: as for `decode`.
        crop_box: x, y, width, height on the upright original; None for all of it.
        unit: of crop_box.
    Raises:
        NotAnImage, ImageTruncated, ImageTooLarge, CropInvalid.
    """
    image = _open(data, limits or DecodeLimits())
    size = _upright_size(image)
    box = WHOLE if crop_box is None else make_box(crop_box, unit, size)
    outer = with_room(box, size)
    part = Box((box.x - outer.x) / outer.w, (box.y - outer.y) / outer.h, box.w / outer.w, box.h / outer.h)
    return View(_load_part(image, outer, WORKING_SIDE), part)


def with_room(box: Box, size: tuple[int, int]) -> Box:
    """Return the box with `ROOM` on each side, clipped to the picture.

    Args:
        size: the picture's width and height in px.
    """
    width, height = size
    room = ROOM * max(box.w * width, box.h * height)
    left, top = max(box.x - room / width, 0.0), max(box.y - room / height, 0.0)
    right, bottom = min(box.x + box.w + room / width, 1.0), min(box.y + box.h + room / height, 1.0)
    return Box(left, top, right - left, bottom - top)


def make_box(values: Sequence[float], unit: Unit, size: tuple[int, int]) -> Box:
    """Check a crop box, clip it to the picture, and return it as fractions.

    Args:
        values: x, y, width, height.
        unit: fraction of the upright picture, or px.
        size: width and height of the upright picture in px.
    Raises:
        CropInvalid: not four finite numbers, empty, or wholly outside; a box that leaves less than one pixel is empty.
    """
    if len(values) != 4 or not all(math.isfinite(value) for value in values):
        raise CropInvalid("The crop box must be four numbers: x, y, width and height.")
    scale_x, scale_y = (1.0, 1.0) if unit == "fraction" else (1.0 / size[0], 1.0 / size[1])
    x, y, w, h = (values[0] * scale_x, values[1] * scale_y, values[2] * scale_x, values[3] * scale_y)
    left, top = max(x, 0.0), max(y, 0.0)
    right, bottom = min(x + w, 1.0), min(y + h, 1.0)
    # Half a pixel of slack: a one-pixel box given as rounded fractions is still a box.
    if w <= 0 or h <= 0 or (right - left) * size[0] < 0.5 or (bottom - top) * size[1] < 0.5:
        raise CropInvalid("The crop box is empty or outside the picture: draw it over the garment.")
    return Box(left, top, right - left, bottom - top)


def crop(image: Image.Image, box: Sequence[float], unit: Unit = "fraction") -> Image.Image:
    """Return the part of an upright picture inside the box, rounded to whole pixels.

    Raises:
        CropInvalid: see `make_box`.
    """
    part = make_box(box, unit, image.size)
    return image.crop(pixel_box(part, image.size))


def shrink(image: Image.Image, side: int = WORKING_SIDE) -> Image.Image:
    """Return the picture with at most `side` px on its longer side; a smaller one is returned as it is."""
    return _crop_and_shrink(image, WHOLE, side)


def to_batch(images: Sequence[Image.Image], card: Card) -> npt.NDArray[np.float32]:
    """Resize and normalise pictures as the card says.

    Args:
        images: RGB, or RGBA for a card whose background is alpha; at least one.
    Returns:
        (n, 3, H, W), C-contiguous, channels R, G, B; for such a card (n, 4, H, W) with alpha in 0..1, 1 where a picture
        has none.
    """
    height, width = card.input_size
    channels = 4 if card.background == "alpha" else 3
    scale = (1.0 / (255.0 * np.asarray(card.std))).astype(np.float32)
    shift = (np.asarray(card.mean) / np.asarray(card.std)).astype(np.float32)
    batch = np.empty((len(images), channels, height, width), dtype=np.float32)
    for row, image in zip(batch, images, strict=True):
        # Pillow would forget the colours that an alpha of 0 hides, so the two are scaled apart.
        pixels = np.asarray(fit(image if image.mode == "RGB" else image.convert("RGB"), card))  # (H, W, 3) uint8
        for channel in range(3):
            np.multiply(pixels[:, :, channel], scale[channel], out=row[channel], dtype=np.float32)
            row[channel] -= shift[channel]
        if channels == 4:
            row[3] = np.asarray(fit(image.getchannel("A"), card)) / np.float32(255) if image.mode == "RGBA" else 1
    return batch


def fit(image: Image.Image, card: Card) -> Image.Image:
    """Resize to the card's input size: squashed, or letterboxed in the middle of the pad colour.

    Args:
        image: RGB, or L, which is padded with 255.
    """
    height, width = card.input_size
    if card.resize == "squash":
        return image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)
    ratio = min(width / image.width, height / image.height)
    inner = (max(round(image.width * ratio), 1), max(round(image.height * ratio), 1))
    small = image.resize(inner, Image.Resampling.BICUBIC, reducing_gap=3.0)
    if inner == (width, height):
        return small
    canvas = Image.new(image.mode, (width, height), card.pad_color if image.mode == "RGB" else 255)
    canvas.paste(small, ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return canvas


def _open(data: bytes, limits: DecodeLimits) -> Image.Image:
    if not data:
        raise NotAnImage("The file is empty: choose a photo.")
    if len(data) > limits.max_bytes:
        raise ImageTooLarge(f"The file is larger than {limits.max_bytes / 1e6:.0f} MB: choose a smaller photo.")
    _register_heif()
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=_KINDS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(limits) from error
    except UnidentifiedImageError as error:
        if _looks_like_image(data):
            raise ImageTruncated("The picture is damaged or incomplete: send it again.") from error
        raise NotAnImage("This is not a JPEG, PNG, WebP, HEIC or GIF picture: choose a photo.") from error
    except _BROKEN as error:
        raise ImageTruncated("The picture is damaged or incomplete: send it again.") from error
    if image.width * image.height > limits.max_pixels:
        raise _too_many_pixels(limits)
    if image.width < 1 or image.height < 1:
        raise ImageTruncated("The picture has no pixels: send it again.")
    return image


def _load_part(image: Image.Image, box: Box, side: int) -> Image.Image:
    """Return the box of a picture that is opened, upright and shrunk, decoded no larger than it has to be."""
    width, height = _upright_size(image)
    if image.format in {"JPEG", "MPO"}:
        enough = side / max(box.w * width, box.h * height)
        if enough < 1.0:
            # Pillow picks the smallest of 1/1, 1/2, 1/4, 1/8 that is at least this large on both sides.
            image.draft("RGB", (math.ceil(image.width * enough), math.ceil(image.height * enough)))
    return _crop_and_shrink(_to_upright_rgb(image), box, side)


def _too_many_pixels(limits: DecodeLimits) -> ImageTooLarge:
    return ImageTooLarge(f"The picture has more than {limits.max_pixels / 1e6:.0f} megapixels: choose a smaller one.")


def _looks_like_image(data: bytes) -> bool:
    head = data[:16]
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG", b"GIF8")) or head[4:8] == b"ftyp" or head[8:12] == b"WEBP"


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION_TAG, 1))
    except _BROKEN:
        return 1  # a damaged EXIF block does not make the pixels unusable


def _upright_size(image: Image.Image) -> tuple[int, int]:
    turned = _orientation(image) in _TURNED_SIDEWAYS
    return (image.height, image.width) if turned else (image.width, image.height)


def _to_upright_rgb(image: Image.Image) -> Image.Image:
    try:
        image.load()
        upright = ImageOps.exif_transpose(image) if _orientation(image) != 1 else image
        return _to_rgb(upright)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLarge("The picture has too many pixels: choose a smaller one.") from error
    except (*_BROKEN, MemoryError) as error:
        raise ImageTruncated("The picture is damaged or incomplete: send it again.") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I"):
        # 16-bit grey: Pillow's own conversion clips at 255 instead of dividing.
        wide = np.asarray(image).astype(np.int64)
        if image.mode != "I" or wide.max(initial=0) > 255:
            wide = wide >> 8
        return Image.fromarray(np.clip(wide, 0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        white.alpha_composite(rgba)
        return white.convert("RGB")
    return image.convert("RGB")


def pixel_box(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom in whole px, at least one px each way."""
    width, height = size
    left, top = min(round(box.x * width), width - 1), min(round(box.y * height), height - 1)
    right, bottom = round((box.x + box.w) * width), round((box.y + box.h) * height)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _crop_and_shrink(image: Image.Image, box: Box, side: int) -> Image.Image:
    left, top, right, bottom = pixel_box(box, image.size)
    width, height = right - left, bottom - top
    ratio = min(side / max(width, height), 1.0)
    if ratio == 1.0:
        return image if (width, height) == image.size else image.crop((left, top, right, bottom))
    size = (max(round(width * ratio), 1), max(round(height * ratio), 1))
    return image.resize(size, Image.Resampling.BICUBIC, box=(left, top, right, bottom), reducing_gap=3.0)


@cache
def _register_heif() -> None:
    """Teach Pillow HEIC, once, when the first picture comes."""
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False)
