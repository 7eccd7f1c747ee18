"""The strong view: a fixed, seeded change of a picture that must still find its own product.

It stands for a customer's photo of a product that the catalogue has: taken from another side of the same garment, in
other light, with another phone, cut differently. The steps and ranges below are the definition of the figure
"instance recall"; VERSION is raised with every change of them, and figures of different versions are not compared.

1. mirror, in half of the views;
2. rotate by -15..15 degrees and tilt: each corner moves by up to 8 % of the side; uncovered corners repeat the edge;
3. cut: keep 60..95 % of the width and of the height, anywhere;
4. light: brightness 0.7..1.3, contrast 0.75..1.25, saturation 0.7..1.3, gain of each channel 0.92..1.08;
5. detail: shrink to 160..400 px on the long side, blur by a Gaussian of 0..1 px, save as JPEG of quality 30..75.
"""

from __future__ import annotations

import hashlib
import io
import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

VERSION = 1


def strong_view(image: Image.Image, key: str, seed: int = 0) -> Image.Image:
    """Return the strong view of a picture; the same for the same pixels, key and seed on every machine.

    Args:
        image: RGB.
        key: of the picture, such as its file name: every picture gets its own change.
        seed: of the whole evaluation.
    """
    digest = hashlib.sha256(f"{VERSION}|{seed}|{key}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    view = ImageOps.mirror(image) if rng.random() < 0.5 else image
    view = _cut(_turn(view, rng), rng)
    view = _light(view, rng)
    return _lose_detail(view, rng)


def _turn(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    width, height = image.size
    angle = math.radians(rng.uniform(-15, 15))
    centre = np.array([width / 2, height / 2])
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    seen = (corners - centre) @ turn.T + centre + rng.uniform(-0.08, 0.08, (4, 2)) * (width, height)
    # A border of repeated edge pixels, wide enough for every corner that now lies outside.
    room = math.ceil(0.5 * max(width, height))
    padded = Image.fromarray(np.pad(np.asarray(image), ((room, room), (room, room), (0, 0)), mode="edge"))
    coefficients = _perspective(corners, seen + room)
    return padded.transform(
        image.size, Image.Transform.PERSPECTIVE, tuple(coefficients.tolist()), Image.Resampling.BICUBIC
    )


def _perspective(target: npt.NDArray[np.float64], source: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return Pillow's eight coefficients that map four target corners to four source points. Shape: (4, 2), (4, 2)."""
    rows, values = [], []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.linalg.solve(np.array(rows), np.array(values))


def _cut(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    width, height = image.size
    keep_x, keep_y = rng.uniform(0.6, 0.95, 2)
    left, top = rng.uniform(0, 1 - keep_x) * width, rng.uniform(0, 1 - keep_y) * height
    right, bottom = left + keep_x * width, top + keep_y * height
    return image.crop((round(left), round(top), max(round(right), round(left) + 1), max(round(bottom), round(top) + 1)))


def _light(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    brightness, contrast, saturation = rng.uniform((0.7, 0.75, 0.7), (1.3, 1.25, 1.3))
    gains = rng.uniform(0.92, 1.08, 3)
    image = ImageEnhance.Brightness(image).enhance(brightness)
    image = ImageEnhance.Contrast(image).enhance(contrast)
    image = ImageEnhance.Color(image).enhance(saturation)
    return Image.fromarray(np.clip(np.asarray(image) * gains + 0.5, 0, 255).astype(np.uint8))


def _lose_detail(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    side = rng.uniform(160, 400)
    ratio = min(side / max(image.size), 1.0)
    size = (max(round(image.width * ratio), 1), max(round(image.height * ratio), 1))
    small = image.resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 1))))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=int(rng.integers(30, 76)))
    return Image.open(buffer).convert("RGB")
