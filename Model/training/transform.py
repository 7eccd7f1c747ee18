"""The fixed strong transform of the instance test: a picture that must still find its own garment.

Written down once, seeded by the picture's name, so that every model is asked the same question: a crop to 65-90 % of
each side, a turn of up to 15 degrees, a perspective tilt, other light and colour, blur, a third of the resolution,
JPEG at quality 30-60, and a mirror image half the time.
"""

from __future__ import annotations

import hashlib
import io

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

VERSION = 1


def strong_transform(image: Image.Image, name: str) -> Image.Image:
    """Return the transformed picture; the same picture and name always give the same one.

    Args:
        image: RGB.
        name: seeds the transform, such as the picture's file name.
    """
    seed = int(hashlib.sha256(f"{VERSION}|{name}".encode()).hexdigest()[:16], 16)
    random = np.random.default_rng(seed)
    width, height = image.size
    share_x, share_y = random.uniform(0.65, 0.9, 2)
    left, top = random.uniform(0, 1 - share_x) * width, random.uniform(0, 1 - share_y) * height
    corners = np.array([[0, 0], [0, 1], [1, 1], [1, 0]], dtype=np.float64) - 0.5
    corners *= 1 + random.uniform(-0.08, 0.08, (4, 2))
    angle = np.radians(random.uniform(-15, 15))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = (corners @ turn.T + 0.5) * (share_x * width, share_y * height) + (left, top)
    size = (max(8, round(share_x * width)), max(8, round(share_y * height)))
    quad = tuple(float(value) for value in corners.reshape(-1))
    view = image.transform(size, Image.Transform.QUAD, quad, Image.Resampling.BILINEAR, fillcolor=(255, 255, 255))
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        view = enhancer(view).enhance(float(random.uniform(0.65, 1.4)))
    gains = random.uniform(0.9, 1.1, 3)
    view = Image.fromarray(np.clip(np.asarray(view) * gains, 0, 255).astype(np.uint8))
    small = view.resize((max(8, size[0] // 3), max(8, size[1] // 3)), Image.Resampling.BOX)
    view = small.resize(size, Image.Resampling.BICUBIC)
    view = view.filter(ImageFilter.GaussianBlur(float(random.uniform(0, 1.2))))
    if random.random() < 0.5:
        view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    buffer = io.BytesIO()
    view.save(buffer, "JPEG", quality=int(random.integers(30, 61)))
    return Image.open(buffer).convert("RGB")
